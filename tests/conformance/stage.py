"""Codecs, parameters and capabilities the conformance tests start from, and waiting for events."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from media_plane.ortc.rtp import RtpCapabilities, RtpCodecCapability, RtpParameters
from media_plane.ortc.sctp import SctpStreamParameters
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import ListenInfo, SctpOptions, SrtpParameters
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker

T = TypeVar("T")

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
RID = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
AUDIO_LEVEL = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
WIDE_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
PLAYOUT_DELAY = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
PACKET_ID = "urn:mediasoup:params:rtp-hdrext:packet-id"
ORIENTATION = "urn:3gpp:video-orientation"
TIME_OFFSET = "urn:ietf:params:rtp-hdrext:toffset"
DEPENDENCY = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"

LOOPBACK = ListenInfo(ip="127.0.0.1")
LOOPBACK_TCP = ListenInfo(ip="127.0.0.1", protocol="tcp")
SCTP = SctpOptions()
GCM_256_KEY = SrtpParameters(
    crypto_suite="AEAD_AES_256_GCM", key_base64="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
)
UNKNOWN = "there-is-no-such-object"


def made(struct: type[T], **fields: Any) -> T:
    """A value from its JSON names, as a browser would send it."""
    return msgspec.convert(fields, struct)


def shown(value: Any) -> Any:
    """A value as JSON would show it: camelCase names, defaults left out."""
    return msgspec.to_builtins(value)


def video_codec(name: str, **parameters: Any) -> RtpCodecCapability:
    return made(RtpCodecCapability, kind="video", mimeType=f"video/{name}", clockRate=90000, parameters=parameters)


OPUS = made(
    RtpCodecCapability,
    kind="audio",
    mimeType="audio/opus",
    clockRate=48000,
    channels=2,
    parameters={"useinbandfec": 1, "shop": "own"},
)
VP8 = video_codec("VP8")
VP9 = video_codec("VP9")
H264_PROFILE = {"packetization-mode": 1, "profile-level-id": "4d0032"}
H264 = video_codec("H264", **H264_PROFILE, **{"level-asymmetry-allowed": 1, "shop": "own"})
CODECS = [OPUS, VP8, H264]

OPUS_PARAMETERS = {"useinbandfec": 1, "usedtx": 1, "gain": 0.25, "note": "a text"}
NACK = {"type": "nack"}
PLI = {"type": "nack", "parameter": "pli"}
FIR = {"type": "ccm", "parameter": "fir"}
REMB = {"type": "goog-remb"}

AUDIO = made(
    RtpParameters,
    mid="AUDIO",
    codecs=[
        {
            "mimeType": "audio/opus",
            "payloadType": 0,
            "clockRate": 48000,
            "channels": 2,
            "parameters": OPUS_PARAMETERS,
        }
    ],
    headerExtensions=[{"uri": MID, "id": 10}, {"uri": AUDIO_LEVEL, "id": 12}],
    encodings=[{"ssrc": 11111111}],
    rtcp={"cname": "somebody"},
    msid="stream track",
)

VIDEO = made(
    RtpParameters,
    mid="VIDEO",
    codecs=[
        {
            "mimeType": "video/h264",
            "payloadType": 112,
            "clockRate": 90000,
            "parameters": H264_PROFILE,
            "rtcpFeedback": [NACK, PLI, REMB],
        },
        {"mimeType": "video/rtx", "payloadType": 113, "clockRate": 90000, "parameters": {"apt": 112}},
    ],
    headerExtensions=[{"uri": MID, "id": 10}, {"uri": ORIENTATION, "id": 13}],
    encodings=[
        {"ssrc": 22222222 + 2 * layer, "scalabilityMode": "L1T5", "rtx": {"ssrc": 22222223 + 2 * layer}}
        for layer in range(4)
    ],
    rtcp={"cname": "somebody"},
)


def vp8_video(*encodings: dict[str, Any], mid: str | None = None, extensions: tuple[str, ...] = ()) -> RtpParameters:
    """A VP8 track with these encodings."""
    return vpx_video("VP8", *encodings, mid=mid, extensions=extensions)


def vpx_video(
    name: str, *encodings: dict[str, Any], mid: str | None = None, extensions: tuple[str, ...] = ()
) -> RtpParameters:
    """A track of this codec with these encodings."""
    codec = {
        "mimeType": f"video/{name}",
        "payloadType": 96,
        "clockRate": 90000,
        "rtcpFeedback": [NACK, PLI, FIR, REMB],
    }
    return made(
        RtpParameters,
        mid=mid,
        codecs=[codec],
        headerExtensions=[{"uri": uri, "id": number + 1} for number, uri in enumerate(extensions)],
        encodings=list(encodings),
        rtcp={"cname": "somebody"},
    )


def capability_extensions(kind: str, **ids: int) -> list[dict[str, Any]]:
    """Header extensions as an endpoint lists them: names of this module's constants to ids."""
    return [{"kind": kind, "uri": globals()[name.upper()], "preferredId": number} for name, number in ids.items()]


