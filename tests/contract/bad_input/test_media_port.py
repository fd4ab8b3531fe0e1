"""Packets without sense on the media port (targets.md A8): the worker lives, viewers see on, strangers leave no trace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
import pytest

from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.ortc.rtp import MediaKind, RtpHeaderExtensionParameters, RtpParameters
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import ListenInfo, SctpOptions
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from scripts.headless.reader import PictureReader
from scripts.headless.tracks import CounterTrack
from tests.contract.bad_input import packets
from tests.contract.bad_input.packets import Known
from tests.contract.bad_input.peer import RawPeer
from tests.contract.bad_input.stage import FRAMES_MORE, PATIENCE_S, resident_bytes
from tests.contract.worker.peer import Peer
from tests.contract.worker.rtp import OPUS_PAYLOAD_TYPE, VP8_PAYLOAD_TYPE, opus_parameters, vp8_parameters
from tests.contract.worker.rtp import packet as rtp_packet
from tests.contract.worker.stage import until

pytestmark = pytest.mark.worker

STRANGERS_PACKETS = 12_000
PEERS_PACKETS = 8_000
AT_ONCE = 50
"""Packets sent before the worker gets time to read them: its socket buffer holds them."""
CONNECTIONS = 2_000
MOST_GROWTH_BYTES = 32 * 1024 * 1024
"""How much the worker may grow by all that; a proposal."""
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"


@dataclass
class Port:
    """A worker with one room in which a viewer watches, and its media port."""

    worker: Worker
    server: WebRtcServer
    router: Router
    number: int
    picture: PictureReader
    watched: Producer

    async def sees_on(self) -> bool:
        """Whether the viewer decodes some more pictures from now on."""
        wanted = self.picture.frames + FRAMES_MORE
        return await self.picture.wait_for(lambda it: it.frames >= wanted, timeout_s=PATIENCE_S)

    async def traces(self) -> tuple[object, ...]:
        """Everything in the worker that strangers could have added to."""
        server, worker = await self.server.dump(), await self.worker.dump()
        chosen = [
            (await one.dump()).ice_selected_tuple for one in self.router.transports if isinstance(one, WebRtcTransport)
        ]
        return (
            sorted(server.web_rtc_transport_ids),
            server.local_ice_username_fragments,
            sorted(worker.request_handler_ids),
            chosen,
            [(await self.router.dump()).transport_ids],
        )

    def missed(self) -> int:
        """Datagrams the kernel dropped because the worker had not read them yet (proc_net(5), the last column)."""
        local = f"0100007F:{self.number:04X}"
        rows = [line.split() for line in Path("/proc/net/udp").read_text(encoding="ascii").splitlines()]
        return sum(int(row[-1]) for row in rows if row[1] == local)

    def files(self) -> int:
        """File descriptors the worker holds: TCP connections are among them."""
        return len(list(Path(f"/proc/{self.worker.pid}/fd").iterdir()))


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    """A viewer who decodes pictures already."""
    async with AsyncExitStack() as stack:
        worker = await Worker.create(binary=Path(os.environ["MEDIASOUP_WORKER_BIN"]))
        stack.push_async_callback(worker.wait_closed)
        stack.callback(worker.close)
        server = await worker.create_webrtc_server(listen_infos=_listen_infos())
        router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
        host = await Peer.join(router, server, is_sender=True)
        stack.push_async_callback(host.close)
        track = CounterTrack(width=320, height=180, frames_per_s=15)
        stack.callback(track.stop)
        watched = await host.send(track)
        viewer = await Peer.join(router, server, is_sender=False)
        stack.push_async_callback(viewer.close)
        _, seen = await viewer.watch(watched)
        picture = PictureReader(seen)
        stack.push_async_callback(picture.close)
        (udp,) = (await server.dump()).udp_sockets
        opened = Port(worker, server, router, udp.port, picture, watched)
        assert await opened.sees_on()
        yield opened


def _listen_infos() -> list[ListenInfo]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    return [
        ListenInfo(ip="127.0.0.1", protocol="udp", port=number),
        ListenInfo(ip="127.0.0.1", protocol="tcp", port=number),
    ]


async def _unharmed(port: Port, memory_bytes: int) -> None:
    """The same worker answers, has not grown much, and the viewer sees on."""
    assert (await port.worker.dump()).pid == port.worker.pid
    assert not port.worker.has_died
    assert resident_bytes(port.worker.pid) - memory_bytes < MOST_GROWTH_BYTES
    assert await port.sees_on()


def _known(port: Port) -> Known:
    """What strangers may know at most: ICE user names and streams of everybody, but no password."""
    transports = [one for one in port.router.transports if isinstance(one, WebRtcTransport)]
    names = [f"{one.ice_parameters.username_fragment}:guess" for one in transports]
    params = port.watched.rtp_parameters
    return Known(
        ssrcs=[encoding.ssrc or 1 for encoding in params.encodings],
        payload_types=[codec.payload_type for codec in params.codecs],
        extension_ids=[extension.id for extension in params.header_extensions] or [1],
        username=names[-1],
    )


@contextlib.contextmanager
def _sockets(count: int) -> Iterator[list[socket.socket]]:
    """UDP sockets nobody knows."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for one in opened:
            one.settimeout(0)
            one.bind(("127.0.0.1", 0))
        yield opened


