"""Requests to a router. Schema: router.fbs."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.direct_transport import read_direct_transport_dump, write_direct_transport_options
from media_plane.channel.codec.message import RequestMessage, Response, encode_request, read_nothing
from media_plane.channel.codec.pipe_transport import (
    PipeTransportOptions,
    read_pipe_transport_dump,
    write_pipe_transport_options,
)
from media_plane.channel.codec.plain_transport import (
    PlainTransportOptions,
    read_plain_transport_dump,
    write_plain_transport_options,
)
from media_plane.channel.codec.rtp_observer import write_active_speaker_options, write_audio_level_options
from media_plane.channel.codec.tables import (
    TableWriter,
    read_text,
    read_text_lists,
    read_text_pairs,
    read_vector,
    write_text,
)
from media_plane.channel.codec.templates import Templates
from media_plane.channel.codec.web_rtc_transport import (
    WebRtcTransportOptions,
    read_similar_webrtc_transport,
    read_webrtc_transport_dump,
    write_webrtc_transport_options,
)
from media_plane.channel.fbs.FBS.Request.Body import Body
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.Router import (
    CloseRtpObserverRequest,
    CloseTransportRequest,
    CreateActiveSpeakerObserverRequest,
    CreateAudioLevelObserverRequest,
    CreateDirectTransportRequest,
    CreatePipeTransportRequest,
    CreatePlainTransportRequest,
    CreateWebRtcTransportRequest,
)
from media_plane.channel.fbs.FBS.Router.DumpResponse import DumpResponse
from media_plane.channel.values.transport import SctpOptions
from media_plane.channel.values.transport_reports import (
    DirectTransportDump,
    PipeTransportDump,
    PlainTransportDump,
    WebRtcTransportDump,
)
from media_plane.channel.values.worker import RouterDump

_create_webrtc_transport = TableWriter(CreateWebRtcTransportRequest)
_create_plain_transport = TableWriter(CreatePlainTransportRequest)
_create_pipe_transport = TableWriter(CreatePipeTransportRequest)
_create_direct_transport = TableWriter(CreateDirectTransportRequest)
_create_active_speaker_observer = TableWriter(CreateActiveSpeakerObserverRequest)
_create_audio_level_observer = TableWriter(CreateAudioLevelObserverRequest)
_close_transport = TableWriter(CloseTransportRequest)
_webrtc_templates: Templates[WebRtcTransportDump] = Templates()
_close_templates: Templates[None] = Templates()
_close_rtp_observer = TableWriter(CloseRtpObserverRequest)


def dump(router_id: str) -> RequestMessage[RouterDump]:
    """Ask for the router's objects."""
    return encode_request(Method.ROUTER_DUMP, router_id, _read_dump)


def create_webrtc_transport(
    router_id: str, transport_id: str, options: WebRtcTransportOptions, *, alike: WebRtcTransportDump | None = None
) -> RequestMessage[WebRtcTransportDump]:
    """Make a WebRTC transport, on a WebRTC server or on sockets of its own.

    Args:
        router_id: of the router.
        transport_id: of the new transport.
        options: what it is made with.
        alike: what the worker answered for another new transport with the same options on the same server: all but the
            ICE credentials is the same, so only those are read.
    """
    if options.webrtc_server_id is None:
        return _build_webrtc_transport(router_id, transport_id, options, read_webrtc_transport_dump)

    def build(texts: Sequence[str], _numbers: Sequence[int]) -> RequestMessage[WebRtcTransportDump]:
        router_text, transport_text, server_text = texts
        other = dataclasses.replace(options, webrtc_server_id=server_text)
        return _build_webrtc_transport(router_text, transport_text, other, read_webrtc_transport_dump)

    texts = (router_id, transport_id, options.webrtc_server_id)
    request = _webrtc_templates.fill(options.key, texts, (), build)
    if alike is None:
        return request
    return request.read_by(partial(read_similar_webrtc_transport, alike, transport_id))


def _build_webrtc_transport(
    router_id: str,
    transport_id: str,
    options: WebRtcTransportOptions,
    decode: Callable[[Response], WebRtcTransportDump],
) -> RequestMessage[WebRtcTransportDump]:
    builder = Builder(512)
    body = _create_webrtc_transport(
        builder,
        transport_id=write_text(builder, transport_id),
        options=write_webrtc_transport_options(builder, options),
    )
    with_server = Method.ROUTER_CREATE_WEBRTCTRANSPORT_WITH_SERVER
    return encode_request(
        Method.ROUTER_CREATE_WEBRTCTRANSPORT if options.webrtc_server_id is None else with_server,
        router_id,
        decode,
        builder=builder,
        body_type=Body.Router_CreateWebRtcTransportRequest,
        body=body,
    )


