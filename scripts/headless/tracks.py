"""Tracks to publish: a moving picture with the frame counter, and the tone. Paced by the event loop's clock."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame

from scripts.headless.counter import COUNTER_LIMIT, burn_counter
from scripts.headless.tone import SAMPLE_RATE_HZ, TONE_HZ, make_tone

VIDEO_CLOCK_HZ = 90_000
"""RTP clock of video (RFC 3551, section 5)."""
AUDIO_FRAME_SAMPLES = 960
"""20 ms at 48 kHz, Opus's usual frame."""


class _Pace:
    """Lets one frame pass at its time; after a pause it does not hurry to catch up."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._next_at: float | None = None

    async def wait(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._next_at is None or now - self._next_at > 1.0:
            self._next_at = now
        delay_s = self._next_at - now
        self._next_at += self._interval_s
        await asyncio.sleep(max(0.0, delay_s))


class CounterTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc is not followed by mypy
    """A picture with a frame counter from 0 on, over a drifting pattern that gives the encoder something to do.

    Args:
        width: of the picture, even, >= 72.
        height: of the picture, even, >= 48.
        frames_per_s: how many pictures a second, > 0.
    """

    kind = "video"

    def __init__(self, *, width: int = 640, height: int = 360, frames_per_s: int = 30) -> None:
        super().__init__()
        self.frames_sent = 0
        self._ticks = VIDEO_CLOCK_HZ // frames_per_s
        self._pace = _Pace(1 / frames_per_s)
        columns = np.arange(width, dtype=np.float64)[None, :]
        rows = np.arange(height, dtype=np.float64)[:, None]
        wave = 110 + 60 * np.sin(columns / 40) * np.cos(rows / 30)
        self._pattern = wave.astype(np.uint8)
        self._chroma = np.full((height // 2, width), 128, dtype=np.uint8)

    async def recv(self) -> VideoFrame:
        """The next picture, at its time.

        Raises:
            MediaStreamError: the track was stopped.
        """
        if self.readyState != "live":
            raise MediaStreamError
        await self._pace.wait()
        counter = self.frames_sent % COUNTER_LIMIT
        luma = np.roll(self._pattern, counter % self._pattern.shape[1], axis=1)
        burn_counter(luma, counter)
        frame = VideoFrame.from_ndarray(np.vstack((luma, self._chroma)), format="yuv420p")
        frame.pts = self.frames_sent * self._ticks
        frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
        self.frames_sent += 1
        return frame


class ToneTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc is not followed by mypy
    """A quiet, endless tone, mono, 48 kHz.

    Args:
        frequency_hz: its pitch.
    """

    kind = "audio"

    def __init__(self, frequency_hz: float = TONE_HZ) -> None:
        super().__init__()
        self.samples_sent = 0
        self._frequency_hz = frequency_hz
        self._pace = _Pace(AUDIO_FRAME_SAMPLES / SAMPLE_RATE_HZ)

    async def recv(self) -> AudioFrame:
        """The next 20 ms, at their time.

        Raises:
            MediaStreamError: the track was stopped.
        """
        if self.readyState != "live":
            raise MediaStreamError
        await self._pace.wait()
        samples = make_tone(self.samples_sent, AUDIO_FRAME_SAMPLES, frequency_hz=self._frequency_hz)
        frame = AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE_HZ
        frame.pts = self.samples_sent
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        self.samples_sent += AUDIO_FRAME_SAMPLES
        return frame
