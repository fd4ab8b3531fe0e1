"""One live session on two real nodes: what is published on the one is consumed on the other, by an encrypted pipe."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pylibsrtp
import pytest
from typing_extensions import override

from media_plane.agent import rooms
from media_plane.contract import messages as m
from scripts.headless.media import HeadlessMedia
from scripts.headless.reader import PictureReader, SoundReader
from scripts.headless.tracks import CounterTrack, ToneTrack
from tests.contract.headless.test_headless_media import DirectSignaling
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.conftest import MakeNode, Node
from tests.contract.node_link.media import Person, new_id, raw, vp8

pytestmark = pytest.mark.worker

HEADER_BYTES = 12
"""RTP's fixed header (RFC 3550, 5.1)."""


@dataclass
class Side:
    """One node's side of a live session, and its end of the pipe to the other."""

    node: Node
    link: LinkClient
    room_id: str
    peer_node_id: str = ""

    def pipe(self, shape: type[Any], **fields: Any) -> Any:
        """A request about the pipe."""
        return shape(
            id=self.link.number(), live_session_id=self.room_id, epoch=1, peer_node_id=self.peer_node_id, **fields
        )

    async def open(self) -> m.PipeOpened:
        return await self.link.request(self.pipe(m.PipeOpen), m.PipeOpened)

    async def connect(self, own: m.PipeOpened, other: m.PipeOpened, port: int | None = None) -> None:
        request = self.pipe(
            m.PipeConnect,
            pipe_id=own.pipe_id,
            ip=other.ip,
            port=port or other.port,
            srtp_parameters=other.srtp_parameters,
        )
        await self.link.request(request, m.Empty)

    async def send(self, own: m.PipeOpened, *producer_ids: str) -> m.PipeSent:
        request = self.pipe(m.PipeSend, pipe_id=own.pipe_id, producer_ids=list(producer_ids))
        return await self.link.request(request, m.PipeSent)

    async def receive(self, own: m.PipeOpened, tracks: list[m.PipedTrack]) -> None:
        await self.link.request(self.pipe(m.PipeReceive, pipe_id=own.pipe_id, tracks=tracks), m.Empty)

    async def drop(self, *producer_ids: str, pipe_id: str = "") -> None:
        request = self.pipe(m.PipeDrop, producer_ids=list(producer_ids), pipe_id=pipe_id)
        await self.link.request(request, m.Empty)


@dataclass
class Span:
    """A live session over two nodes, its pipe connected."""

    origin: Side
    edge: Side
    origin_end: m.PipeOpened
    edge_end: m.PipeOpened

    async def carry(self, *producer_ids: str) -> None:
        """Let producers of the origin come out at the edge."""
        sent = await self.origin.send(self.origin_end, *producer_ids)
        await self.edge.receive(self.edge_end, sent.tracks)


async def open_sides(make_node: MakeNode) -> tuple[Side, Side]:
    room_id = new_id()
    nodes = [await make_node(), await make_node()]
    origin, edge = [Side(node, await node.link(), room_id) for node in nodes]
    origin.peer_node_id, edge.peer_node_id = edge.node.agent.node_id, origin.node.agent.node_id
    for side in (origin, edge):
        await Person(side.link, room_id).open()
    return origin, edge


@pytest.fixture
async def span(make_node: MakeNode) -> Span:
    origin, edge = await open_sides(make_node)
    origin_end, edge_end = await origin.open(), await edge.open()
    await origin.connect(origin_end, edge_end)
    await edge.connect(edge_end, origin_end)
    return Span(origin, edge, origin_end, edge_end)


@pytest.fixture
async def publisher(span: Span) -> Person:
    publisher = Person(span.origin.link, span.origin.room_id)
    await publisher.transport("send")
    return publisher


@pytest.fixture
async def watcher(span: Span) -> Person:
    watcher = Person(span.edge.link, span.edge.room_id)
    await watcher.transport("recv")
    return watcher


