"""Piping between routers of two real workers."""

import asyncio

import pytest

from media_plane.channel.channel import Channel
from media_plane.sfu.errors import InvalidState, InvalidValue
from media_plane.sfu.pipe_transport import PipeTransport
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.stage import (
    AUDIO,
    AUDIO_LEVEL,
    CAPTURE_TIME,
    DEPENDENCY,
    FIR,
    LOOPBACK,
    OPUS,
    OPUS_PARAMETERS,
    ORIENTATION,
    PACKET_ID,
    PLAYOUT_DELAY,
    PLI,
    SEND_TIME,
    TIME_OFFSET,
    UNKNOWN,
    VP8,
    VP8_DEVICE,
    WIDE_CC,
    Pipes,
    shown,
    until,
    vp8_video,
)

pytestmark = pytest.mark.worker


async def test_audio_is_piped_under_the_same_id(pipes: Pipes) -> None:
    piped = await pipes.router.pipe_to_router(producer_id=pipes.audio.id, router=pipes.other_router)

    consumer, producer = piped.consumer, piped.producer
    assert len((await pipes.router.dump()).transport_ids) == 2
    assert len((await pipes.other_router.dump()).transport_ids) == 2
    assert (consumer.kind, consumer.type, consumer.closed, consumer.app_data) == ("audio", "pipe", False, None)
    assert (consumer.paused, consumer.producer_paused) == (False, False)
    assert consumer.rtp_parameters.mid is None
    codecs = [
        {
            "mimeType": "audio/opus",
            "payloadType": 100,
            "clockRate": 48000,
            "channels": 2,
            "parameters": OPUS_PARAMETERS,
        }
    ]
    extensions = [(AUDIO_LEVEL, 6), (PLAYOUT_DELAY, 11), (PACKET_ID, 12)]
    for half in (consumer, producer):
        assert shown(half.rtp_parameters.codecs) == codecs
        assert [(ext.uri, ext.id) for ext in half.rtp_parameters.header_extensions] == extensions
        assert half.rtp_parameters.rtcp.cname == "somebody"
    assert (consumer.score.score, consumer.score.producer_score) == (10, 10)
    assert (producer.id, producer.kind, producer.paused, producer.closed) == (pipes.audio.id, "audio", False, False)
    assert (producer.app_data, producer.rtp_parameters.mid) == ("voice", None)


async def test_paused_video_is_piped_with_all_its_streams(pipes: Pipes) -> None:
    await pipes.video.pause()

    piped = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router)

    consumer, producer = piped.consumer, piped.producer
    codecs = [{"mimeType": "video/VP8", "payloadType": 101, "clockRate": 90000, "rtcpFeedback": [PLI, FIR]}]
    extensions = [(DEPENDENCY, 7), (ORIENTATION, 8), (TIME_OFFSET, 9), (PLAYOUT_DELAY, 11), (PACKET_ID, 12)]
    for half in (consumer, producer):
        assert (half.kind, half.rtp_parameters.mid, len(half.rtp_parameters.encodings)) == ("video", None, 3)
        assert shown(half.rtp_parameters.codecs) == codecs
        assert [(ext.uri, ext.id) for ext in half.rtp_parameters.header_extensions] == extensions
    assert (consumer.type, consumer.paused, consumer.producer_paused) == ("pipe", False, True)
    assert (producer.id, producer.type, producer.paused) == (pipes.video.id, "simulcast", True)


async def test_capture_time_is_piped_where_both_routers_and_the_producer_have_it(
    worker: Worker, second_worker: Worker
) -> None:
    first, second = [
        await owner.create_router(media_codecs=[VP8], excluded_header_extensions=frozenset())
        for owner in (worker, second_worker)
    ]
    transport = await first.create_webrtc_transport(listen_infos=[LOOPBACK])
    video = await transport.produce(
        kind="video", rtp_parameters=vp8_video({"ssrc": 44444444}, extensions=(CAPTURE_TIME,))
    )

    piped = await first.pipe_to_router(producer_id=video.id, router=second)

    assert (CAPTURE_TIME, 10) in [(ext.uri, ext.id) for ext in piped.consumer.rtp_parameters.header_extensions]


