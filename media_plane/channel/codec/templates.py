"""Requests that differ in ids and numbers only: built once, then copied and patched.

Building with flatbuffers in Python costs 30 to 500 microseconds; copying and patching costs 3 (measured 2026-11-22). A
template is made by building the request with placeholders of the same size and looking where they went. Where that can't
be told for certain, the request is built each time.
"""

import struct
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeAlias, TypeVar

from media_plane.channel.codec.message import RequestMessage

T = TypeVar("T")
Build: TypeAlias = Callable[[Sequence[str], Sequence[int]], RequestMessage[T]]
"""Builds the request from its texts and its 32-bit numbers."""

MOST_TEMPLATES = 256
"""Of one kind; when there are more, all are made anew. Ids of one deployment have one or two lengths."""
_FILLER = "\x7f"
_FIRST_NUMBER = 0xE1D2C3B4
_UINT32 = struct.Struct("<I")


class _Template(Generic[T]):
    """One finished request, and where its texts and numbers stand."""

    __slots__ = ("_message", "_number_places", "_text_places")

    def __init__(self, message: RequestMessage[T], text_places: Sequence[slice], number_places: Sequence[int]) -> None:
        self._message = message
        self._text_places = text_places
        self._number_places = number_places

    def fill(self, texts: Sequence[str], numbers: Sequence[int]) -> RequestMessage[T]:
        """A copy with these instead; texts are ASCII of the template's sizes."""
        message = self._message
        data = bytearray(message.data)
        for place, text in zip(self._text_places, texts, strict=True):
            data[place] = text.encode()
        for offset, number in zip(self._number_places, numbers, strict=True):
            _UINT32.pack_into(data, offset, number)
        return RequestMessage(message.method, data, message.id_offset, message.decode)


class Templates(Generic[T]):
    """Templates of one kind of request, by what stays the same and the sizes of what doesn't."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[Hashable, _Template[T] | None] = {}

    def fill(self, key: Hashable, texts: Sequence[str], numbers: Sequence[int], build: Build[T]) -> RequestMessage[T]:
        """The request with these texts and numbers.

        Args:
            key: stands for everything else in it.
            texts: all of its texts that are not part of `key`.
            numbers: all of its 32-bit numbers that are not part of `key`, > 0.
            build: builds it in full.

        Raises:
            InvalidValue: a value doesn't fit; see `build`.
        """
        sizes = tuple([len(text) if text.isascii() else -1 for text in texts])
        whole = (key, sizes, len(numbers))
        template = self._made.get(whole)
        if template is None:
            if whole in self._made or -1 in sizes or not all(0 < number <= 0xFFFFFFFF for number in numbers):
                return build(texts, numbers)
            if len(self._made) >= MOST_TEMPLATES:
                self._made.clear()
            template = self._made[whole] = _make(sizes, len(numbers), build)
            if template is None:
                return build(texts, numbers)
        try:
            return template.fill(texts, numbers)
        except struct.error:
            # A number out of range: the full way says which.
            return build(texts, numbers)


def _make(sizes: Sequence[int], number_count: int, build: Build[T]) -> _Template[T] | None:
    texts = [chr(1 + index) + _FILLER * (size - 1) if size else "" for index, size in enumerate(sizes)]
    numbers = [_FIRST_NUMBER + index for index in range(number_count)]
    message = build(texts, numbers)
    text_places: list[slice] = []
    for text in texts:
        # As flatbuffers writes a string: its length, its bytes, a zero.
        start = _find_once(message.data, _UINT32.pack(len(text)) + text.encode() + b"\0")
        if start is None or not text:
            return None
        text_places.append(slice(start + _UINT32.size, start + _UINT32.size + len(text)))
    number_places = [_find_once(message.data, _UINT32.pack(number)) for number in numbers]
    found = [place for place in number_places if place is not None]
    return _Template(message, text_places, found) if len(found) == number_count else None


def _find_once(data: bytes | bytearray, what: bytes) -> int | None:
    start = data.find(what)
    return None if start < 0 or data.find(what, start + 1) >= 0 else start
