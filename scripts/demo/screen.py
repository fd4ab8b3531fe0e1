"""The chart as a video track: one painter for all tracks, and a VP8 encoder that keeps letters sharp."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
from aiortc import MediaStreamTrack, rtcrtpsender
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import MediaStreamError

from scripts.demo.canvas import Pixels
from scripts.demo.chart import Chart
from scripts.demo.desk import Desk, Happening

FRAMES_PER_S = 8
MARKET_SPEED = 12
"""Market seconds per second: a candle takes ten seconds, a trading day 33 minutes."""
BITRATE_BPS = 1_500_000
"""A ceiling. Measured 2026-11-22: the chart takes 0.15 Mbit/s, a whole new picture some 65 kB."""
_COARSEST = 24
"""Of VP8's quantizers 0-63: a first frame is readable at once (luma PSNR 45 dB), and is some 30 kB."""
_VIDEO_CLOCK_HZ = 90_000


class Painter:
    """Lets the market pass, draws the chart, and tells what happened. One task, whoever watches.

    Args:
        desk: the markets; nobody else lets them pass.
        on_happening: called for each happening, in order.

    Attributes:
        picture: the newest one; replaced, never changed.
        number: of the picture, rises by one.
    """

    def __init__(self, desk: Desk, on_happening: Callable[[Happening], None]) -> None:
        self.desk = desk
        self._chart = Chart()
        self._on_happening = on_happening
        self._changed = asyncio.Condition()
        self.picture: Pixels = self._chart.draw(desk.shown, desk.positions).copy()
        self.number = 1

    async def run(self) -> None:
        """Paint until cancelled."""
        loop = asyncio.get_running_loop()
        due_at = loop.time()
        while True:
            due_at = max(due_at + 1 / FRAMES_PER_S, loop.time() - 1)
            await asyncio.sleep(max(0.0, due_at - loop.time()))
            # In a thread: a new candle takes 30 ms to draw, and the sound does not wait.
            happenings = await asyncio.to_thread(self._paint)
            self.number += 1
            async with self._changed:
                self._changed.notify_all()
            for happening in happenings:
                self._on_happening(happening)

    def _paint(self) -> list[Happening]:
        happenings = self.desk.advance(MARKET_SPEED / FRAMES_PER_S)
        self.picture = self._chart.draw(self.desk.shown, self.desk.positions).copy()
        return happenings

    async def wait_after(self, number: int) -> int:
        """Wait for a picture with a greater number; the answer is its number."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.number > number)
        return self.number


class ChartTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc is not followed by mypy
    """The painter's pictures as a video track."""

    kind = "video"

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self._painter = painter
        self._number = 0
        self._began_at: float | None = None

    async def recv(self) -> av.VideoFrame:
        """The next picture.

        Raises:
            MediaStreamError: the track was stopped.
        """
        if self.readyState != "live":
            raise MediaStreamError
        self._number = await self._painter.wait_after(self._number)
        now = time.monotonic()
        if self._began_at is None:
            self._began_at = now
        frame = av.VideoFrame.from_ndarray(self._painter.picture, format="rgb24")
        frame.pts = round((now - self._began_at) * _VIDEO_CLOCK_HZ)
        frame.time_base = Fraction(1, _VIDEO_CLOCK_HZ)
        return frame


class SharpVp8Encoder(Vp8Encoder):  # type: ignore[misc]  # aiortc is not followed by mypy
    """aiortc's encoder with settings for a screen, at a fixed ceiling.

    aiortc's own follows the receiver's estimate and makes a new codec, hence a key frame, with each change of it; it
    begins with 0.5 Mbit/s and lets quantizers go up to 56, which smears letters, and denoises what has no noise.
    """

    codec: Any

    def encode(self, frame: av.VideoFrame, force_keyframe: bool = False) -> tuple[list[bytes], int]:  # noqa: FBT001, FBT002 - aiortc's signature
        """Encode one picture into RTP payloads, and its timestamp."""
        if self.codec is None:
            self.codec = open_codec(frame.width, frame.height)
        encoded: tuple[list[bytes], int] = super().encode(frame, force_keyframe)
        return encoded

    @property
    def target_bitrate(self) -> int:
        """Always the ceiling, bits per second."""
        return BITRATE_BPS

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        """An estimate; not followed."""


def open_codec(width: int, height: int) -> Any:
    """A VP8 codec set up for a screen (libvpx's vp8 real-time settings; screen content mode 1)."""
    codec = av.CodecContext.create("libvpx", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.framerate, codec.time_base = Fraction(FRAMES_PER_S), Fraction(1, _VIDEO_CLOCK_HZ)
    codec.bit_rate = BITRATE_BPS
    codec.gop_size = 3000
    codec.qmin, codec.qmax = 2, _COARSEST
    codec.thread_count = 1
    codec.options = {
        "bufsize": str(BITRATE_BPS),
        "minrate": str(BITRATE_BPS),
        "maxrate": str(BITRATE_BPS),
        "cpu-used": "-8",
        "deadline": "realtime",
        "lag-in-frames": "0",
        "noise-sensitivity": "0",
        "overshoot-pct": "15",
        "undershoot-pct": "100",
        "screen-content-mode": "1",
        "static-thresh": "1",
    }
    return codec


_usual_encoder = rtcrtpsender.get_encoder


def _encoder_for(codec: Any) -> Any:
    return SharpVp8Encoder() if codec.mimeType.lower() == "video/vp8" else _usual_encoder(codec)


def use_sharp_encoder() -> None:
    """From now on every VP8 sender of this process encodes for a screen; aiortc has no setting for it."""
    rtcrtpsender.get_encoder = _encoder_for
