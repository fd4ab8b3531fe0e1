"""A REST door as a process of its own on a throw-away database, for measurements of its CPU time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.stack.layout import ROOT
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.processes import StackError

START_TIMEOUT_S = 20.0
REST_DOOR = (sys.executable, "-m", "control_plane", "--door", "rest")
UNLIMITED = {
    **{f"TR_RATE_LIMIT_{who}": "1000000000/100000000" for who in ("USER", "TOKEN", "TENANT", "ADDRESS")},
    "TR_SIGN_IN_ATTEMPTS": "1000000",
    "TR_SIGN_IN_REFILL_PER_MINUTE": "1000000",
}
"""Limits are counted as ever, and none is reached: all callers of a bench come from one address."""


def door_environment(app_url: str, redis_url: str) -> dict[str, str]:
    """The variables of a door on these servers, without its port; its host's name is `bench`."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("TR_")},
        "DATABASE_URL": app_url,
        "REDIS_URL": redis_url,
        "TR_SECRET_KEY": "00" * 32,
        "TR_NODE_ENROLMENT_TOKEN": "0" * 16,
        "TR_PUBLIC_URL": "http://localhost:1",
        "TR_ALLOWED_HOSTS": "bench",
        **UNLIMITED,
    }


def migrate(postgres: EmbeddedPostgres) -> None:
    """Bring its database to the newest migration, in a process of its own: Piccolo keeps one engine per process."""
    environment = {**os.environ, "DATABASE_OWNER_URL": postgres.owner_url(), "DATABASE_URL": postgres.app_url()}
    command = [sys.executable, "-m", "control_plane.migrate"]
    # What Piccolo prints would stand between a bench's JSON lines.
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """A program for as long as the context lasts; its process id."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def wait_for_port(port: int) -> None:
    """Until something takes connections on 127.0.0.1. Raises StackError: nothing does."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > deadline:
                raise StackError("an app did not come up") from None
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


async def read_answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One HTTP answer that says its length: its head and its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    return head, await reader.readexactly(length)
