"""The files a lint reads, and how it says what it found."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
"""The project's folder."""


def list_files(root: Path) -> list[Path]:
    """Files that are committed or would be: tracked by git, or new and not ignored.

    Args:
        root: a git working copy.

    Returns:
        Existing files, relative to `root`, sorted.
    """
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
    )
    names = {Path(name.decode()) for name in listed.stdout.split(b"\0") if name}
    return sorted(name for name in names if (root / name).is_file())


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Lines of a text file with their numbers, from 1; nothing for a file that is not UTF-8 text."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if "\0" not in text:
        yield from enumerate(text.split("\n"), start=1)


def report(findings: Iterable[str]) -> int:
    """Print findings.

    Args:
        findings: `file:line: sentence`, each.

    Returns:
        The exit code: 1 when there are any, else 0.
    """
    found = list(findings)
    for finding in found:
        print(finding)
    if found:
        print(f"{len(found)} found", file=sys.stderr)
    return 1 if found else 0
