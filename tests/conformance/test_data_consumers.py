"""Data consumers against the real worker."""

import asyncio

import pytest

from media_plane.ortc.errors import InvalidParametersError
from media_plane.ortc.sctp import SctpStreamParameters
from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.direct_transport import DirectTransport
from media_plane.sfu.errors import InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from tests.conformance.stage import UNKNOWN, flip, until

pytestmark = pytest.mark.worker


@pytest.fixture
async def produced(sender: WebRtcTransport) -> DataProducer:
    return await sender.produce_data(
        sctp_stream_parameters=SctpStreamParameters(stream_id=12345, ordered=False, max_packet_life_time=5000),
        label="prices",
        protocol="json",
    )


@pytest.fixture
async def direct(router: Router) -> DirectTransport:
    return await router.create_direct_transport()


@pytest.fixture
async def ours(direct: DirectTransport) -> DataProducer:
    return await direct.produce_data()


@pytest.fixture
async def consumed(receiver: WebRtcTransport, produced: DataProducer) -> DataConsumer:
    return await receiver.consume_data(data_producer_id=produced.id)


async def test_data_consumer_is_made_and_announced(
    router: Router, receiver: WebRtcTransport, produced: DataProducer
) -> None:
    announced: list[DataConsumer] = []
    receiver.on_new_data_consumer(announced.append)

    made = await receiver.consume_data(
        data_producer_id=produced.id,
        max_packet_life_time=4000,
        subchannels=[0, 1, 1, 1, 2, 65535, 100],
        app_data="a",
    )

    assert (announced, receiver.data_consumers) == ([made], [made])
    assert (made.data_producer_id, made.type, made.closed, made.paused) == (produced.id, "sctp", False, False)
    assert made.sctp_stream_parameters == SctpStreamParameters(stream_id=0, ordered=False, max_packet_life_time=4000)
    assert (made.label, made.protocol, made.app_data) == ("prices", "json", "a")
    assert sorted(made.subchannels) == [0, 1, 2, 100, 65535]
    dump = await router.dump()
    assert dump.map_data_producer_id_data_consumer_ids == {produced.id: [made.id]}
    assert dump.map_data_consumer_id_data_producer_id == {made.id: produced.id}
    held = await receiver.dump()
    assert (held.data_producer_ids, held.data_consumer_ids) == ([], [made.id])


async def test_unknown_data_producer_can_not_be_consumed(receiver: WebRtcTransport) -> None:
    with pytest.raises(InvalidState, match="no such data producer"):
        await receiver.consume_data(data_producer_id=UNKNOWN)


async def test_dump_is_the_data_consumer_as_made(receiver: WebRtcTransport, produced: DataProducer) -> None:
    made = await receiver.consume_data(data_producer_id=produced.id, ordered=True, subchannels=[0, 1, 2, 65535])

    dump = await made.dump()

    assert (dump.id, dump.data_producer_id, dump.type) == (made.id, produced.id, "sctp")
    assert dump.sctp_stream_parameters == SctpStreamParameters(stream_id=0, ordered=True)
    assert (dump.label, dump.protocol) == ("prices", "json")
    assert (dump.paused, dump.data_producer_paused) == (False, False)
    assert sorted(dump.subchannels) == [0, 1, 2, 65535]
    assert (dump.buffered_amount, dump.buffered_amount_low_threshold) == (0, 1024)
    assert made.buffered_amount_low_threshold == 1024


async def test_stats_begin_with_nothing(consumed: DataConsumer) -> None:
    stats = await consumed.get_stats()

    assert (stats.label, stats.protocol) == ("prices", "json")
    assert (stats.messages_sent, stats.bytes_sent, stats.buffered_amount) == (0, 0, 0)


async def test_subchannels_are_replaced(consumed: DataConsumer) -> None:
    await consumed.set_subchannels([999, 999, 998, 0])
    assert sorted(consumed.subchannels) == [0, 998, 999]

    with pytest.raises(InvalidValue):
        await consumed.set_subchannels([65_536])

    assert sorted((await consumed.dump()).subchannels) == [0, 998, 999]


