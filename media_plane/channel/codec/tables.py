"""Small tools for flatbuffers tables: write one in a call, read strings and vectors.

The generated code writes a table by a sequence of calls, children first. `TableWriter` makes it one call whose keywords
are the schema's field names, so that the order takes care of itself: arguments are evaluated before the call.
"""

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

from flatbuffers import Builder

from media_plane.channel.errors import BrokenMessage, InvalidValue

T = TypeVar("T")
Offset = int
"""Where something was written, counted from the end of the builder's buffer. 0 is never valid."""

_FIRST_SLOT = 4
_SLOT_BYTES = 2
"""A vtable holds its own size, its table's size, then one place for each field. Source: FlatBuffers internals."""
_WORD_START = re.compile(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")


def snake_case(name: str) -> str:
    """`AnnouncedAddress` to `announced_address`, as the schema writes it."""
    return _WORD_START.sub("_", name).lower()


class TableWriter:
    """Writes tables of one type through its generated module.

    Fields that are None, or equal to the schema's default, are left out, as flatbuffers does everywhere.
    """

    __slots__ = ("_add", "_end", "_start", "name")

    def __init__(self, module: ModuleType) -> None:
        name = module.__name__.rpartition(".")[2]
        functions = vars(module)
        prefix = f"{name}Add"
        self.name = name
        self._start: Callable[[Any], None] = functions[f"{name}Start"]
        self._end: Callable[[Any], Offset] = functions[f"{name}End"]
        self._add: dict[str, Callable[[Any, Any], None]] = {
            snake_case(key.removeprefix(prefix)): value for key, value in functions.items() if key.startswith(prefix)
        }

    @property
    def fields(self) -> frozenset[str]:
        """Names of the table's fields as the schema writes them; a union adds `<name>_type`."""
        return frozenset(self._add)

    def __call__(self, builder: Builder, **fields: Any) -> Offset:
        """Write one table.

        Args:
            builder: not inside another table.
            fields: scalars, or offsets of what was written before; None leaves the field out.

        Returns:
            The table's offset.

        Raises:
            KeyError: the schema has no such field.
            InvalidValue: a value does not fit its field. The builder is useless then.
        """
        self._start(builder)
        for name, value in fields.items():
            if value is not None:
                try:
                    self._add[name](builder, value)
                except (TypeError, OverflowError, struct.error) as error:
                    raise InvalidValue(f"{value!r} does not fit the field {name} of {self.name}.") from error
        return self._end(builder)


def write_text(builder: Builder, value: str) -> Offset:
    """Write a string that must be there: without a required one the worker ends with SIGSEGV.

    Raises:
        InvalidValue: it is no text, or text that UTF-8 can't say. The builder is useless then.
    """
    try:
        return int(builder.CreateString(value))
    except (TypeError, UnicodeEncodeError) as error:
        raise InvalidValue(f"{value!r} can't be written as text.") from error


def write_optional_text(builder: Builder, value: str | None) -> Offset | None:
    """Write a string, or nothing for None. Raises InvalidValue as `write_text`."""
    return None if value is None else write_text(builder, value)


def write_vector(builder: Builder, offsets: Sequence[Offset]) -> Offset:
    """Write a vector of tables or strings that were written before, in order."""
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def write_texts(builder: Builder, values: Iterable[str]) -> Offset:
    """Write a vector of strings."""
    return write_vector(builder, [write_text(builder, value) for value in values])


def write_bytes(builder: Builder, values: bytes) -> Offset:
    """Write a vector of numbers 0..255 (also of enums that small)."""
    return int(builder.CreateByteVector(values))


def write_uint16s(builder: Builder, values: Sequence[int]) -> Offset:
    """Write a vector of numbers 0..65535, in order.

    Raises:
        InvalidValue: a number doesn't fit. The builder is useless then.
    """
    builder.StartVector(2, len(values), 2)
    for value in reversed(values):
        try:
            builder.PrependUint16(value)
        except (TypeError, OverflowError, struct.error) as error:
            raise InvalidValue(f"{value!r} is not from 0 to 65535.") from error
    return int(builder.EndVector())


def read_bytes(table: Any, field_index: int) -> bytes:
    """Read a vector of bytes in one piece; the generated accessor for that needs numpy.

    Args:
        table: an instance of a generated class.
        field_index: the field's place in the schema's table, from 0; a union counts twice.
    """
    tab = table._tab  # noqa: SLF001 - generated classes offer no other way
    offset = tab.Offset(_FIRST_SLOT + _SLOT_BYTES * field_index)
    if not offset:
        return b""
    start = tab.Vector(offset)
    return bytes(tab.Bytes[start : start + tab.VectorLen(offset)])


def read_text(value: bytes | None) -> str:
    """Read a required string; an absent one is empty."""
    return "" if value is None else value.decode()


def read_optional_text(value: bytes | None) -> str | None:
    """Read an optional string; the worker writes some absent ones as empty, which is None here."""
    return value.decode() if value else None


def read_vector(table: Any, name: str, read: Callable[[Any], T]) -> list[T]:
    """Read a vector field of a generated table, element by element.

    Args:
        table: an instance of a generated class.
        name: the accessor's name, such as `IceCandidates`.
        read: what to do with each element.
    """
    get = getattr(table, name)
    return [read(get(index)) for index in range(getattr(table, f"{name}Length")())]


def read_text_pairs(table: Any, name: str) -> dict[str, str]:
    """Read a vector of StringString as a dict."""
    return {read_text(pair.Key()): read_text(pair.Value()) for pair in read_vector(table, name, lambda pair: pair)}


def read_text_lists(table: Any, name: str) -> dict[str, list[str]]:
    """Read a vector of StringStringArray as a dict of lists."""
    return {
        read_text(pair.Key()): read_vector(pair, "Values", read_text)
        for pair in read_vector(table, name, lambda pair: pair)
    }


def read_numbered_texts(table: Any, name: str) -> dict[int, str]:
    """Read a vector of Uint16String or Uint32String as a dict."""
    return {int(pair.Key()): read_text(pair.Value()) for pair in read_vector(table, name, lambda pair: pair)}


def read_fields(table: Any, accessors: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Read scalar fields of a generated table into keywords for a struct.

    Args:
        table: an instance of a generated class.
        accessors: pairs of struct field and accessor name, made once by `accessors_for`.
    """
    return {field: getattr(table, accessor)() for field, accessor in accessors}


def accessors_for(*fields: str) -> tuple[tuple[str, str], ...]:
    """Pairs of a field's name and its generated accessor: `rtp_ts` is read by `RtpTs`."""
    return tuple((field, "".join(part.capitalize() for part in field.split("_"))) for field in fields)


def name_of(names: Mapping[int, T], number: int, what: str) -> T:
    """The word for an enum's number.

    Raises:
        BrokenMessage: the schema has no such number.
    """
    try:
        return names[number]
    except KeyError as error:
        raise BrokenMessage(f"The worker sent {number} as {what}.") from error


def number_of(numbers: Mapping[T, int], name: T, what: str) -> int:
    """The number of an enum's word.

    Raises:
        InvalidValue: there is no such word.
    """
    try:
        return numbers[name]
    except KeyError as error:
        raise InvalidValue(f"{name!r} is no {what}.") from error
