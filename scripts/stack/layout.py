"""Ports, folders and environment of every process of a stack. Pure but for reading what is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from control_plane.settings import is_own_machine
from scripts.stack.ports import HIGHEST_PORT
from scripts.stack.processes import Command, StackError, inherited_environment
from scripts.stack.secrets import get_secret

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
DEFAULT_PORT = 8000
MEDIA_OFFSET = 10
"""First media port, counted from the stack's port (decisions.md 3)."""
MAX_WORKERS = 16
OURS_ALONE = frozenset({"TR_DEMO_FILE", "TR_DEV_MAILBOX"})
"""Settings that an operator's environment can't give."""
_POSTGRES_OFFSET, _VALKEY_OFFSET = 5, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of one stack, counted from its first one `rest` (decisions.md 3)."""

    rest: int
    workers: int

    @property
    def signaling(self) -> int:
        """The signaling door."""
        return self.rest + 1

    @property
    def node_link(self) -> int:
        """The media agent's node link, health and metrics."""
        return self.rest + 2

    @property
    def jobs(self) -> int:
        """The jobs door: health and metrics."""
        return self.rest + 3

    @property
    def postgres(self) -> int:
        """The embedded PostgreSQL."""
        return self.rest + _POSTGRES_OFFSET

    @property
    def valkey(self) -> int:
        """The embedded Valkey."""
        return self.rest + _VALKEY_OFFSET

    @property
    def media(self) -> range:
        """One UDP and TCP port per media worker."""
        return range(self.rest + MEDIA_OFFSET, self.rest + MEDIA_OFFSET + self.workers)

    @property
    def count(self) -> int:
        """How far the stack's ports reach, the gaps counted."""
        return MEDIA_OFFSET + self.workers


def choose_ports(port: int, workers: int) -> Ports:
    """The ports of a stack.

    Args:
        port: the first, >= 1024.
        workers: media workers, 1 to MAX_WORKERS.

    Raises:
        StackError: they reach above 32767, where the kernel hands ports out to outgoing connections.
    """
    ports = Ports(rest=port, workers=workers)
    last = port + ports.count - 1
    if port < 1024 or last > HIGHEST_PORT:
        raise StackError(f"--port {port} would take ports {port} to {last}; they must lie from 1024 to {HIGHEST_PORT}.")
    return ports


def count_workers() -> int:
    """Media workers of this machine: TR_WORKERS, or one per core, at most MAX_WORKERS."""
    named = os.environ.get("TR_WORKERS", "")
    wanted = int(named) if named.isdigit() else (os.cpu_count() or 1)
    return max(1, min(MAX_WORKERS, wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything of one stack is.

    Attributes:
        data_dir: absolute; holds secrets, databases, logs.
        ports: see Ports.
        database_url: the app's DSN; database_owner_url: the migrations'.
        redis_url: Valkey's or Redis's.
        worker_binary: the mediasoup worker.
        demo_file: people whom the sign-in page offers; None: it offers nobody.
        has_mailbox: the database is ours, so letters may be kept and shown at /dev/mailbox, while pages are this machine's.
    """

    data_dir: Path
    ports: Ports
    database_url: str
    database_owner_url: str
    redis_url: str
    worker_binary: Path
    demo_file: Path | None = None
    has_mailbox: bool = False

    @property
    def base_url(self) -> str:
        """Where a browser on this machine opens the app; `localhost` is a secure context."""
        return f"http://localhost:{self.ports.rest}"

    @property
    def signaling_url(self) -> str:
        """The live socket's address."""
        return f"ws://localhost:{self.ports.signaling}/signaling"

    @property
    def logs_dir(self) -> Path:
        """One file per process."""
        return self.data_dir / "logs"

    def migrations(self) -> Command:
        """Brings the database to this version, then ends."""
        environment = {"DATABASE_URL": self.database_url, "DATABASE_OWNER_URL": self.database_owner_url}
        return self._python("migrations", "control_plane.migrate", environment=environment)

    def rest(self) -> Command:
        """The REST door."""
        environment = self._control_plane()
        if self.demo_file is not None:
            environment["TR_DEMO_FILE"] = str(self.demo_file)
        return self._python("rest", "control_plane", "--door", "rest", environment=environment)

    def signaling(self) -> Command:
        """The signaling door."""
        return self._python("signaling", "control_plane", "--door", "signaling", environment=self._control_plane())

    def jobs(self) -> Command:
        """The jobs door."""
        return self._python("jobs", "control_plane", "--door", "jobs", environment=self._control_plane())

    def agent(self) -> Command:
        """The media agent, who starts the workers."""
        ports = self.ports
        environment = {
            "TR_NODE_LINK_PORT": str(ports.node_link),
            "TR_MEDIA_BASE_PORT": str(ports.media.start),
            "TR_WORKERS": str(ports.workers),
            "TR_CONTROL_URL": f"http://127.0.0.1:{ports.rest}",
            "TR_NODE_ENROLMENT_TOKEN": get_secret(self.data_dir, "node_enrolment_token"),
            "TR_NODE_DATA_DIR": str(self.data_dir / "node"),
            "MEDIASOUP_WORKER_BIN": str(self.worker_binary),
        }
        return self._python("agent", "media_plane", environment=environment)

    def demo(self, credentials: Path) -> Command:
        """The presenter and the members of the demo room; credentials: the seeded people."""
        words = ("--base-url", self.base_url, "--credentials", str(credentials))
        return self._python("demo", "scripts.demo.presenter", *words, environment={})

    def _control_plane(self) -> dict[str, str]:
        webapp = ROOT / "webapp" / "dist"
        environment = {
            "TR_PORT": str(self.ports.rest),
            "TR_SIGNALING_PORT": str(self.ports.signaling),
            "TR_JOBS_PORT": str(self.ports.jobs),
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "TR_SECRET_KEY": get_secret(self.data_dir, "secret_key"),
            "TR_NODE_ENROLMENT_TOKEN": get_secret(self.data_dir, "node_enrolment_token"),
            "TR_SERVICE_KEY": get_secret(self.data_dir, "service_key"),
        }
        # Shown to the world it would hand everybody's account to anybody.
        if self.has_mailbox and is_own_machine(os.environ.get("TR_PUBLIC_URL", "").strip() or self.base_url):
            environment["TR_DEV_MAILBOX"] = "on"
        if (webapp / "index.html").is_file():
            environment["TR_WEBAPP_DIR"] = str(webapp)
        return environment

    def _python(self, name: str, *words: str, environment: Mapping[str, str]) -> Command:
        return Command(
            name=name,
            argv=(sys.executable, "-m", *words),
            env={**_environment_of_ours(), **environment},
            cwd=ROOT,
        )


def _environment_of_ours() -> dict[str, str]:
    """What every process of ours gets: the machine's basics, and TR_ settings the operator chose himself.

    Those of OURS_ALONE are not among them: passwords and letters may be shown only with a database of our own.
    """
    chosen = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("TR_", "SUPABASE_")) and name not in OURS_ALONE
    }
    return {**inherited_environment(), "PYTHONUNBUFFERED": "1", "TR_LOG_FORMAT": "json", **chosen}
