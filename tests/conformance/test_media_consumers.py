"""Consumers against the real worker: making, asking, pausing, closing."""

import asyncio

import pytest

from media_plane.channel.values.media import ConsumerLayers
from media_plane.ortc.errors import UnsupportedError
from media_plane.ortc.rtp import RtpCapabilities
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.errors import InvalidState
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from tests.conformance.inject import consumer_score
from tests.conformance.stage import (
    AUDIO,
    AUDIO_LEVEL,
    DEVICE,
    FIR,
    H264_PROFILE,
    MID,
    NACK,
    OPUS_PARAMETERS,
    ORIENTATION,
    PLI,
    REMB,
    SEND_TIME,
    TIME_OFFSET,
    UNKNOWN,
    VIDEO,
    flip,
    made,
    shown,
    until,
)

pytestmark = pytest.mark.worker


@pytest.fixture
async def audio(sender: WebRtcTransport) -> Producer:
    return await sender.produce(kind="audio", rtp_parameters=AUDIO)


@pytest.fixture
async def video(sender: WebRtcTransport) -> Producer:
    return await sender.produce(kind="video", rtp_parameters=VIDEO)


@pytest.fixture
async def hearing(receiver: WebRtcTransport, audio: Producer) -> Consumer:
    return await receiver.consume(producer_id=audio.id, rtp_capabilities=DEVICE, paused=False)


async def test_consumers_get_what_producer_and_device_have_in_common(
    router: Router, receiver: WebRtcTransport, audio: Producer, video: Producer
) -> None:
    announced: list[Consumer] = []
    receiver.on_new_consumer(announced.append)
    assert router.can_consume(producer_id=audio.id, rtp_capabilities=DEVICE)
    assert router.can_consume(producer_id=video.id, rtp_capabilities=DEVICE)

    hearing = await receiver.consume(producer_id=audio.id, rtp_capabilities=DEVICE, paused=False, app_data="tile")
    await video.pause()
    watching = await receiver.consume(
        producer_id=video.id,
        rtp_capabilities=DEVICE,
        preferred_layers=ConsumerLayers(spatial_layer=12, temporal_layer=0),
    )

    assert announced == [hearing, watching]
    assert (hearing.producer_id, hearing.kind, hearing.type, hearing.app_data) == (audio.id, "audio", "simple", "tile")
    assert (hearing.paused, hearing.producer_paused, hearing.priority, hearing.closed) == (False, False, 1, False)
    assert (hearing.rtp_parameters.mid, hearing.rtp_parameters.msid) == ("0", "stream track")
    assert shown(hearing.rtp_parameters.codecs) == [
        {
            "mimeType": "audio/opus",
            "payloadType": 100,
            "clockRate": 48000,
            "channels": 2,
            "parameters": OPUS_PARAMETERS,
        }
    ]
    assert shown(hearing.score) == {"score": 10, "producerScore": 0, "producerScores": [0]}
    assert (hearing.preferred_layers, hearing.current_layers) == (None, None)
    assert (watching.rtp_parameters.mid, watching.rtp_parameters.msid) == ("1", None)
    assert shown(watching.rtp_parameters.codecs) == H264_AND_RTX
    assert (watching.type, watching.paused, watching.producer_paused) == ("simulcast", True, True)
    assert shown(watching.score) == {"score": 10, "producerScore": 0, "producerScores": [0, 0, 0, 0]}
    assert shown(watching.preferred_layers) == {"spatialLayer": 3, "temporalLayer": 0}
    await check_pipe_consumer(receiver, video)
    pipe = announced[2]
    dump = await router.dump()
    assert dump.map_producer_id_consumer_ids[audio.id] == [hearing.id]
    assert sorted(dump.map_producer_id_consumer_ids[video.id]) == sorted([watching.id, pipe.id])
    assert dump.map_consumer_id_producer_id == {hearing.id: audio.id, watching.id: video.id, pipe.id: video.id}
    held = await receiver.dump()
    assert (held.producer_ids, sorted(held.consumer_ids)) == ([], sorted(c.id for c in announced))


async def check_pipe_consumer(receiver: WebRtcTransport, video: Producer) -> None:
    pipe = await receiver.consume(producer_id=video.id, rtp_capabilities=DEVICE, paused=False, pipe=True)
    assert (pipe.type, pipe.rtp_parameters.mid, len(pipe.rtp_parameters.encodings)) == ("pipe", None, 4)
    assert shown(pipe.rtp_parameters.codecs) == H264_AND_RTX
    assert (pipe.paused, pipe.producer_paused, pipe.priority) == (False, True, 1)
    assert shown(pipe.score) == {"score": 10, "producerScore": 10, "producerScores": [0, 0, 0, 0]}
    assert (pipe.preferred_layers, pipe.current_layers, pipe.app_data) == (None, None, None)