def _answers(stranger: socket.socket) -> list[bytes]:
    """What the worker sent to a socket."""
    heard = []
    with contextlib.suppress(BlockingIOError):
        while True:
            heard.append(stranger.recv(65_536))
    return heard


async def test_udp_from_strangers_leaves_no_trace(port: Port, draw: Random) -> None:
    before, memory_bytes, known = await port.traces(), resident_bytes(port.worker.pid), _known(port)

    with _sockets(20) as strangers:
        for _ in range(STRANGERS_PACKETS // AT_ONCE):
            for _ in range(AT_ONCE):
                packet = draw.choice(packets.EVERYTHING)(draw, known)
                draw.choice(strangers).sendto(packet, ("127.0.0.1", port.number))
            await port.worker.get_resource_usage()
        answers = [answer for stranger in strangers for answer in _answers(stranger)]

    assert port.missed() < STRANGERS_PACKETS // 20
    assert await port.traces() == before
    # STUN errors are all they get: no handshake, no media.
    assert [answer for answer in answers if answer[0] > 3] == []
    await _unharmed(port, memory_bytes)


async def test_a_client_hello_before_ice_is_not_answered(port: Port) -> None:
    before = await port.traces()

    with _sockets(1) as (stranger,):
        for _ in range(100):
            stranger.sendto(packets.TRUE_HELLO, ("127.0.0.1", port.number))
        await port.worker.get_resource_usage()
        await asyncio.sleep(0.2)

        assert _answers(stranger) == []
    assert await port.traces() == before
    assert await port.sees_on()


async def test_tcp_from_strangers_leaves_no_trace(port: Port, draw: Random) -> None:
    before, memory_bytes, files, known = (
        await port.traces(),
        resident_bytes(port.worker.pid),
        port.files(),
        _known(port),
    )
    waiting = asyncio.Semaphore(100)

    async def visit(own: Random) -> None:
        async with waiting:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port.number)
                for _ in range(own.randrange(4)):
                    packet = own.choice(packets.EVERYTHING)(own, known)
                    writer.write(packets.framed(own, packet) if own.random() < 0.9 else packet)
                if own.random() < 0.5:
                    await writer.drain()
                    writer.close()
                else:
                    writer.transport.abort()

    await asyncio.gather(*(visit(Random(draw.getrandbits(64))) for _ in range(CONNECTIONS)))  # noqa: S311 - replayable

    await until(lambda: port.files() <= files, within_s=PATIENCE_S)
    assert await port.traces() == before
    await _unharmed(port, memory_bytes)


async def test_half_open_tcp_connections_keep_nobody_out(port: Port) -> None:
    files = port.files()
    connections = [await asyncio.open_connection("127.0.0.1", port.number) for _ in range(300)]
    for _, writer in connections:
        writer.write(b"\xff")  # Half a length, and never more.

    assert await port.sees_on()
    assert (await port.worker.dump()).pid == port.worker.pid

    for _, writer in connections:
        writer.close()
    await until(lambda: port.files() <= files, within_s=PATIENCE_S)


# --- peers who are let in, and then misbehave ---------------------------------------------------------------------


def _microphone() -> RtpParameters:
    """A track whose audio level extension the worker copies from packet to packet."""
    level = RtpHeaderExtensionParameters(uri=AUDIO_LEVEL, id=5)
    return msgspec.structs.replace(opus_parameters(ssrc=77), header_extensions=[level])


async def _attacker(
    port: Port, stack: AsyncExitStack, *, is_with_sctp: bool = False
) -> tuple[RawPeer, WebRtcTransport]:
    transport = await port.router.create_webrtc_transport(
        webrtc_server=port.server, sctp=SctpOptions() if is_with_sctp else None
    )
    peer = await RawPeer.join(transport)
    stack.push_async_callback(peer.close)
    return peer, transport


