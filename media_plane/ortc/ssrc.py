"""SSRC numbers for streams the router sends: drawn at random, handed out in a row."""

import secrets
from collections.abc import Callable, Sequence
from typing import TypeAlias

from media_plane.ortc.rtp import RtpEncodingParameters, RtxParameters

DrawSsrc: TypeAlias = Callable[[], int]
"""Gives the first SSRC of a row; the row's others follow by adding one."""

_LOWEST = 100_000_000
_COUNT = 899_999_999


def draw_ssrc() -> int:
    """A random SSRC, 100,000,000..999,999,998: nine digits, and room above for a row.

    Nothing here keeps two rows on one transport apart, and the worker lets the later one take the number over. With a
    hundred streams that happens on about one transport in 100,000; who minds hands in a source that remembers.

    Source: mediasoup 3.27.1, node/lib/utils.js, generateRandomNumber.
    """
    return _LOWEST + secrets.randbelow(_COUNT)


def number_encodings(
    encodings: Sequence[RtpEncodingParameters], *, with_rtx: bool, first_ssrc: int
) -> list[RtpEncodingParameters]:
    """The same encodings under SSRCs of our own, all different.

    Args:
        encodings: streams to send; their ssrc and rtx are ignored.
        with_rtx: whether each also gets a retransmission stream.
        first_ssrc: the media streams count up from here; the retransmission streams follow after the last of them.
    """
    first_rtx_ssrc = first_ssrc + len(encodings)
    return [
        RtpEncodingParameters(
            ssrc=first_ssrc + index,
            rid=encoding.rid,
            codec_payload_type=encoding.codec_payload_type,
            rtx=RtxParameters(ssrc=first_rtx_ssrc + index) if with_rtx else None,
            dtx=encoding.dtx,
            scalability_mode=encoding.scalability_mode,
            max_bitrate=encoding.max_bitrate,
        )
        for index, encoding in enumerate(encodings)
    ]