async def test_subchannels_are_added_and_removed(consumed: DataConsumer) -> None:
    await consumed.set_subchannels([])
    assert consumed.subchannels == []

    for change, number, left in (
        (consumed.add_subchannel, 5, [5]),
        (consumed.add_subchannel, 10, [5, 10]),
        (consumed.add_subchannel, 5, [5, 10]),
        (consumed.remove_subchannel, 666, [5, 10]),
        (consumed.remove_subchannel, 5, [10]),
    ):
        await change(number)
        assert sorted(consumed.subchannels) == left
    await consumed.set_subchannels([])

    assert consumed.subchannels == []


async def test_direct_data_producer_is_consumed_in_order(
    router: Router, receiver: WebRtcTransport, ours: DataProducer
) -> None:
    made = await receiver.consume_data(data_producer_id=ours.id)

    assert (made.data_producer_id, made.type, made.paused, made.app_data) == (ours.id, "sctp", False, None)
    assert made.sctp_stream_parameters == SctpStreamParameters(stream_id=0, ordered=True)
    assert (made.label, made.protocol, made.subchannels) == ("", "", [])
    dump = await router.dump()
    assert dump.map_data_producer_id_data_consumer_ids == {ours.id: [made.id]}
    assert dump.map_data_consumer_id_data_producer_id == {made.id: ours.id}
    assert (await receiver.dump()).data_consumer_ids == [made.id]


async def test_dump_of_a_limited_consumer_of_a_direct_producer(receiver: WebRtcTransport, ours: DataProducer) -> None:
    made = await receiver.consume_data(data_producer_id=ours.id, ordered=False, max_retransmits=2, subchannels=[0, 1])

    dump = await made.dump()

    assert (dump.id, dump.data_producer_id, dump.type) == (made.id, ours.id, "sctp")
    assert dump.sctp_stream_parameters == SctpStreamParameters(stream_id=0, ordered=False, max_retransmits=2)
    assert (dump.label, dump.protocol, sorted(dump.subchannels)) == ("", "", [0, 1])
    assert (dump.paused, dump.data_producer_paused) == (False, False)


async def test_data_consumer_on_a_direct_transport_has_no_stream(
    direct: DirectTransport, ours: DataProducer, produced: DataProducer
) -> None:
    announced: list[DataConsumer] = []
    direct.on_new_data_consumer(announced.append)

    made = await direct.consume_data(data_producer_id=produced.id, paused=True, app_data="a")

    assert announced == [made]
    assert (made.type, made.sctp_stream_parameters, made.paused) == ("direct", None, True)
    assert (made.label, made.protocol, made.app_data) == ("prices", "json", "a")
    held = await direct.dump()
    assert (held.data_producer_ids, held.data_consumer_ids) == ([ours.id], [made.id])


async def test_dump_of_a_consumer_on_a_direct_transport(direct: DirectTransport, produced: DataProducer) -> None:
    made = await direct.consume_data(data_producer_id=produced.id, paused=True)

    dump = await made.dump()

    assert (dump.id, dump.data_producer_id, dump.type) == (made.id, produced.id, "direct")
    assert (dump.sctp_stream_parameters, dump.label, dump.protocol) == (None, "prices", "json")
    assert (dump.paused, dump.subchannels) == (True, [])


async def test_stats_of_a_consumer_on_a_direct_transport(direct: DirectTransport, produced: DataProducer) -> None:
    made = await direct.consume_data(data_producer_id=produced.id)

    stats = await made.get_stats()

    assert (stats.label, stats.protocol, stats.messages_sent, stats.bytes_sent) == ("prices", "json", 0, 0)


async def test_consumer_on_a_direct_transport_can_not_send(direct: DirectTransport, produced: DataProducer) -> None:
    made = await direct.consume_data(data_producer_id=produced.id)

    with pytest.raises(WorkerRejected) as caught:
        await made.send("hello")

    assert caught.value.error == "TypeError"


