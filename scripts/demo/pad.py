"""A quiet bed of chords in place of a microphone: soft, slow, without an end. Encoded once, sent in a circle."""

from __future__ import annotations

import asyncio
import functools
from fractions import Fraction

import av
import numpy as np
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

RATE_HZ = 48_000
FRAME_SAMPLES = 960
"""20 ms, Opus's usual frame."""
LOOP_S = 19.2
LEVEL = 0.014
"""Root mean square of full scale: -37 dBFS, below a voice by some 17 dB."""
_BITRATE_BPS = 32_000
_LEAD_SAMPLES = 48_000
_CHORDS_HZ = (
    (87.31, 130.81, 220.00, 329.63, 392.00),  # F major 9
    (110.00, 164.81, 196.00, 261.63, 329.63),  # A minor 7
    (65.41, 130.81, 196.00, 246.94, 329.63),  # C major 7
    (98.00, 146.83, 220.00, 246.94, 293.66),  # G 9
)
_OVERTONES = ((1, 1.0), (2, 0.22))
_SWELL_S, _FADE_S = 2.2, 3.2
_CATCH_UP_S = 1.0


def make_loop() -> NDArray[np.int16]:
    """One round of the chords, mono; its end fits its beginning. Shape (LOOP_S * RATE_HZ,)."""
    count = round(LOOP_S * RATE_HZ)
    times = np.arange(count) / RATE_HZ
    wave = np.zeros(count)
    for place, chord in enumerate(_CHORDS_HZ):
        since = (times - place * LOOP_S / len(_CHORDS_HZ)) % LOOP_S
        loudness = _envelope(since, LOOP_S / len(_CHORDS_HZ))
        heard = np.flatnonzero(loudness)
        chord_times, chord_loudness = times[heard], loudness[heard]
        for voice, hertz in enumerate(chord):
            for overtone, share in _OVERTONES:
                for detune in (0.9985, 1.0015):
                    # Whole turns per round, or the end would not fit.
                    turns = round(hertz * overtone * detune * LOOP_S)
                    tone = np.sin(2 * np.pi * turns / LOOP_S * chord_times + voice)
                    wave[heard] += chord_loudness * tone * (share / (1 + 0.35 * voice))
    wave *= LEVEL / np.sqrt(np.mean(wave**2))
    return np.round(wave * 32767).astype(np.int16)


def _envelope(since: NDArray[np.float64], length_s: float) -> NDArray[np.float64]:
    swell = np.clip(since / _SWELL_S, 0, 1)
    fade = np.clip(1 - (since - length_s) / _FADE_S, 0, 1)
    level: NDArray[np.float64] = np.sin(np.pi / 2 * np.minimum(swell, fade)) ** 2
    return level


@functools.cache
def encode_loop() -> tuple[bytes, ...]:
    """The round as Opus packets of 20 ms. Its end is encoded before its beginning, so that the codec's memory fits too."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.bit_rate = _BITRATE_BPS
    encoder.format, encoder.layout, encoder.sample_rate = "s16", "mono", RATE_HZ
    encoder.time_base = Fraction(1, RATE_HZ)
    encoder.options = {"application": "audio", "frame_duration": "20"}
    loop = make_loop()
    packets: list[bytes] = []
    for start in range(-_LEAD_SAMPLES, len(loop), FRAME_SAMPLES):
        place = start % len(loop)
        frame = av.AudioFrame.from_ndarray(loop[None, place : place + FRAME_SAMPLES], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start + _LEAD_SAMPLES, Fraction(1, RATE_HZ)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets[_LEAD_SAMPLES // FRAME_SAMPLES :])


class PadTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc is not followed by mypy
    """The chords, paced by the event loop's clock. Packets, not samples: nothing is encoded while it plays."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets = encode_loop()
        self._sent = 0
        self._due_at: float | None = None

    async def recv(self) -> av.Packet:
        """The next 20 ms, at their time.

        Raises:
            MediaStreamError: the track was stopped.
        """
        if self.readyState != "live":
            raise MediaStreamError
        now = asyncio.get_running_loop().time()
        if self._due_at is None or now - self._due_at > _CATCH_UP_S:
            self._due_at = now
        delay_s = self._due_at - now
        self._due_at += FRAME_SAMPLES / RATE_HZ
        if delay_s > 0:
            await asyncio.sleep(delay_s)
        packet = av.Packet(self._packets[self._sent % len(self._packets)])
        packet.pts, packet.time_base = self._sent * FRAME_SAMPLES, Fraction(1, RATE_HZ)
        self._sent += 1
        return packet
