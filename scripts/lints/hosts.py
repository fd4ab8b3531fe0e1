"""No registry's address and no machine's path in committed files.

A lock file that names a registry ties everybody to it; locks pin by hash instead (docs/decisions.md, "Locks without
addresses"): Python's are made with `--no-emit-index-url`, npm's with `omit-lockfile-registry-resolved=true` in
`webapp/.npmrc`. A path of somebody's machine works on that machine only.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.lints._files import REPOSITORY, list_files, read_lines, report

# Put together from parts, so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("npmmirror", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("security", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("proxy", "golang", "org"),
    )
)
"""Hosts of package registries, without a sub-domain where any of them counts."""

MACHINE_FOLDERS = ("work", "root", "home")
"""Top folders that hold what belongs to one machine or person."""

NPM_SETTING = "omit-lockfile-registry-resolved=true"
"""Must stand in `webapp/.npmrc`: it keeps addresses out of `package-lock.json`."""

LOCK_NAMES = ("package-lock.json", "requirements.lock", "uv.txt")

_HOST = re.compile(
    r"(?<![\w-])(?:[\w-]+\.)*(" + "|".join(map(re.escape, REGISTRY_HOSTS)) + r")(?![\w-])", re.IGNORECASE
)
_MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:" + "|".join(MACHINE_FOLDERS) + r")/")
_LOCK_ADDRESS = re.compile(r'"resolved":|--(?:extra-)?index-url|--find-links|\S+ @ (?:https?|file):')


def find(root: Path) -> Iterator[str]:
    """Look through the committed files.

    Args:
        root: a git working copy.

    Yields:
        One finding each, as `file:line: sentence`.
    """
    files = list_files(root)
    for name in files:
        for number, line in read_lines(root / name):
            for match in _HOST.finditer(line):
                yield f"{name}:{number}: names a package registry's host ({match[0]})"
            for match in _MACHINE_PATH.finditer(line):
                yield f"{name}:{number}: holds a path of one machine ({match[0]}…)"
            for match in _LOCK_ADDRESS.finditer(line) if name.name in LOCK_NAMES else ():
                yield f"{name}:{number}: a lock file holds an address ({match[0]}); pin by hash alone"
    if Path("webapp/package-lock.json") in files and not _says_npm_setting(root / "webapp/.npmrc"):
        yield f"webapp/.npmrc:1: must say {NPM_SETTING}, or npm writes addresses into the lock file"


def _says_npm_setting(npmrc: Path) -> bool:
    """Whether npm's settings keep addresses out of the lock."""
    return npmrc.is_file() and any(line.replace(" ", "") == NPM_SETTING for _, line in read_lines(npmrc))


if __name__ == "__main__":
    sys.exit(report(find(REPOSITORY)))
