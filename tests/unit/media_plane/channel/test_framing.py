import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_plane.channel.errors import BrokenMessage
from media_plane.channel.framing import LENGTH, MAX_PAYLOAD_BYTES, Splitter, frame

payloads = st.lists(st.binary(min_size=1, max_size=300), max_size=20)


@given(payloads=payloads, cuts=st.lists(st.integers(min_value=1, max_value=64), min_size=1, max_size=50))
def test_messages_come_out_whole_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame(payload) for payload in payloads)
    splitter = Splitter()

    came: list[bytes] = []
    start = turn = 0
    while start < len(stream):
        stop = start + cuts[turn % len(cuts)]
        came += splitter.feed(stream[start:stop])
        start, turn = stop, turn + 1

    assert came == payloads
    assert splitter.pending_bytes == 0


@given(payloads=payloads, tail=st.binary(min_size=1, max_size=300), missing=st.integers(min_value=1, max_value=300))
def test_unfinished_message_is_held_back(payloads: list[bytes], tail: bytes, missing: int) -> None:
    last = frame(tail)
    kept = last[: max(0, len(last) - missing)]
    splitter = Splitter()

    came = splitter.feed(b"".join(frame(payload) for payload in payloads) + kept)

    assert came == payloads
    assert splitter.pending_bytes == len(kept)
    assert splitter.feed(last[len(kept) :]) == [tail]


def test_longest_message_passes() -> None:
    payload = bytes(MAX_PAYLOAD_BYTES)

    assert Splitter().feed(frame(payload)) == [payload]


@pytest.mark.parametrize("length", [0, MAX_PAYLOAD_BYTES + 1, 2**32 - 1])
def test_impossible_length_is_refused_before_its_bytes_come(length: int) -> None:
    with pytest.raises(BrokenMessage):
        Splitter().feed(LENGTH.pack(length))


@pytest.mark.parametrize("size", [0, MAX_PAYLOAD_BYTES + 1])
def test_message_that_does_not_fit_is_not_framed(size: int) -> None:
    with pytest.raises(BrokenMessage):
        frame(bytes(size))
