"""Removal and downgrade, from REST to sockets and media: real rows, real bus, real sockets (A16, I6 of the targets)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import MediaNode
from control_plane.domain.roles import Role
from control_plane.services.live import JoinAnswer
from control_plane.services.media import MediaService
from control_plane.services.platform import Platform
from control_plane.signaling import messages as m
from control_plane.signaling.hub import Hub
from control_plane.signaling.messages import CloseCode
from control_plane.signaling.needs import Needs, Times
from control_plane.signaling.server import SignalingServer
from scripts.headless.signaling import SignalingClient, SocketClosed
from tests.contract.signaling.conftest import Guest, close_code, until
from tests.contract.signaling.fake_node import SEALED, FakeNode
from tests.factories import Person, Tenant, make_enrolment, make_member, make_tenant

AT_ONCE_S = 2.0
"""What a removed or downgraded person may still have of sockets and media, seconds (I6 of the targets)."""


@dataclass
class LiveRoom:
    """A tenant's live room with a signaling server of this process; only the media node is made up."""

    platform: Platform
    tenant: Tenant
    node: FakeNode
    url: str

    async def enter(self, person: Person) -> Guest:
        """Join by the service, as the REST door does, and come in by a socket."""
        answer: JoinAnswer = await self.platform.live.join(person.caller, self.tenant.id, self.tenant.room_id)
        client = await SignalingClient.connect(self.url, origin="http://localhost:8000")
        welcome = await client.request(m.Hello(id=0, token=answer.token, rtp_capabilities=SEALED), m.Welcome)
        people = await self.platform.live.list_present(self.tenant.id, answer.live_session_id)
        participant = next(one for one in people if one.id == answer.participant_id)
        return Guest(participant, client, welcome)


class _Links:
    """One link that always stands."""

    up_count = 1

    def __init__(self, node: FakeNode) -> None:
        self._node = node

    def is_up(self, node_id: NodeId) -> bool:
        return node_id == self._node.id

    def nodes_up(self) -> list[MediaNode]:
        return [self._node.facts]


@pytest.fixture
async def room(platform: Platform) -> AsyncIterator[LiveRoom]:
    tenant, node = await make_tenant(platform), FakeNode()
    await platform.nodes.enrol(make_enrolment(str(node.id)))
    async with platform.db.platform() as tx:
        await tx.execute("delete from media_nodes where id <> $1", node.id)
    await platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id)
    hub = Hub(
        Needs(
            live=platform.live,
            feed=platform.feed,
            chat=platform.chat,
            alerts=platform.alerts,
            media=MediaService(node, platform.live),
            links=_Links(node),
            bus=platform.bus,
            seats=platform.seats,
            presence=platform.presence,
            turn=platform.turn,
            clock=platform.clock,
            ids=platform.ids,
            # The sweep, which finds what a lost push missed, comes too late to help here.
            times=Times(sweep_s=60.0),
        )
    )
    server = SignalingServer(
        hub, allowed_origins=frozenset({"http://localhost:8000"}), checks={"redis": lambda: True}, info={}
    )
    port = await server.listen("127.0.0.1", 0)
    hub.start()
    yield LiveRoom(platform, tenant, node, f"ws://127.0.0.1:{port}/signaling")
    await server.close()


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
    again = await SignalingClient.connect(room.url, origin="http://localhost:8000")
    resume = m.Hello(id=0, resume_token=guest.welcome.resume_token, rtp_capabilities=SEALED)
    with pytest.raises(SocketClosed):
        await again.request(resume, m.Welcome)
    assert again.close_code == CloseCode.BAD_TOKEN


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