def create_plain_transport(
    router_id: str, transport_id: str, options: PlainTransportOptions
) -> RequestMessage[PlainTransportDump]:
    """Make a plain RTP transport."""
    builder = Builder(512)
    body = _create_plain_transport(
        builder,
        transport_id=write_text(builder, transport_id),
        options=write_plain_transport_options(builder, options),
    )
    return encode_request(
        Method.ROUTER_CREATE_PLAINTRANSPORT,
        router_id,
        read_plain_transport_dump,
        builder=builder,
        body_type=Body.Router_CreatePlainTransportRequest,
        body=body,
    )


def create_pipe_transport(
    router_id: str, transport_id: str, options: PipeTransportOptions
) -> RequestMessage[PipeTransportDump]:
    """Make a transport to another router."""
    builder = Builder(512)
    body = _create_pipe_transport(
        builder,
        transport_id=write_text(builder, transport_id),
        options=write_pipe_transport_options(builder, options),
    )
    return encode_request(
        Method.ROUTER_CREATE_PIPETRANSPORT,
        router_id,
        read_pipe_transport_dump,
        builder=builder,
        body_type=Body.Router_CreatePipeTransportRequest,
        body=body,
    )


def create_direct_transport(
    router_id: str, transport_id: str, limits: SctpOptions
) -> RequestMessage[DirectTransportDump]:
    """Make a transport to ourselves; of the limits only the message sizes mean something."""
    builder = Builder(512)
    body = _create_direct_transport(
        builder,
        transport_id=write_text(builder, transport_id),
        options=write_direct_transport_options(builder, limits),
    )
    return encode_request(
        Method.ROUTER_CREATE_DIRECTTRANSPORT,
        router_id,
        read_direct_transport_dump,
        builder=builder,
        body_type=Body.Router_CreateDirectTransportRequest,
        body=body,
    )


def create_active_speaker_observer(router_id: str, observer_id: str, *, interval_ms: int) -> RequestMessage[None]:
    """Make an observer that tells who speaks."""
    builder = Builder(256)
    body = _create_active_speaker_observer(
        builder,
        rtp_observer_id=write_text(builder, observer_id),
        options=write_active_speaker_options(builder, interval_ms=interval_ms),
    )
    return encode_request(
        Method.ROUTER_CREATE_ACTIVESPEAKEROBSERVER,
        router_id,
        read_nothing,
        builder=builder,
        body_type=Body.Router_CreateActiveSpeakerObserverRequest,
        body=body,
    )


def create_audio_level_observer(
    router_id: str, observer_id: str, *, max_entries: int, threshold: int, interval_ms: int
) -> RequestMessage[None]:
    """Make an observer that tells how loud the loudest are; the threshold is dBov, -127..0."""
    builder = Builder(256)
    body = _create_audio_level_observer(
        builder,
        rtp_observer_id=write_text(builder, observer_id),
        options=write_audio_level_options(
            builder, max_entries=max_entries, threshold=threshold, interval_ms=interval_ms
        ),
    )
    return encode_request(
        Method.ROUTER_CREATE_AUDIOLEVELOBSERVER,
        router_id,
        read_nothing,
        builder=builder,
        body_type=Body.Router_CreateAudioLevelObserverRequest,
        body=body,
    )


def close_rtp_observer(router_id: str, observer_id: str) -> RequestMessage[None]:
    """Close an observer of any kind."""
    builder = Builder(128)
    body = _close_rtp_observer(builder, rtp_observer_id=write_text(builder, observer_id))
    return encode_request(
        Method.ROUTER_CLOSE_RTPOBSERVER,
        router_id,
        read_nothing,
        builder=builder,
        body_type=Body.Router_CloseRtpObserverRequest,
        body=body,
    )


def close_transport(router_id: str, transport_id: str) -> RequestMessage[None]:
    """Close a transport of any kind and everything in it."""
    return _close_templates.fill(None, (router_id, transport_id), (), _build_close_transport)


def _build_close_transport(texts: Sequence[str], _numbers: Sequence[int]) -> RequestMessage[None]:
    router_id, transport_id = texts
    builder = Builder(128)
    body = _close_transport(builder, transport_id=write_text(builder, transport_id))
    return encode_request(
        Method.ROUTER_CLOSE_TRANSPORT,
        router_id,
        read_nothing,
        builder=builder,
        body_type=Body.Router_CloseTransportRequest,
        body=body,
    )


def _read_dump(response: Response) -> RouterDump:
    table: Any = response.read(DumpResponse)
    return RouterDump(
        id=read_text(table.Id()),
        transport_ids=read_vector(table, "TransportIds", read_text),
        rtp_observer_ids=read_vector(table, "RtpObserverIds", read_text),
        map_producer_id_consumer_ids=read_text_lists(table, "MapProducerIdConsumerIds"),
        map_consumer_id_producer_id=read_text_pairs(table, "MapConsumerIdProducerId"),
        map_producer_id_observer_ids=read_text_lists(table, "MapProducerIdObserverIds"),
        map_data_producer_id_data_consumer_ids=read_text_lists(table, "MapDataProducerIdDataConsumerIds"),
        map_data_consumer_id_data_producer_id=read_text_pairs(table, "MapDataConsumerIdDataProducerId"),
    )
