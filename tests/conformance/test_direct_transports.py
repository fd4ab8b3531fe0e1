"""Direct transports against the real worker: media and messages of our own."""

import pytest

from media_plane.ortc.sctp import PPID_BINARY, PPID_STRING
from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.direct_transport import DirectTransport
from media_plane.sfu.errors import BrokenMessage, ChannelClosed, InvalidState, InvalidValue, Unsupported
from media_plane.sfu.router import Router
from media_plane.sfu.transport import MediaTransport
from media_plane.sfu.worker import Worker
from tests.conformance.rtp import RTCP_PAYLOAD_FEEDBACK, opus_packet, sender_report, vp8_packet
from tests.conformance.stage import AUDIO, DEVICE, VP8_DEVICE, until, vp8_video

pytestmark = pytest.mark.worker


@pytest.fixture
async def direct(router: Router) -> DirectTransport:
    return await router.create_direct_transport()


async def test_direct_transport_is_made_and_announced(router: Router) -> None:
    announced: list[MediaTransport] = []
    router.on_new_transport(announced.append)

    made = await router.create_direct_transport(max_send_message_size=1024, max_receive_message_size=2048, app_data="a")

    assert (announced, router.transports) == ([made], [made])
    assert (made.type, made.closed, made.app_data) == ("direct", False, "a")
    assert (await router.dump()).transport_ids == [made.id]
    dump = await made.dump()
    assert (dump.id, dump.direct) == (made.id, True)
    assert (dump.producer_ids, dump.consumer_ids, dump.data_producer_ids, dump.data_consumer_ids) == ([], [], [], [])
    assert (dump.max_send_message_size, dump.max_receive_message_size) == (1024, 2048)
    assert (dump.rtp_listener.ssrc_table, dump.recv_rtp_header_extensions.mid) == ({}, None)
    made.close()
    assert made.closed


async def test_stats_begin_with_nothing(direct: DirectTransport) -> None:
    stats = await direct.get_stats()

    assert stats.transport_id == direct.id
    assert stats.timestamp > 0
    assert (stats.bytes_received, stats.recv_bitrate, stats.bytes_sent, stats.send_bitrate) == (0, 0, 0, 0)
    assert (stats.rtp_bytes_received, stats.rtp_recv_bitrate, stats.rtp_bytes_sent, stats.rtp_send_bitrate) == (
        (0,) * 4
    )
    assert (stats.rtx_bytes_received, stats.rtx_recv_bitrate, stats.rtx_bytes_sent, stats.rtx_send_bitrate) == (
        (0,) * 4
    )
    assert (stats.probation_bytes_sent, stats.probation_send_bitrate) == (0, 0)


async def test_connecting_does_nothing_and_limits_are_unsupported(direct: DirectTransport) -> None:
    await direct.connect()

    for limit in (direct.set_max_incoming_bitrate, direct.set_max_outgoing_bitrate, direct.set_min_outgoing_bitrate):
        with pytest.raises(Unsupported):
            await limit(100_000)


async def test_messages_pass_but_for_pauses(direct: DirectTransport) -> None:
    produced = await direct.produce_data(label="prices", protocol="json")
    consumed = await direct.consume_data(data_producer_id=produced.id)
    received: list[tuple[bytes, int]] = []
    consumed.on_message(lambda data, ppid: received.append((data, ppid)))
    wanted: list[tuple[bytes, int]] = []
    size = 0

    for number in range(1, 201):
        change = {10: produced.pause, 20: produced.resume, 40: consumed.pause, 60: consumed.resume}.get(number)
        if change is not None:
            await change()
        text = str(number)
        produced.send(text if number < 100 else text.encode())
        size += len(text)
        if not produced.paused and not consumed.paused:
            wanted.append((text.encode(), PPID_STRING if number < 100 else PPID_BINARY))
    await until(lambda: len(received) >= len(wanted))

    assert len(wanted) == 170
    assert received == wanted
    sent, delivered = await produced.get_stats(), await consumed.get_stats()
    assert (sent.label, sent.protocol, sent.messages_received, sent.bytes_received) == ("prices", "json", 200, size)
    assert (delivered.messages_sent, delivered.bytes_sent) == (170, sum(len(data) for data, _ in wanted))


def collect(consumed: DataConsumer) -> list[bytes]:
    received: list[bytes] = []
    consumed.on_message(lambda data, _ppid: received.append(data))
    return received


