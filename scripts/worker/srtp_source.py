"""The sources of libsrtp, fetched through apt from the machine's own mirror.

Works for root and for others: apt gets a state folder of its own, so neither the system's lists nor its sources are touched.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.worker.cache import cache_root, locked, scratch
from scripts.worker.recipe import SrtpSource, release_name
from scripts.worker.report import SetupError, say
from scripts.worker.tarball import unpack

PACKAGE = "libsrtp2"
ARCHIVE_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""Debian's own keys, of the package debian-archive-keyring."""
APT_TIMEOUT_S = 120
"""The release's list of sources is 10 MB."""


def fetch_srtp(source: SrtpSource) -> Path | None:
    """The verified tarball: the cached one, else through apt.

    Args:
        source: which one.

    Returns:
        A `.tar.gz` in the cache, verified now; None where it can't be had, after saying why.
    """
    root = cache_root()
    kept = root / f"libsrtp-{source.version}.tar.gz"
    with locked(root / "srtp.lock", "waiting for another process that fetches the sources of libsrtp"):
        if kept.is_file() and _is_genuine(kept, source):
            return kept
        with scratch(root, "srtp-") as folder:
            try:
                fetched = _apt_source(folder)
            except SetupError as error:
                say(str(error))
                return None
            if not _is_genuine(fetched, source):
                say(f"{fetched.name} is not the one that was pinned, so nothing of it was used")
                return None
            fetched.replace(kept)
    return kept


def unpack_srtp(tarball: Path, into: Path) -> None:
    """Unpack what `fetch_srtp` returned; all in it lies below one folder of the tarball's own name."""
    unpack(tarball, into, f"{tarball.name.removesuffix('.tar.gz')}/")


def find_mirrors(printed: str, release: str) -> list[str]:
    """The addresses a release is fetched from.

    Args:
        printed: what `apt-get update --print-uris` says: an address in quotes at the start of each line.
        release: its code name. Its updates and other suites do not count: sources do not change within a release.

    Returns:
        Addresses without `/dists/...`, each once, in apt's order.
    """
    found = re.findall(rf"^'([^']+)/dists/{re.escape(release)}/InRelease'", printed, re.MULTILINE)
    return list(dict.fromkeys(found))


def _is_genuine(tarball: Path, source: SrtpSource) -> bool:
    return hashlib.sha256(tarball.read_bytes()).hexdigest() == source.sha256


def _apt_source(folder: Path) -> Path:
    """Let apt fetch the tarball into an empty folder. Raises SetupError."""
    if shutil.which("apt-get") is None:
        raise SetupError("there is no apt-get here, so no sources of libsrtp")
    release = release_name()
    mirrors = find_mirrors(_run(["apt-get", "update", "--print-uris"], folder), release)
    if not mirrors:
        raise SetupError(f"apt knows no mirror of {release}, so the sources of libsrtp can't be fetched")
    signed = f"[signed-by={ARCHIVE_KEYS}] " if ARCHIVE_KEYS.is_file() else ""
    lines = [f"deb-src {signed}{mirror} {release} main\n" for mirror in mirrors]
    (folder / "sources.list").write_text("".join(lines), encoding="utf-8")
    for made in ("state/lists/partial", "cache/archives/partial"):
        (folder / made).mkdir(parents=True)
    options = [
        f"-oDir::State={folder / 'state'}",
        f"-oDir::Cache={folder / 'cache'}",
        f"-oDir::Etc::SourceList={folder / 'sources.list'}",
        "-oDir::Etc::SourceParts=/dev/null",
        # As root apt would fetch as the user _apt, who may not enter a home folder. The tarball's hash is pinned.
        "-oAPT::Sandbox::User=",
        "-oAcquire::Retries=2",
        "-oAcquire::http::Timeout=20",
    ]
    say(f"fetching the sources of libsrtp through apt ({release})")
    _run(["apt-get", *options, "-q", "update"], folder)
    _run(["apt-get", *options, "-q", "source", "--download-only", "--tar-only", PACKAGE], folder)
    fetched = list(folder.glob("*.orig.tar.gz"))
    if len(fetched) != 1:
        raise SetupError(f"apt fetched {len(fetched)} tarballs of libsrtp, expected one")
    return fetched[0]


def _run(command: Sequence[str], folder: Path) -> str:
    """Standard output of a command run in a folder. Raises SetupError with the end of what it said."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=APT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"apt did not answer within {APT_TIMEOUT_S} s: {' '.join(command)}") from error
    if done.returncode != 0:
        raise SetupError(f"`{' '.join(command)}` failed (exit {done.returncode}): {done.stderr.strip()[-500:]}")
    return done.stdout