@dataclass
class Tap(asyncio.DatagramProtocol):
    """Stands between two ends of a pipe: passes on what comes, and keeps a copy of what the first one sends."""

    forward_to: tuple[str, int] | None = None
    seen: list[bytes] = field(default_factory=list)
    out: asyncio.DatagramTransport | None = None

    @override
    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self.seen.append(data)
        if self.out is not None and self.forward_to is not None:
            self.out.sendto(data, self.forward_to)


async def listen(tap: Tap) -> tuple[asyncio.DatagramTransport, int]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: tap, local_addr=("127.0.0.1", 0))
    return transport, int(transport.get_extra_info("sockname")[1])


@dataclass
class Watching:
    """Somebody publishes on the origin, somebody watches on the edge."""

    picture: PictureReader
    sound: SoundReader

    @classmethod
    async def begin(
        cls, span: Span, host: HeadlessMedia, viewer: HeadlessMedia, wires: list[DirectSignaling]
    ) -> Watching:
        host_wire, viewer_wire = wires
        host.use(host_wire)  # type: ignore[arg-type]  # only `request` is used
        viewer.use(viewer_wire)  # type: ignore[arg-type]  # as above
        await host.publish(ToneTrack(), "microphone")
        await host.publish(CounterTrack(), "camera")
        await span.carry(*host_wire.producers)
        options = await viewer_wire.ask(m.TransportCreate, m.TransportOptions, transport_id=new_id(), direction="recv")
        await viewer.open_receive(options)
        consumers = await viewer_wire.consume(options.id, host_wire.producers)
        tracks = {one.kind: await viewer.consume(one) for one in consumers}
        return cls(PictureReader(tracks["video"]), SoundReader(tracks["audio"]))


async def test_picture_and_sound_published_on_one_node_are_decoded_on_another_and_travel_encrypted(
    make_node: MakeNode,
) -> None:
    origin, edge = await open_sides(make_node)
    origin_end, edge_end = await origin.open(), await edge.open()
    there, back = Tap(), Tap()
    (there_socket, there_port), (back_socket, back_port) = await listen(there), await listen(back)
    # What the origin sends comes to `there` and leaves by `back`'s socket, so that the edge answers to that one.
    there.out, there.forward_to = back_socket, (edge_end.ip, edge_end.port)
    back.out, back.forward_to = there_socket, (origin_end.ip, origin_end.port)
    await origin.connect(origin_end, edge_end, port=there_port)
    await edge.connect(edge_end, origin_end, port=back_port)
    opened = await Person(origin.link, origin.room_id).open()
    host = await HeadlessMedia.load(opened.rtp_capabilities, [])
    viewer = await HeadlessMedia.load(opened.rtp_capabilities, [])
    wires = [
        DirectSignaling(origin.link, origin.room_id, host.rtp_capabilities),
        DirectSignaling(edge.link, edge.room_id, viewer.rtp_capabilities),
    ]

    try:
        watching = await Watching.begin(Span(origin, edge, origin_end, edge_end), host, viewer, wires)

        assert await watching.picture.wait_for(lambda one: one.advanced_by >= 30, timeout_s=40)
        assert await watching.sound.wait_for(lambda one: one.tone_windows >= 10, timeout_s=40)
    finally:
        await viewer.close()
        await host.close()
        there_socket.close()
        back_socket.close()
    srtp = msgspec.json.decode(origin_end.srtp_parameters)
    assert srtp["cryptoSuite"] == "AEAD_AES_256_GCM"
    packets = [packet for packet in there.seen if packet[0] >> 6 == 2 and not 64 <= packet[1] & 0x7F < 96]
    assert len(packets) > 100
    plain = _decrypt(packets[:100], base64.b64decode(srtp["keyBase64"]))
    assert all(len(shut) == len(bare) + 16 and bare[HEADER_BYTES:] != shut[HEADER_BYTES:-16] for shut, bare in plain)
    with pytest.raises(pylibsrtp.Error):
        _decrypt(packets[:1], bytes(44))


