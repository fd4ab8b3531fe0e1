"""What a consumer may be told to prefer, against the real worker: layers, priority, traces."""

from typing import Any

import pytest

from media_plane.channel.values.media import ConsumerLayers, StreamType
from media_plane.ortc.rtp import RtpParameters
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.errors import InvalidValue, WorkerRejected
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.stage import (
    AUDIO,
    DEVICE,
    LOOPBACK,
    VIDEO,
    VP8,
    VP9,
    VPX_DEVICE,
    shown,
    vp8_video,
    vpx_video,
)

pytestmark = pytest.mark.worker


@pytest.fixture
async def hearing(sender: WebRtcTransport, receiver: WebRtcTransport) -> Consumer:
    audio = await sender.produce(kind="audio", rtp_parameters=AUDIO)
    return await receiver.consume(producer_id=audio.id, rtp_capabilities=DEVICE, paused=False)


@pytest.fixture
async def watching(sender: WebRtcTransport, receiver: WebRtcTransport) -> Consumer:
    video = await sender.produce(kind="video", rtp_parameters=VIDEO)
    return await receiver.consume(producer_id=video.id, rtp_capabilities=DEVICE, paused=False)


@pytest.fixture
async def vpx_router(worker: Worker) -> Router:
    return await worker.create_router(media_codecs=[VP8, VP9])


async def published(router: Router, params: RtpParameters) -> tuple[Producer, WebRtcTransport]:
    """A producer, and a transport to watch it by."""
    transport = await router.create_webrtc_transport(listen_infos=[LOOPBACK])
    viewer = await router.create_webrtc_transport(listen_infos=[LOOPBACK])
    return await transport.produce(kind="video", rtp_parameters=params), viewer


async def test_preferred_layers_are_kept_within_what_there_is(hearing: Consumer, watching: Consumer) -> None:
    await hearing.set_preferred_layers(spatial_layer=1, temporal_layer=1)
    assert hearing.preferred_layers is None

    for wanted, given in (((2, 3), (2, 3)), ((3, None), (3, 4)), ((3, 0), (3, 0)), ((66, 66), (3, 4))):
        await watching.set_preferred_layers(spatial_layer=wanted[0], temporal_layer=wanted[1])
        assert watching.preferred_layers == ConsumerLayers(spatial_layer=given[0], temporal_layer=given[1])


@pytest.mark.parametrize(("spatial", "temporal"), [("top", None), (-1, None), (256, None), (0, "all")])
async def test_layers_that_are_no_layers_are_refused(watching: Consumer, spatial: Any, temporal: Any) -> None:
    before = watching.preferred_layers

    with pytest.raises((InvalidValue, WorkerRejected)):
        await watching.set_preferred_layers(spatial_layer=spatial, temporal_layer=temporal)

    assert watching.preferred_layers == before


@pytest.mark.parametrize(
    ("wanted", "given"),
    [((1, 0), (1, 0)), ((9, 9), (2, 2)), ((1, None), (1, 2))],
)
async def test_svc_consumer_starts_with_the_preferred_layers(
    vpx_router: Router, wanted: tuple[int, int | None], given: tuple[int, int]
) -> None:
    producer, viewer = await published(vpx_router, vpx_video("VP9", {"ssrc": 1, "scalabilityMode": "L3T3"}))
    assert vpx_router.can_consume(producer_id=producer.id, rtp_capabilities=VPX_DEVICE)

    consumer = await viewer.consume(
        producer_id=producer.id,
        rtp_capabilities=VPX_DEVICE,
        preferred_layers=ConsumerLayers(spatial_layer=wanted[0], temporal_layer=wanted[1]),
    )

    assert consumer.type == "svc"
    assert consumer.preferred_layers == ConsumerLayers(spatial_layer=given[0], temporal_layer=given[1])


@pytest.mark.parametrize(("wanted", "given"), [((1, 0), (1, 0)), ((9, 9), (2, 4))])
async def test_simulcast_consumer_starts_with_the_preferred_layers(
    vpx_router: Router, wanted: tuple[int, int], given: tuple[int, int]
) -> None:
    encodings = ({"ssrc": ssrc, "scalabilityMode": "L1T5"} for ssrc in (1, 2, 3))
    producer, viewer = await published(vpx_router, vp8_video(*encodings))

    consumer = await viewer.consume(
        producer_id=producer.id,
        rtp_capabilities=VPX_DEVICE,
        preferred_layers=ConsumerLayers(spatial_layer=wanted[0], temporal_layer=wanted[1]),
    )

    assert consumer.type == "simulcast"
    assert consumer.preferred_layers == ConsumerLayers(spatial_layer=given[0], temporal_layer=given[1])


async def check_types(router: Router, kind: StreamType, *encodings: dict[str, Any]) -> None:
    producer, viewer = await published(router, vp8_video(*encodings))
    consumer = await viewer.consume(producer_id=producer.id, rtp_capabilities=VPX_DEVICE)
    assert (producer.type, consumer.type) == (kind, kind)


async def test_one_encoding_without_temporal_layers_is_simple_on_both_sides(vpx_router: Router) -> None:
    await check_types(vpx_router, "simple", {"ssrc": 11111111})


async def test_one_encoding_with_temporal_layers_is_svc_on_both_sides(vpx_router: Router) -> None:
    await check_types(vpx_router, "svc", {"ssrc": 55555555, "scalabilityMode": "L1T3"})


async def test_several_encodings_are_simulcast_on_both_sides(vpx_router: Router) -> None:
    await check_types(
        vpx_router,
        "simulcast",
        {"ssrc": 11111111, "scalabilityMode": "L1T3"},
        {"ssrc": 22222222, "scalabilityMode": "L1T3"},
    )


async def test_priority_is_set(watching: Consumer) -> None:
    await watching.set_priority(2)

    assert watching.priority == 2
    assert (await watching.dump()).priority == 2


@pytest.mark.parametrize("wrong", [0, -1, 256, "first", None])
async def test_priority_that_is_none_is_refused(watching: Consumer, wrong: Any) -> None:
    with pytest.raises((InvalidValue, WorkerRejected)):
        await watching.set_priority(wrong)

    assert watching.priority == 1


async def test_priority_goes_back_to_the_lowest(watching: Consumer) -> None:
    await watching.set_priority(9)

    await watching.unset_priority()

    assert watching.priority == 1


async def test_trace_events_are_switched_on_and_off(hearing: Consumer) -> None:
    for wanted in (["rtp", "pli"], [], ["nack", "fir"], []):
        await hearing.enable_trace_event(wanted)  # type: ignore[arg-type]  # the table's list is of plain texts

        assert sorted((await hearing.dump()).trace_event_types) == sorted(wanted)


@pytest.mark.parametrize("wrong", ["rtp", ["fir", 1.5], ["fir", "sr"]], ids=str)
async def test_trace_events_that_are_none_are_refused(hearing: Consumer, wrong: Any) -> None:
    with pytest.raises(InvalidValue):
        await hearing.enable_trace_event(wrong)

    assert shown(await hearing.dump()).get("traceEventTypes", []) == []
