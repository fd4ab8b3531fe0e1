"""Requests to the worker itself. Schema: worker.fbs."""

from collections.abc import Sequence
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.listen_info import write_listen_info
from media_plane.channel.codec.message import (
    RequestMessage,
    Response,
    encode_notification,
    encode_request,
    read_nothing,
)
from media_plane.channel.codec.tables import (
    TableWriter,
    accessors_for,
    read_fields,
    read_text,
    read_vector,
    write_optional_text,
    write_text,
    write_texts,
    write_vector,
)
from media_plane.channel.fbs.FBS.Notification.Event import Event
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Worker import (
    CloseRouterRequest,
    CloseWebRtcServerRequest,
    CreateRouterRequest,
    CreateWebRtcServerRequest,
    UpdateSettingsRequest,
)
from media_plane.channel.fbs.FBS.Worker.DumpResponse import DumpResponse
from media_plane.channel.fbs.FBS.Worker.ResourceUsageResponse import ResourceUsageResponse
from media_plane.channel.values.transport import ListenInfo
from media_plane.channel.values.worker import LogLevel, LogTag, ResourceUsage, WorkerDump

WORKER_RUNNING: int = Event.WORKER_RUNNING
"""The event by which the worker says it is ready; its handler id is the worker's pid."""

_update_settings = TableWriter(UpdateSettingsRequest)
_create_webrtc_server = TableWriter(CreateWebRtcServerRequest)
_close_webrtc_server = TableWriter(CloseWebRtcServerRequest)
_create_router = TableWriter(CreateRouterRequest)
_close_router = TableWriter(CloseRouterRequest)
_RESOURCE_USAGE = accessors_for(*ResourceUsage.__struct_fields__)


def dump() -> RequestMessage[WorkerDump]:
    """Ask for the worker's objects."""
    return encode_request(Method.WORKER_DUMP, "", _read_dump)


def get_resource_usage() -> RequestMessage[ResourceUsage]:
    """Ask what the process used so far."""
    return encode_request(Method.WORKER_GET_RESOURCE_USAGE, "", _read_resource_usage)


def update_settings(log_level: LogLevel | None, log_tags: Sequence[LogTag] | None) -> RequestMessage[None]:
    """Change what the worker logs; None leaves a setting as it is."""
    builder = Builder(128)
    body = _update_settings(
        builder,
        log_level=write_optional_text(builder, log_level),
        log_tags=None if log_tags is None else write_texts(builder, log_tags),
    )
    return encode_request(
        Method.WORKER_UPDATE_SETTINGS,
        "",
        read_nothing,
        builder=builder,
        body_type=Body.Worker_UpdateSettingsRequest,
        body=body,
    )


def create_webrtc_server(webrtc_server_id: str, listen_infos: Sequence[ListenInfo]) -> RequestMessage[None]:
    """Open the sockets that WebRTC transports of this worker will share."""
    builder = Builder(512)
    body = _create_webrtc_server(
        builder,
        web_rtc_server_id=write_text(builder, webrtc_server_id),
        listen_infos=write_vector(builder, [write_listen_info(builder, info) for info in listen_infos]),
    )
    return encode_request(
        Method.WORKER_CREATE_WEBRTCSERVER,
        "",
        read_nothing,
        builder=builder,
        body_type=Body.Worker_CreateWebRtcServerRequest,
        body=body,
    )


def close_webrtc_server(webrtc_server_id: str) -> RequestMessage[None]:
    """Close a WebRTC server and its transports."""
    builder = Builder(128)
    body = _close_webrtc_server(builder, web_rtc_server_id=write_text(builder, webrtc_server_id))
    return encode_request(
        Method.WORKER_WEBRTCSERVER_CLOSE,
        "",
        read_nothing,
        builder=builder,
        body_type=Body.Worker_CloseWebRtcServerRequest,
        body=body,
    )


def create_router(router_id: str) -> RequestMessage[None]:
    """Make a router."""
    builder = Builder(128)
    body = _create_router(builder, router_id=write_text(builder, router_id))
    return encode_request(
        Method.WORKER_CREATE_ROUTER,
        "",
        read_nothing,
        builder=builder,
        body_type=Body.Worker_CreateRouterRequest,
        body=body,
    )


def close_router(router_id: str) -> RequestMessage[None]:
    """Close a router and everything in it."""
    builder = Builder(128)
    body = _close_router(builder, router_id=write_text(builder, router_id))
    return encode_request(
        Method.WORKER_CLOSE_ROUTER,
        "",
        read_nothing,
        builder=builder,
        body_type=Body.Worker_CloseRouterRequest,
        body=body,
    )


def close() -> bytes:
    """The notification that asks the worker to end; it is never answered."""
    return encode_notification(Event.WORKER_CLOSE, "")


def _read_dump(response: Response) -> WorkerDump:
    table: Any = response.read(DumpResponse)
    handlers = table.ChannelMessageHandlers()
    return WorkerDump(
        pid=table.Pid(),
        web_rtc_server_ids=read_vector(table, "WebRtcServerIds", read_text),
        router_ids=read_vector(table, "RouterIds", read_text),
        request_handler_ids=read_vector(handlers, "ChannelRequestHandlers", read_text),
        notification_handler_ids=read_vector(handlers, "ChannelNotificationHandlers", read_text),
    )


def _read_resource_usage(response: Response) -> ResourceUsage:
    return ResourceUsage(**read_fields(response.read(ResourceUsageResponse), _RESOURCE_USAGE))
