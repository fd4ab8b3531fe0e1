from __future__ import annotations

import numpy as np
import pytest

from scripts.demo.pad import FRAME_SAMPLES, LEVEL, LOOP_S, RATE_HZ, encode_loop, make_loop


def test_the_chords_are_quiet_and_never_silent() -> None:
    wave = make_loop() / 32_768

    loudness = [float(np.sqrt(np.mean(part**2))) for part in np.array_split(wave, 40)]

    assert float(np.sqrt(np.mean(wave**2))) == pytest.approx(LEVEL, rel=0.01)
    assert min(loudness) > LEVEL / 5
    assert float(np.abs(wave).max()) < 0.1


def test_the_end_fits_the_beginning() -> None:
    wave = make_loop().astype(np.int64)
    usual = np.abs(np.diff(wave)).max()

    assert abs(wave[0] - wave[-1]) <= usual


def test_one_round_is_whole_packets_of_20_ms() -> None:
    packets = encode_loop()

    assert len(packets) == LOOP_S * RATE_HZ / FRAME_SAMPLES
    assert all(0 < len(packet) < 400 for packet in packets)
