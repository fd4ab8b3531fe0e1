"""Where the media of a live session is, and what its nodes tell of themselves."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from control_plane.domain.errors import NoMediaNode, NotFound, RoomNotLive
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId
from control_plane.domain.rooms import LiveSession
from control_plane.services.platform import Platform
from media_plane.contract.messages import NodeLoad
from tests.factories import Tenant, make_enrolment, make_tenant, start_session


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    """A tenant whose room is live."""
    made = await make_tenant(platform)
    await start_session(platform, made)
    return made


async def _session(platform: Platform, tenant: Tenant) -> LiveSession:
    found = (await platform.rooms.get(tenant.owner.caller, tenant.id, tenant.room_id)).live
    assert found is not None
    return found


# --- placement


async def test_a_failed_placement_moves_once_and_everyone_hears_the_same(platform: Platform, tenant: Tenant) -> None:
    session = await _session(platform, tenant)
    await platform.nodes.enrol(make_enrolment())

    moved = await asyncio.gather(
        *(platform.live.replace_placement(tenant.id, session.id, from_epoch=1, avoid=session.node_id) for _ in range(5))
    )

    assert {one.epoch for one in moved} == {2}
    assert len({one.node_id for one in moved}) == 1
    assert moved[0].node_id != session.node_id


async def test_without_another_node_a_placement_stays(platform: Platform, tenant: Tenant) -> None:
    session = await _session(platform, tenant)
    async with platform.db.platform() as tx:
        # Heard of just now: on a slow machine the nodes would be silent for too long.
        await tx.execute("update media_nodes set is_draining = id <> $1, last_seen_at = now()", session.node_id)

    with pytest.raises(NoMediaNode):
        await platform.live.replace_placement(tenant.id, session.id, from_epoch=1, avoid=session.node_id)
    again = await platform.live.replace_placement(tenant.id, session.id, from_epoch=1, avoid=None)

    assert (again.node_id, again.epoch) == (session.node_id, 2)


async def test_what_is_over_is_not_placed_again(platform: Platform, tenant: Tenant) -> None:
    session = await platform.live.end(tenant.owner.caller, tenant.id, tenant.room_id)

    with pytest.raises(RoomNotLive):
        await platform.live.replace_placement(tenant.id, session.id, from_epoch=1, avoid=None)
    assert await platform.live.find_session(tenant.id, session.id) == session
    assert await platform.live.find_session(tenant.id, LiveSessionId(uuid4())) is None
    assert await platform.live.find_session(OrganizationId(uuid4()), session.id) is None


# --- nodes


async def test_a_node_that_enrols_again_in_passing_still_drains_and_one_that_was_away_does_not(
    platform: Platform,
) -> None:
    enrolment = make_enrolment()
    node_id = NodeId(UUID(enrolment.node_id))
    await platform.nodes.enrol(enrolment)
    load = NodeLoad(cpu=0.5, workers=2, rooms=1, transports=4, producers=1, consumers=3, draining=True)
    await platform.nodes.note_load(node_id, load)

    async def enrol_again() -> tuple[int, bool]:
        await platform.nodes.enrol(enrolment)
        node = next(one for one in await platform.nodes.list_nodes() if one.id == node_id)
        return node.consumers, node.is_draining

    in_passing = await enrol_again()
    async with platform.db.platform() as tx:
        await tx.execute("update media_nodes set last_seen_at = last_seen_at - interval '1 minute'")
    after_silence = await enrol_again()

    assert (in_passing, after_silence) == ((3, True), (0, False))


async def test_a_node_that_tells_its_load_is_known_by_it(platform: Platform) -> None:
    enrolment = make_enrolment()
    node_id = NodeId(UUID(enrolment.node_id))
    await platform.nodes.enrol(enrolment)
    load = NodeLoad(cpu=1.7, workers=2, rooms=1, transports=4, producers=1, consumers=3, draining=True)

    await platform.nodes.note_load(node_id, load)
    node = next(one for one in await platform.nodes.list_nodes() if one.id == node_id)

    assert (node.cpu, node.consumers, node.is_draining) == (1.0, 3, True)
    assert bytes(await platform.nodes.rtp_capabilities(node_id)) == bytes(enrolment.rtp_capabilities)
    with pytest.raises(NotFound):
        await platform.nodes.note_load(NodeId(uuid4()), load)
