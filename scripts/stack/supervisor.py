"""The stack: starts everything in order, keeps it running, stops it in order, leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.stack.child_log import ChildLog
from scripts.stack.claim import Claim
from scripts.stack.console import say
from scripts.stack.guard import Guard
from scripts.stack.layout import Layout, Ports
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.processes import Command, StackError
from scripts.stack.secrets import write_private
from scripts.stack.service import Service
from scripts.stack.valkey import EmbeddedValkey
from scripts.worker.obtain import obtain
from scripts.worker.report import SetupError

START_TIMEOUT_S = 60.0
"""From start to ready, for any one process: generous, machines may be busy."""
_MIGRATIONS_TIMEOUT_S = 120.0
_SIGNALING_STOP_S, _DOORS_STOP_S, _STORES_STOP_S = 3.0, 4.0, 2.5
"""What each group may take to stop; together below 10 s."""
_PROBE_TIMEOUT_S = 2.0
STATE_FILE = "stack.json"
"""In the data folder while the stack runs: addresses, and pids by name. A killed one leaves it; `supervisor` tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignStores:
    """Databases of someone else, as addresses; "" where ours is embedded. Nothing is seeded into a foreign one.

    Without database_owner_url the operator runs the migrations.
    """

    database_url: str = ""
    database_owner_url: str = ""
    redis_url: str = ""


EMBEDDED_STORES = ForeignStores()


def named_stores() -> ForeignStores:
    """The stores named by DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL."""
    names = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    database_url, database_owner_url, redis_url = (os.environ.get(name, "").strip() for name in names)
    return ForeignStores(database_url=database_url, database_owner_url=database_owner_url, redis_url=redis_url)


