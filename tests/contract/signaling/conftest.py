"""A signaling server on a real port, with in-memory services behind it and real sockets in front."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from uuid import UUID, uuid4

import msgspec
import pytest_asyncio

from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import MediaNode
from control_plane.domain.participants import Participant
from control_plane.domain.roles import Role
from control_plane.services.media import MediaService
from control_plane.signaling import messages as m
from control_plane.signaling.hub import Hub
from control_plane.signaling.needs import Needs, Times
from control_plane.signaling.server import SignalingServer
from media_plane.contract import messages as c
from media_plane.contract.messages import Source
from scripts.headless.signaling import SignalingClient, SocketClosed
from tests.contract.signaling.fake_node import SEALED, AnswerT, FakeNode
from tests.contract.signaling.fakes import (
    Clock,
    Ids,
    MemoryAlerts,
    MemoryBus,
    MemoryChat,
    MemoryFeed,
    MemoryLive,
    MemoryPresence,
    MemorySeats,
    NoRenewals,
    NoTurn,
)

ORIGIN = "https://rooms.example"
QUICK = Times(
    hello_s=1.0,
    ping_s=0.1,
    lost_after_s=2.0,
    drain_s=0.4,
    request_s=1.0,
    welcome_s=5.0,
    grace_s=0.3,
    sweep_s=0.1,
    link_patience_s=0.2,
    idle_s=0.2,
    move_s=1.0,
)


class Guest:
    """A welcomed socket."""

    def __init__(self, participant: Participant, client: SignalingClient, welcome: m.Welcome) -> None:
        self.participant = participant
        self.client = client
        self.welcome = welcome

    async def publish(self, source: str = "screen", producer_id: UUID | None = None) -> str:
        """Publish a track on a fresh send transport; answers the producer's id."""
        transport_id, producer_id = uuid4(), producer_id or uuid4()
        await self.client.request(
            m.TransportCreate(id=0, transport_id=transport_id, direction="send"), m.TransportCreated
        )
        await self.client.request(
            m.ProducerCreate(
                id=0,
                transport_id=transport_id,
                producer_id=producer_id,
                kind="audio" if source == "microphone" else "video",
                source=msgspec.convert(source, Source),
                rtp_parameters=SEALED,
            ),
            m.ProducerCreated,
        )
        return str(producer_id)

    async def say(self, text: str) -> int:
        """Post a chat line; answers its seq."""
        return (await self.client.request(m.ChatPost(id=0, message_id=uuid4(), text=text), m.Posted)).seq


class Process:
    """One signaling process of the world."""

    def __init__(self, hub: Hub, server: SignalingServer) -> None:
        self.hub = hub
        self.server = server
        self.port = 0

    @property
    def url(self) -> str:
        """Where its sockets open."""
        return f"ws://127.0.0.1:{self.port}/signaling"


class World:
    """One live session, one media node, and as many signaling processes as the test wants."""

    def __init__(self, times: Times) -> None:
        self.times = times
        self.bus = MemoryBus()
        self.node = FakeNode()
        self.nodes = [self.node]
        self.live = MemoryLive(self.bus, self.node.id)
        self.feed = MemoryFeed(self.bus, self.live.session.room_id)
        self.chat = MemoryChat(self.feed)
        self.presence = MemoryPresence()
        self.seats = MemorySeats()
        self.processes: list[Process] = []
        self._ids = Ids()
        self._stack = AsyncExitStack()

    # --- Links ---

    @property
    def up_count(self) -> int:
        return sum(node.is_up for node in self.nodes)

    def is_up(self, node_id: NodeId) -> bool:
        return any(node.is_up and node.id == node_id for node in self.nodes)

    def nodes_up(self) -> list[MediaNode]:
        return [node.facts for node in self.nodes if node.is_up]

    # --- MediaNodes ---

    async def call(self, node_id: NodeId, request: c.RequestBase, answer: type[AnswerT]) -> AnswerT:
        node = next((node for node in self.nodes if node.id == node_id), self.node)
        return await node.call(node_id, request, answer)

    def add_node(self) -> FakeNode:
        """Another media node."""
        node = FakeNode()
        self.nodes.append(node)
        self.live.node_ids.append(node.id)
        return node

    def fill(self, node: FakeNode) -> None:
        """A node carries as much as it is willing to."""
        node.facts = msgspec.structs.replace(node.facts, consumers=node.facts.capacity_consumers)

    def drain(self, node: FakeNode) -> None:
        """A node tells every process that it drains."""
        node.facts = msgspec.structs.replace(node.facts, is_draining=True)
        self.live.draining_ids.add(node.id)
        for process in self.processes:
            process.hub.node_draining(node.id)

    # --- processes and guests ---

    async def start_process(self) -> Process:
        """Another signaling process on the same bus."""
        hub = Hub(
            Needs(
                live=self.live,
                renewals=NoRenewals(),
                feed=self.feed,
                chat=self.chat,
                alerts=MemoryAlerts(self.feed),
                media=MediaService(self, self.live),
                links=self,
                bus=self.bus,
                seats=self.seats,
                presence=self.presence,
                turn=NoTurn(),
                clock=Clock(),
                ids=self._ids,
                times=self.times,
            )
        )
        server = SignalingServer(
            hub, allowed_origins=frozenset({ORIGIN}), checks={"redis": lambda: True}, info={"links": lambda: 1}
        )
        process = Process(hub, server)
        process.port = await server.listen("127.0.0.1", 0)
        hub.start()
        self._stack.push_async_callback(server.close)
        self.processes.append(process)
        return process

    async def connect(self, process: Process | None = None, *, origin: str | None = ORIGIN) -> SignalingClient:
        """An open socket that has said nothing yet."""
        client = await SignalingClient.connect((process or self.processes[0]).url, origin=origin)
        self._stack.push_async_callback(_close, client)
        return client

    async def enter(self, role: Role = Role.VIEWER, process: Process | None = None) -> Guest:
        """Somebody new, welcomed."""
        participant, token = self.live.invite(role)
        client = await self.connect(process)
        welcome = await client.request(m.Hello(id=0, token=token, rtp_capabilities=SEALED), m.Welcome)
        return Guest(participant, client, welcome)

    async def resume(
        self,
        guest: Guest,
        process: Process | None = None,
        *,
        keep_media: bool = False,
        after: int | None = None,
    ) -> Guest:
        """The same person on a new socket, by the resume token."""
        client = await self.connect(process)
        hello = m.Hello(
            id=0,
            resume_token=guest.welcome.resume_token,
            rtp_capabilities=SEALED,
            keep_media=keep_media,
            resume_after_seq=after,
        )
        return Guest(guest.participant, client, await client.request(hello, m.Welcome))

    async def close(self) -> None:
        """Close sockets, then processes."""
        await self._stack.aclose()


async def _close(client: SignalingClient) -> None:
    with suppress(SocketClosed):
        await client.close()


async def until(condition: Callable[[], bool], *, timeout_s: float = 5.0) -> None:
    """Wait for a condition. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - it is someone else's state
            await asyncio.sleep(0.005)


async def close_code(client: SignalingClient) -> int:
    """What the server closed the socket with. Raises TimeoutError."""
    await until(lambda: client.close_code is not None)
    assert client.close_code is not None
    return client.close_code


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    made = World(QUICK)
    await made.start_process()
    yield made
    await made.close()
