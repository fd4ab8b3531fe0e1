"""RTP by hand: parameters and packets (RFC 3550)."""

import struct

from media_plane.ortc.rtp import RtcpParameters, RtpCodecParameters, RtpEncodingParameters, RtpParameters

OPUS_PAYLOAD_TYPE = 100
VP8_PAYLOAD_TYPE = 101


def opus_parameters(*, ssrc: int = 1000) -> RtpParameters:
    """One Opus stream."""
    codec = RtpCodecParameters(
        mime_type="audio/opus",
        payload_type=OPUS_PAYLOAD_TYPE,
        clock_rate=48000,
        channels=2,
        parameters={"useinbandfec": 1, "usedtx": 1, "ptime": 20, "x-note": "hello", "x-gain": 0.5},
    )
    return RtpParameters(
        mid="AUDIO",
        codecs=[codec],
        encodings=[RtpEncodingParameters(ssrc=ssrc, dtx=True)],
        rtcp=RtcpParameters(cname="sender"),
    )


def vp8_parameters(*, ssrc: int = 2000, layers: int = 1) -> RtpParameters:
    """One VP8 track with that many simulcast layers."""
    codec = RtpCodecParameters(mime_type="video/VP8", payload_type=VP8_PAYLOAD_TYPE, clock_rate=90000)
    encodings = [
        RtpEncodingParameters(ssrc=ssrc + index, scalability_mode="L1T3", max_bitrate=100_000 * (index + 1))
        for index in range(layers)
    ]
    return RtpParameters(codecs=[codec], encodings=encodings, rtcp=RtcpParameters(cname="sender"))


def packet(*, payload_type: int, sequence_number: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """One RTP packet without extensions."""
    header = struct.pack("!BBHII", 0x80, 0x80 | payload_type, sequence_number & 0xFFFF, timestamp, ssrc)
    return header + payload


def vp8_payload(*, is_key_frame: bool) -> bytes:
    """A VP8 payload the worker recognizes (RFC 7741): descriptor with S=1, then the first bytes of a frame."""
    return bytes([0x10, 0x00 if is_key_frame else 0x01]) + bytes(200)
