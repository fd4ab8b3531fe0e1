"""Workers that stop answering: found, killed, replaced. Real processes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import Refused
from tests.contract.node_link.conftest import MakeNode
from tests.contract.node_link.media import Person, new_id

figures = logging.getLogger("figures")

pytestmark = pytest.mark.worker

FOUND_WITHIN_S = 5.0
"""What is promised from the moment a worker stops answering until its rooms are told."""


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process; it may be killed meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def runs(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


async def test_a_hung_workers_rooms_are_told_once_and_it_is_replaced(make_node: MakeNode) -> None:
    node = await make_node(workers=2)
    link = await node.link()
    stuck, free = Person(link, new_id()), Person(link, new_id())
    await stuck.open()
    await free.open()
    pid = node.agent.fleet.pids()[0]

    with stopped(pid):
        started_s = time.monotonic()
        lost = await link.until(m.RoomLost, timeout_s=FOUND_WITHIN_S)
        found_s = time.monotonic() - started_s
        async with asyncio.timeout(20):
            while len(node.agent.fleet.pids()) < 2:  # noqa: ASYNC110 - nothing tells of a replacement
                await asyncio.sleep(0.01)
    figures.info("found_s %.2f", found_s)
    figures.info("replaced_s %.2f", time.monotonic() - started_s)

    assert (lost.live_session_id, lost.reason) == (stuck.room_id, "worker_died")
    assert not runs(pid)
    await free.transport("send")
    stuck.epoch = 2
    await stuck.open()
    await stuck.transport("send")
    assert not any(isinstance(notification, m.RoomLost) for notification in link.notifications)
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"http://127.0.0.1:{node.agent.port}/metrics")).text
    assert "tr_node_worker_hangs_total 1.0" in metrics
    assert "tr_node_worker_deaths_total 1.0" in metrics


async def test_a_request_to_a_hung_worker_fails_when_it_is_killed_and_others_go_on(make_node: MakeNode) -> None:
    node = await make_node(workers=2)
    link = await node.link()
    stuck, free = Person(link, new_id()), Person(link, new_id())
    await stuck.open()
    await free.open()

    with stopped(node.agent.fleet.pids()[0]):
        waiting = asyncio.ensure_future(stuck.transport("send"))
        await free.transport("send")
        with pytest.raises(Refused, match="room_not_open"):
            await waiting

    assert any(isinstance(notification, m.RoomLost) for notification in link.notifications)


async def test_a_worker_that_seems_hung_gets_no_new_room(make_node: MakeNode) -> None:
    node = await make_node(workers=2)
    link = await node.link()

    with stopped(node.agent.fleet.pids()[0]):
        async with asyncio.timeout(FOUND_WITHIN_S):
            while node.agent.fleet.facts()[0].is_alive:  # noqa: ASYNC110 - nothing tells of a suspicion
                await asyncio.sleep(0.01)
        assert 0 in node.agent.fleet.pids()
        room = Person(link, new_id())
        await room.open()
        await room.transport("send")


async def test_a_short_stop_is_forgiven(make_node: MakeNode) -> None:
    node = await make_node()
    link = await node.link()
    person = Person(link, new_id())
    await person.open()
    pids = node.agent.fleet.pids()

    with stopped(pids[0]):
        await asyncio.sleep(2.5)
    await person.transport("send")

    assert node.agent.fleet.pids() == pids
    async with asyncio.timeout(3):
        while not node.agent.fleet.facts()[0].is_alive:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)


async def test_our_own_late_loop_is_not_held_against_the_workers(make_node: MakeNode) -> None:
    node = await make_node(workers=2)
    link = await node.link()
    pids = node.agent.fleet.pids()

    for _ in range(2):
        time.sleep(5.0)  # noqa: ASYNC251 - blocking the loop is what this is about
        await asyncio.sleep(0.3)
    person = Person(await node.link(), new_id())
    await person.open()
    await person.transport("send")

    assert node.agent.fleet.pids() == pids
    assert not any(isinstance(notification, m.RoomLost) for notification in link.notifications)