async def test_unknown_producer_can_not_be_consumed(router: Router, receiver: WebRtcTransport) -> None:
    assert not router.can_consume(producer_id=UNKNOWN, rtp_capabilities=DEVICE)
    with pytest.raises(InvalidState, match="no such producer"):
        await receiver.consume(producer_id=UNKNOWN, rtp_capabilities=DEVICE)


async def test_audio_is_resent_on_request_when_asked_for(receiver: WebRtcTransport, audio: Producer) -> None:
    hearing = await receiver.consume(producer_id=audio.id, rtp_capabilities=DEVICE, enable_rtx=True)

    assert len(hearing.rtp_parameters.codecs) == 1
    assert shown(hearing.rtp_parameters.codecs[0]) == {
        "mimeType": "audio/opus",
        "payloadType": 100,
        "clockRate": 48000,
        "channels": 2,
        "parameters": OPUS_PARAMETERS,
        "rtcpFeedback": [NACK],
    }


async def test_mid_counts_up_unless_the_caller_names_one(receiver: WebRtcTransport, audio: Producer) -> None:
    mids = [
        (await receiver.consume(producer_id=audio.id, rtp_capabilities=DEVICE, mid=mid)).rtp_parameters.mid
        for mid in (None, "my-mid", None)
    ]

    assert mids == ["0", "my-mid", "1"]


@pytest.mark.parametrize("with_codec", [True, False])
async def test_device_without_a_common_codec_is_refused(
    router: Router, receiver: WebRtcTransport, audio: Producer, *, with_codec: bool
) -> None:
    isac = {"kind": "audio", "mimeType": "audio/ISAC", "preferredPayloadType": 100, "clockRate": 32000, "channels": 1}
    device = made(RtpCapabilities, codecs=[isac] if with_codec else [])

    assert not router.can_consume(producer_id=audio.id, rtp_capabilities=device)
    with pytest.raises(UnsupportedError):
        await receiver.consume(producer_id=audio.id, rtp_capabilities=device)


async def test_dump_is_the_consumer_as_made(
    receiver: WebRtcTransport, audio: Producer, video: Producer, hearing: Consumer
) -> None:
    watching = await receiver.consume(producer_id=video.id, rtp_capabilities=DEVICE)

    heard, watched = await hearing.dump(), await watching.dump()

    assert (heard.id, heard.producer_id, heard.kind, heard.type) == (hearing.id, audio.id, "audio", "simple")
    assert heard.rtp_parameters.codecs == hearing.rtp_parameters.codecs
    assert heard.rtp_parameters.header_extensions == hearing.rtp_parameters.header_extensions
    assert [(ext.uri, ext.id) for ext in heard.rtp_parameters.header_extensions] == [
        (MID, 1),
        (SEND_TIME, 4),
        (AUDIO_LEVEL, 6),
    ]
    assert [(e.ssrc, e.codec_payload_type) for e in heard.rtp_parameters.encodings] == [(ssrc_of(hearing), 100)]
    assert heard.rtp_parameters.msid == "stream track"
    consumable = audio.consumable_rtp_parameters.encodings
    assert [e.ssrc for e in heard.consumable_rtp_encodings] == [e.ssrc for e in consumable]
    assert (heard.supported_codec_payload_types, heard.paused, heard.producer_paused) == ([100], False, False)
    assert (heard.priority, heard.preferred_spatial_layer) == (1, -1)
    assert shown(watched.rtp_parameters.codecs) == H264_AND_RTX
    assert [(ext.uri, ext.id) for ext in watched.rtp_parameters.header_extensions] == [
        (MID, 1),
        (SEND_TIME, 4),
        (ORIENTATION, 8),
        (TIME_OFFSET, 9),
    ]
    (encoding,) = watched.rtp_parameters.encodings
    wanted = watching.rtp_parameters.encodings[0]
    assert (encoding.ssrc, encoding.rtx, encoding.codec_payload_type) == (wanted.ssrc, wanted.rtx, 103)
    assert encoding.scalability_mode == "L4T5"
    consumable = video.consumable_rtp_parameters.encodings
    assert [(e.ssrc, e.scalability_mode) for e in watched.consumable_rtp_encodings] == [
        (e.ssrc, "L1T5") for e in consumable
    ]
    assert (watched.supported_codec_payload_types, watched.paused, watched.producer_paused) == ([103], True, False)
    assert (watched.rtp_parameters.msid, watched.priority) == (None, 1)


async def test_stats_tell_the_stream_sent(receiver: WebRtcTransport, video: Producer, hearing: Consumer) -> None:
    watching = await receiver.consume(producer_id=video.id, rtp_capabilities=DEVICE)

    (heard,), (watched,) = await hearing.get_stats(), await watching.get_stats()

    assert (heard.type, heard.kind, heard.mime_type, heard.ssrc) == (
        "outbound-rtp",
        "audio",
        "audio/opus",
        ssrc_of(hearing),
    )
    assert (watched.type, watched.kind, watched.mime_type, watched.ssrc) == (
        "outbound-rtp",
        "video",
        "video/H264",
        ssrc_of(watching),
    )


