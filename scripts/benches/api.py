"""The rooms page: requests a CPU-second of the app, ours beside fastify + pg and FastAPI + asyncpg.

One database, one page of ROOMS rooms, the same token check (ES256, then the sign-in's row) and the same statement
under row-level security; nothing is cached by anybody. CONNECTIONS callers ask as fast as they are answered. The apps take
turns, so that a busy machine slows all of them; CPU time is the app's process's own, from /proc. Ours is the whole REST door
with its log, metrics, rate limits and ETags; the peers have none of these.

    scripts/bench api
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.app import compose
from control_plane.domain.accounts import Account
from control_plane.domain.keys import KeyPurpose
from control_plane.domain.plans import SSO_TIERS, PlanTier
from control_plane.settings import read_settings
from scripts.benches.doors import REST_DOOR, door_environment, migrate, read_answer, running, wait_for_port
from scripts.benches.figures import compare, print_figure
from scripts.benches.node_peers import NODE, PEERS, need_peers
from scripts.stack.ports import free_port
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.processes import StackError
from scripts.stack.valkey import EmbeddedValkey

ROOMS = 20
CONNECTIONS = 16
POOL = 10
ROUNDS, FULL_ROUNDS = 2, 5
WARM_UP_S, MEASURED_S = 3.0, 2.5
"""Node's compiler is at work for some 10,000 requests: after 1 s of them fastify took 257 us a request, after 4 s 216."""
PEER_NAMES = {"fastify": "fastify + pg", "fastapi": "FastAPI + asyncpg"}
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PASSWORD = "a long enough password"  # noqa: S105 - of a throw-away database


@dataclass
class Load:
    """What the callers saw. latencies_s: of every answer."""

    bytes_per_answer: int = 0
    latencies_s: list[float] = field(default_factory=list)


class Figures(msgspec.Struct, frozen=True):
    """One app in one round."""

    requests_per_cpu_s: float
    requests_per_s: float
    p99_ms: float


async def measure(*, is_full: bool = False) -> None:
    """Print one line of JSON for each peer: requests a CPU-second, and how long one in a hundred waits."""
    need_peers()
    rounds = FULL_ROUNDS if is_full else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        # The database runs as another user, who must get through to its folder.
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 - once, before anything runs
        postgres = EmbeddedPostgres(Path(folder) / "postgres", free_port(), is_throw_away=True)
        with postgres, EmbeddedValkey(Path(folder) / "valkey", free_port()) as valkey:
            environment = door_environment(postgres.app_url(), valkey.url())
            environment["TR_DATABASE_POOL_SIZE"] = str(POOL)
            await asyncio.to_thread(migrate, postgres)
            path, token, more = await _fill(environment)
            apps = _apps({**environment, **more})
            found = await _take_turns(apps, path, token, rounds)
    _report(found)


async def _fill(environment: dict[str, str]) -> tuple[str, str, dict[str, str]]:
    """A tenant with ROOMS rooms. Answers the page's path, an access token, and what the peers must know to check it."""
    async with compose(read_settings(environment)) as platform:
        signed_in = await platform.accounts.sign_up("bench@example.com", PASSWORD, {"display_name": "Bench"})
        token = _token_of(signed_in)
        caller = await platform.tokens.verify_access(token)
        own = await platform.organizations.create(caller, "Bench", None)
        await platform.organizations.set_plan(str(own.organization.id), PlanTier.ENTERPRISE)
        for number in range(ROOMS):
            await platform.rooms.create(
                caller, own.organization.id, name=f"Room {number}", workspace_id=None, room_id=None
            )
        kid = jwt.get_unverified_header(token)["kid"]
        key = await platform.keys.find(KeyPurpose.ACCESS, kid)
        if key is None:
            raise StackError("the token's key is not there")
        pem = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    more = {"PUBLIC_KEY": pem, "KID": kid, "ISSUER": "http://localhost:1/auth/v1", "POOL": str(POOL)}
    more["SSO_TIERS"] = ",".join(SSO_TIERS)
    return f"/api/v1/organizations/{own.organization.id}/rooms", token, more


def _token_of(signed_in: object) -> str:
    """The access token of a sign-up; there is none where an address must be confirmed first."""
    token = getattr(signed_in, "access_token", None)
    if isinstance(signed_in, Account) or not isinstance(token, str):
        raise StackError("signing up did not sign in")
    return token


def _apps(environment: dict[str, str]) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name -> command and environment, without its port."""
    return {
        "ours": (list(REST_DOOR), environment),
        "fastify": ([str(NODE), str(PEERS / "api" / "fastify.mjs")], {**environment, "NODE_ENV": "production"}),
        "fastapi": ([sys.executable, str(PEERS / "api" / "fastapi_peer.py")], environment),
    }


async def _take_turns(
    apps: dict[str, tuple[list[str], dict[str, str]]], path: str, token: str, rounds: int
) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {name: [] for name in apps}
    for _ in range(rounds):
        for name, (command, environment) in apps.items():
            port = free_port()
            with running(command, {**environment, "PORT": str(port), "TR_PORT": str(port)}) as pid:
                found[name].append(await _measure_one(pid, port, path, token))
    return found


async def _measure_one(pid: int, port: int, path: str, token: str) -> Figures:
    head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
    await wait_for_port(port)
    await _load(port, head.encode(), WARM_UP_S)
    cpu_s, began = _cpu_s(pid), time.monotonic()
    load = await _load(port, head.encode(), MEASURED_S)
    took_s, used_s = time.monotonic() - began, _cpu_s(pid) - cpu_s
    count = len(load.latencies_s)
    return Figures(
        requests_per_cpu_s=count / max(used_s, 1 / TICKS_PER_S),
        requests_per_s=count / took_s,
        p99_ms=statistics.quantiles(load.latencies_s, n=100)[98] * 1000,
    )


async def _load(port: int, head: bytes, seconds: float) -> Load:
    """CONNECTIONS callers, each asking again when it was answered."""
    load, end = Load(), time.monotonic() + seconds

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (began := time.monotonic()) < end:
            writer.write(head)
            load.bytes_per_answer = await _read_answer(reader)
            load.latencies_s.append(time.monotonic() - began)
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return load


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; its body's length. Raises StackError: it is no page of ROOMS rooms."""
    head, body = await read_answer(reader)
    if not head.startswith(b"HTTP/1.1 200") or body.count(b'"lastSeq"') != ROOMS:
        raise StackError(f"not the page: {head[:60]!r} {body[:200]!r}")
    return len(body)


def _cpu_s(pid: int) -> float:
    """CPU time of a process and its ended children, all threads, seconds (proc_pid_stat(5): utime to cstime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_S


def _report(found: dict[str, list[Figures]]) -> None:
    ours = found["ours"]
    for name, peer_name in PEER_NAMES.items():
        peer = found[name]
        print_figure(
            compare(
                name=f"api_rooms_per_{name}",
                unit="requests/CPU-s",
                ours=[one.requests_per_cpu_s for one in ours],
                peer=[one.requests_per_cpu_s for one in peer],
                peer_name=peer_name,
                facts={"rooms": ROOMS, "connections": CONNECTIONS},
            )
        )
        print_figure(
            compare(
                name=f"api_rooms_p99_per_{name}",
                unit="ms",
                ours=[one.p99_ms for one in ours],
                peer=[one.p99_ms for one in peer],
                peer_name=peer_name,
                less_is_better=True,
            )
        )
