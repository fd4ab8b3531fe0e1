"""Constants and waiting, shared by the tests against the real worker."""

import asyncio
from collections.abc import Callable

from media_plane.ortc.rtp import RtpCodecCapability
from media_plane.sfu.transport_types import ListenInfo

LOOPBACK = ListenInfo(ip="127.0.0.1")
CODECS = [
    RtpCodecCapability(kind="audio", mime_type="audio/opus", clock_rate=48000, channels=2),
    RtpCodecCapability(kind="video", mime_type="video/VP8", clock_rate=90000),
]


async def until(condition: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Wait for a condition that other tasks bring about; fails the test when it takes too long."""
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the condition is a plain value
            await asyncio.sleep(0.005)
