"""What data producers and data consumers say about themselves."""

from typing import Literal, TypeAlias

import msgspec

from media_plane.ortc.sctp import SctpStreamParameters

DataType: TypeAlias = Literal["sctp", "direct"]
"""How messages come or go: over SCTP, or between us and the worker on a direct transport."""


class DataProducerDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A data producer as the worker sees it."""

    id: str
    type: DataType
    sctp_stream_parameters: SctpStreamParameters | None = None
    label: str
    protocol: str
    paused: bool


class DataProducerStats(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Messages received since it began; `timestamp` is ms of the worker's clock."""

    timestamp: int
    label: str
    protocol: str
    messages_received: int
    bytes_received: int
    buffered_amount: int


class DataConsumerDump(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A data consumer as the worker sees it; amounts in bytes, subchannels 0..65535."""

    id: str
    data_producer_id: str
    type: DataType
    sctp_stream_parameters: SctpStreamParameters | None = None
    label: str
    protocol: str
    buffered_amount: int
    buffered_amount_low_threshold: int
    paused: bool
    data_producer_paused: bool
    subchannels: list[int]


class DataConsumerStats(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Messages sent since it began, and bytes still waiting; `timestamp` is ms of the worker's clock."""

    timestamp: int
    label: str
    protocol: str
    messages_sent: int
    bytes_sent: int
    buffered_amount: int
