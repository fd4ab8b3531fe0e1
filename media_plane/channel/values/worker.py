"""What the worker, its WebRTC servers and its routers say about themselves."""

from typing import Literal, TypeAlias

import msgspec

from media_plane.channel.values.transport import PortRange

LogLevel: TypeAlias = Literal["debug", "warn", "error", "none"]
LogTag: TypeAlias = Literal[
    "info", "ice", "dtls", "rtp", "srtp", "rtcp", "rtx", "bwe", "score", "simulcast", "svc", "sctp", "message"
]


class WorkerSettings(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What a worker is started with.

    Attributes:
        log_level: least serious level it logs.
        log_tags: subjects of its debug and warning lines.
        rtc_ports: ports for listeners without a port or range of their own; None means the worker's 10000 to 59999.
        dtls_certificate_file: absolute path of a certificate in PEM; None makes a new one.
        dtls_private_key_file: absolute path of its key in PEM, together with the certificate.
        libwebrtc_field_trials: switches of its bandwidth estimator, such as "WebRTC-Bwe-AlrLimitedBackoff/Enabled/";
            one it can't read ends the worker. None leaves its own.
    """

    log_level: LogLevel = "error"
    log_tags: tuple[LogTag, ...] = ()
    rtc_ports: PortRange | None = None
    dtls_certificate_file: str | None = None
    dtls_private_key_file: str | None = None
    libwebrtc_field_trials: str | None = None


class WorkerDump(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Objects of a worker; the handlers are ids of everything that can be asked or told something."""

    pid: int
    web_rtc_server_ids: list[str]
    router_ids: list[str]
    request_handler_ids: list[str]
    notification_handler_ids: list[str]


class ResourceUsage(msgspec.Struct, frozen=True, kw_only=True):
    """The worker process's getrusage(2): times in ms, `ru_maxrss` in KiB, the rest are counts."""

    ru_utime: int
    ru_stime: int
    ru_maxrss: int
    ru_ixrss: int
    ru_idrss: int
    ru_isrss: int
    ru_minflt: int
    ru_majflt: int
    ru_nswap: int
    ru_inblock: int
    ru_oublock: int
    ru_msgsnd: int
    ru_msgrcv: int
    ru_nsignals: int
    ru_nvcsw: int
    ru_nivcsw: int


class IpPort(msgspec.Struct, frozen=True, kw_only=True):
    """A socket a WebRTC server listens on."""

    ip: str
    port: int


class WebRtcServerDump(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Sockets and transports of a WebRTC server; fragments are ICE user name to transport id."""

    id: str
    udp_sockets: list[IpPort]
    tcp_servers: list[IpPort]
    web_rtc_transport_ids: list[str]
    local_ice_username_fragments: dict[str, str]


class RouterDump(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Objects of a router and who feeds whom."""

    id: str
    transport_ids: list[str]
    rtp_observer_ids: list[str]
    map_producer_id_consumer_ids: dict[str, list[str]]
    map_consumer_id_producer_id: dict[str, str]
    map_producer_id_observer_ids: dict[str, list[str]]
    map_data_producer_id_data_consumer_ids: dict[str, list[str]]
    map_data_consumer_id_data_producer_id: dict[str, str]