async def test_consumer_pauses_and_resumes_and_tells_each_change(hearing: Consumer) -> None:
    told: list[str] = []
    hearing.on_pause(lambda: told.append("pause"))
    hearing.on_resume(lambda: told.append("resume"))

    await hearing.pause()
    assert hearing.paused
    assert (await hearing.dump()).paused
    await hearing.resume()
    assert not hearing.paused
    assert not (await hearing.dump()).paused
    await flip(hearing.pause, hearing.resume)

    assert told == ["pause", "resume"] * 3


async def test_pause_of_the_producer_stops_and_starts_the_consumer(audio: Producer, hearing: Consumer) -> None:
    told: list[str] = []
    hearing.on_pause(lambda: told.append("pause"))
    hearing.on_resume(lambda: told.append("resume"))

    await asyncio.gather(audio.pause(), audio.resume())

    await until(lambda: len(told) == 2)
    assert told == ["pause", "resume"]
    assert not hearing.paused


async def test_consumer_is_told_when_its_producer_pauses_and_resumes(audio: Producer, hearing: Consumer) -> None:
    told: list[tuple[str, bool]] = []
    hearing.on_producer_pause(lambda: told.append(("pause", hearing.producer_paused)))
    hearing.on_producer_resume(lambda: told.append(("resume", hearing.producer_paused)))

    await audio.pause()
    await until(lambda: hearing.producer_paused)
    await audio.resume()
    await until(lambda: not hearing.producer_paused)

    assert told == [("pause", True), ("resume", False)]
    assert not hearing.paused


async def test_score_notifications_are_told_and_kept(hearing: Consumer) -> None:
    told: list[object] = []
    hearing.on_score(lambda score: told.append(shown(score)))

    for _ in range(3):
        consumer_score(hearing, score=9, producer_score=10, producer_scores=[8])

    wanted = {"score": 9, "producerScore": 10, "producerScores": [8]}
    assert told == [wanted] * 3
    assert shown(hearing.score) == wanted


async def test_closed_consumer_is_gone_from_router_and_transport(
    router: Router, receiver: WebRtcTransport, audio: Producer, video: Producer, hearing: Consumer
) -> None:
    watching = await receiver.consume(producer_id=video.id, rtp_capabilities=DEVICE)
    told: list[str] = []
    hearing.on_close(told.append)

    hearing.close()
    hearing.close()

    assert told == ["closed"]
    with pytest.raises(InvalidState):
        await hearing.dump()
    dump = await router.dump()
    assert dump.map_producer_id_consumer_ids == {audio.id: [], video.id: [watching.id]}
    assert dump.map_consumer_id_producer_id == {watching.id: video.id}
    held = await receiver.dump()
    assert (held.producer_ids, held.consumer_ids) == ([], [watching.id])
    assert receiver.consumers == [watching]


async def test_closed_consumer_refuses_everything(hearing: Consumer) -> None:
    hearing.close()

    for call in (
        hearing.dump(),
        hearing.get_stats(),
        hearing.pause(),
        hearing.resume(),
        hearing.set_preferred_layers(spatial_layer=0),
        hearing.set_priority(2),
        hearing.request_key_frame(),
        hearing.enable_trace_event(["rtp"]),
    ):
        with pytest.raises(InvalidState):
            await call


async def test_closed_producer_closes_its_consumers(audio: Producer, hearing: Consumer) -> None:
    told: list[str] = []
    hearing.on_close(told.append)

    audio.close()

    await until(lambda: hearing.closed)
    assert told == ["producer_closed"]
    with pytest.raises(InvalidState):
        await hearing.dump()


async def test_closed_transport_closes_its_consumers(
    router: Router, receiver: WebRtcTransport, audio: Producer, hearing: Consumer
) -> None:
    told: list[str] = []
    hearing.on_close(told.append)

    receiver.close()

    assert told == ["transport_closed"]
    with pytest.raises(InvalidState):
        await hearing.dump()
    dump = await router.dump()
    assert (dump.map_producer_id_consumer_ids, dump.map_consumer_id_producer_id) == ({audio.id: []}, {})


H264_AND_RTX = [
    {
        "mimeType": "video/H264",
        "payloadType": 103,
        "clockRate": 90000,
        "parameters": H264_PROFILE,
        "rtcpFeedback": [NACK, PLI, FIR, REMB],
    },
    {"mimeType": "video/rtx", "payloadType": 104, "clockRate": 90000, "parameters": {"apt": 103}},
]


def ssrc_of(consumer: Consumer) -> int | None:
    return consumer.rtp_parameters.encodings[0].ssrc
