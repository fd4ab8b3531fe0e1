"""Producers against the real worker."""

import asyncio
from typing import Any

import msgspec
import pytest

from media_plane.channel.values.media import VideoOrientation
from media_plane.ortc.errors import InvalidParametersError, UnsupportedError
from media_plane.ortc.rtp import RtpEncodingParameters, RtpParameters
from media_plane.sfu.errors import InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from tests.conformance.inject import producer_score, video_orientation
from tests.conformance.stage import (
    AUDIO,
    AUDIO_LEVEL,
    H264_PROFILE,
    MID,
    NACK,
    OPUS_PARAMETERS,
    ORIENTATION,
    PLI,
    REMB,
    VIDEO,
    flip,
    made,
    shown,
    vp8_video,
)

pytestmark = pytest.mark.worker

UNNUMBERED_AUDIO = msgspec.structs.replace(AUDIO, encodings=[])
"""Told by its MID alone."""


@pytest.fixture
async def audio(sender: WebRtcTransport) -> Producer:
    return await sender.produce(kind="audio", rtp_parameters=UNNUMBERED_AUDIO, app_data="a")


@pytest.fixture
async def video(receiver: WebRtcTransport) -> Producer:
    return await receiver.produce(kind="video", rtp_parameters=VIDEO)


async def check_held(router: Router, transport: WebRtcTransport, producer: Producer) -> None:
    dump = await router.dump()
    assert (dump.map_producer_id_consumer_ids, dump.map_consumer_id_producer_id) == ({producer.id: []}, {})
    held = await transport.dump()
    assert (held.producer_ids, held.consumer_ids) == ([producer.id], [])


async def test_audio_producer_is_made_and_announced(router: Router, sender: WebRtcTransport) -> None:
    announced: list[Producer] = []
    sender.on_new_producer(announced.append)

    producer = await sender.produce(kind="audio", rtp_parameters=UNNUMBERED_AUDIO, app_data="a")

    assert (announced, sender.producers) == ([producer], [producer])
    assert (producer.kind, producer.type, producer.closed, producer.paused) == ("audio", "simple", False, False)
    assert (producer.score, producer.app_data) == ([], "a")
    assert producer.consumable_rtp_parameters.codecs[0].payload_type == 100
    await check_held(router, sender, producer)


async def test_simulcast_producer_is_made_and_announced(router: Router, receiver: WebRtcTransport) -> None:
    announced: list[Producer] = []
    receiver.on_new_producer(announced.append)

    producer = await receiver.produce(kind="video", rtp_parameters=VIDEO)

    assert announced == [producer]
    assert (producer.kind, producer.type, producer.closed, producer.paused) == ("video", "simulcast", False, False)
    assert (producer.score, producer.app_data) == ([], None)
    assert len(producer.consumable_rtp_parameters.encodings) == 4
    await check_held(router, receiver, producer)


async def test_producer_needs_no_extensions_and_no_rtcp(sender: WebRtcTransport) -> None:
    codec = shown(AUDIO.codecs[0])

    producer = await sender.produce(kind="audio", rtp_parameters=made(RtpParameters, mid="AUDIO2", codecs=[codec]))

    assert (producer.kind, producer.type, producer.closed, producer.paused) == ("audio", "simple", False, False)
    assert producer.rtp_parameters.rtcp.cname
    producer.close()


H264_CODEC = {"mimeType": "video/h264", "payloadType": 112, "clockRate": 90000, "parameters": H264_PROFILE}


def rtx(apt: int) -> dict[str, Any]:
    return {"mimeType": "video/rtx", "payloadType": 113, "clockRate": 90000, "parameters": {"apt": apt}}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("chicken", RtpParameters(codecs=[])),
        ("audio", RtpParameters(codecs=[])),
        ("audio", RtpParameters(codecs=[], encodings=[RtpEncodingParameters(ssrc="1111")])),  # type: ignore[arg-type]
        ("video", made(RtpParameters, codecs=[H264_CODEC, rtx(112)])),
        ("video", made(RtpParameters, codecs=[H264_CODEC, rtx(111)], encodings=[{"ssrc": 1, "rtx": {"ssrc": 2}}])),
        ("audio", made(RtpParameters, codecs=[H264_CODEC], encodings=[{"ssrc": 1}])),
    ],
    ids=["kind", "nothing", "ssrc", "no encodings", "apt", "kind of codec"],
)
async def test_malformed_parameters_are_refused(sender: WebRtcTransport, kind: Any, params: RtpParameters) -> None:
    with pytest.raises(InvalidParametersError):
        await sender.produce(kind=kind, rtp_parameters=params)

    assert (await sender.dump()).producer_ids == []


