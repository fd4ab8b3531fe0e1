from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.headless.counter import COUNTER_LIMIT, Luma, burn_counter, read_counter
from scripts.headless.reader import luma_of


def _picture(width: int, height: int, counter: int) -> Luma:
    noise = np.random.default_rng(counter).integers(16, 236, size=(height // 8, width // 8), dtype=np.uint8)
    luma = np.kron(noise, np.ones((8, 8), dtype=np.uint8))
    burn_counter(luma, counter)
    return luma


@given(
    counter=st.integers(0, COUNTER_LIMIT - 1),
    width=st.integers(9, 160).map(lambda n: 8 * n),
    height=st.integers(6, 90).map(lambda n: 8 * n),
)
def test_a_burnt_counter_is_read_back_at_any_size(counter: int, width: int, height: int) -> None:
    assert read_counter(_picture(width, height, counter)) == counter


@pytest.mark.parametrize("bitrate_bps", [80_000, 500_000])
@pytest.mark.parametrize("codec", ["libvpx", "libx264"])
def test_the_counter_survives_lossy_coding(codec: str, bitrate_bps: int) -> None:
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt = 640, 360, "yuv420p"
    encoder.bit_rate, encoder.time_base, encoder.framerate = bitrate_bps, Fraction(1, 30), Fraction(30)
    decoder = av.CodecContext.create("vp8" if codec == "libvpx" else "h264", "r")
    sent = list(range(70_000, 70_060))

    packets = []
    for index, counter in enumerate(sent):
        frame = av.VideoFrame.from_ndarray(
            np.vstack((_picture(640, 360, counter), np.full((180, 640), 128, dtype=np.uint8))), format="yuv420p"
        )
        frame.pts = index
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    frames = [frame for packet in packets for frame in decoder.decode(packet)] + list(decoder.decode(None))

    assert [read_counter(luma_of(frame)) for frame in frames] == sent


@pytest.mark.parametrize("level", [16, 128, 235])
def test_a_flat_picture_holds_no_counter(level: int) -> None:
    assert read_counter(np.full((360, 640), level, dtype=np.uint8)) is None


@given(seed=st.integers(0, 2**32 - 1), counter=st.integers(0, COUNTER_LIMIT - 1), bit=st.integers(0, 31))
def test_a_flipped_bit_is_noticed(seed: int, counter: int, bit: int) -> None:
    luma = np.full((360, 648), 100, dtype=np.uint8)
    burn_counter(luma, counter)
    row, column = divmod(bit, 16)
    block = luma[30 * row : 30 * (row + 1), 36 * (column + 2) : 36 * (column + 3)]
    block[:] = 251 - block  # 16 becomes 235 and the other way round

    assert read_counter(luma) is None


@pytest.mark.parametrize(("width", "height", "counter"), [(640, 360, COUNTER_LIMIT), (640, 360, -1), (64, 64, 0)])
def test_what_can_not_be_burnt_is_refused(width: int, height: int, counter: int) -> None:
    with pytest.raises(ValueError, match="counter"):
        burn_counter(np.zeros((height, width), dtype=np.uint8), counter)
