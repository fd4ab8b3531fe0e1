"""A tenant's live room for tests: real rows, real bus, real sockets; only the media node is made up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from control_plane.domain.callers import Caller
from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import MediaNode
from control_plane.services.live import JoinAnswer
from control_plane.services.media import MediaService
from control_plane.services.platform import Platform
from control_plane.signaling import messages as m
from control_plane.signaling.hub import Hub
from control_plane.signaling.needs import Needs, Times
from control_plane.signaling.server import SignalingServer
from control_plane.signaling.sign_outs import SignOuts
from scripts.headless.signaling import SignalingClient, SocketClosed
from tests.contract.signaling.conftest import Guest
from tests.contract.signaling.fake_node import SEALED, FakeNode
from tests.factories import Person, Tenant, make_enrolment


@dataclass
class LiveRoom:
    """A tenant's live room with a signaling server of this process; only the media node is made up."""

    platform: Platform
    tenant: Tenant
    node: FakeNode
    url: str

    async def enter(self, person: Person) -> Guest:
        """Join by the service, as the REST door does, and come in by a socket."""
        return await self.enter_as(person.caller)

    async def enter_as(self, caller: Caller) -> Guest:
        """As `enter`, by whatever they call with."""
        answer: JoinAnswer = await self.platform.live.join(caller, self.tenant.id, self.tenant.room_id)
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


@asynccontextmanager
async def open_live_room(platform: Platform, tenant: Tenant, *, sweep_s: float = 60.0) -> AsyncIterator[LiveRoom]:
    """Start the tenant's room and serve its sockets.

    Args:
        platform: real rows and a real bus.
        tenant: its owner starts the room.
        sweep_s: how often sign-ins and tokens are looked up; by default it comes too late to help a lost push.
    """
    node = FakeNode()
    await platform.nodes.enrol(make_enrolment(str(node.id)))
    async with platform.db.platform() as tx:
        await tx.execute("delete from media_nodes where id <> $1", node.id)
    await platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id)
    hub = Hub(
        Needs(
            live=platform.live,
            renewals=platform.renewals,
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
            # The sweep of people, which finds what a lost push missed, comes too late to help.
            times=Times(sweep_s=60.0),
        )
    )
    server = SignalingServer(
        hub, allowed_origins=frozenset({"http://localhost:8000"}), checks={"redis": lambda: True}, info={}
    )
    port = await server.listen("127.0.0.1", 0)
    hub.start()
    sign_outs = SignOuts(
        hub.sessions,
        platform.bus,
        sign_ins=platform.sessions,
        enforcement=platform.sso_joining,
        api_tokens=platform.api_tokens,
        clock=platform.clock,
        sweep_s=sweep_s,
    )
    sign_outs.start()
    try:
        yield LiveRoom(platform, tenant, node, f"ws://127.0.0.1:{port}/signaling")
    finally:
        await sign_outs.close()
        await server.close()


async def resume_code(room: LiveRoom, guest: Guest, resume_token: str | None = None) -> int | None:
    """Come back with a guest's resume token, or a later one; how the socket was closed, None when they were let in."""
    again = await SignalingClient.connect(room.url, origin="http://localhost:8000")
    try:
        resume = m.Hello(id=0, resume_token=resume_token or guest.welcome.resume_token, rtp_capabilities=SEALED)
        await again.request(resume, m.Welcome)
    except SocketClosed:
        return again.close_code
    again.abort()
    return None