async def test_codecs_the_router_does_not_have_are_refused(sender: WebRtcTransport) -> None:
    isac = {"mimeType": "audio/ISAC", "payloadType": 108, "clockRate": 32000}
    odd = {**H264_CODEC, "parameters": {"packetization-mode": 1, "profile-level-id": "CHICKEN"}}

    with pytest.raises(UnsupportedError):
        await sender.produce(kind="audio", rtp_parameters=made(RtpParameters, codecs=[isac], encodings=[{"ssrc": 1}]))
    with pytest.raises(UnsupportedError):
        await sender.produce(
            kind="video",
            rtp_parameters=made(RtpParameters, codecs=[odd, rtx(112)], encodings=[{"ssrc": 1, "rtx": {"ssrc": 2}}]),
        )


async def test_mid_or_ssrc_of_another_producer_is_refused(sender: WebRtcTransport, receiver: WebRtcTransport) -> None:
    first = await sender.produce(kind="audio", rtp_parameters=UNNUMBERED_AUDIO)
    second = await receiver.produce(kind="video", rtp_parameters=vp8_video({"ssrc": 22222222}))

    with pytest.raises(WorkerRejected):
        await sender.produce(kind="audio", rtp_parameters=UNNUMBERED_AUDIO)
    with pytest.raises(WorkerRejected):
        await receiver.produce(kind="video", rtp_parameters=vp8_video({"ssrc": 22222222}))

    assert (sender.producers, receiver.producers) == ([first], [second])


async def test_stream_that_nothing_tells_apart_is_refused(sender: WebRtcTransport) -> None:
    nameless = msgspec.structs.replace(AUDIO, mid=None, encodings=[RtpEncodingParameters()])

    with pytest.raises(InvalidParametersError):
        await sender.produce(kind="audio", rtp_parameters=nameless)


async def test_one_encoding_without_layers_is_simple(sender: WebRtcTransport) -> None:
    producer = await sender.produce(kind="video", rtp_parameters=vp8_video({"ssrc": 1}))

    assert producer.type == "simple"


async def test_one_encoding_with_temporal_layers_is_svc(sender: WebRtcTransport) -> None:
    producer = await sender.produce(kind="video", rtp_parameters=vp8_video({"ssrc": 1, "scalabilityMode": "L1T3"}))

    assert producer.type == "svc"


async def test_several_encodings_are_simulcast(sender: WebRtcTransport) -> None:
    encodings = ({"ssrc": ssrc, "scalabilityMode": "L1T3"} for ssrc in (1, 2))

    producer = await sender.produce(kind="video", rtp_parameters=vp8_video(*encodings))

    assert producer.type == "simulcast"


async def test_dump_is_the_producer_as_made(audio: Producer, video: Producer) -> None:
    heard, seen = await audio.dump(), await video.dump()

    assert (heard.id, heard.kind, heard.type) == (audio.id, "audio", "simple")
    assert shown(heard.rtp_parameters.codecs) == [
        {
            "mimeType": "audio/opus",
            "payloadType": 0,
            "clockRate": 48000,
            "channels": 2,
            "parameters": OPUS_PARAMETERS,
        }
    ]
    assert [(ext.uri, ext.id) for ext in heard.rtp_parameters.header_extensions] == [(MID, 10), (AUDIO_LEVEL, 12)]
    assert [encoding.codec_payload_type for encoding in heard.rtp_parameters.encodings] == [0]
    assert (seen.id, seen.kind, seen.type) == (video.id, "video", "simulcast")
    assert shown(seen.rtp_parameters.codecs) == [
        {**H264_CODEC, "mimeType": "video/H264", "rtcpFeedback": [NACK, PLI, REMB]},
        rtx(112),
    ]
    assert [(ext.uri, ext.id) for ext in seen.rtp_parameters.header_extensions] == [(MID, 10), (ORIENTATION, 13)]
    assert [
        (e.codec_payload_type, e.ssrc, e.rtx and e.rtx.ssrc, e.scalability_mode) for e in seen.rtp_parameters.encodings
    ] == [(112, 22222222 + 2 * layer, 22222223 + 2 * layer, "L1T5") for layer in range(4)]


