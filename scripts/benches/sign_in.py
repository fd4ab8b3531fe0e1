"""Sign-ins by password: how many a CPU-second of the REST door, beside bare argon2id with the same parameters.

The door is a whole one, with its log, metrics and limits, on a real PostgreSQL and Valkey; CONNECTIONS callers sign in
as fast as they are answered, each time as the next of ACCOUNTS people. The peer verifies the same hash by the same library
on as many threads and does nothing else. They take turns. In a third turn people whose hash costs next to nothing sign in
at the same door: what a sign-in takes besides argon2.

    scripts/bench sign-in
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import argon2
import msgspec

from control_plane.app import compose
from control_plane.services.accounts import TRIES_PER_ACCOUNT
from control_plane.services.platform import Platform
from control_plane.settings import read_settings
from control_plane.stores.accounts import insert_account
from scripts.benches.doors import REST_DOOR, door_environment, migrate, read_answer, running, wait_for_port
from scripts.benches.figures import Figure, compare, print_figure
from scripts.benches.machine import CpuClock
from scripts.stack.layout import ROOT
from scripts.stack.ports import free_port
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.processes import StackError
from scripts.stack.valkey import EmbeddedValkey

CONNECTIONS = 16
ACCOUNTS = 400
"""Of each kind: beyond TRIES_PER_ACCOUNT sign-ins of one the door would ask the database once more each time."""
ROUNDS, FULL_ROUNDS = 3, 12
WARM_UP_S, MEASURED_S, DOOR_ALONE_S = 1.0, 2.5, 1.0
PASSWORD = "a long enough password"  # noqa: S105 - of a throw-away database


class Servers(msgspec.Struct, frozen=True):
    """What a door runs on: its variables, and the processes of PostgreSQL and Valkey."""

    environment: dict[str, str]
    postgres_pid: int
    valkey_pid: int


class Lengths(msgspec.Struct, frozen=True):
    """How many rounds, and of how many seconds: of sign-ins and of the peer; of sign-ins that need no argon2; before all."""

    rounds: int
    measured_s: float = MEASURED_S
    door_alone_s: float = DOOR_ALONE_S
    warm_up_s: float = WARM_UP_S


class Turn(msgspec.Struct, frozen=True):
    """One turn of one side. done: sign-ins or verifications, > 0; CPU seconds of who did them, > 0, and of the servers."""

    done: int
    cpu_s: float
    postgres_cpu_s: float = 0.0
    valkey_cpu_s: float = 0.0

    @property
    def per_cpu_s(self) -> float:
        """How many a CPU-second of who did them, the servers left out."""
        return self.done / self.cpu_s

    @property
    def cpu_ms(self) -> float:
        """What one took of it, milliseconds."""
        return self.cpu_s / self.done * 1000


class Turns(msgspec.Struct, frozen=True):
    """All turns, one of each kind a round: sign-ins, bare verifications, sign-ins that need no argon2."""

    ours: list[Turn] = msgspec.field(default_factory=list)
    peer: list[Turn] = msgspec.field(default_factory=list)
    door_alone: list[Turn] = msgspec.field(default_factory=list)


async def measure(*, is_full: bool = False) -> None:
    """Start database and door, measure, print the figures, stop them. is_full: four times as many rounds."""
    with tempfile.TemporaryDirectory() as folder:
        # The database runs as another user, who must get through to its folder.
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - once, before anything runs
        postgres = EmbeddedPostgres(Path(folder) / "postgres", free_port(), is_throw_away=True)
        with postgres, EmbeddedValkey(Path(folder) / "valkey", free_port()) as valkey:
            await asyncio.to_thread(migrate, postgres)
            environment = door_environment(postgres.app_url(), valkey.url())
            servers = Servers(environment, postgres.pid, valkey.pid)
            turns = await take_turns(servers, Lengths(FULL_ROUNDS if is_full else ROUNDS))
    for figure in figures_of(turns):
        print_figure(figure)


async def take_turns(servers: Servers, lengths: Lengths) -> Turns:
    """Fill the migrated database with people, start a door and the peer, and measure them in turn.

    Raises:
        StackError: the door does not come up or refuses a sign-in, or one person signed in too often.
    """
    async with compose(read_settings(servers.environment)) as platform:
        password_hash = await platform.accounts.passwords.hash(PASSWORD)
        cheap_hash = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        people = _People(await _fill(platform, "dear", password_hash))
        cheap_people = _People(await _fill(platform, "cheap", cheap_hash))
    port, turns = free_port(), Turns()
    environment = {**servers.environment, "TR_PORT": str(port)}
    with running(list(REST_DOOR), environment) as door_pid, _bare_argon2(password_hash) as peer:
        door = _Door(door_pid, port, servers)
        await wait_for_port(port)
        for seconds, signers in ((lengths.warm_up_s, people), (lengths.door_alone_s, cheap_people)):
            await door.sign_in_for(signers, seconds)
        await asyncio.to_thread(_verify_for, peer, lengths.warm_up_s)
        for _ in range(lengths.rounds):
            turns.ours.append(await door.sign_in_for(people, lengths.measured_s))
            turns.peer.append(await asyncio.to_thread(_verify_for, peer, lengths.measured_s))
            turns.door_alone.append(await door.sign_in_for(cheap_people, lengths.door_alone_s))
    return turns


def figures_of(turns: Turns) -> list[Figure]:
    """The ratio, and what a sign-in costs besides argon2 at the same door. At least one turn of each kind."""
    dear_ms, bare_ms, alone_ms = (
        statistics.median(one.cpu_ms for one in kind) for kind in (turns.ours, turns.peer, turns.door_alone)
    )
    postgres_ms = statistics.median(one.postgres_cpu_s / one.done * 1000 for one in turns.ours)
    valkey_ms = statistics.median(one.valkey_cpu_s / one.done * 1000 for one in turns.ours)
    facts: dict[str, str | float] = {
        "sign_in_cpu_ms": round(dear_ms, 2),
        "argon2_cpu_ms": round(bare_ms, 2),
        "postgres_cpu_ms": round(postgres_ms, 2),
        "valkey_cpu_ms": round(valkey_ms, 2),
        "postgres_share": round(postgres_ms / (dear_ms + postgres_ms + valkey_ms), 3),
        "ratio_with_servers": round(bare_ms / (dear_ms + postgres_ms + valkey_ms), 2),
    }
    ratio = compare(
        name="sign_in",
        unit="sign-ins/CPU-s",
        ours=[one.per_cpu_s for one in turns.ours],
        peer=[one.per_cpu_s for one in turns.peer],
        peer_name="bare argon2id",
        facts=facts,
    )
    alone = [one.cpu_ms for one in turns.door_alone]
    return [
        ratio,
        Figure(
            name="sign_in_besides_argon2",
            ours=round(alone_ms, 2),
            unit="CPU-ms",
            samples=len(alone),
            ours_range=(round(min(alone), 2), round(max(alone), 2)),
        ),
    ]


async def _fill(platform: Platform, kind: str, password_hash: str) -> list[str]:
    """ACCOUNTS people with one hash, whose addresses count; their addresses."""
    accounts = platform.accounts
    emails = [f"{kind}-{number}@example.com" for number in range(ACCOUNTS)]
    async with accounts.db.platform() as tx:
        for email in emails:
            account = accounts.new_account(email, {})
            account = msgspec.structs.replace(account, email_confirmed_at=account.created_at)
            await insert_account(tx, account, password_hash)
    return emails


class _People:
    """Who signs in next; each at most TRIES_PER_ACCOUNT times."""

    def __init__(self, emails: list[str]) -> None:
        self._emails = emails
        self._turns = count()

    def next_request(self) -> bytes:
        number = next(self._turns)
        if number >= len(self._emails) * TRIES_PER_ACCOUNT:
            raise StackError("every account has signed in as often as it may before the door counts guesses")
        body = json.dumps({"email": self._emails[number % len(self._emails)], "password": PASSWORD}).encode()
        head = "POST /auth/v1/token?grant_type=password HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class _Door:
    """A REST door that runs, and the clocks beside it."""

    def __init__(self, pid: int, port: int, servers: Servers) -> None:
        self._pids = (pid, servers.postgres_pid, servers.valkey_pid)
        self._port = port

    async def sign_in_for(self, people: _People, seconds: float) -> Turn:
        """CONNECTIONS callers, each signing the next person in when it was answered, at least once."""
        clocks = [CpuClock(pid) for pid in self._pids]
        end = time.monotonic() + seconds
        done = sum(await asyncio.gather(*(self._keep_signing_in(people, end) for _ in range(CONNECTIONS))))
        return Turn(done, *(clock.seconds() for clock in clocks))

    async def _keep_signing_in(self, people: _People, end: float) -> int:
        done = 0
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while not done or time.monotonic() < end:
                writer.write(people.next_request())
                head, body = await read_answer(reader)
                if not head.startswith(b"HTTP/1.1 200") or b'"access_token"' not in body:
                    raise StackError(f"not signed in: {head[:60]!r} {body[:200]!r}")
                done += 1
        finally:
            writer.close()
        return done


@contextmanager
def _bare_argon2(password_hash: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "scripts.benches.bare_argon2", PASSWORD, password_hash]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _verify_for(process: subprocess.Popen[str], seconds: float) -> Turn:
    if process.stdin is None or process.stdout is None:
        raise StackError("the peer has no pipes")
    clock = CpuClock(process.pid)
    process.stdin.write(f"{seconds}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise StackError("the peer ended")
    return Turn(int(answer), clock.seconds())
