"""SCTP streams: how reliably data travels, and what a message looks like on one."""

from typing import Final

import msgspec

from media_plane.ortc.errors import InvalidParametersError

MAX_STREAM_COUNT: Final = 65_535
"""Streams of one association; ids count from 0. Source: RFC 8832 section 6, which forbids id 65535."""
_MAX_UINT16: Final = 65_535

PPID_STRING: Final = 51
PPID_BINARY: Final = 53
PPID_EMPTY_STRING: Final = 56
PPID_EMPTY_BINARY: Final = 57


class SctpStreamParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How one stream of messages travels.

    Attributes:
        stream_id: 0..65534, of the one who sends.
        ordered: in order and reliably; None means yes unless one of the limits is given.
        max_packet_life_time: ms after which a message is given up, 0..65535; only without order.
        max_retransmits: how often a packet is sent again before it is given up, 0..65535; only without order.
    """

    stream_id: int
    ordered: bool | None = None
    max_packet_life_time: int | None = None
    max_retransmits: int | None = None


def normalize_sctp_stream_parameters(params: SctpStreamParameters) -> SctpStreamParameters:
    """The same parameters with `ordered` decided.

    Raises:
        InvalidParametersError: a number out of range, both limits, or a limit together with order.
    Source: mediasoup 3.27.1, node/lib/ortc.js, validateAndNormalizeSctpStreamParameters. Ours counts a limit of 0 as
    given, and checks ranges.
    """
    _check(params.stream_id, MAX_STREAM_COUNT - 1, "streamId")
    if params.max_packet_life_time is not None:
        _check(params.max_packet_life_time, _MAX_UINT16, "maxPacketLifeTime")
    if params.max_retransmits is not None:
        _check(params.max_retransmits, _MAX_UINT16, "maxRetransmits")
    if params.max_packet_life_time is not None and params.max_retransmits is not None:
        raise InvalidParametersError(
            "maxPacketLifeTime and maxRetransmits exclude each other.", field="maxPacketLifeTime"
        )
    is_limited = params.max_packet_life_time is not None or params.max_retransmits is not None
    if params.ordered and is_limited:
        raise InvalidParametersError("What is ordered can't have limits.", field="ordered")
    ordered = not is_limited if params.ordered is None else params.ordered
    return msgspec.structs.replace(params, ordered=ordered)


def get_consumer_sctp_stream_parameters(
    produced: SctpStreamParameters | None,
    *,
    stream_id: int,
    ordered: bool | None = None,
    max_packet_life_time: int | None = None,
    max_retransmits: int | None = None,
) -> SctpStreamParameters:
    """How a data producer's messages travel on to one consumer.

    Args:
        produced: the producer's parameters, normalized; None for a direct producer, whose messages go in order.
        stream_id: of the consumer's stream.
        ordered: replaces the producer's order; True also its limits.
        max_packet_life_time: replaces order and limits; not together with the next or with `ordered`.
        max_retransmits: likewise.

    Returns:
        Normalized parameters.

    Raises:
        InvalidParametersError: wishes that exclude each other.
    Source: mediasoup 3.27.1, node/lib/Transport.js, consumeData. Ours refuses limits together with order, which it ignores.
    """
    has_wish = ordered is not None or max_packet_life_time is not None or max_retransmits is not None
    if not has_wish:
        kept = produced or SctpStreamParameters(stream_id=stream_id, ordered=True)
        return msgspec.structs.replace(kept, stream_id=stream_id)
    wanted = SctpStreamParameters(
        stream_id=stream_id,
        ordered=ordered,
        max_packet_life_time=max_packet_life_time,
        max_retransmits=max_retransmits,
    )
    if ordered is False and max_packet_life_time is None and max_retransmits is None and produced is not None:
        wanted = msgspec.structs.replace(
            wanted,
            max_packet_life_time=produced.max_packet_life_time,
            max_retransmits=produced.max_retransmits,
        )
    return normalize_sctp_stream_parameters(wanted)


def frame_message(message: str | bytes, ppid: int | None) -> tuple[int, bytes]:
    """A message as it travels: its payload protocol identifier, and its bytes.

    Args:
        message: text or bytes.
        ppid: overrides what the type of the message says.

    Returns:
        The identifier and at least one byte: SCTP has no empty messages, so an empty one is a space or a zero byte
        under an identifier that says so.

    Source: RFC 8831 section 6.6.
    """
    if ppid is None:
        if isinstance(message, str):
            ppid = PPID_STRING if message else PPID_EMPTY_STRING
        else:
            ppid = PPID_BINARY if message else PPID_EMPTY_BINARY
    if ppid == PPID_EMPTY_STRING:
        return ppid, b" "
    if ppid == PPID_EMPTY_BINARY:
        return ppid, b"\0"
    return ppid, message.encode() if isinstance(message, str) else message


def _check(value: int, high: int, field: str) -> None:
    # A bool is an int to Python, and a caller without types may hand in anything.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= high:  # type: ignore[redundant-expr]  # ditto
        raise InvalidParametersError(f"{field} must be from 0 to {high}.", field=field)