DEVICE = made(
    RtpCapabilities,
    codecs=[
        {
            "mimeType": "audio/opus",
            "kind": "audio",
            "preferredPayloadType": 100,
            "clockRate": 48000,
            "channels": 2,
            "rtcpFeedback": [NACK],
        },
        {
            "mimeType": "video/H264",
            "kind": "video",
            "preferredPayloadType": 101,
            "clockRate": 90000,
            "parameters": {**H264_PROFILE, "level-asymmetry-allowed": 1},
            "rtcpFeedback": [NACK, PLI, FIR, REMB],
        },
        {
            "mimeType": "video/rtx",
            "kind": "video",
            "preferredPayloadType": 102,
            "clockRate": 90000,
            "parameters": {"apt": 101},
        },
    ],
    headerExtensions=[
        *capability_extensions("audio", mid=1, send_time=4, audio_level=6),
        *capability_extensions("video", mid=1, rid=2, send_time=4, orientation=8, time_offset=9),
    ],
)

VPX_DEVICE = made(
    RtpCapabilities,
    codecs=[
        {
            "mimeType": f"video/{name}",
            "kind": "video",
            "preferredPayloadType": payload_type,
            "clockRate": 90000,
            "rtcpFeedback": [NACK, PLI, FIR, REMB],
        }
        for name, payload_type in (("VP8", 101), ("VP9", 102))
    ],
)

VP8_DEVICE = made(
    RtpCapabilities,
    codecs=[
        {
            "mimeType": "video/VP8",
            "kind": "video",
            "preferredPayloadType": 101,
            "clockRate": 90000,
            "rtcpFeedback": [NACK, FIR, {"type": "transport-cc"}],
        },
        {
            "mimeType": "video/rtx",
            "kind": "video",
            "preferredPayloadType": 102,
            "clockRate": 90000,
            "parameters": {"apt": 101},
        },
    ],
    headerExtensions=capability_extensions("video", send_time=4, wide_cc=5),
)


@dataclass(slots=True)
class Pipes:
    """Two routers on two workers; the first has an audio, a simulcast video and a data producer."""

    worker: Worker
    router: Router
    other_router: Router
    transport: WebRtcTransport
    other_transport: WebRtcTransport
    audio: Producer
    video: Producer
    data: DataProducer

    @classmethod
    async def build(cls, worker: Worker, other_worker: Worker) -> "Pipes":
        router = await worker.create_router(media_codecs=[OPUS, VP8])
        other_router = await other_worker.create_router(media_codecs=[OPUS, VP8])
        transport = await router.create_webrtc_transport(listen_infos=[LOOPBACK], sctp=SCTP)
        other = await other_router.create_webrtc_transport(listen_infos=[LOOPBACK], sctp=SCTP)
        video = msgspec.structs.replace(
            vp8_video(
                *({"ssrc": 33333331 + layer} for layer in range(3)),
                mid="VIDEO",
                extensions=(MID, SEND_TIME, ORIENTATION),
            ),
            msid="stream track",
        )
        return cls(
            worker=worker,
            router=router,
            other_router=other_router,
            transport=transport,
            other_transport=other,
            audio=await transport.produce(kind="audio", rtp_parameters=AUDIO, app_data="voice"),
            video=await transport.produce(kind="video", rtp_parameters=video),
            data=await transport.produce_data(
                sctp_stream_parameters=SctpStreamParameters(stream_id=666, max_packet_life_time=5000),
                label="prices",
                protocol="json",
            ),
        )


async def until(condition: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Wait for a condition that other tasks bring about; fails the test when it takes too long."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition is a plain value
            await asyncio.sleep(0.002)


async def flip(pause: Callable[[], Awaitable[None]], resume: Callable[[], Awaitable[None]]) -> None:
    """Pause and resume six times without waiting in between: three changes each way, as two pauses are repeats."""
    await asyncio.gather(pause(), resume(), pause(), pause(), pause(), resume())


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """A port of 127.0.0.1 that nobody has now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
