"""A quiet tone, and how to hear it again by its energy (Goertzel's algorithm, as one dot product)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
"""Mono audio, shape (count,)."""

TONE_HZ = 440.0
SAMPLE_RATE_HZ = 48_000
_AMPLITUDE = 0.1
"""Of full scale: -20 dBFS, quiet."""
_FULL_SCALE = 32768.0
_MIN_RMS = 0.005
"""Of full scale: below it is silence (-46 dBFS)."""
_MIN_SHARE = 0.6
"""Share of the whole energy the tone must hold; Opus at 32 kbit/s leaves well over 0.9."""


def make_tone(
    first_sample: int, count: int, *, frequency_hz: float = TONE_HZ, rate_hz: int = SAMPLE_RATE_HZ
) -> Samples:
    """Samples `first_sample` to `first_sample + count` of an endless tone without clicks, shape (count,)."""
    times = np.arange(first_sample, first_sample + count, dtype=np.float64) / rate_hz
    wave = np.sin(2 * np.pi * frequency_hz * times) * _AMPLITUDE * (_FULL_SCALE - 1)
    return wave.astype(np.int16)


def has_tone(samples: Samples, *, frequency_hz: float = TONE_HZ, rate_hz: int = SAMPLE_RATE_HZ) -> bool:
    """Whether these samples are mostly that tone.

    Args:
        samples: at least 20 ms; 100 ms tell neighbouring tones 20 Hz apart.
        frequency_hz: the tone listened for.
        rate_hz: of the samples.

    Returns:
        True when they are not silence and the tone holds at least 60 % of their energy.
    """
    if len(samples) < rate_hz // 50:
        return False
    wave = samples.astype(np.float64) / _FULL_SCALE
    wave -= wave.mean()
    energy = float(np.mean(wave**2))
    if energy < _MIN_RMS**2:
        return False
    turns = np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(len(wave)))
    amplitude = 2 * abs(complex(np.mean(wave * turns)))
    return amplitude**2 / 2 >= _MIN_SHARE * energy
