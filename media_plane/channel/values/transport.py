"""Where transports listen, who they talk to, and how they prove it."""

from typing import Literal, TypeAlias

import msgspec

Protocol: TypeAlias = Literal["udp", "tcp"]
IceRole: TypeAlias = Literal["controlled", "controlling"]
IceState: TypeAlias = Literal["new", "connected", "completed", "disconnected", "closed"]
DtlsRole: TypeAlias = Literal["auto", "client", "server"]
DtlsState: TypeAlias = Literal["new", "connecting", "connected", "failed", "closed"]
SctpState: TypeAlias = Literal["new", "connecting", "connected", "failed", "closed"]
FingerprintAlgorithm: TypeAlias = Literal["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"]
SrtpCryptoSuite: TypeAlias = Literal[
    "AEAD_AES_256_GCM", "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
]
TraceDirection: TypeAlias = Literal["in", "out"]
TransportTraceType: TypeAlias = Literal["probation", "bwe"]


class PortRange(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Ports a listener may choose from, both ends included; 0 and 0 means the worker's own range."""

    min: int = 0
    max: int = 0


class SocketFlags(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Socket options of a listener."""

    ipv6_only: bool = False
    udp_reuse_port: bool = False


class ListenInfo(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One address to listen on.

    Attributes:
        protocol: "udp" or "tcp".
        ip: address of an interface of this machine, or 0.0.0.0 or ::.
        announced_address: what peers are told instead, an address or host name; None tells `ip`.
        expose_internal_ip: also tell `ip` when `announced_address` is given.
        port: 0..65535; 0 takes one of `port_range`.
        send_buffer_size: bytes for SO_SNDBUF, 0 leaves the kernel's.
        recv_buffer_size: bytes for SO_RCVBUF, 0 leaves the kernel's.
    """

    ip: str
    protocol: Protocol = "udp"
    announced_address: str | None = None
    expose_internal_ip: bool = False
    port: int = 0
    port_range: PortRange = msgspec.field(default_factory=PortRange)
    flags: SocketFlags = msgspec.field(default_factory=SocketFlags)
    send_buffer_size: int = 0
    recv_buffer_size: int = 0


class TransportTuple(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Both ends of a flow; the remote end is None until a packet came or `connect` told it."""

    local_address: str
    local_port: int
    remote_ip: str | None = None
    remote_port: int | None = None
    protocol: Protocol


class IceParameters(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Our ICE credentials (RFC 8445)."""

    username_fragment: str
    password: str
    ice_lite: bool = True


class IceCandidate(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An address a peer may reach us at. `ip` repeats `address` for older clients."""

    foundation: str
    priority: int
    ip: str
    address: str
    protocol: Protocol
    port: int
    type: str  # "host", the only type an ICE Lite agent has.
    tcp_type: str | None = None  # "passive" for TCP.


class DtlsFingerprint(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Hash of a certificate: pairs of upper-case hex digits with colons between (RFC 8122)."""

    algorithm: FingerprintAlgorithm
    value: str


class DtlsParameters(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Who proves to be whom: one fingerprint is enough, the first one understood counts."""

    fingerprints: list[DtlsFingerprint]
    role: DtlsRole = "auto"


class SrtpParameters(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Keys of a plain transport's SRTP: key and salt in base64 (44, 60 or 40 bytes decoded by suite)."""

    crypto_suite: SrtpCryptoSuite
    key_base64: str


class SctpOptions(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Limits of a transport's SCTP association, in bytes. Defaults: mediasoup 3.27.1, node/lib/Router.js."""

    max_send_message_size: int = 262_144
    max_receive_message_size: int = 262_144
    send_buffer_size: int = 2_000_000
    per_stream_send_queue_limit: int = 2_000_000
    max_receiver_window_buffer_size: int = 5_242_880
    default_stream_buffered_amount_low_threshold: int = 1_024


class SctpParameters(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """SCTP of a transport as a peer must know it; sizes in bytes."""

    port: int
    max_send_message_size: int
    max_receive_message_size: int
    send_buffer_size: int
    per_stream_send_queue_limit: int
    max_receiver_window_buffer_size: int
    is_data_channel: bool


class SctpNegotiatedCapabilities(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Streams both ends agreed on."""

    negotiated_max_outbound_streams: int
    negotiated_max_inbound_streams: int


class BweTraceInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The bandwidth estimator's view, bits per second."""

    bwe_type: Literal["transport-cc", "remb"]
    desired_bitrate: int
    effective_desired_bitrate: int
    min_bitrate: int
    max_bitrate: int
    start_bitrate: int
    max_padding_bitrate: int
    available_bitrate: int


class TransportTrace(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A trace event of a transport; `timestamp` in ms of the worker's clock, `info` only for "bwe"."""

    type: TransportTraceType
    timestamp: int
    direction: TraceDirection
    info: BweTraceInfo | None = None
