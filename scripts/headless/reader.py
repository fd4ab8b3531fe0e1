"""Takes decoded frames off a consumed track and notes what was seen or heard."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray
from typing_extensions import override

from scripts.headless.counter import COUNTER_LIMIT, Luma, read_counter
from scripts.headless.tone import SAMPLE_RATE_HZ, TONE_HZ, Samples, has_tone

TONE_WINDOW_S = 0.1
"""Length of sound judged at once."""


class _Reader:
    """Reads one track until it ends; others wait for what they need."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self._track = track
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._read(), name=f"reader-{track.kind}")
        self.frames = 0
        """Frames decoded, whatever they show."""
        self.first_frame_at: float | None = None
        """Event loop time of the first one, seconds."""
        self.has_ended = False

    def _take(self, frame: Any) -> None:
        raise NotImplementedError

    async def _read(self) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await self._track.recv()
                if self.first_frame_at is None:
                    self.first_frame_at = asyncio.get_running_loop().time()
                self.frames += 1
                self._take(frame)
                async with self._changed:
                    self._changed.notify_all()
        self.has_ended = True
        async with self._changed:
            self._changed.notify_all()

    async def wait_for(self, is_enough: Callable[[Self], bool], *, timeout_s: float) -> bool:
        """Wait until a condition on this reader holds; False when the time is over or the track ended before."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.has_ended or is_enough(self))
        except TimeoutError:
            return False
        return is_enough(self)

    async def close(self) -> None:
        """Stop reading. May be called twice."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class PictureReader(_Reader):
    """Watches a video track for the burnt-in counter."""

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__(track)
        self.counters_read = 0
        """Frames whose counter could be read."""
        self.first_counter: int | None = None
        self.last_counter: int | None = None
        self.size: tuple[int, int] | None = None
        """Width and height of the newest frame."""

    @property
    def advanced_by(self) -> int:
        """How far the counter moved from the first to the newest one read, >= 0 (it may start over once)."""
        if self.first_counter is None or self.last_counter is None:
            return 0
        return (self.last_counter - self.first_counter) % COUNTER_LIMIT

    @override
    def _take(self, frame: Any) -> None:
        self.size = (frame.width, frame.height)
        counter = read_counter(luma_of(frame))
        if counter is None:
            return
        self.counters_read += 1
        self.last_counter = counter
        if self.first_counter is None:
            self.first_counter = counter


class SoundReader(_Reader):
    """Listens on an audio track for the tone."""

    def __init__(self, track: MediaStreamTrack, *, frequency_hz: float = TONE_HZ) -> None:
        super().__init__(track)
        self.tone_windows = 0
        """Stretches of TONE_WINDOW_S in which the tone was heard."""
        self.other_windows = 0
        """Stretches of silence or of something else."""
        self._frequency_hz = frequency_hz
        self._heard: Samples = np.zeros(0, dtype=np.int16)

    @override
    def _take(self, frame: Any) -> None:
        self._heard = np.concatenate((self._heard, mono_of(frame)))
        rate_hz = frame.sample_rate or SAMPLE_RATE_HZ
        count = int(rate_hz * TONE_WINDOW_S)
        while len(self._heard) >= count:
            window, self._heard = self._heard[:count], self._heard[count:]
            if has_tone(window, frequency_hz=self._frequency_hz, rate_hz=rate_hz):
                self.tone_windows += 1
            else:
                self.other_windows += 1


def luma_of(frame: Any) -> Luma:
    """Brightness of an `av.VideoFrame` in any planar YUV format, shape (height, width)."""
    plane = frame.planes[0]
    pixels: NDArray[np.uint8] = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return pixels[: frame.height, : frame.width]


def mono_of(frame: Any) -> Samples:
    """First channel of an `av.AudioFrame` in packed 16-bit samples, shape (count,)."""
    samples: Samples = frame.to_ndarray().reshape(-1, len(frame.layout.channels))[:, 0]
    return samples.astype(np.int16)
