"""Data consumers: creating, asking, listening. Schemas: dataConsumer.fbs, transport.fbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.message import Notification, RequestMessage, Response, encode_request, read_nothing
from media_plane.channel.codec.sctp import read_sctp_stream_parameters, write_sctp_stream_parameters
from media_plane.channel.codec.tables import (
    TableWriter,
    accessors_for,
    name_of,
    number_of,
    read_bytes,
    read_fields,
    read_text,
    read_vector,
    write_bytes,
    write_text,
    write_uint16s,
)
from media_plane.channel.fbs.FBS.DataConsumer import (
    AddSubchannelRequest,
    RemoveSubchannelRequest,
    SendRequest,
    SetBufferedAmountLowThresholdRequest,
    SetSubchannelsRequest,
)
from media_plane.channel.fbs.FBS.DataConsumer.AddSubchannelResponse import AddSubchannelResponse
from media_plane.channel.fbs.FBS.DataConsumer.BufferedAmountLowNotification import BufferedAmountLowNotification
from media_plane.channel.fbs.FBS.DataConsumer.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.DataConsumer.GetBufferedAmountResponse import GetBufferedAmountResponse
from media_plane.channel.fbs.FBS.DataConsumer.GetStatsResponse import GetStatsResponse
from media_plane.channel.fbs.FBS.DataConsumer.MessageNotification import MessageNotification
from media_plane.channel.fbs.FBS.DataConsumer.RemoveSubchannelResponse import RemoveSubchannelResponse
from media_plane.channel.fbs.FBS.DataConsumer.SendResponse import SendResponse
from media_plane.channel.fbs.FBS.DataConsumer.SetSubchannelsResponse import SetSubchannelsResponse
from media_plane.channel.fbs.FBS.DataConsumer.Type import Type
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Transport import CloseDataConsumerRequest, ConsumeDataRequest
from media_plane.channel.values.data import DataConsumerDump, DataConsumerStats, DataType
from media_plane.ortc.sctp import SctpStreamParameters

DATA_PRODUCER_PAUSE: int = Event.DATACONSUMER_DATAPRODUCER_PAUSE
DATA_PRODUCER_RESUME: int = Event.DATACONSUMER_DATAPRODUCER_RESUME
DATA_PRODUCER_CLOSE: int = Event.DATACONSUMER_DATAPRODUCER_CLOSE
BUFFERED_AMOUNT_LOW: int = Event.DATACONSUMER_BUFFERED_AMOUNT_LOW
SCTP_SEND_BUFFER_FULL: int = Event.DATACONSUMER_SCTP_SENDBUFFER_FULL
MESSAGE: int = Event.DATACONSUMER_MESSAGE

_TYPES: dict[DataType, int] = {"sctp": Type.SCTP, "direct": Type.DIRECT}
_TYPE_NAMES: dict[int, DataType] = {number: name for name, number in _TYPES.items()}
_STATE = accessors_for("buffered_amount", "buffered_amount_low_threshold", "paused", "data_producer_paused")
_COUNTS = accessors_for("timestamp", "messages_sent", "bytes_sent", "buffered_amount")
_MESSAGE_DATA = 1
"""Place of `data` in MessageNotification."""

_consume_data = TableWriter(ConsumeDataRequest)
_close_data_consumer = TableWriter(CloseDataConsumerRequest)
_set_threshold = TableWriter(SetBufferedAmountLowThresholdRequest)
_send = TableWriter(SendRequest)
_set_subchannels = TableWriter(SetSubchannelsRequest)
_add_subchannel = TableWriter(AddSubchannelRequest)
_remove_subchannel = TableWriter(RemoveSubchannelRequest)


@dataclass(slots=True, frozen=True, kw_only=True)
class ConsumeDataOptions:
    """What a data consumer is created with.

    Attributes:
        data_consumer_id: made by the caller.
        data_producer_id: whom it listens to.
        type: "direct" on a direct transport, "sctp" on all others.
        sctp_stream_parameters: how we send, normalized; None when direct.
        label: of the data channel, any text.
        protocol: of the data channel, any text.
        paused: whether it starts paused.
        subchannels: numbers 0..65535 it subscribes to.
    """

    data_consumer_id: str
    data_producer_id: str
    type: DataType
    sctp_stream_parameters: SctpStreamParameters | None
    label: str
    protocol: str
    paused: bool
    subchannels: Sequence[int] = ()


def consume_data(transport_id: str, options: ConsumeDataOptions) -> RequestMessage[DataConsumerDump]:
    """Make a data consumer."""
    builder = Builder(512)
    body = _consume_data(
        builder,
        data_consumer_id=write_text(builder, options.data_consumer_id),
        data_producer_id=write_text(builder, options.data_producer_id),
        type=number_of(_TYPES, options.type, "data consumer type"),
        sctp_stream_parameters=write_sctp_stream_parameters(builder, options.sctp_stream_parameters),
        label=write_text(builder, options.label),
        protocol=write_text(builder, options.protocol),
        paused=options.paused,
        subchannels=write_uint16s(builder, options.subchannels),
    )
    return encode_request(
        Method.TRANSPORT_CONSUME_DATA,
        transport_id,
        _read_dump,
        builder=builder,
        body_type=Body.Transport_ConsumeDataRequest,
        body=body,
    )


def close_data_consumer(transport_id: str, data_consumer_id: str) -> RequestMessage[None]:
    """Close a data consumer."""
    builder = Builder(128)
    body = _close_data_consumer(builder, data_consumer_id=write_text(builder, data_consumer_id))
    return encode_request(
        Method.TRANSPORT_CLOSE_DATACONSUMER,
        transport_id,
        read_nothing,
        builder=builder,
        body_type=Body.Transport_CloseDataConsumerRequest,
        body=body,
    )


def dump(data_consumer_id: str) -> RequestMessage[DataConsumerDump]:
    """Ask for the data consumer as the worker sees it."""
    return encode_request(Method.DATACONSUMER_DUMP, data_consumer_id, _read_dump)


def get_stats(data_consumer_id: str) -> RequestMessage[DataConsumerStats]:
    """Ask for the messages it sent."""
    return encode_request(Method.DATACONSUMER_GET_STATS, data_consumer_id, _read_stats)


def pause(data_consumer_id: str) -> RequestMessage[None]:
    """Stop sending; messages meanwhile are lost."""
    return encode_request(Method.DATACONSUMER_PAUSE, data_consumer_id, read_nothing)


def resume(data_consumer_id: str) -> RequestMessage[None]:
    """Send again."""
    return encode_request(Method.DATACONSUMER_RESUME, data_consumer_id, read_nothing)


def get_buffered_amount(data_consumer_id: str) -> RequestMessage[int]:
    """Ask how many bytes wait to be sent."""
    return encode_request(Method.DATACONSUMER_GET_BUFFERED_AMOUNT, data_consumer_id, _read_buffered_amount)


def set_buffered_amount_low_threshold(data_consumer_id: str, threshold: int) -> RequestMessage[None]:
    """Choose at how many waiting bytes, or less, we are told."""
    builder = Builder(128)
    body = _set_threshold(builder, threshold=threshold)
    return encode_request(
        Method.DATACONSUMER_SET_BUFFERED_AMOUNT_LOW_THRESHOLD,
        data_consumer_id,
        read_nothing,
        builder=builder,
        body_type=Body.DataConsumer_SetBufferedAmountLowThresholdRequest,
        body=body,
    )


def send(data_consumer_id: str, *, ppid: int, data: bytes) -> RequestMessage[int]:
    """Send one message; answers how many bytes wait to be sent now."""
    builder = Builder(len(data) + 128)
    body = _send(builder, ppid=ppid, data=write_bytes(builder, data))
    return encode_request(
        Method.DATACONSUMER_SEND,
        data_consumer_id,
        _read_sent,
        builder=builder,
        body_type=Body.DataConsumer_SendRequest,
        body=body,
    )


def set_subchannels(data_consumer_id: str, subchannels: Sequence[int]) -> RequestMessage[list[int]]:
    """Replace the subscriptions; answers those in force."""
    builder = Builder(256)
    body = _set_subchannels(builder, subchannels=write_uint16s(builder, subchannels))
    return encode_request(
        Method.DATACONSUMER_SET_SUBCHANNELS,
        data_consumer_id,
        lambda response: _read_subchannels(response.read(SetSubchannelsResponse)),
        builder=builder,
        body_type=Body.DataConsumer_SetSubchannelsRequest,
        body=body,
    )


def add_subchannel(data_consumer_id: str, subchannel: int) -> RequestMessage[list[int]]:
    """Subscribe to one more; answers those in force."""
    builder = Builder(128)
    body = _add_subchannel(builder, subchannel=subchannel)
    return encode_request(
        Method.DATACONSUMER_ADD_SUBCHANNEL,
        data_consumer_id,
        lambda response: _read_subchannels(response.read(AddSubchannelResponse)),
        builder=builder,
        body_type=Body.DataConsumer_AddSubchannelRequest,
        body=body,
    )


def remove_subchannel(data_consumer_id: str, subchannel: int) -> RequestMessage[list[int]]:
    """Subscribe to one less; answers those in force."""
    builder = Builder(128)
    body = _remove_subchannel(builder, subchannel=subchannel)
    return encode_request(
        Method.DATACONSUMER_REMOVE_SUBCHANNEL,
        data_consumer_id,
        lambda response: _read_subchannels(response.read(RemoveSubchannelResponse)),
        builder=builder,
        body_type=Body.DataConsumer_RemoveSubchannelRequest,
        body=body,
    )


def read_message(notification: Notification) -> tuple[bytes, int]:
    """Read a message a data consumer of a direct transport received, and its payload protocol identifier."""
    table: Any = notification.read(MessageNotification)
    return read_bytes(table, _MESSAGE_DATA), table.Ppid()


def read_buffered_amount_low(notification: Notification) -> int:
    """Read how many bytes wait to be sent."""
    return int(notification.read(BufferedAmountLowNotification).BufferedAmount())


def _read_subchannels(table: Any) -> list[int]:
    return read_vector(table, "Subchannels", int)


def _read_buffered_amount(response: Response) -> int:
    return int(response.read(GetBufferedAmountResponse).BufferedAmount())


def _read_sent(response: Response) -> int:
    return int(response.read(SendResponse).BufferedAmount())


def _read_dump(response: Response) -> DataConsumerDump:
    table: Any = response.read(DumpResponse)
    return DataConsumerDump(
        id=read_text(table.Id()),
        data_producer_id=read_text(table.DataProducerId()),
        type=name_of(_TYPE_NAMES, table.Type(), "data consumer type"),
        sctp_stream_parameters=read_sctp_stream_parameters(table.SctpStreamParameters()),
        label=read_text(table.Label()),
        protocol=read_text(table.Protocol()),
        subchannels=_read_subchannels(table),
        **read_fields(table, _STATE),
    )


def _read_stats(response: Response) -> DataConsumerStats:
    table: Any = response.read(GetStatsResponse)
    return DataConsumerStats(
        label=read_text(table.Label()), protocol=read_text(table.Protocol()), **read_fields(table, _COUNTS)
    )
