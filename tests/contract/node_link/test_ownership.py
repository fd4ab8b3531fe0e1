"""Whose media it is when links drop: adoption, orphans, abandoned rooms."""

from __future__ import annotations

import asyncio

import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.conftest import MakeNode, Node
from tests.contract.node_link.media import Person, new_id

pytestmark = pytest.mark.worker

GRACE_S = 0.4


@pytest.fixture
async def hasty(make_node: MakeNode) -> Node:
    """A node that closes orphans almost at once."""
    return await make_node(orphan_grace_s=GRACE_S)


async def publish(link: LinkClient) -> tuple[Person, str]:
    """A host with a camera in a new room."""
    host = Person(link, new_id())
    await host.open()
    await host.transport("send")
    return host, (await host.produce("camera")).producer_id


async def test_a_dropped_links_media_is_closed_after_the_grace_and_everyone_hears(hasty: Node) -> None:
    witness = await hasty.link()
    link = await hasty.link()
    host, _ = await publish(link)

    link.drop()

    closed = await witness.until(m.ParticipantClosed)
    assert (closed.live_session_id, closed.participant_id) == (host.room_id, host.id)
    lost = await witness.until(m.RoomLost)
    assert (lost.live_session_id, lost.reason) == (host.room_id, "closed")
    load = hasty.agent.load()
    assert (load.rooms, load.transports, load.producers) == (0, 0, 0)


async def test_adoption_keeps_media_and_redirects_what_is_told(hasty: Node) -> None:
    first = await hasty.link()
    host, producer_id = await publish(first)
    second = await hasty.link()
    viewer = Person(second, host.room_id)
    await viewer.transport("recv")
    capabilities = (await viewer.open()).rtp_capabilities
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: producer_id})
    third = await hasty.link()

    first.drop()
    second.drop()
    heir = Person(third, host.room_id, id=host.id)
    adopted = await heir.adopt()
    other = await Person(third, host.room_id, id=viewer.id).adopt()
    await asyncio.sleep(GRACE_S * 3)  # The promise is that nothing happens in this time.

    assert adopted.send_transport_id == host.send_id
    assert [facts.producer_id for facts in adopted.producers] == [producer_id]
    assert (other.recv_transport_id, other.consumer_ids) == (viewer.recv_id, [consumer_id])
    assert hasty.agent.load().producers == 1
    await heir.close_producer(producer_id)
    assert (await third.until(m.ConsumerClosed)).participant_id == viewer.id


async def test_any_request_adopts(hasty: Node) -> None:
    first = await hasty.link()
    host, producer_id = await publish(first)
    second = await hasty.link()

    await Person(second, host.room_id, id=host.id).pause_producer(producer_id)
    first.drop()
    await asyncio.sleep(GRACE_S * 3)  # As above.

    assert hasty.agent.load().producers == 1


async def test_adopting_too_late_finds_nothing(hasty: Node) -> None:
    witness = await hasty.link()
    await Person(witness, new_id()).open()
    link = await hasty.link()
    host, _ = await publish(link)
    await Person(witness, host.room_id).open()

    link.drop()
    await witness.until(m.ParticipantClosed)

    with pytest.raises(Refused, match="not_found"):
        await Person(witness, host.room_id, id=host.id).adopt()
    assert hasty.agent.load().rooms == 2


async def test_requests_of_a_dropped_link_leave_nothing_behind(hasty: Node) -> None:
    witness = await hasty.link()
    link = await hasty.link()
    person = Person(link, new_id())
    await person.open()
    making = asyncio.ensure_future(person.transport("send"))
    await asyncio.sleep(0)

    link.drop()

    await witness.until(m.RoomLost)
    assert hasty.agent.load().transports == 0
    with pytest.raises(asyncio.CancelledError):
        await making


async def test_a_new_transport_replaces_the_older_of_its_direction(hasty: Node) -> None:
    link = await hasty.link()
    host, producer_id = await publish(link)
    await host.transport("recv")
    viewer = Person(link, host.room_id)
    await viewer.transport("recv")
    consumer_id = new_id()
    await viewer.consume((await host.open()).rtp_capabilities, {consumer_id: producer_id})

    await host.transport("send", transport_id=new_id())

    closed = await link.until(m.ConsumerClosed)
    assert closed.consumer_id == consumer_id
    load = hasty.agent.load()
    assert (load.transports, load.producers, load.consumers) == (3, 0, 0)