async def test_stats_begin_without_streams(audio: Producer, video: Producer) -> None:
    assert await audio.get_stats() == []
    assert await video.get_stats() == []


async def test_producer_pauses_and_resumes_and_tells_each_change(audio: Producer) -> None:
    told: list[str] = []
    audio.on_pause(lambda: told.append("pause"))
    audio.on_resume(lambda: told.append("resume"))

    await audio.pause()
    assert audio.paused
    assert (await audio.dump()).paused
    await audio.resume()
    assert not audio.paused
    assert not (await audio.dump()).paused
    await flip(audio.pause, audio.resume)

    assert told == ["pause", "resume"] * 3


async def test_pause_and_resume_in_one_turn_keep_their_order(audio: Producer) -> None:
    told: list[str] = []
    audio.on_pause(lambda: told.append("pause"))
    audio.on_resume(lambda: told.append("resume"))

    await asyncio.gather(audio.pause(), audio.resume())

    assert told == ["pause", "resume"]
    assert not audio.paused


async def test_trace_events_are_switched_on_and_off(audio: Producer) -> None:
    for wanted in (["rtp", "pli"], [], ["nack", "fir"], []):
        await audio.enable_trace_event(wanted)  # type: ignore[arg-type]  # the table's list is of plain texts

        assert sorted((await audio.dump()).trace_event_types) == sorted(wanted)


@pytest.mark.parametrize("wrong", ["rtp", ["fir", 1.5], ["chicken"]], ids=str)
async def test_trace_events_that_are_none_are_refused(audio: Producer, wrong: Any) -> None:
    with pytest.raises(InvalidValue):
        await audio.enable_trace_event(wrong)

    assert (await audio.dump()).trace_event_types == []


async def test_score_notifications_are_told_and_kept(video: Producer) -> None:
    told: list[object] = []
    video.on_score(lambda scores: told.append(shown(scores)))

    for _ in range(3):
        producer_score(video, (0, 11, 10), (1, 22, 9))

    wanted = [{"encodingIdx": 0, "ssrc": 11, "score": 10}, {"encodingIdx": 1, "ssrc": 22, "score": 9}]
    assert told == [wanted] * 3
    assert shown(video.score) == wanted


async def test_closed_producer_is_gone_from_router_and_transport(
    router: Router, sender: WebRtcTransport, audio: Producer
) -> None:
    told: list[str] = []
    audio.on_close(told.append)

    audio.close()

    assert told == ["closed"]
    with pytest.raises(InvalidState):
        await audio.dump()
    dump = await router.dump()
    assert (dump.map_producer_id_consumer_ids, dump.map_consumer_id_producer_id) == ({}, {})
    held = await sender.dump()
    assert (held.producer_ids, held.consumer_ids, sender.producers) == ([], [], [])


async def test_closed_producer_refuses_everything(audio: Producer) -> None:
    audio.close()

    for call in (audio.dump(), audio.get_stats(), audio.pause(), audio.resume(), audio.enable_trace_event(["rtp"])):
        with pytest.raises(InvalidState):
            await call
    with pytest.raises(InvalidState):
        audio.send(b"packet")
    audio.post_paused(paused=True)
    assert not audio.paused


async def test_closed_transport_closes_its_producers(receiver: WebRtcTransport, video: Producer) -> None:
    told: list[str] = []
    video.on_close(told.append)

    receiver.close()

    assert told == ["transport_closed"]
    with pytest.raises(InvalidState):
        await video.dump()


async def test_video_orientation_is_told(video: Producer) -> None:
    """Beyond mediasoup's suite."""
    told: list[VideoOrientation] = []
    video.on_video_orientation_change(told.append)

    video_orientation(video, camera=True, flip=False, rotation=270)

    assert told == [VideoOrientation(camera=True, flip=False, rotation=270)]