class Stack:
    """Everything on one machine: `async with Stack(data_dir, ports) as stack`.

    Args:
        data_dir: made if missing; one stack at a time.
        ports: see choose_ports.
        is_throw_away: the database is not flushed to disk, and stopping deletes it.
        stores: databases of someone else to use; those not named are embedded.
        demo_file: people whom the sign-in page offers; disregarded with someone else's database.
    """

    def __init__(
        self,
        data_dir: Path,
        ports: Ports,
        *,
        is_throw_away: bool = False,
        stores: ForeignStores = EMBEDDED_STORES,
        demo_file: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.ports = ports
        self.services: dict[str, Service] = {}
        self.is_throw_away = is_throw_away
        self._postgres: EmbeddedPostgres | None = None
        if not stores.database_url:
            self._postgres = EmbeddedPostgres(self.data_dir, ports.postgres, is_throw_away=is_throw_away)
        self._valkey = None if stores.redis_url else EmbeddedValkey(self.data_dir, ports.valkey)
        self._stores = stores
        self._demo_file = demo_file if self.owns_database else None
        self._claim = Claim(self.data_dir)
        self._has_claim = False
        self._guard = Guard()
        self._layout: Layout | None = None
        self._is_ready = False

    @property
    def layout(self) -> Layout:
        """Addresses and commands; known once started."""
        assert self._layout is not None
        return self._layout

    @property
    def owns_database(self) -> bool:
        """Whether the database is our embedded one, so that demo people may be put in."""
        return self._postgres is not None

    # --- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything; returns when all of it is ready. On an error nothing is left running.

        Raises:
            StackError: with what is wrong and what to do.
        """
        try:
            self._claim.take()
            self._has_claim = True
            (self.data_dir / STATE_FILE).unlink(missing_ok=True)
            self._claim.require_free(self._own_ports())
            await self._start_all()
            self._is_ready = True
            self._write_state()
        except BaseException as error:
            await self.stop()
            sentence = _find_stack_error(error)
            if sentence is None:
                raise
            raise sentence from None

    async def start_demo(self, credentials: Path) -> None:
        """Start the demo's presenter once its people are put in. It is kept running; nobody waits until it presents."""

        async def is_ready(_pid: int) -> bool:
            return True

        await self._start(self._add("demo", lambda: self.layout.demo(credentials), is_ready, None))

    async def stop(self) -> None:
        """Stop everything in order, within 10 s. May be called twice."""
        self._is_ready = False
        await self._stop_services(_SIGNALING_STOP_S, "demo", "signaling")
        await self._stop_services(_DOORS_STOP_S, "agent", "rest", "jobs")
        await self._stop_services(_STORES_STOP_S, "postgres", "valkey")
        self._guard.end()
        if self._has_claim:
            (self.data_dir / STATE_FILE).unlink(missing_ok=True)
            if self.is_throw_away and self._postgres is not None:
                self._postgres.forget()
            self._claim.release()
            self._has_claim = False

    def kill(self) -> None:
        """SIGKILL everything at once, for the impatient; `stop` still follows, and then is quick."""
        for service in self.services.values():
            service.kill()

    # --- starting

    def _own_ports(self) -> list[int]:
        ports = self.ports
        own = [ports.rest, ports.signaling, ports.jobs, ports.node_link, *ports.media]
        own += [ports.postgres] if self._postgres else []
        return own + ([ports.valkey] if self._valkey else [])

    async def _start_all(self) -> None:
        worker = await asyncio.to_thread(_obtain_worker)
        self._guard.begin()
        postgres, valkey, foreign = self._postgres, self._valkey, self._stores
        self._layout = Layout(
            data_dir=self.data_dir,
            ports=self.ports,
            database_url=postgres.app_url() if postgres else foreign.database_url,
            database_owner_url=postgres.owner_url() if postgres else foreign.database_owner_url,
            redis_url=valkey.url() if valkey else foreign.redis_url,
            worker_binary=worker,
            demo_file=self._demo_file,
            has_mailbox=self.owns_database,
        )
        async with asyncio.TaskGroup() as group:
            for store in (postgres, valkey):
                if store is not None:
                    group.create_task(self._start(self._add_store(store)))
        await self._migrate()
        doors = (
            ("rest", self.layout.rest, self.ports.rest),
            ("signaling", self.layout.signaling, self.ports.signaling),
            ("jobs", self.layout.jobs, self.ports.jobs),
        )
        async with asyncio.TaskGroup() as group:
            for name, command, port in (*doors, ("agent", self.layout.agent, self.ports.node_link)):
                group.create_task(self._start(self._add_door(name, command, port)))

    def _add_store(self, store: EmbeddedPostgres | EmbeddedValkey) -> Service:
        async def is_ready(pid: int) -> bool:
            return await asyncio.to_thread(store.is_ready, pid)

        return self._add(store.name, store.command, is_ready, store.prepare)

    def _add_door(self, name: str, command: Callable[[], Command], port: int) -> Service:
        async def is_ready(_pid: int) -> bool:
            return await answers_ready(port)

        return self._add(name, command, is_ready, None)

    def _add(
        self,
        name: str,
        command: Callable[[], Command],
        is_ready: Callable[[int], Awaitable[bool]],
        prepare: Callable[[], None] | None,
    ) -> Service:
        log = ChildLog(name, self.layout.logs_dir)
        service = Service(name, command=command, is_ready=is_ready, log=log, on_change=self._changed, prepare=prepare)
        self.services[name] = service
        return service

    async def _start(self, service: Service) -> None:
        began = time.monotonic()
        await service.start(timeout_s=START_TIMEOUT_S)
        say(f"{service.name} is up ({time.monotonic() - began:.1f} s)")

    async def _migrate(self) -> None:
        """Run the migrations in a process of their own, with the owner's DSN.

        Raises:
            StackError: they failed; the last lines of their log are in the message.
        """
        if not self.layout.database_owner_url:
            say("DATABASE_OWNER_URL is not set: migrations are left to you (scripts/migrate)")
            return
        began = time.monotonic()
        log = ChildLog("migrations", self.layout.logs_dir)

        async def never(_pid: int) -> bool:
            return False

        run = Service("migrations", command=self.layout.migrations, is_ready=never, log=log, on_change=self._changed)
        try:
            await run.run_once(timeout_s=_MIGRATIONS_TIMEOUT_S)
        finally:
            await run.stop(timeout_s=1.0)
        say(f"database is up to date ({time.monotonic() - began:.1f} s)")

    # --- stopping

    async def _stop_services(self, timeout_s: float, *names: str) -> None:
        stopping = [self.services[name] for name in names if name in self.services]
        await asyncio.gather(*(service.stop(timeout_s=timeout_s) for service in stopping))
        for service in stopping:
            self.services.pop(service.name, None)

    # --- telling

    def _changed(self, pid: int, *, is_there: bool, is_orderly: bool) -> None:
        """A process group came or went: the guard and the state file hear of it."""
        self._guard.note(pid, is_there=is_there, is_orderly=is_orderly)
        self._write_state()

    def _write_state(self) -> None:
        if self._layout is None:
            return
        state = {
            "is_ready": self._is_ready,
            "supervisor": os.getpid(),
            "base_url": self._layout.base_url,
            "signaling_url": self._layout.signaling_url,
            "pids": {name: service.pid for name, service in self.services.items() if service.pid is not None},
        }
        write_private(self.data_dir / STATE_FILE, json.dumps(state, indent=2) + "\n")


def _find_stack_error(error: BaseException) -> StackError | None:
    """The first sentence for people in an error or a group of them."""
    if isinstance(error, BaseExceptionGroup):
        found = (_find_stack_error(one) for one in error.exceptions)
        return next((one for one in found if one is not None), None)
    return error if isinstance(error, StackError) else None


def _obtain_worker() -> Path:
    try:
        return obtain()
    except SetupError as error:
        raise StackError(str(error)) from error


async def answers_ready(port: int) -> bool:
    """Whether `GET /ready` on this port of 127.0.0.1 answers 200."""
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in status
