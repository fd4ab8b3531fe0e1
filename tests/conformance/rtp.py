"""RTP and RTCP packets by hand (RFC 3550, header extensions of RFC 8285)."""

import struct

from media_plane.ortc.rtp import RtpParameters
from tests.conformance.stage import AUDIO_LEVEL

RTCP_PAYLOAD_FEEDBACK = 206
"""Packet type of picture loss indications and their kin (RFC 4585 section 6.1)."""
_ONE_BYTE_HEADER = 0xBEDE


def opus_packet(params: RtpParameters, number: int, *, level: int = 127, ssrc: int | None = None) -> bytes:
    """The n-th Opus packet of a track whose first encoding has an SSRC.

    Args:
        params: of the track, with the audio level extension.
        number: counts packets from 0; each is 20 ms.
        level: minus dBov, 0 (loudest) to 127 (silence), voice (RFC 6464).
        ssrc: instead of the first encoding's.
    """
    extension_id = next(ext.id for ext in params.header_extensions if ext.uri == AUDIO_LEVEL)
    extension = bytes([extension_id << 4, 0x80 | level, 0, 0])
    header = struct.pack(
        "!BBHII", 0x90, params.codecs[0].payload_type, number & 0xFFFF, number * 960, ssrc or params.encodings[0].ssrc
    )
    return header + struct.pack("!HH", _ONE_BYTE_HEADER, len(extension) // 4) + extension + b"opus" * 5


def vp8_packet(params: RtpParameters, number: int, *, is_key_frame: bool, ssrc: int | None = None) -> bytes:
    """The n-th VP8 packet of a track, a frame of its own: descriptor, then the first bytes of a frame (RFC 7741)."""
    header = struct.pack(
        "!BBHII",
        0x80,
        0x80 | params.codecs[0].payload_type,
        number & 0xFFFF,
        number * 3000,
        ssrc or params.encodings[0].ssrc,
    )
    return header + bytes([0x10, 0x00 if is_key_frame else 0x01]) + bytes(200)


def sender_report(ssrc: int) -> bytes:
    """An RTCP sender report without report blocks."""
    return struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 1, 2, 3, 4, 5)
