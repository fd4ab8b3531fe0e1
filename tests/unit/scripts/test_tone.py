from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from scripts.headless.reader import mono_of
from scripts.headless.tone import SAMPLE_RATE_HZ, TONE_HZ, Samples, has_tone, make_tone

WINDOW = SAMPLE_RATE_HZ // 10


def test_the_tone_is_heard_wherever_a_window_begins() -> None:
    assert all(has_tone(make_tone(start, WINDOW)) for start in range(0, 1000, 97))


def test_silence_is_not_the_tone() -> None:
    assert not has_tone(np.zeros(WINDOW, dtype=np.int16))


def test_a_whisper_below_the_threshold_is_not_the_tone() -> None:
    assert not has_tone((make_tone(0, WINDOW) // 40).astype(np.int16))


@pytest.mark.parametrize("frequency_hz", [220.0, 400.0, 480.0, 880.0, 1000.0])
def test_another_tone_is_not_the_tone(frequency_hz: float) -> None:
    assert not has_tone(make_tone(0, WINDOW, frequency_hz=frequency_hz))


def test_noise_is_not_the_tone() -> None:
    noise = np.random.default_rng(1).normal(0, 3000, WINDOW).astype(np.int16)

    assert not has_tone(noise)


def test_too_short_a_piece_is_not_judged() -> None:
    assert not has_tone(make_tone(0, 100))


def test_pieces_join_without_a_click() -> None:
    joined = np.concatenate([make_tone(start, 960) for start in range(0, 9600, 960)])

    assert np.array_equal(joined, make_tone(0, 9600))


def test_the_tone_survives_opus() -> None:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE_HZ, "mono", "s16"
    encoder.bit_rate, encoder.time_base = 32_000, Fraction(1, SAMPLE_RATE_HZ)
    decoder = av.CodecContext.create("libopus", "r")

    heard: list[Samples] = []
    for start in range(0, SAMPLE_RATE_HZ, 960):
        frame = av.AudioFrame.from_ndarray(make_tone(start, 960)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
        for packet in encoder.encode(frame):
            heard += [mono_of(decoded) for decoded in decoder.decode(packet)]
    sound = np.concatenate(heard)[SAMPLE_RATE_HZ // 5 :]

    assert TONE_HZ == 440.0
    assert has_tone(sound)
    assert not has_tone(sound, frequency_hz=660.0)