async def test_an_empty_header_extension_from_a_publisher_is_no_harm(port: Port) -> None:
    async with AsyncExitStack() as stack:
        peer, transport = await _attacker(port, stack)
        producer = await transport.produce(kind="audio", rtp_parameters=_microphone())
        plain = rtp_packet(payload_type=OPUS_PAYLOAD_TYPE, sequence_number=1, timestamp=960, ssrc=77, payload=b"sound")
        extension = struct.pack("!HHBBBB", 0x1000, 1, 5, 0, 0, 0)
        empty = bytes([plain[0] | 0x10]) + plain[1:12] + extension + plain[12:]

        for number in range(2, 12):
            await peer.send_encrypted(empty[:2] + struct.pack("!H", number) + empty[4:])

        await until(lambda: port.worker.closed or producer.score, within_s=PATIENCE_S)
        assert (await producer.get_stats())[0].packet_count == 10
    assert await port.sees_on()


def _in_order(packet: bytes, number: int) -> bytes:
    """An RTP packet under the next number: libsrtp encrypts no old ones. Others stay as they are."""
    if len(packet) < 12 or 192 <= packet[1] <= 223:
        return packet
    return packet[:2] + struct.pack("!H", number % 65_536) + packet[4:]


async def test_packets_of_a_legal_publisher_cost_at_most_themselves(port: Port, draw: Random) -> None:
    memory_bytes = resident_bytes(port.worker.pid)
    async with AsyncExitStack() as stack:
        peer, transport = await _attacker(port, stack)
        tracks: list[tuple[MediaKind, RtpParameters]] = [
            ("audio", _microphone()),
            ("video", vp8_parameters(ssrc=90, layers=3)),
        ]
        producers = [await transport.produce(kind=kind, rtp_parameters=params) for kind, params in tracks]
        watcher = await port.router.create_direct_transport()
        for producer in producers:
            for is_pipe in (False, True):
                await watcher.consume(
                    producer_id=producer.id, rtp_capabilities=port.router.rtp_capabilities, paused=False, pipe=is_pipe
                )
        ssrcs = [encoding.ssrc or 1 for _, params in tracks for encoding in params.encodings]
        known = Known(ssrcs=ssrcs, payload_types=[OPUS_PAYLOAD_TYPE, VP8_PAYLOAD_TYPE], extension_ids=[5, 1])
        sent = [b""]
        for number in range(PEERS_PACKETS // 2):
            packet = packets.rtp(draw, known) if draw.random() < 0.7 else packets.rtcp(draw, known)
            sent.append(await peer.send_encrypted(_in_order(packet, number)))
            replayed = draw.choice(sent[-200:])
            await peer.send(replayed if draw.random() < 0.5 else packets.damage(draw, replayed))
            if number % AT_ONCE == 0:
                await port.worker.get_resource_usage()

        assert transport.dtls_state == "connected"
        received = [await producer.get_stats() for producer in producers]
        assert min(sum(one.packet_count for one in streams) for streams in received) > PEERS_PACKETS // 100
    await _unharmed(port, memory_bytes)


async def test_everything_from_the_tuple_of_a_legal_viewer_costs_that_viewer_alone(port: Port, draw: Random) -> None:
    memory_bytes = resident_bytes(port.worker.pid)
    async with AsyncExitStack() as stack:
        peer, transport = await _attacker(port, stack, is_with_sctp=True)
        consumer = await transport.consume(
            producer_id=port.watched.id, rtp_capabilities=port.router.rtp_capabilities, paused=False
        )
        ice = transport.ice_parameters
        known = Known(
            ssrcs=[encoding.ssrc or 1 for encoding in consumer.rtp_parameters.encodings],
            username=f"{ice.username_fragment}:{ice.username_fragment}",
            password=ice.password,
        )
        for number in range(PEERS_PACKETS // 2):
            chance = draw.random()
            if chance < 0.3:
                await peer.send_encrypted(packets.rtcp(draw, known))
            elif chance < 0.6 and peer.dtls_state == "connected":
                await peer.send_data(packets.sctp(draw, known))
            else:
                await peer.send(draw.choice(packets.EVERYTHING)(draw, known))
            if number % AT_ONCE == 0:
                await port.worker.get_resource_usage()
        assert transport.dtls_state == "connected"
    await _unharmed(port, memory_bytes)
