"""Data producers: creating, asking, telling. Schemas: dataProducer.fbs, transport.fbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.message import (
    RequestMessage,
    Response,
    encode_notification,
    encode_request,
    read_nothing,
)
from media_plane.channel.codec.sctp import read_sctp_stream_parameters, write_sctp_stream_parameters
from media_plane.channel.codec.tables import (
    TableWriter,
    accessors_for,
    name_of,
    number_of,
    read_fields,
    read_text,
    write_bytes,
    write_text,
    write_uint16s,
)
from media_plane.channel.fbs.FBS.DataProducer import SendNotification
from media_plane.channel.fbs.FBS.DataProducer.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.DataProducer.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.DataProducer.Type import Type
from media_plane.channel.fbs.FBS.Notification.Body import Body as NotificationBody
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Transport import CloseDataProducerRequest, ProduceDataRequest
from media_plane.channel.values.data import DataProducerDump, DataProducerStats, DataType
from media_plane.ortc.sctp import SctpStreamParameters

_TYPES: dict[DataType, int] = {"sctp": Type.SCTP, "direct": Type.DIRECT}
_TYPE_NAMES: dict[int, DataType] = {number: name for name, number in _TYPES.items()}
_COUNTS = accessors_for("timestamp", "messages_received", "bytes_received", "buffered_amount")

_produce_data = TableWriter(ProduceDataRequest)
_close_data_producer = TableWriter(CloseDataProducerRequest)
_send = TableWriter(SendNotification)


@dataclass(slots=True, frozen=True, kw_only=True)
class ProduceDataOptions:
    """What a data producer is created with.

    Attributes:
        data_producer_id: made by the caller.
        type: "direct" on a direct transport, "sctp" on all others.
        sctp_stream_parameters: how the sender sends, normalized; None when direct.
        label: of the data channel, any text.
        protocol: of the data channel, any text.
        paused: whether it starts paused.
    """

    data_producer_id: str
    type: DataType
    sctp_stream_parameters: SctpStreamParameters | None
    label: str
    protocol: str
    paused: bool


@dataclass(slots=True, frozen=True, kw_only=True)
class Subchannels:
    """Which data consumers a message is for; each number is 0..65535.

    Attributes:
        any_of: consumers subscribed to one of these, and those with no subscription; empty for all.
        required: only consumers subscribed to this one.
        ignored: no consumer subscribed to this one.
    """

    any_of: Sequence[int] = ()
    required: int | None = None
    ignored: int | None = None


def produce_data(transport_id: str, options: ProduceDataOptions) -> RequestMessage[DataProducerDump]:
    """Make a data producer."""
    builder = Builder(512)
    body = _produce_data(
        builder,
        data_producer_id=write_text(builder, options.data_producer_id),
        type=number_of(_TYPES, options.type, "data producer type"),
        sctp_stream_parameters=write_sctp_stream_parameters(builder, options.sctp_stream_parameters),
        label=write_text(builder, options.label),
        protocol=write_text(builder, options.protocol),
        paused=options.paused,
    )
    return encode_request(
        Method.TRANSPORT_PRODUCE_DATA,
        transport_id,
        _read_dump,
        builder=builder,
        body_type=Body.Transport_ProduceDataRequest,
        body=body,
    )


def close_data_producer(transport_id: str, data_producer_id: str) -> RequestMessage[None]:
    """Close a data producer."""
    builder = Builder(128)
    body = _close_data_producer(builder, data_producer_id=write_text(builder, data_producer_id))
    return encode_request(
        Method.TRANSPORT_CLOSE_DATAPRODUCER,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_CloseDataProducerRequest,
        body=body,
    )


def dump(data_producer_id: str) -> RequestMessage[DataProducerDump]:
    """Ask for the data producer as the worker sees it."""
    return encode_request(Method.DATAPRODUCER_DUMP, data_producer_id, _read_dump)


def get_stats(data_producer_id: str) -> RequestMessage[DataProducerStats]:
    """Ask for the messages it received."""
    return encode_request(Method.DATAPRODUCER_GET_STATS, data_producer_id, _read_stats)


def pause(data_producer_id: str) -> RequestMessage[None]:
    """Stop handing its messages to consumers."""
    return encode_request(Method.DATAPRODUCER_PAUSE, data_producer_id, read_nothing)


def resume(data_producer_id: str) -> RequestMessage[None]:
    """Hand its messages to consumers again."""
    return encode_request(Method.DATAPRODUCER_RESUME, data_producer_id, read_nothing)


def send(data_producer_id: str, *, ppid: int, data: bytes, subchannels: Subchannels) -> bytes:
    """The notification that hands a message to a data producer of a direct transport.

    Raises:
        InvalidValue: a number out of range.
        BrokenMessage: the message is too long for the worker.
    """
    builder = Builder(len(data) + 256)
    body = _send(
        builder,
        ppid=ppid,
        data=write_bytes(builder, data),
        subchannels=write_uint16s(builder, subchannels.any_of),
        required_subchannel=subchannels.required,
        ignored_subchannel=subchannels.ignored,
    )
    return encode_notification(
        Event.DATAPRODUCER_SEND,
        data_producer_id,
        builder=builder,
        body_type=NotificationBody.DataProducer_SendNotification,
        body=body,
    )


def _read_dump(response: Response) -> DataProducerDump:
    table: Any = response.read(DumpResponse)
    return DataProducerDump(
        id=read_text(table.Id()),
        type=name_of(_TYPE_NAMES, table.Type(), "data producer type"),
        sctp_stream_parameters=read_sctp_stream_parameters(table.SctpStreamParameters()),
        label=read_text(table.Label()),
        protocol=read_text(table.Protocol()),
        paused=table.Paused(),
    )


def _read_stats(response: Response) -> DataProducerStats:
    table: Any = response.read(GetStatsResponse)
    return DataProducerStats(
        label=read_text(table.Label()), protocol=read_text(table.Protocol()), **read_fields(table, _COUNTS)
    )
