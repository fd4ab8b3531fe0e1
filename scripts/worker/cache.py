"""Folders that outlive a build, and locks between two builds."""

import fcntl
import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from scripts.worker.report import SetupError, say

REPOSITORY = Path(__file__).resolve().parents[2]
"""The project's folder."""


def cache_root() -> Path:
    """Where built workers and fetched tarballs are kept, made if missing.

    Returns:
        `tradingroom` under XDG_CACHE_HOME, else under `.cache` of HOME, else of the account's home; where none of these
        can be written to (an account without a home), under `.data/home/.cache` of the project, as scripts/setup/env.sh
        does.

    Raises:
        SetupError: none of them can be written to.
    """
    for base in _cache_bases():
        folder = base / "tradingroom"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    raise SetupError(
        "No folder for the cache: none of XDG_CACHE_HOME, HOME and the project's own folder can be written to."
    )


def _cache_bases() -> Iterator[Path]:
    """Folders to try, best first. Relative ones are ignored, as the XDG base directory specification asks."""
    for name, below in (("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        value = os.environ.get(name, "")
        if value.startswith("/"):
            yield Path(value, below)
    with suppress(KeyError):  # an account that is in no list
        yield Path(pwd.getpwuid(os.getuid()).pw_dir, ".cache")
    yield REPOSITORY / ".data" / "home" / ".cache"


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Hold a file lock: one process at a time. A process that dies lets go of it.

    Args:
        path: lock file, made if missing and left behind.
        waiting: sentence to show once when somebody else holds the lock.
    """
    with path.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def scratch(root: Path, prefix: str) -> Iterator[Path]:
    """A temporary folder on the same file system as `root`, so that a result can be renamed into place; removed at the end.

    Args:
        root: existing folder in which to make it.
        prefix: start of its name.
    """
    with tempfile.TemporaryDirectory(dir=root, prefix=prefix) as folder:
        yield Path(folder)
