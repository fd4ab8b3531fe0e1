"""Our end of the node link against a real agent with a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from control_plane.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, ParticipantId
from control_plane.domain.nodes import MediaNode
from control_plane.gateways.node_pool import NodeLinkPool
from control_plane.services.media import MediaMoved, MediaService, Placement, name_consumer
from media_plane.contract import messages as c
from tests.contract.node_link.conftest import MakeNode, Node, control_plane, make_node  # noqa: F401 - fixtures
from tests.contract.node_link.media import opus, raw
from tests.contract.signaling.conftest import until
from tests.contract.signaling.fakes import MemoryBus, MemoryLive

pytestmark = pytest.mark.worker


class Heard:
    """What the pool told."""

    def __init__(self) -> None:
        self.notifications: list[c.Notification] = []
        self.loads: list[c.NodeLoad] = []
        self.ups = 0
        self.losses = 0


@asynccontextmanager
async def pool_of(nodes: list[Node], heard: Heard) -> AsyncIterator[NodeLinkPool]:
    async def list_nodes() -> list[MediaNode]:
        return [
            MediaNode(
                id=NodeId(UUID(node.agent.node_id)),
                link_url=f"ws://127.0.0.1:{node.agent.port}/",
                region="test",
                cpu=0.0,
                consumers=0,
                capacity_consumers=100,
                is_draining=False,
                last_seen_at=datetime.now(UTC),
            )
            for node in nodes
        ]

    async def issue_token(node_id: NodeId) -> str:
        return nodes[0].control_plane.signer.token(str(node_id))

    async def note_load(_: NodeId, load: c.NodeLoad) -> None:
        heard.loads.append(load)

    def up(_: NodeId) -> None:
        heard.ups += 1

    def lost(_: NodeId) -> None:
        heard.losses += 1

    pool = NodeLinkPool(list_nodes=list_nodes, issue_token=issue_token, on_load=note_load)
    pool.start(on_notification=lambda _, told: heard.notifications.append(told), on_up=up, on_lost=lost)
    try:
        yield pool
    finally:
        await pool.close()


def place(node: Node, epoch: int = 1) -> Placement:
    return Placement(
        organization_id=OrganizationId(uuid4()),
        live_session_id=LiveSessionId(uuid4()),
        node_id=NodeId(UUID(node.agent.node_id)),
        epoch=epoch,
    )


def service(pool: NodeLinkPool, at: Placement) -> MediaService:
    return MediaService(pool, MemoryLive(MemoryBus(), at.node_id))


def person() -> ParticipantId:
    return ParticipantId(uuid4())


async def test_welcome_in_one_flight_after_an_earlier_socket(make_node: MakeNode) -> None:  # noqa: F811
    node = await make_node()
    async with pool_of([node], Heard()) as pool:
        at, host, viewer = place(node), person(), person()
        media = service(pool, at)
        _, room = await media.ensure_room(at)
        send = await media.create_transport(at, host, str(uuid4()), "send")
        produced = await media.create_producer(
            at,
            host,
            transport_id=send.id,
            producer_id=str(uuid4()),
            kind="audio",
            source="microphone",
            rtp_parameters=raw(opus()),
            paused=False,
        )
        await media.create_transport(at, viewer, str(uuid4()), "recv")
        transport_id = str(uuid4())

        _, transport, made = await asyncio.gather(
            media.close_participant(at, viewer),
            media.create_transport(at, viewer, transport_id, "recv"),
            media.consume(
                at,
                viewer,
                transport_id=transport_id,
                rtp_capabilities=room.rtp_capabilities,
                producer_ids=[produced.producer_id, str(uuid4())],
            ),
        )

        assert transport.id == transport_id
        assert [consumer.id for consumer in made.consumers] == [name_consumer(transport_id, produced.producer_id)]
        assert [refused.code for refused in made.refused] == ["not_found"]
        kept = await media.adopt(at, viewer)
        assert kept is not None
        assert (kept.recv_transport_id, kept.consumer_ids) == (transport_id, [made.consumers[0].id])


async def test_refusals_come_as_business_words(make_node: MakeNode) -> None:  # noqa: F811
    node = await make_node()
    async with pool_of([node], Heard()) as pool:
        at, someone = place(node), person()
        media = service(pool, at)

        with pytest.raises(MediaMoved):
            await media.create_transport(at, someone, str(uuid4()), "recv")
        await media.ensure_room(at)
        transport = await media.create_transport(at, someone, str(uuid4()), "recv")
        with pytest.raises(NotFound):
            await media.connect_transport(at, someone, str(uuid4()), raw({}))
        with pytest.raises(InvalidInput):
            await media.connect_transport(at, someone, transport.id, raw({"fingerprints": "nonsense"}))
        with pytest.raises(Conflict):
            await media.create_transport(at, person(), transport.id, "recv")
        assert await media.adopt(at, person()) is None


async def test_load_is_told_and_closing_forgets_the_link(make_node: MakeNode) -> None:  # noqa: F811
    node, heard = await make_node(), Heard()
    async with pool_of([node], heard) as pool:
        await until(lambda: bool(heard.loads))

        assert heard.ups == 1
        assert pool.is_up(NodeId(UUID(node.agent.node_id)))
    assert heard.losses == 0
    with pytest.raises(Unavailable):
        await pool.call(NodeId(UUID(node.agent.node_id)), c.RoomOpen(id=0, live_session_id="", epoch=1), c.Empty)


async def test_lost_link_fails_open_requests_and_is_dialled_again(make_node: MakeNode) -> None:  # noqa: F811
    node, heard = await make_node(), Heard()
    async with pool_of([node], heard) as pool:
        await until(lambda: heard.ups == 1)
        link = pool._links[NodeId(UUID(node.agent.node_id))]
        assert link._transport is not None

        link._transport.underlying_transport.abort()
        await until(lambda: heard.ups == 2)

        at = place(node)
        await service(pool, at).ensure_room(at)
        assert heard.losses == 1


async def test_unknown_node_is_unavailable(make_node: MakeNode) -> None:  # noqa: F811
    node = await make_node()
    async with pool_of([node], Heard()) as pool:
        with pytest.raises(Unavailable):
            await pool.call(NodeId(uuid4()), c.RoomOpen(id=0, live_session_id=str(uuid4()), epoch=1), c.RoomOpenAnswer)