async def test_data_consumer_pauses_and_resumes_and_tells_each_change(consumed: DataConsumer) -> None:
    told: list[str] = []
    consumed.on_pause(lambda: told.append("pause"))
    consumed.on_resume(lambda: told.append("resume"))

    await consumed.pause()
    assert consumed.paused
    assert (await consumed.dump()).paused
    await consumed.resume()
    assert not consumed.paused
    assert not (await consumed.dump()).paused
    await flip(consumed.pause, consumed.resume)

    assert told == ["pause", "resume"] * 3


async def test_pause_of_the_data_producer_stops_and_starts_the_consumer(
    produced: DataProducer, consumed: DataConsumer
) -> None:
    told: list[str] = []
    consumed.on_pause(lambda: told.append("pause"))
    consumed.on_resume(lambda: told.append("resume"))
    consumed.on_data_producer_pause(lambda: told.append(f"producer paused {consumed.data_producer_paused}"))
    consumed.on_data_producer_resume(lambda: told.append(f"producer resumed {not consumed.data_producer_paused}"))

    await asyncio.gather(produced.pause(), produced.resume())

    await until(lambda: len(told) == 4)
    assert told == ["producer paused True", "pause", "producer resumed True", "resume"]
    assert not consumed.paused


async def test_closed_data_consumer_is_gone_from_router_and_transport(
    router: Router, receiver: WebRtcTransport, produced: DataProducer, consumed: DataConsumer
) -> None:
    told: list[str] = []
    consumed.on_close(told.append)

    consumed.close()

    assert told == ["closed"]
    with pytest.raises(InvalidState):
        await consumed.dump()
    dump = await router.dump()
    assert dump.map_data_producer_id_data_consumer_ids == {produced.id: []}
    assert dump.map_data_consumer_id_data_producer_id == {}
    held = await receiver.dump()
    assert (held.data_producer_ids, held.data_consumer_ids) == ([], [])
    assert receiver.data_consumers == []


async def test_closed_data_consumer_refuses_everything(consumed: DataConsumer) -> None:
    consumed.close()

    for call in (
        consumed.dump(),
        consumed.get_stats(),
        consumed.pause(),
        consumed.resume(),
        consumed.send("hello"),
        consumed.get_buffered_amount(),
        consumed.set_buffered_amount_low_threshold(1),
        consumed.set_subchannels([1]),
        consumed.add_subchannel(1),
        consumed.remove_subchannel(1),
    ):
        with pytest.raises(InvalidState):
            await call


async def test_closed_data_producer_closes_its_consumers(produced: DataProducer, consumed: DataConsumer) -> None:
    told: list[str] = []
    consumed.on_close(told.append)

    produced.close()

    await until(lambda: consumed.closed)
    assert told == ["data_producer_closed"]
    with pytest.raises(InvalidState):
        await consumed.dump()


async def test_closed_transport_closes_its_data_consumers(
    router: Router, receiver: WebRtcTransport, produced: DataProducer, consumed: DataConsumer
) -> None:
    told: list[str] = []
    consumed.on_close(told.append)

    receiver.close()

    assert told == ["transport_closed"]
    with pytest.raises(InvalidState):
        await consumed.dump()
    dump = await router.dump()
    assert dump.map_data_producer_id_data_consumer_ids == {produced.id: []}
    assert dump.map_data_consumer_id_data_producer_id == {}


async def test_streams_count_up_and_rest_before_they_are_used_again(
    receiver: WebRtcTransport, produced: DataProducer
) -> None:
    """Beyond mediasoup's suite: a closed consumer's stream is not handed out at once."""
    first = await receiver.consume_data(data_producer_id=produced.id)
    first.close()
    second = await receiver.consume_data(data_producer_id=produced.id)

    streams = [c.sctp_stream_parameters.stream_id for c in (first, second) if c.sctp_stream_parameters]

    assert streams == [0, 1]
    with pytest.raises(InvalidParametersError):
        await receiver.consume_data(data_producer_id=produced.id, max_retransmits=1, max_packet_life_time=1)
