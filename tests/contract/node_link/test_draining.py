"""A node that drains: what it still takes, what it lets go, and when it is done."""

from __future__ import annotations

import asyncio
import time

import pytest

from media_plane.agent import draining
from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import Person, new_id

pytestmark = pytest.mark.worker


async def ask_to_drain(link: LinkClient, *, is_draining: bool = True) -> None:
    await link.request(m.NodeDrain(id=link.number(), is_draining=is_draining), m.Empty)


async def until_draining(link: LinkClient, *, is_draining: bool) -> None:
    while (await link.until(m.LoadTold)).load.draining is not is_draining:
        pass


async def test_a_draining_node_refuses_new_rooms_serves_those_it_has_and_says_so(node: Node, host: Person) -> None:
    await ask_to_drain(host.link)

    with pytest.raises(Refused) as refused:
        await Person(host.link, new_id()).open()
    await Person(host.link, host.room_id).transport("recv")
    await until_draining(host.link, is_draining=True)

    assert refused.value.code == "draining"
    assert not node.agent.health().is_ready


async def test_a_drain_that_is_called_off_takes_rooms_again(node: Node, link: LinkClient) -> None:
    await ask_to_drain(link)
    await ask_to_drain(link, is_draining=False)

    await Person(link, new_id()).open()

    assert node.agent.health().is_ready


async def test_a_drain_is_done_when_the_last_person_is_gone_and_nobody_came_for_a_while(
    node: Node, host: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "EMPTY_FOR_S", 0.5)
    drain = asyncio.create_task(node.agent.drain(30.0, asyncio.Event()))
    await until_draining(host.link, is_draining=True)
    rooms_with_host = node.agent.load().rooms

    await host.leave()

    assert await drain
    assert rooms_with_host == 1
    assert (await host.link.until(m.RoomLost)).reason == "closed"


async def test_a_person_whose_only_transport_failed_holds_no_drain(
    node: Node, host: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "EMPTY_FOR_S", 0.5)
    with pytest.raises(Refused):
        await Person(host.link, host.room_id).transport("recv", max_outgoing_bitrate_bps=1)
    drain = asyncio.create_task(node.agent.drain(10.0, asyncio.Event()))
    await until_draining(host.link, is_draining=True)

    await host.leave()

    assert await drain


async def test_a_drain_ends_at_its_deadline_with_people_still_there(node: Node, host: Person) -> None:
    assert not await node.agent.drain(0.5, asyncio.Event())

    assert node.agent.load().rooms == 1
    assert host.link.close_code is None


async def test_a_hurried_drain_ends_at_once(node: Node, host: Person) -> None:
    hurried = asyncio.Event()
    drain = asyncio.create_task(node.agent.drain(3600.0, hurried))
    await until_draining(host.link, is_draining=True)
    began_s = time.monotonic()

    hurried.set()

    assert not await drain
    assert time.monotonic() - began_s < 60
