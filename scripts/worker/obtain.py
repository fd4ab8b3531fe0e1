"""Which worker binary to take: the one named, the one cached, or one built now."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from media_plane.channel.version import WORKER_VERSION
from scripts.worker.binary import loads_system_srtp, why_not
from scripts.worker.build import build
from scripts.worker.cache import REPOSITORY, cache_root, locked
from scripts.worker.recipe import (
    BUILD_PACKAGES,
    LIBRARY_PACKAGES,
    SRTP_SOURCES,
    SYSTEM_SRTP_PACKAGE,
    SrtpSource,
    recipe_hash,
    release_name,
)
from scripts.worker.report import SetupError, say
from scripts.worker.srtp_source import fetch_srtp
from scripts.worker.tarball import fetch

APT = REPOSITORY / "scripts" / "setup" / "apt"
"""Installs Debian packages as root, or prints the command."""

PREBUILT_SHA256: dict[str, str] = {}
"""SHA-256 of mediasoup's own prebuilt worker by machine (`uname -m`). Empty: they could not be fetched where this was
written, and an unchecked binary from the net is not run. Whoever can, adds them here together with the download."""

SLOWER = "WARNING: this worker uses the system's libsrtp (NSS at Debian), which forwards an eighth fewer packets."


def obtain() -> Path:
    """A worker binary that runs on this machine, in the order of `docs/decisions.md`: named, cached, prebuilt, built.

    Returns:
        Its path.

    Raises:
        SetupError: MEDIASOUP_WORKER_BIN names one that does not run, or none can be had.
    """
    named = os.environ.get("MEDIASOUP_WORKER_BIN", "")
    if named:
        return _take_named(Path(named))
    root = cache_root()
    best = _cached_path(root, srtp=SRTP_SOURCES.get(release_name()))
    plain = _cached_path(root, srtp=None)
    found = _find_cached(best, plain)
    if found is not None:
        return found
    with locked(root / "build.lock", "another build of the worker is under way; waiting for it"):
        found = _find_cached(best, plain)
        if found is not None:
            return found
        if os.environ.get("WORKER_PREBUILT") == "1":
            _refuse_prebuilt()
        return _build(best, plain)


def _cached_path(root: Path, *, srtp: SrtpSource | None) -> Path:
    """Where the worker with that libsrtp is kept."""
    return root / f"mediasoup-worker-{WORKER_VERSION}-{recipe_hash(srtp=srtp)}" / "mediasoup-worker"


def _find_cached(best: Path, plain: Path) -> Path | None:
    """The cached worker that runs: with libsrtp on OpenSSL, else the one with the system's, which is told each time."""
    if _cached_runs(best):
        return best
    if not _cached_runs(plain):
        return None
    if plain != best:
        say(f"{SLOWER} To try again for the better one, remove {plain.parent}")
    return plain


def _build(best: Path, plain: Path) -> Path:
    """Build the better worker, or where the sources of libsrtp can't be had, the other. The caller holds the lock."""
    _need_packages(BUILD_PACKAGES)
    source = SRTP_SOURCES.get(release_name())
    srtp = None if source is None else fetch_srtp(source)
    if srtp is None:
        say(SLOWER)
        _need_packages((SYSTEM_SRTP_PACKAGE,))
    binary = plain if srtp is None else best
    build(fetch(), binary, srtp)
    return binary


def _take_named(binary: Path) -> Path:
    """The binary that the environment names; never replaced by another, as that would hide a mistake."""
    found = shutil.which(binary)
    reason = "it is not an executable file" if found is None else why_not(Path(found))
    if reason or found is None:
        raise SetupError(f"MEDIASOUP_WORKER_BIN is {binary}, but {reason}. Correct it, or unset it to use a built one.")
    return Path(found).absolute()


def _cached_runs(binary: Path) -> bool:
    """Whether the cached binary is there and runs, after giving it its shared libraries where those are missing."""
    if not binary.is_file():
        return False
    reason = why_not(binary)
    if reason is None:
        return True
    say(f"the cached worker does not run yet: {reason}")
    _need_packages((*LIBRARY_PACKAGES, SYSTEM_SRTP_PACKAGE) if loads_system_srtp(binary) else LIBRARY_PACKAGES)
    reason = why_not(binary)
    if reason is None:
        return True
    say(f"the cached worker does not run: {reason}; building another")
    return False


def _refuse_prebuilt() -> None:
    """Say why the official prebuilt is not taken, when it was asked for."""
    machine = platform.machine()
    if machine not in PREBUILT_SHA256:
        say(
            f"WORKER_PREBUILT=1 is refused: no checksum is pinned for the prebuilt worker of {machine}; building instead"
        )


def _need_packages(packages: tuple[str, ...]) -> None:
    """Have Debian packages installed; as root they are, else the command is printed.

    Raises:
        SetupError: they are missing and cannot be installed.
    """
    done = subprocess.run([APT, *packages], stdin=subprocess.DEVNULL, stdout=2, check=False)
    if done.returncode != 0:
        raise SetupError("The worker needs the system packages named above.")
