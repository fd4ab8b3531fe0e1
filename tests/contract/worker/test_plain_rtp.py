"""RTP goes in by one plain transport and comes out by another."""

import asyncio
import base64
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from media_plane.channel.values.media import MediaTrace
from media_plane.sfu.errors import WorkerRejected
from media_plane.sfu.plain_transport import PlainTransport
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import SrtpParameters
from tests.contract.worker.rtp import (
    OPUS_PAYLOAD_TYPE,
    VP8_PAYLOAD_TYPE,
    opus_parameters,
    packet,
    vp8_parameters,
    vp8_payload,
)
from tests.contract.worker.stage import LOOPBACK, until

pytestmark = pytest.mark.worker


@dataclass
class Peer:
    """A UDP socket that counts what it receives."""

    socket: socket.socket
    received: list[bytes]

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def send(self, data: bytes, transport: PlainTransport) -> None:
        self.socket.sendto(data, (transport.tuple.local_address, transport.tuple.local_port))

    def of(self, ssrc: int) -> list[bytes]:
        """RTP packets received with this SSRC; RTCP has payload types 72..79 after its marker bit."""
        return [
            data
            for data in self.received
            if not 72 <= data[1] & 0x7F <= 79 and struct.unpack_from("!I", data, 8)[0] == ssrc
        ]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    udp.settimeout(0)
    peer = Peer(udp, [])
    loop = asyncio.get_running_loop()
    loop.add_reader(udp.fileno(), lambda: peer.received.append(udp.recv(2048)))
    yield peer
    loop.remove_reader(udp.fileno())
    udp.close()


async def test_opus_packets_come_out_in_order_with_the_payload_sent(router: Router, peer: Peer) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    sink = await router.create_plain_transport(listen_info=LOOPBACK)
    await sink.connect(ip="127.0.0.1", port=peer.port)
    producer = await source.produce(kind="audio", rtp_parameters=opus_parameters(ssrc=1000))
    consumer = await sink.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities, paused=False)
    tuples: list[int | None] = []
    source.on_tuple(lambda found: tuples.append(found.remote_port))
    payloads = [b"opus frame %d" % number for number in range(50)]

    for number, payload in enumerate(payloads):
        data = packet(
            payload_type=OPUS_PAYLOAD_TYPE, sequence_number=number, timestamp=number * 960, ssrc=1000, payload=payload
        )
        peer.send(data, source)
        await asyncio.sleep(0)

    sent_as = consumer.rtp_parameters.encodings[0].ssrc
    assert sent_as is not None
    await until(lambda: len(peer.of(sent_as)) >= 50)
    came = peer.of(sent_as)
    assert [data[-len(payload) :] for data, payload in zip(came, payloads, strict=True)] == payloads
    await until(lambda: tuples)
    assert tuples == [peer.port]
    assert source.tuple.remote_port == peer.port
    assert {data[1] & 0x7F for data in came} == {consumer.rtp_parameters.codecs[0].payload_type}


async def test_stats_count_what_was_forwarded(router: Router, peer: Peer) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    sink = await router.create_plain_transport(listen_info=LOOPBACK)
    await sink.connect(ip="127.0.0.1", port=peer.port)
    producer = await source.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=2000))
    consumer = await sink.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    await consumer.resume()
    sent_as = consumer.rtp_parameters.encodings[0].ssrc
    assert sent_as is not None

    for number in range(20):
        data = packet(
            payload_type=VP8_PAYLOAD_TYPE,
            sequence_number=number,
            timestamp=number * 3000,
            ssrc=2000,
            payload=vp8_payload(is_key_frame=number == 0),
        )
        peer.send(data, source)
    await until(lambda: len(peer.of(sent_as)) >= 20)

    (inbound,) = await producer.get_stats()
    outbound, feeding = await consumer.get_stats()
    came_in, went_out = await source.get_stats(), await sink.get_stats()
    assert (inbound.type, inbound.kind, inbound.mime_type, inbound.ssrc) == ("inbound-rtp", "video", "video/VP8", 2000)
    assert inbound.packet_count == 20
    assert inbound.bitrate_by_layer != {}
    assert (outbound.type, outbound.packet_count) == ("outbound-rtp", 20)
    assert outbound.ssrc == sent_as
    assert (feeding.type, feeding.ssrc) == ("inbound-rtp", 2000)
    assert came_in.transport_id == source.id
    assert came_in.rtp_bytes_received > 20 * 200
    assert went_out.rtp_bytes_sent > 20 * 200
    assert went_out.tuple.remote_port == peer.port