def _decrypt(packets: list[bytes], key: bytes) -> list[tuple[bytes, bytes]]:
    """Each packet as it travelled and as it is inside. Raises pylibsrtp.Error: not encrypted by this key."""
    policy = pylibsrtp.Policy(
        key=key,
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_INBOUND,
        srtp_profile=pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
    )
    session = pylibsrtp.Session(policy=policy)
    return [(packet, session.unprotect(packet)) for packet in packets]


async def test_a_repeat_of_every_request_changes_nothing(span: Span, publisher: Person) -> None:
    camera = await publisher.produce("camera", vp8(layers=3))

    assert await span.origin.open() == span.origin_end
    await span.origin.connect(span.origin_end, span.edge_end)
    await span.carry(camera.producer_id)
    before = [side.node.agent.load() for side in (span.origin, span.edge)]
    await span.carry(camera.producer_id)

    assert [side.node.agent.load().producers for side in (span.origin, span.edge)] == [1, 1]
    assert [side.node.agent.load() for side in (span.origin, span.edge)] == before


async def test_what_is_sent_to_another_node_counts_where_it_leaves(span: Span, publisher: Person) -> None:
    camera, voice = await publisher.produce("camera"), await publisher.produce("microphone")

    def sent() -> int:
        return span.origin.node.agent.fleet.facts()[0].consumers

    await span.carry(camera.producer_id, voice.producer_id)
    both = sent()
    await span.origin.drop(camera.producer_id)
    one = sent()
    await span.origin.drop()

    assert (both, one, sent()) == (2, 1, 0)


async def test_many_who_open_a_pipe_at_once_get_one(make_node: MakeNode) -> None:
    origin, _ = await open_sides(make_node)

    ends = await asyncio.gather(*(origin.open() for _ in range(5)))

    assert len({end.pipe_id for end in ends}) == 1


async def test_an_end_that_is_connected_refuses_another_and_stays_as_it_is(span: Span, publisher: Person) -> None:
    stranger = msgspec.structs.replace(span.edge_end, port=9)

    with pytest.raises(Refused) as refused:
        await span.origin.connect(span.origin_end, stranger)

    assert refused.value.code == "conflict"
    voice = await publisher.produce("microphone")
    await span.carry(voice.producer_id)


async def test_requests_about_an_end_that_is_another_by_now_are_refused(span: Span) -> None:
    await span.origin.drop(pipe_id=span.origin_end.pipe_id)
    newer = await span.origin.open()

    with pytest.raises(Refused) as refused:
        await span.origin.send(span.origin_end)
    await span.origin.drop(pipe_id=span.origin_end.pipe_id)

    assert refused.value.code == "not_found"
    assert await span.origin.open() == newer


async def test_nothing_is_sent_before_the_pipe_is_connected(make_node: MakeNode) -> None:
    origin, _ = await open_sides(make_node)
    end = await origin.open()

    with pytest.raises(Refused) as refused:
        await origin.send(end)

    assert refused.value.code == "conflict"


async def test_a_track_that_closed_at_its_origin_is_left_out(span: Span, publisher: Person) -> None:
    camera = await publisher.produce("camera")
    await publisher.close_producer(camera.producer_id)

    sent = await span.origin.send(span.origin_end, camera.producer_id, new_id())

    assert sent.tracks == []


async def test_a_dropped_track_closes_its_consumers_on_the_edge(span: Span, publisher: Person, watcher: Person) -> None:
    camera = await publisher.produce("camera")
    await span.carry(camera.producer_id)
    capabilities = (await watcher.open()).rtp_capabilities
    consumer_id = new_id()
    assert (await watcher.consume(capabilities, {consumer_id: camera.producer_id})).refused == []

    await span.edge.drop(camera.producer_id)

    closed = await span.edge.link.until(m.ConsumerClosed)
    assert (closed.participant_id, closed.consumer_id) == (watcher.id, consumer_id)
    assert span.edge.node.agent.load().producers == 0


async def test_the_edge_tells_what_comes_by_pipe_and_does_not_take_it_for_a_publisher(
    span: Span, publisher: Person, watcher: Person
) -> None:
    camera = await publisher.produce("camera")
    await span.carry(camera.producer_id)

    answer = await watcher.open()

    assert answer.piped_producer_ids == [camera.producer_id]
    assert answer.participants == []


