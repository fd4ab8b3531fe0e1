"""Trace events of producers and consumers, which differ in names only. Schemas: producer.fbs, consumer.fbs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from media_plane.channel.codec.message import Notification
from media_plane.channel.codec.rtp_stream import read_packet
from media_plane.channel.codec.tables import accessors_for, name_of, read_fields
from media_plane.channel.codec.transport import DIRECTION_NAMES
from media_plane.channel.errors import BrokenMessage
from media_plane.channel.values.media import MediaTrace, ProducerTraceType, SenderReport

_SENDER_REPORT = accessors_for(*SenderReport.__struct_fields__)


@dataclass(slots=True, frozen=True)
class TraceSchema:
    """Where one namespace keeps its trace events.

    Attributes:
        notification: the generated TraceNotification class.
        types: number of the namespace's TraceEventType to its name.
        infos: number of the namespace's TraceInfo union to the generated class.
    """

    notification: type[Any]
    types: Mapping[int, ProducerTraceType]
    infos: Mapping[int, type[Any]]


def read_media_trace(schema: TraceSchema, notification: Notification) -> MediaTrace:
    """Read a trace event.

    Raises:
        BrokenMessage: a type or information the schema does not have.
    """
    table: Any = notification.read(schema.notification)
    return MediaTrace(
        type=name_of(schema.types, table.Type(), "trace type"),
        timestamp=table.Timestamp(),
        direction=name_of(DIRECTION_NAMES, table.Direction(), "trace direction"),
        **_read_info(schema, table),
    )


def _read_info(schema: TraceSchema, table: Any) -> dict[str, Any]:
    body = table.Info()
    if body is None:
        return {}
    info_class = schema.infos.get(table.InfoType())
    if info_class is None:
        raise BrokenMessage(f"The worker sent trace information of type {table.InfoType()}.")
    info: Any = info_class()
    info.Init(body.Bytes, body.Pos)
    if info_class.__name__ in {"KeyFrameTraceInfo", "RtpTraceInfo"}:
        return {"rtp_packet": read_packet(info.RtpPacket()), "is_rtx": info.IsRtx()}
    if info_class.__name__ == "SrTraceInfo":
        return {"ssrc": info.Ssrc(), "sender_report": SenderReport(**read_fields(info, _SENDER_REPORT))}
    return {"ssrc": info.Ssrc()}
