"""Opus with more than two channels, against the real worker."""

from typing import Any

import pytest

from media_plane.ortc.errors import UnsupportedError
from media_plane.ortc.rtp import RtpCapabilities, RtpCodecCapability, RtpParameters
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.stage import AUDIO_LEVEL, LOOPBACK, MID, capability_extensions, made, shown

pytestmark = pytest.mark.worker

SURROUND = {"channel_mapping": "0,4,1,2,3,5", "num_streams": 4, "coupled_streams": 2}
CODEC = {"mimeType": "audio/multiopus", "clockRate": 48000, "channels": 6}


def track(**parameters: Any) -> RtpParameters:
    return made(
        RtpParameters,
        mid="AUDIO",
        codecs=[{**CODEC, "payloadType": 0, "parameters": {**SURROUND, **parameters}}],
        headerExtensions=[{"uri": MID, "id": 10}, {"uri": AUDIO_LEVEL, "id": 12}],
    )


def device(channels: int = 6) -> RtpCapabilities:
    return made(
        RtpCapabilities,
        codecs=[{**CODEC, "kind": "audio", "preferredPayloadType": 100, "channels": channels, "parameters": SURROUND}],
        headerExtensions=capability_extensions("audio", mid=1, send_time=4, audio_level=10),
    )


@pytest.fixture
async def router(worker: Worker) -> Router:
    parameters = {"useinbandfec": 1, **SURROUND}
    codec = made(RtpCodecCapability, kind="audio", preferredPayloadType=100, parameters=parameters, **CODEC)
    return await worker.create_router(media_codecs=[codec])


@pytest.fixture
async def transport(router: Router) -> WebRtcTransport:
    return await router.create_webrtc_transport(listen_infos=[LOOPBACK])


async def test_surround_is_produced_and_consumed(router: Router, transport: WebRtcTransport) -> None:
    producer = await transport.produce(kind="audio", rtp_parameters=track(useinbandfec=1))

    assert router.can_consume(producer_id=producer.id, rtp_capabilities=device())
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=device())

    parameters = {"useinbandfec": 1, **SURROUND}
    assert shown(producer.rtp_parameters.codecs) == [{**CODEC, "payloadType": 0, "parameters": parameters}]
    assert shown(consumer.rtp_parameters.codecs) == [{**CODEC, "payloadType": 100, "parameters": parameters}]


@pytest.mark.parametrize("streams", [{"num_streams": 2}, {"coupled_streams": 1}], ids=str)
async def test_other_streams_are_not_produced(transport: WebRtcTransport, streams: dict[str, int]) -> None:
    with pytest.raises(UnsupportedError):
        await transport.produce(kind="audio", rtp_parameters=track(**streams))


async def test_other_channels_are_not_consumed(router: Router, transport: WebRtcTransport) -> None:
    producer = await transport.produce(kind="audio", rtp_parameters=track())

    assert not router.can_consume(producer_id=producer.id, rtp_capabilities=device(channels=8))
    with pytest.raises(UnsupportedError):
        await transport.consume(producer_id=producer.id, rtp_capabilities=device(channels=8))
