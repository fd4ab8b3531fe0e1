"""Addresses to listen on, and tuples of what is connected. Schema: transport.fbs."""

from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.tables import (
    Offset,
    TableWriter,
    name_of,
    number_of,
    read_optional_text,
    read_text,
    write_optional_text,
    write_text,
)
from media_plane.channel.fbs.FBS.Transport import ListenInfo as ListenInfoModule
from media_plane.channel.fbs.FBS.Transport import PortRange, SocketFlags
from media_plane.channel.fbs.FBS.Transport.Protocol import Protocol as FbsProtocol
from media_plane.channel.values.transport import ListenInfo, Protocol, TransportTuple

PROTOCOLS: dict[Protocol, int] = {"udp": FbsProtocol.UDP, "tcp": FbsProtocol.TCP}
PROTOCOL_NAMES: dict[int, Protocol] = {number: name for name, number in PROTOCOLS.items()}

_write_listen_info = TableWriter(ListenInfoModule)
_write_port_range = TableWriter(PortRange)
_write_socket_flags = TableWriter(SocketFlags)


def write_listen_info(builder: Builder, info: ListenInfo) -> Offset:
    """Write one address."""
    return _write_listen_info(
        builder,
        protocol=number_of(PROTOCOLS, info.protocol, "protocol"),
        ip=write_text(builder, info.ip),
        announced_address=write_optional_text(builder, info.announced_address),
        expose_internal_ip=info.expose_internal_ip,
        port=info.port,
        port_range=_write_port_range(builder, min=info.port_range.min, max=info.port_range.max),
        flags=_write_socket_flags(builder, ipv6_only=info.flags.ipv6_only, udp_reuse_port=info.flags.udp_reuse_port),
        send_buffer_size=info.send_buffer_size,
        recv_buffer_size=info.recv_buffer_size,
    )


def read_tuple(table: Any) -> TransportTuple:
    """Read a Tuple; the worker writes an unknown remote end as an absent address and port 0."""
    return TransportTuple(
        local_address=read_text(table.LocalAddress()),
        local_port=table.LocalPort(),
        remote_ip=read_optional_text(table.RemoteIp()),
        remote_port=table.RemotePort() or None,
        protocol=name_of(PROTOCOL_NAMES, table.Protocol(), "protocol"),
    )


def read_optional_tuple(table: Any) -> TransportTuple | None:
    """Read a Tuple that may be absent."""
    return None if table is None else read_tuple(table)