async def test_a_track_that_comes_from_another_node_by_now_is_taken_from_there(
    span: Span, publisher: Person, make_node: MakeNode
) -> None:
    camera = await publisher.produce("camera")
    await span.carry(camera.producer_id)
    node = await make_node()
    other = Side(node, await node.link(), span.edge.room_id, peer_node_id=span.edge.node.agent.node_id)
    moved = replace(publisher, link=other.link)
    await moved.open()
    await moved.transport("send")
    await moved.produce("camera", producer_id=camera.producer_id)
    edge = replace(span.edge, peer_node_id=node.agent.node_id)
    end, edge_end = await other.open(), await edge.open()
    await other.connect(end, edge_end)
    await edge.connect(edge_end, end)

    await edge.receive(edge_end, (await other.send(end, camera.producer_id)).tracks)

    await span.edge.drop(camera.producer_id)
    assert (await piped_to(edge)) == [camera.producer_id]
    await edge.drop(camera.producer_id)
    assert (await piped_to(edge)) == []


async def piped_to(side: Side) -> list[str]:
    """Producers that come to this side by any pipe."""
    return (await Person(side.link, side.room_id).open()).piped_producer_ids


async def test_a_track_that_came_by_pipe_is_not_sent_on(span: Span, publisher: Person) -> None:
    camera = await publisher.produce("camera")
    await span.carry(camera.producer_id)

    sent = await span.edge.send(span.edge_end, camera.producer_id)

    assert sent.tracks == []


async def test_an_edge_that_nobody_watches_from_closes_after_a_while(
    span: Span, publisher: Person, watcher: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "PIPE_IDLE_S", 0.0)
    camera = await publisher.produce("camera")
    await span.carry(camera.producer_id)
    edge_rooms = span.edge.node.agent.rooms
    edge_rooms.close_orphans()
    with_watcher = edge_rooms.count

    await watcher.leave()
    edge_rooms.close_orphans()
    await asyncio.sleep(0.01)
    edge_rooms.close_orphans()

    assert (with_watcher, edge_rooms.count) == (1, 0)
    assert (await span.edge.link.until(m.RoomLost)).reason == "closed"
    assert span.origin.node.agent.rooms.count == 1


async def test_a_node_without_an_address_for_pipes_says_so(make_node: MakeNode) -> None:
    origin, _ = await open_sides(make_node)
    group = await origin.node.agent.rooms.find(_Nobody(), origin.room_id, 1)
    group.pipes._address = None

    with pytest.raises(Refused) as refused:
        await origin.open()

    assert refused.value.code == "unsupported"


class _Nobody:
    """A link that is closed: it holds nothing."""

    is_closed = True

    def notify(self, notification: m.Notification) -> None:
        """Nobody hears."""


async def test_keys_that_cannot_be_read_are_malformed(make_node: MakeNode) -> None:
    origin, _ = await open_sides(make_node)
    end = await origin.open()

    with pytest.raises(Refused) as refused:
        await origin.connect(end, msgspec.structs.replace(end, srtp_parameters=raw({"cryptoSuite": "NONE"})))

    assert refused.value.code == "malformed"


async def test_a_publisher_who_moved_on_goes_when_nobody_on_any_node_watches_them(
    span: Span, publisher: Person
) -> None:
    camera = await publisher.produce("camera")
    await span.carry(camera.producer_id)
    leaving = m.ParticipantClose(
        id=span.origin.link.number(),
        live_session_id=span.origin.room_id,
        epoch=1,
        participant_id=publisher.id,
        once_unwatched=True,
    )

    await span.origin.link.request(leaving, m.Empty)
    span.origin.node.agent.rooms.close_orphans()
    still = span.origin.node.agent.load().producers
    await span.origin.drop(camera.producer_id)
    span.origin.node.agent.rooms.close_orphans()

    assert still == 1
    assert span.origin.node.agent.load().producers == 0
