"""The demo chart through the very encoder the presenter uses, and aiortc's decoder: what a viewer can still read."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import pytest
from aiortc import rtcrtpsender
from aiortc.codecs.vpx import Vp8Decoder, vp8_depayload
from aiortc.jitterbuffer import JitterFrame
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from scripts.demo.chart import Chart
from scripts.demo.desk import Desk, open_desk
from scripts.demo.levels import levels_of
from scripts.demo.reading import read_axis_price, read_symbol
from scripts.demo.screen import (
    BITRATE_BPS,
    FRAMES_PER_S,
    MARKET_SPEED,
    SharpVp8Encoder,
    use_sharp_encoder,
)
from scripts.headless.reader import luma_of

SURE = 0.97


class Coding:
    """Frames through encoder, RTP payloads and decoder."""

    def __init__(self) -> None:
        self.desk: Desk = open_desk(2)
        self.sizes: list[int] = []
        self.encoder = SharpVp8Encoder()
        self._chart = Chart()
        self._decoder = Vp8Decoder()

    def send(self, *, force_keyframe: bool = False) -> Any:
        """Let one frame's time pass and send it; returns the decoded one."""
        self.desk.advance(MARKET_SPEED / FRAMES_PER_S)
        frame = av.VideoFrame.from_ndarray(self._chart.draw(self.desk.shown, self.desk.positions), format="rgb24")
        frame.pts, frame.time_base = len(self.sizes) * 90_000 // FRAMES_PER_S, Fraction(1, 90_000)
        payloads, timestamp = self.encoder.encode(frame, force_keyframe)
        data = b"".join(vp8_depayload(payload) for payload in payloads)
        self.sizes.append(len(data))
        return self._decoder.decode(JitterFrame(data=data, timestamp=timestamp))[0]

    def read_levels(self, frame: Any) -> list[float]:
        """How well each line's price of the open idea is read, the best three."""
        position = next(one for one in self.desk.open_positions() if one.symbol == self.desk.focus)
        write = self.desk.shown.instrument.write
        scores = [read_axis_price(luma_of(frame), write(level.ticks)) for level in levels_of(position)]
        return sorted(scores, reverse=True)[:3]


@pytest.fixture
def coding() -> Coding:
    return Coding()


def test_labels_are_readable_in_the_very_first_frame(coding: Coding) -> None:
    frame = coding.send(force_keyframe=True)

    assert (frame.width, frame.height) == (1280, 720)
    assert read_symbol(luma_of(frame), coding.desk.focus) > SURE
    assert min(coding.read_levels(frame)) > SURE


def test_labels_stay_readable_over_new_candles_and_for_late_joiners(coding: Coding) -> None:
    begun = coding.desk.shown.candles_begun

    for number in range(FRAMES_PER_S * 25):
        frame = coding.send(force_keyframe=number % 60 == 0)
        if number % 20 == 0:
            assert read_symbol(luma_of(frame), coding.desk.focus) > SURE

    assert coding.desk.shown.candles_begun > begun + 1


def test_the_stream_stays_far_below_its_ceiling(coding: Coding) -> None:
    for _ in range(FRAMES_PER_S * 20):
        coding.send()

    assert sum(coding.sizes) * 8 / 20 < BITRATE_BPS / 2
    assert max(coding.sizes) < 150_000


def test_an_estimate_neither_changes_the_rate_nor_makes_a_new_codec(coding: Coding) -> None:
    coding.send()
    codec = coding.encoder.codec

    coding.encoder.target_bitrate = 250_000
    coding.send()

    assert coding.encoder.codec is codec
    assert coding.encoder.target_bitrate == BITRATE_BPS


def test_vp8_senders_get_the_sharp_encoder_and_others_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtcrtpsender, "get_encoder", rtcrtpsender.get_encoder)  # put back at the end

    use_sharp_encoder()

    vp8 = RTCRtpCodecParameters(mimeType="video/VP8", clockRate=90_000, payloadType=96)
    opus = RTCRtpCodecParameters(mimeType="audio/opus", clockRate=48_000, channels=2, payloadType=97)
    assert isinstance(rtcrtpsender.get_encoder(vp8), SharpVp8Encoder)
    assert not isinstance(rtcrtpsender.get_encoder(opus), SharpVp8Encoder)
