"""Data over real SCTP: an association of another implementation against the real worker."""

from collections.abc import AsyncIterator

import pytest

from media_plane.ortc.sctp import PPID_BINARY, PPID_STRING, SctpStreamParameters
from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.plain_transport import PlainTransport
from media_plane.sfu.router import Router
from tests.conformance.sctp_peer import SctpPeer
from tests.conformance.stage import LOOPBACK, SCTP, shown, until

pytestmark = pytest.mark.worker

STREAM_ID = 123


@pytest.fixture
async def transport(router: Router) -> PlainTransport:
    return await router.create_plain_transport(listen_info=LOOPBACK, comedia=True, sctp=SCTP)


@pytest.fixture
async def produced(transport: PlainTransport) -> DataProducer:
    return await transport.produce_data(
        sctp_stream_parameters=SctpStreamParameters(stream_id=STREAM_ID, ordered=True),
        label="aiortc",
        protocol="text & zeichen ä😀",
    )


@pytest.fixture
async def consumed(transport: PlainTransport, produced: DataProducer) -> DataConsumer:
    return await transport.consume_data(data_producer_id=produced.id)


@pytest.fixture
async def peer(transport: PlainTransport, consumed: DataConsumer) -> AsyncIterator[SctpPeer]:
    peer = await SctpPeer.connect(transport)
    await until(lambda: peer.is_established and transport.sctp_state == "connected")
    yield peer
    await peer.close()


async def test_association_becomes_connected(transport: PlainTransport, peer: SctpPeer) -> None:
    assert peer.is_established
    assert transport.sctp_state == "connected"
    await until(lambda: transport.sctp_negotiated_capabilities)
    dump = await transport.dump()
    assert dump.sctp_state == "connected"
    assert dump.sctp_negotiated_capabilities == transport.sctp_negotiated_capabilities
    assert shown(dump.sctp_negotiated_capabilities) == {
        "negotiatedMaxOutboundStreams": 65535,
        "negotiatedMaxInboundStreams": 65535,
    }


async def test_messages_pass_in_order_with_their_identifiers(
    peer: SctpPeer, produced: DataProducer, consumed: DataConsumer
) -> None:
    assert consumed.sctp_stream_parameters is not None
    assert consumed.sctp_stream_parameters.stream_id == 0
    sent = [(PPID_STRING if number < 100 else PPID_BINARY, str(number).encode()) for number in range(200)]

    for ppid, data in sent:
        await peer.send(STREAM_ID, ppid, data)
    await until(lambda: len(peer.messages) >= len(sent))

    assert peer.messages == [(0, ppid, data) for ppid, data in sent]
    size = sum(len(data) for _, data in sent)
    received, delivered = await produced.get_stats(), await consumed.get_stats()
    assert (received.label, received.protocol) == ("aiortc", "text & zeichen ä😀")
    assert (received.messages_received, received.bytes_received) == (200, size)
    assert (delivered.messages_sent, delivered.bytes_sent) == (200, size)
    assert await consumed.get_buffered_amount() == 0


async def test_data_consumer_sends_messages_of_its_own(peer: SctpPeer, consumed: DataConsumer) -> None:
    assert await consumed.get_buffered_amount() == 0

    assert await consumed.send("hello") == 0
    assert await consumed.send(b"") == 0

    await until(lambda: len(peer.messages) == 2)
    assert peer.messages == [(0, PPID_STRING, b"hello"), (0, 57, b"\0")]


async def test_full_and_emptied_buffers_are_told(
    router: Router, transport: PlainTransport, peer: SctpPeer, consumed: DataConsumer
) -> None:
    """Beyond mediasoup's suite: the threshold, and the notification when waiting bytes fall to it."""
    told: list[int] = []
    consumed.on_buffered_amount_low(told.append)
    await consumed.set_buffered_amount_low_threshold(5_000)
    assert consumed.buffered_amount_low_threshold == 5_000

    for _ in range(30):
        await consumed.send(bytes(10_000))

    await until(lambda: len(peer.messages) == 30)
    await until(lambda: told)
    assert told[-1] <= 5_000
    assert (await consumed.dump()).buffered_amount_low_threshold == 5_000