async def test_piping_to_a_closed_router_or_from_nothing_is_refused(pipes: Pipes) -> None:
    closed = await pipes.worker.create_router(media_codecs=[OPUS, VP8])
    closed.close()

    with pytest.raises(InvalidState, match="is closed"):
        await pipes.router.pipe_to_router(router=closed, producer_id=pipes.video.id)
    with pytest.raises(InvalidState, match="no such producer"):
        await pipes.router.pipe_to_router(router=pipes.other_router, producer_id=UNKNOWN)
    with pytest.raises(InvalidState, match="no such producer"):
        await pipes.router.pipe_to_router(router=pipes.other_router, data_producer_id=UNKNOWN)
    assert len(pipes.router.transports) == 1


async def test_piped_video_is_watched_from_the_other_router(pipes: Pipes) -> None:
    piped = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router)

    consumer = await pipes.other_transport.consume(
        producer_id=piped.producer.id, rtp_capabilities=VP8_DEVICE, paused=False
    )

    assert (consumer.kind, consumer.type, consumer.rtp_parameters.mid) == ("video", "simulcast", "0")
    assert shown(consumer.rtp_parameters.codecs) == [
        {
            "mimeType": "video/VP8",
            "payloadType": 101,
            "clockRate": 90000,
            "rtcpFeedback": [{"type": "nack"}, FIR, {"type": "transport-cc"}],
        },
        {"mimeType": "video/rtx", "payloadType": 102, "clockRate": 90000, "parameters": {"apt": 101}},
    ]
    assert [(ext.uri, ext.id) for ext in consumer.rtp_parameters.header_extensions] == [(SEND_TIME, 4), (WIDE_CC, 5)]
    (encoding,) = consumer.rtp_parameters.encodings
    assert encoding.ssrc
    assert encoding.rtx
    assert consumer.rtp_parameters.msid == "stream track"
    assert (consumer.paused, consumer.producer_paused, consumer.app_data) == (False, False, None)
    assert shown(consumer.score) == {"score": 10, "producerScore": 0, "producerScores": [0, 0, 0]}


async def test_pause_and_resume_reach_the_viewer_behind_the_pipe(pipes: Pipes) -> None:
    await pipes.video.pause()
    piped = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router)
    viewer = await pipes.other_transport.consume(
        producer_id=piped.producer.id, rtp_capabilities=VP8_DEVICE, paused=False
    )
    assert (viewer.producer_paused, viewer.paused) == (True, False)

    await pipes.video.resume()
    await until(lambda: not viewer.producer_paused)
    assert (piped.producer.paused, viewer.paused) == (False, False)
    await pipes.video.pause()
    await until(lambda: viewer.producer_paused)

    assert (piped.producer.paused, viewer.paused) == (True, False)
    assert (await piped.producer.dump()).paused


async def test_closing_the_producer_reaches_the_viewer_behind_the_pipe(pipes: Pipes) -> None:
    piped = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router)
    viewer = await pipes.other_transport.consume(
        producer_id=piped.producer.id, rtp_capabilities=VP8_DEVICE, paused=False
    )

    pipes.video.close()

    await until(lambda: viewer.closed)
    assert (piped.consumer.close_reason, piped.producer.closed) == ("producer_closed", True)
    with pytest.raises(InvalidState):
        await viewer.dump()


async def test_routers_of_one_worker_can_not_share_an_id(pipes: Pipes) -> None:
    neighbour = await pipes.worker.create_router(media_codecs=[OPUS, VP8])

    with pytest.raises(InvalidState):
        await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=neighbour)

    await check_nothing_left(pipes.router, neighbour)


async def test_routers_of_one_worker_pipe_under_a_new_id(pipes: Pipes) -> None:
    neighbour = await pipes.worker.create_router(media_codecs=[OPUS, VP8])

    piped = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=neighbour, keep_id=False)

    assert piped.producer.id != pipes.video.id
    assert (await neighbour.dump()).map_producer_id_consumer_ids == {piped.producer.id: []}


async def check_nothing_left(router: Router, other: Router) -> None:
    assert not [transport for transport in (*router.transports, *other.transports) if transport.type == "pipe"]
    assert (router.pairings, other.pairings) == ({}, {})
    assert len((await router.dump()).transport_ids) == len(router.transports)
    assert (await other.dump()).transport_ids == [transport.id for transport in other.transports]


async def two_publishing(worker: Worker, router: Router) -> list[Producer]:
    del worker
    transports: list[WebRtcTransport] = [
        await router.create_webrtc_transport(listen_infos=[LOOPBACK]) for _ in range(2)
    ]
    return [await transport.produce(kind="audio", rtp_parameters=AUDIO) for transport in transports]


