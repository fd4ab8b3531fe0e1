"""Requests to a WebRTC server. Schema: webRtcServer.fbs."""

from typing import Any

from media_plane.channel.codec.message import RequestMessage, Response, encode_request
from media_plane.channel.codec.tables import read_text, read_vector
from media_plane.channel.fbs.FBS.Request.Method import Method
from media_plane.channel.fbs.FBS.WebRtcServer.DumpResponse import DumpResponse
from media_plane.channel.values.worker import IpPort, WebRtcServerDump


def dump(webrtc_server_id: str) -> RequestMessage[WebRtcServerDump]:
    """Ask for its sockets and transports."""
    return encode_request(Method.WEBRTCSERVER_DUMP, webrtc_server_id, _read_dump)


def _read_dump(response: Response) -> WebRtcServerDump:
    table: Any = response.read(DumpResponse)
    fragments = read_vector(table, "LocalIceUsernameFragments", lambda pair: pair)
    return WebRtcServerDump(
        id=read_text(table.Id()),
        udp_sockets=read_vector(table, "UdpSockets", _read_ip_port),
        tcp_servers=read_vector(table, "TcpServers", _read_ip_port),
        web_rtc_transport_ids=read_vector(table, "WebRtcTransportIds", read_text),
        local_ice_username_fragments={
            read_text(pair.LocalIceUsernameFragment()): read_text(pair.WebRtcTransportId()) for pair in fragments
        },
    )


def _read_ip_port(table: Any) -> IpPort:
    return IpPort(ip=read_text(table.Ip()), port=table.Port())
