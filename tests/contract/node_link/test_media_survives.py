"""Workers that are killed or hang while pictures and sound flow: who loses what, and how soon it flows again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from pathlib import Path

import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import Refused
from tests.contract.node_link.conftest import MakeNode
from tests.contract.node_link.crowd import Crowd, MakeCrowd, Member, make_crowd, until

__all__ = ["make_crowd"]

figures = logging.getLogger("figures")

pytestmark = [pytest.mark.worker, pytest.mark.timeout(400)]

FOUND_WITHIN_S = 5.0
REPLACED_WITHIN_S = 5.0
"""The promise is 1 s on a machine that has room; here nothing tighter than the promise to people is asserted."""


async def rebuild(crowd: Crowd, host: Member, viewer: Member) -> None:
    """What both do when the room is lost: the same room again, one epoch later."""
    crowd.epoch += 1
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(Refused):
                opening = m.RoomOpen(id=host.link.number(), live_session_id=crowd.room_id, epoch=crowd.epoch)
                await host.link.request(opening, m.RoomOpenAnswer)
                break
            await asyncio.sleep(0.05)
    await host.media.close()
    host.wire.producers.clear()
    for member in (host, viewer):
        member.wire._facts["epoch"] = crowd.epoch
    await host.publish()
    await viewer.arrive()
    await viewer.consume(host.wire.producers)


async def test_a_killed_worker_takes_no_packet_from_the_room_on_the_other(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=2)
    hit, spared = make_crowd(node), make_crowd(node)
    hosts = [await crowd.host() for crowd in (hit, spared)]
    viewers = [await crowd.viewer(host) for crowd, host in zip((hit, spared), hosts, strict=True)]
    for viewer in viewers:
        assert await viewer.sees()
    assert [crowd.seat_of(viewer) for crowd, viewer in zip((hit, spared), viewers, strict=True)] == [0, 1]
    pid = node.agent.fleet.pids()[0]
    before = viewers[1].packets.count

    started_s = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    lost = await viewers[0].link.until(m.RoomLost, timeout_s=1.0)
    await until(lambda: node.agent.fleet.pids().get(0, pid) != pid, timeout_s=REPLACED_WITHIN_S)
    figures.info("replaced_s %.2f", time.monotonic() - started_s)
    await rebuild(hit, hosts[0], viewers[0])
    assert await viewers[0].sees(1)
    figures.info("frames_again_s %.2f", time.monotonic() - started_s)

    assert lost.live_session_id == hit.room_id
    assert await viewers[0].hears()
    assert await viewers[1].sees(30)
    assert await viewers[1].hears()
    assert viewers[1].packets.count > before + 100
    assert viewers[1].packets.missing() == {}
    assert await viewers[1].packets_lost() == 0
    for member in (hosts[1], viewers[1]):
        assert not any(isinstance(one, m.TransportClosed | m.ProducerClosed) for one in member.link.notifications)


async def test_a_hung_worker_is_found_its_room_flows_again_and_it_forwards_nothing_when_it_is_woken(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=2)
    crowd = make_crowd(node)
    host = await crowd.host()
    viewer = await crowd.viewer(host)
    assert await viewer.sees()
    pid = node.agent.fleet.pids()[0]
    old_packets = viewer.packets

    started_s = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    await viewer.link.until(m.RoomLost, timeout_s=FOUND_WITHIN_S)
    figures.info("found_s %.2f", time.monotonic() - started_s)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    forwarded = old_packets.count
    # Its viewer's end is still open, its publisher still sends.
    await asyncio.sleep(1.0)

    assert old_packets.count == forwarded
    assert not _runs(pid)
    await rebuild(crowd, host, viewer)
    assert await viewer.sees()
    assert await viewer.hears()
    figures.info("frames_again_s %.2f", time.monotonic() - started_s)
    # Every link is told once; the viewer's word was taken out above.
    told = [
        [type(one) for one in member.link.notifications if isinstance(one, m.RoomLost | m.TransportClosed)]
        for member in (host, viewer)
    ]
    assert told == [[m.RoomLost], []]


async def test_a_hung_edge_is_found_and_its_viewer_sees_again_elsewhere(
    make_node: MakeNode, make_crowd: MakeCrowd
) -> None:
    node = await make_node(workers=3, max_consumers=2)
    crowd = make_crowd(node)
    host = await crowd.host()
    near, far = [await crowd.viewer(host) for _ in range(2)]
    for viewer in (near, far):
        assert await viewer.sees()
    assert crowd.seat_of(far) == 1
    pid = node.agent.fleet.pids()[1]

    os.kill(pid, signal.SIGSTOP)
    closed = await far.link.until(m.TransportClosed, timeout_s=FOUND_WITHIN_S)
    await far.arrive()
    await far.consume(host.wire.producers)

    assert closed.reason == "worker_died"
    assert not _runs(pid)
    assert await far.sees()
    assert await near.sees()
    assert near.packets.missing() == {}
    assert not any(isinstance(one, m.RoomLost) for one in near.link.notifications)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
