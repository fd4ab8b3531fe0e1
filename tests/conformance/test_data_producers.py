"""Data producers against the real worker."""

import asyncio
from typing import Any

import pytest

from media_plane.ortc.errors import InvalidParametersError
from media_plane.ortc.sctp import SctpStreamParameters
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.errors import InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from tests.conformance.stage import flip, shown

pytestmark = pytest.mark.worker


@pytest.fixture
async def ordered(sender: WebRtcTransport) -> DataProducer:
    return await sender.produce_data(
        sctp_stream_parameters=SctpStreamParameters(stream_id=666), label="prices", protocol="json", app_data="a"
    )


@pytest.fixture
async def limited(receiver: WebRtcTransport) -> DataProducer:
    return await receiver.produce_data(
        sctp_stream_parameters=SctpStreamParameters(stream_id=777, max_retransmits=3),
        label="prices",
        protocol="json",
        paused=True,
    )


async def check_held(router: Router, transport: WebRtcTransport, data_producer: DataProducer) -> None:
    dump = await router.dump()
    assert dump.map_data_producer_id_data_consumer_ids == {data_producer.id: []}
    assert dump.map_data_consumer_id_data_producer_id == {}
    held = await transport.dump()
    assert (held.data_producer_ids, held.data_consumer_ids) == ([data_producer.id], [])


async def test_data_producer_is_made_and_announced(router: Router, sender: WebRtcTransport) -> None:
    announced: list[DataProducer] = []
    sender.on_new_data_producer(announced.append)

    made = await sender.produce_data(
        sctp_stream_parameters=SctpStreamParameters(stream_id=666), label="prices", protocol="json", app_data="a"
    )

    assert (announced, sender.data_producers) == ([made], [made])
    assert (made.type, made.closed, made.paused, made.app_data) == ("sctp", False, False, "a")
    assert made.sctp_stream_parameters == SctpStreamParameters(stream_id=666, ordered=True)
    assert (made.label, made.protocol) == ("prices", "json")
    await check_held(router, sender, made)


async def test_limited_data_producer_starts_paused(
    router: Router, receiver: WebRtcTransport, limited: DataProducer
) -> None:
    assert limited.sctp_stream_parameters == SctpStreamParameters(stream_id=777, ordered=False, max_retransmits=3)
    assert limited.paused
    await check_held(router, receiver, limited)


@pytest.mark.parametrize("stream_id", ["first", -1, 65_535, None], ids=str)
async def test_missing_or_malformed_stream_is_refused(sender: WebRtcTransport, stream_id: Any) -> None:
    with pytest.raises(InvalidValue, match="belong to every data producer"):
        await sender.produce_data()
    with pytest.raises(InvalidParametersError):
        await sender.produce_data(sctp_stream_parameters=SctpStreamParameters(stream_id=stream_id))

    assert (await sender.dump()).data_producer_ids == []


async def test_stream_of_another_data_producer_is_refused(sender: WebRtcTransport, ordered: DataProducer) -> None:
    with pytest.raises(WorkerRejected):
        await sender.produce_data(sctp_stream_parameters=SctpStreamParameters(stream_id=666))

    assert sender.data_producers == [ordered]


async def test_order_together_with_a_limit_is_refused(sender: WebRtcTransport) -> None:
    params = SctpStreamParameters(stream_id=999, ordered=True, max_packet_life_time=4000)

    with pytest.raises(InvalidParametersError, match="ordered"):
        await sender.produce_data(sctp_stream_parameters=params)


async def test_dump_is_the_data_producer_as_made(ordered: DataProducer, limited: DataProducer) -> None:
    first, second = await ordered.dump(), await limited.dump()

    assert shown(first) == {
        "id": ordered.id,
        "type": "sctp",
        "sctpStreamParameters": {"streamId": 666, "ordered": True},
        "label": "prices",
        "protocol": "json",
        "paused": False,
    }
    assert shown(second) == {
        "id": limited.id,
        "type": "sctp",
        "sctpStreamParameters": {"streamId": 777, "ordered": False, "maxRetransmits": 3},
        "label": "prices",
        "protocol": "json",
        "paused": True,
    }


async def test_stats_begin_with_nothing(ordered: DataProducer, limited: DataProducer) -> None:
    for data_producer in (ordered, limited):
        stats = await data_producer.get_stats()

        assert (stats.label, stats.protocol) == ("prices", "json")
        assert (stats.messages_received, stats.bytes_received) == (0, 0)
        assert stats.timestamp > 0


async def test_data_producer_pauses_and_resumes_and_tells_each_change(ordered: DataProducer) -> None:
    told: list[str] = []
    ordered.on_pause(lambda: told.append("pause"))
    ordered.on_resume(lambda: told.append("resume"))

    await ordered.pause()
    assert ordered.paused
    assert (await ordered.dump()).paused
    await ordered.resume()
    assert not ordered.paused
    assert not (await ordered.dump()).paused
    await flip(ordered.pause, ordered.resume)

    assert told == ["pause", "resume"] * 3


async def test_pause_and_resume_in_one_turn_keep_their_order(ordered: DataProducer) -> None:
    told: list[str] = []
    ordered.on_pause(lambda: told.append("pause"))
    ordered.on_resume(lambda: told.append("resume"))

    await asyncio.gather(ordered.pause(), ordered.resume())

    assert told == ["pause", "resume"]
    assert not ordered.paused


async def test_closed_data_producer_is_gone_from_router_and_transport(
    router: Router, sender: WebRtcTransport, ordered: DataProducer
) -> None:
    told: list[str] = []
    ordered.on_close(told.append)

    ordered.close()

    assert told == ["closed"]
    with pytest.raises(InvalidState):
        await ordered.dump()
    dump = await router.dump()
    assert dump.map_data_producer_id_data_consumer_ids == {}
    held = await sender.dump()
    assert (held.data_producer_ids, held.data_consumer_ids) == ([], [])
    assert sender.data_producers == []


async def test_closed_data_producer_refuses_everything(ordered: DataProducer) -> None:
    ordered.close()

    for call in (ordered.dump(), ordered.get_stats(), ordered.pause(), ordered.resume()):
        with pytest.raises(InvalidState):
            await call
    with pytest.raises(InvalidState):
        ordered.send("hello")


async def test_closed_transport_closes_its_data_producers(receiver: WebRtcTransport, limited: DataProducer) -> None:
    told: list[str] = []
    limited.on_close(told.append)

    receiver.close()

    assert told == ["transport_closed"]
    with pytest.raises(InvalidState):
        await limited.dump()
