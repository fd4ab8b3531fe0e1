"""Removal and downgrade, from REST to sockets and media: real rows, real bus, real sockets (A16, I6 of the targets)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from tests.contract.signaling.conftest import close_code, until
from tests.factories import make_member, make_tenant
from tests.support.live_room import LiveRoom, open_live_room, resume_code

AT_ONCE_S = 2.0
"""What a removed or downgraded person may still have of sockets and media, seconds (I6 of the targets)."""


@pytest.fixture
async def room(platform: Platform) -> AsyncIterator[LiveRoom]:
    async with open_live_room(platform, await make_tenant(platform)) as opened:
        yield opened


async def test_a_removed_member_loses_socket_media_and_the_way_back(api: httpx.AsyncClient, room: LiveRoom) -> None:
    person = await make_member(room.platform, room.tenant, Role.HOST)
    guest = await room.enter(person)
    await guest.publish()

    async with asyncio.timeout(AT_ONCE_S):
        path = f"{room.tenant.path}/members/{person.caller.user_id}"
        removed = await api.delete(path, headers=room.tenant.owner.headers)
        assert await close_code(guest.client) == CloseCode.REMOVED
        await until(lambda: not room.node.producers and str(guest.participant.id) not in room.node.transports)

    assert removed.status_code == 204
    assert (await api.post(f"{room.tenant.room_path}/join", headers=person.headers)).status_code == 404
    assert await resume_code(room, guest) == CloseCode.BAD_TOKEN


async def test_a_removed_member_who_is_invited_again_may_come_back(api: httpx.AsyncClient, room: LiveRoom) -> None:
    person = await make_member(room.platform, room.tenant)
    guest = await room.enter(person)
    await api.delete(f"{room.tenant.path}/members/{person.caller.user_id}", headers=room.tenant.owner.headers)
    await close_code(guest.client)
    new = await room.platform.invitations.create(
        room.tenant.owner.caller, room.tenant.id, role=Role.VIEWER, max_uses=1, expires_in_s=None
    )
    await room.platform.invitations.accept(person.caller, new.code)

    back = await room.enter(person)

    assert back.welcome.role is Role.VIEWER


async def test_a_host_made_viewer_stops_publishing_and_stays_in_the_room(
    api: httpx.AsyncClient, room: LiveRoom
) -> None:
    person, watcher = [await make_member(room.platform, room.tenant, role) for role in (Role.HOST, Role.VIEWER)]
    host, viewer = await room.enter(person), await room.enter(watcher)
    producer_id = await host.publish()

    async with asyncio.timeout(AT_ONCE_S):
        path = f"{room.tenant.path}/members/{person.caller.user_id}"
        changed = await api.patch(path, headers=room.tenant.owner.headers, json={"role": "viewer"})
        assert (await viewer.client.expect(m.ProducerClosed)).producer_id == producer_id
        assert (await host.client.expect(m.ParticipantRoleChanged)).role is Role.VIEWER

    assert changed.status_code == 200, changed.text
    assert not room.node.producers
    assert await host.say("still here") == 2


async def test_a_viewer_made_co_host_of_this_room_publishes_at_once(api: httpx.AsyncClient, room: LiveRoom) -> None:
    person = await make_member(room.platform, room.tenant)
    guest = await room.enter(person)

    path = f"{room.tenant.room_path}/roles/{person.caller.user_id}"
    await api.put(path, headers=room.tenant.owner.headers, json={"role": "co_host"})
    await guest.client.expect(m.ParticipantRoleChanged)

    assert await guest.publish() in room.node.producers


async def test_an_organization_that_is_deleted_ends_its_live_rooms(api: httpx.AsyncClient, room: LiveRoom) -> None:
    guest = await room.enter(await make_member(room.platform, room.tenant))

    await api.post(f"{room.tenant.path}/deletion", headers=room.tenant.owner.headers, json={"name": "Acme Traders"})

    assert await close_code(guest.client) == CloseCode.SESSION_ENDED
