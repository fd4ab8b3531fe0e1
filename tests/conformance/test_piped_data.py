"""Data over pipes between routers of two real workers."""

import pytest

from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.errors import InvalidState
from tests.conformance.stage import Pipes, until

pytestmark = pytest.mark.worker


async def test_data_is_piped_under_the_same_id(pipes: Pipes) -> None:
    piped = await pipes.router.pipe_to_router(data_producer_id=pipes.data.id, router=pipes.other_router)

    assert len((await pipes.router.dump()).transport_ids) == 2
    assert len((await pipes.other_router.dump()).transport_ids) == 2
    assert piped.data_producer.id == pipes.data.id
    for half in (piped.data_consumer, piped.data_producer):
        assert (half.type, half.closed, half.label, half.protocol) == ("sctp", False, "prices", "json")
        params = half.sctp_stream_parameters
        assert params is not None
        assert (params.ordered, params.max_packet_life_time, params.max_retransmits) == (False, 5000, None)
    assert piped.data_consumer.sctp_stream_parameters == piped.data_producer.sctp_stream_parameters


async def test_piped_data_is_consumed_from_the_other_router(pipes: Pipes) -> None:
    piped = await pipes.router.pipe_to_router(data_producer_id=pipes.data.id, router=pipes.other_router)

    consumer = await pipes.other_transport.consume_data(data_producer_id=piped.data_producer.id)

    assert (consumer.type, consumer.closed, consumer.label, consumer.protocol) == ("sctp", False, "prices", "json")
    params = consumer.sctp_stream_parameters
    assert params is not None
    assert (params.ordered, params.max_packet_life_time, params.max_retransmits) == (False, 5000, None)


def collect(consumer: DataConsumer) -> list[str]:
    received: list[str] = []
    consumer.on_message(lambda data, _ppid: received.append(data.decode()))
    return received


async def test_subchannels_decide_before_and_behind_the_pipe(pipes: Pipes) -> None:
    produced = await (await pipes.router.create_direct_transport()).produce_data()
    piped = await pipes.router.pipe_to_router(data_producer_id=produced.id, router=pipes.other_router)
    other = await pipes.other_router.create_direct_transport()
    received = collect(await other.consume_data(data_producer_id=produced.id, subchannels=[123, 666, 777]))

    produced.send("1", subchannels=[123, 124], required_subchannel=666)
    await piped.data_consumer.set_subchannels([123, 124, 666])
    produced.send("2", subchannels=[123], required_subchannel=666)
    produced.send("behind the pipe nobody has 124", subchannels=[124], required_subchannel=666)
    produced.send("the pipe has no 125", subchannels=[125], required_subchannel=666)
    produced.send("666 is ignored", subchannels=[123], ignored_subchannel=666)
    produced.send("777 is ignored", required_subchannel=123, ignored_subchannel=777)
    produced.send("bye")
    await until(lambda: "bye" in received)

    assert received == ["1", "2", "bye"]


async def test_ignored_subchannel_is_decided_behind_the_pipe(pipes: Pipes) -> None:
    produced = await (await pipes.router.create_direct_transport()).produce_data()
    piped = await pipes.router.pipe_to_router(data_producer_id=produced.id, router=pipes.other_router)
    other = await pipes.other_router.create_direct_transport()
    first, second = [
        collect(await other.consume_data(data_producer_id=produced.id, subchannels=[number])) for number in (111, 222)
    ]
    await piped.data_consumer.set_subchannels([111, 222])

    produced.send("not for 111", ignored_subchannel=111)
    produced.send("bye")
    await until(lambda: "bye" in first and "bye" in second)

    assert first == ["bye"]
    assert second == ["not for 111", "bye"]


async def test_closing_the_data_producer_reaches_the_consumer_behind_the_pipe(pipes: Pipes) -> None:
    piped = await pipes.router.pipe_to_router(data_producer_id=pipes.data.id, router=pipes.other_router)
    consumer = await pipes.other_transport.consume_data(data_producer_id=piped.data_producer.id)

    pipes.data.close()

    await until(lambda: consumer.closed)
    assert (piped.data_consumer.close_reason, piped.data_producer.closed) == ("data_producer_closed", True)
    with pytest.raises(InvalidState):
        await consumer.dump()