async def test_subchannels_decide_who_gets_a_message(direct: DirectTransport) -> None:
    produced = await direct.produce_data()
    first = await direct.consume_data(data_producer_id=produced.id, subchannels=[1, 11, 666])
    second = await direct.consume_data(data_producer_id=produced.id, subchannels=[2, 22, 666])
    to_first, to_second = collect(first), collect(second)

    produced.send("both 1")
    produced.send("both 2", subchannels=[1, 2])
    produced.send("both 3", subchannels=[11, 22, 33], required_subchannel=666)
    produced.send("none 1", subchannels=[3], required_subchannel=666)
    produced.send("none 2", subchannels=[666], required_subchannel=3)
    produced.send("first 1", subchannels=[1])
    produced.send("first 2", subchannels=[11], required_subchannel=1)
    produced.send("first 3", subchannels=[666], required_subchannel=11)
    produced.send("second 1", subchannels=[666], required_subchannel=2)
    await second.set_subchannels([*second.subchannels, 1])
    produced.send("both 4", subchannels=[1], required_subchannel=666)
    await until(lambda: to_first[-1:] == to_second[-1:] == [b"both 4"])

    assert to_first == [b"both 1", b"both 2", b"both 3", b"first 1", b"first 2", b"first 3", b"both 4"]
    assert to_second == [b"both 1", b"both 2", b"both 3", b"second 1", b"both 4"]


async def test_closed_direct_transport_refuses_everything(direct: DirectTransport) -> None:
    told: list[str] = []
    direct.on_close(told.append)

    direct.close()

    assert told == ["closed"]
    for call in (direct.dump(), direct.get_stats(), direct.connect(), direct.produce_data()):
        with pytest.raises(InvalidState):
            await call
    with pytest.raises(InvalidState):
        direct.send_rtcp(sender_report(1))


async def test_router_closes_its_direct_transports(router: Router, direct: DirectTransport) -> None:
    told: list[str] = []
    direct.on_close(told.append)

    router.close()

    assert told == ["router_closed"]
    with pytest.raises(InvalidState):
        await direct.get_stats()


async def test_worker_closes_direct_transports(worker: Worker, direct: DirectTransport) -> None:
    told: list[str] = []
    direct.on_close(told.append)

    worker.close()

    assert told == ["router_closed"]
    with pytest.raises(InvalidState):
        await direct.get_stats()
    with pytest.raises(ChannelClosed):
        await worker.dump()


async def test_packets_of_our_own_pass_from_producer_to_consumer(direct: DirectTransport) -> None:
    """Beyond mediasoup's suite: RTP by hand, both ways."""
    produced = await direct.produce(kind="audio", rtp_parameters=AUDIO)
    consumed = await direct.consume(producer_id=produced.id, rtp_capabilities=DEVICE, paused=False)
    packets: list[bytes] = []
    consumed.on_rtp(packets.append)

    for number in range(3):
        produced.send(opus_packet(AUDIO, number))
    direct.send_rtcp(sender_report(11111111))

    await until(lambda: len(packets) == 3)
    ssrc = consumed.rtp_parameters.encodings[0].ssrc
    assert ssrc is not None
    assert {packet[8:12] for packet in packets} == {ssrc.to_bytes(4, "big")}
    assert all(packet.endswith(b"opus" * 5) for packet in packets)
    assert (await direct.get_stats()).rtp_bytes_received > 0


async def test_key_frame_request_reaches_us_as_rtcp(direct: DirectTransport) -> None:
    """Beyond mediasoup's suite: the router's RTCP for our own producer."""
    params = vp8_video({"ssrc": 77})
    produced = await direct.produce(kind="video", rtp_parameters=params)
    consumed = await direct.consume(producer_id=produced.id, rtp_capabilities=VP8_DEVICE, paused=False)
    requests: list[bytes] = []
    direct.on_rtcp(requests.append)

    produced.send(vp8_packet(params, 0, is_key_frame=True))
    await consumed.request_key_frame()

    await until(lambda: requests)
    assert requests[0][1] == RTCP_PAYLOAD_FEEDBACK
    assert requests[0][8:12] == (77).to_bytes(4, "big")


async def test_messages_that_do_not_fit_are_refused(direct: DirectTransport) -> None:
    """Beyond mediasoup's suite."""
    produced: DataProducer = await direct.produce_data()

    with pytest.raises(InvalidValue):
        produced.send("hello", subchannels=[65_536])
    with pytest.raises(InvalidValue):
        produced.send("hello", required_subchannel=-1)
    with pytest.raises(BrokenMessage):
        produced.send(bytes(9 * 2**20))
    assert (await produced.get_stats()).messages_received == 0