async def test_two_pipes_at_once_share_one_pair_of_transports(worker: Worker, second_worker: Worker) -> None:
    first = await worker.create_router(media_codecs=[OPUS])
    second = await second_worker.create_router(media_codecs=[OPUS])
    producers = await two_publishing(worker, first)

    await asyncio.gather(*(first.pipe_to_router(producer_id=p.id, router=second) for p in producers))

    assert len((await first.dump()).transport_ids) == 3
    assert len((await second.dump()).transport_ids) == 1


async def test_pipes_both_ways_at_once_share_one_pair_of_transports(worker: Worker, second_worker: Worker) -> None:
    first = await worker.create_router(media_codecs=[OPUS])
    second = await second_worker.create_router(media_codecs=[OPUS])
    here = (await two_publishing(worker, first))[0]
    there = (await two_publishing(second_worker, second))[0]

    await asyncio.gather(
        first.pipe_to_router(producer_id=here.id, router=second),
        second.pipe_to_router(producer_id=there.id, router=first),
    )

    (near,) = [t for t in first.transports if isinstance(t, PipeTransport)]
    (far,) = [t for t in second.transports if isinstance(t, PipeTransport)]
    assert (near.tuple.local_port, far.tuple.local_port) == (far.tuple.remote_port, near.tuple.remote_port)
    first.close()
    assert (near.closed, far.closed) == (True, True)
    assert [t for t in second.transports if t.type == "pipe"] == []
    assert (first.pairings, second.pairings) == ({}, {})


async def test_piping_nothing_is_refused(pipes: Pipes) -> None:
    with pytest.raises(InvalidValue, match="either a producer or a data producer"):
        await pipes.router.pipe_to_router(router=pipes.other_router)  # type: ignore[call-overload]  # the point


async def test_piping_media_and_data_at_once_is_refused(pipes: Pipes) -> None:
    with pytest.raises(InvalidValue, match="either a producer or a data producer"):
        await pipes.router.pipe_to_router(  # type: ignore[call-overload]  # the point
            router=pipes.other_router, producer_id=pipes.video.id, data_producer_id=pipes.data.id
        )
    with pytest.raises(InvalidValue, match="to itself"):
        await pipes.router.pipe_to_router(router=pipes.router, producer_id=pipes.video.id)


@pytest.mark.parametrize("turns", range(12))
async def test_cancelled_pipe_leaves_nothing_whenever_it_is_cancelled(pipes: Pipes, turns: int) -> None:
    """Beyond mediasoup's suite."""
    worker_requests = requests_answered(pipes.router._channel), requests_answered(pipes.other_router._channel)
    piping = asyncio.ensure_future(pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router))
    await until(lambda: piping.done() or sum(count() for count in worker_requests) >= turns)

    piping.cancel()
    done = (await asyncio.gather(piping, return_exceptions=True))[0]

    if isinstance(done, asyncio.CancelledError):
        await until(lambda: not pipes.router.pairings)
        await check_nothing_left(pipes.router, pipes.other_router)
        assert (await pipes.other_router.dump()).map_producer_id_consumer_ids == {}


async def test_one_caller_giving_up_does_not_take_the_pair_from_the_other(pipes: Pipes) -> None:
    """Beyond mediasoup's suite."""
    first, second = (
        asyncio.ensure_future(pipes.router.pipe_to_router(producer_id=p.id, router=pipes.other_router))
        for p in (pipes.audio, pipes.video)
    )
    await asyncio.sleep(0)

    first.cancel()
    piped = await second

    assert first.cancelled()
    assert piped.producer.id == pipes.video.id
    assert (await pipes.other_router.dump()).map_producer_id_consumer_ids == {pipes.video.id: []}


async def test_closing_either_half_closes_the_other_and_the_pair_stays_for_the_next(pipes: Pipes) -> None:
    """Beyond mediasoup's suite."""
    piped = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router)
    transports = len(pipes.router.transports)

    piped.producer.close()
    assert piped.consumer.closed
    again = await pipes.router.pipe_to_router(producer_id=pipes.video.id, router=pipes.other_router)
    again.consumer.close()

    assert again.producer.closed
    assert len(pipes.router.transports) == transports
    assert not pipes.video.closed


def requests_answered(channel: Channel) -> "Counter":
    return Counter(channel)


class Counter:
    """Counts answers of one channel from now on."""

    def __init__(self, channel: Channel) -> None:
        self._count = 0
        settle = channel._settle

        def count(response: object) -> None:
            self._count += 1
            settle(response)  # type: ignore[arg-type]  # handed on as it is

        channel._settle = count  # type: ignore[method-assign]  # watched, not changed

    def __call__(self) -> int:
        return self._count
