"""The codecs of a deployment, the same for every router, so that router capabilities are a constant.

The order is the order of preference: a client that is not told a codec publishes the
first one of the kind it can send.

- Opus for voice, with in-band forward error correction: losses are repaired without a round trip.
- H264 Constrained Baseline first for cameras: WebRTC requires every browser to decode it (RFC 7742 section 5), and it
  can be recorded as CMAF. Packetization mode 1, because in mode 0 every slice has to fit one packet (RFC 6184 section
  6.2). 42e01f says level 3.1, yet Chromium 156 sent and showed 1080p under it.
- VP8 behind it, for those without H264. VP8 cannot be recorded as CMAF.
- AV1 and VP9 profile 0 for screens, which ask for them by name: AV1 sent 0.9 Mbit/s where VP8 sent 1.6 for the same
  chart (measured with Chromium 156). They stand last so that no camera takes them by default.
"""

from typing import Final

from media_plane.ortc.rtp import RtpCodecCapability

OPUS: Final = RtpCodecCapability(
    kind="audio", mime_type="audio/opus", clock_rate=48000, channels=2, parameters={"useinbandfec": 1}
)
H264: Final = RtpCodecCapability(
    kind="video",
    mime_type="video/H264",
    clock_rate=90000,
    parameters={"packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1},
)
VP8: Final = RtpCodecCapability(kind="video", mime_type="video/VP8", clock_rate=90000)
AV1: Final = RtpCodecCapability(kind="video", mime_type="video/AV1", clock_rate=90000)
VP9: Final = RtpCodecCapability(kind="video", mime_type="video/VP9", clock_rate=90000, parameters={"profile-id": 0})

ROOM_MEDIA_CODECS: Final[list[RtpCodecCapability]] = [OPUS, H264, VP8, AV1, VP9]
"""What `capabilities.generate_router_rtp_capabilities` is given for every router."""