async def test_traces_tell_packets_and_key_frames(router: Router, peer: Peer) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    producer = await source.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=2000))
    await producer.enable_trace_event(["rtp", "keyframe"])
    traces: list[MediaTrace] = []
    producer.on_trace(traces.append)

    for number in (7, 8):
        data = packet(
            payload_type=VP8_PAYLOAD_TYPE,
            sequence_number=number,
            timestamp=1,
            ssrc=2000,
            payload=vp8_payload(is_key_frame=number == 7),
        )
        peer.send(data, source)

    await until(lambda: len(traces) >= 2)
    key_frame, other = traces
    assert (key_frame.type, other.type, key_frame.direction) == ("keyframe", "rtp", "in")
    first, second = key_frame.rtp_packet, other.rtp_packet
    assert first is not None
    assert second is not None
    assert (first.ssrc, first.sequence_number, first.is_key_frame) == (2000, 7, True)
    assert (second.ssrc, second.sequence_number, second.is_key_frame) == (2000, 8, False)
    assert key_frame.is_rtx is False
    assert sorted((await producer.dump()).trace_event_types) == ["keyframe", "rtp"]


async def test_paused_consumer_and_paused_producer_send_nothing(router: Router, peer: Peer) -> None:
    source = await router.create_plain_transport(listen_info=LOOPBACK, comedia=True)
    sink = await router.create_plain_transport(listen_info=LOOPBACK)
    await sink.connect(ip="127.0.0.1", port=peer.port)
    producer = await source.produce(kind="audio", rtp_parameters=opus_parameters(ssrc=1000))
    consumer = await sink.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    sent_as = consumer.rtp_parameters.encodings[0].ssrc
    assert sent_as is not None
    told: list[str] = []
    consumer.on_producer_pause(lambda: told.append("paused"))
    consumer.on_producer_resume(lambda: told.append("resumed"))
    number = iter(range(10_000))

    async def send_and_settle() -> int:
        before = (await source.get_stats()).rtp_bytes_received
        sequence_number = next(number)
        data = packet(
            payload_type=OPUS_PAYLOAD_TYPE, sequence_number=sequence_number, timestamp=0, ssrc=1000, payload=b"x" * 50
        )
        peer.send(data, source)
        async with asyncio.timeout(20):
            while (await source.get_stats()).rtp_bytes_received == before:  # noqa: ASYNC110 - the worker is asked
                await asyncio.sleep(0.002)
        # The worker answers after it forwarded: what it sent is in our socket by now.
        await asyncio.sleep(0.01)
        return len(peer.of(sent_as))

    assert await send_and_settle() == 0
    await consumer.resume()
    assert await send_and_settle() == 1
    await producer.pause()
    assert await send_and_settle() == 1
    await producer.resume()
    assert await send_and_settle() == 2
    await until(lambda: len(told) == 2)
    assert told == ["paused", "resumed"]
    assert (consumer.producer_paused, producer.paused, consumer.paused) == (False, False, False)


async def test_srtp_is_gcm_unless_said_otherwise(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, enable_srtp=True)

    assert transport.srtp_parameters is not None
    assert transport.srtp_parameters.crypto_suite == "AEAD_AES_128_GCM"
    assert len(base64.b64decode(transport.srtp_parameters.key_base64)) == 28

    key = base64.b64encode(bytes(28)).decode()
    await transport.connect(
        ip="127.0.0.1",
        port=9,
        srtp_parameters=SrtpParameters(crypto_suite="AEAD_AES_128_GCM", key_base64=key),
    )
    assert transport.tuple.remote_port == 9


async def test_rtcp_has_its_own_port_without_mux(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK, rtcp_mux=False)

    await transport.connect(ip="127.0.0.1", port=4000, rtcp_port=4001)

    assert transport.rtcp_tuple is not None
    assert transport.rtcp_tuple.remote_port == 4001
    assert transport.rtcp_tuple.local_port != transport.tuple.local_port
    dump = await transport.dump()
    assert (dump.rtcp_mux, dump.comedia, dump.tuple.remote_ip) == (False, False, "127.0.0.1")


async def test_connecting_twice_is_refused_with_the_reason(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    await transport.connect(ip="127.0.0.1", port=4000)

    with pytest.raises(WorkerRejected, match="already") as caught:
        await transport.connect(ip="127.0.0.1", port=4000)

    assert caught.value.method == "PLAINTRANSPORT_CONNECT"
