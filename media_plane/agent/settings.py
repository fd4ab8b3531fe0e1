"""Settings of the agent, read once from the environment. The only reader of `os.environ` in the media plane."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from typing_extensions import override

LogFormat = Literal["json", "console"]
Value = TypeVar("Value")

LOWEST_PORT, HIGHEST_PORT = 1024, 65535
MOST_WORKERS = 256
MAX_CONSUMERS_PER_WORKER = 500
"""mediasoup's own planning number. Source: mediasoup.org, documentation, "scalability"."""
PIPE_PORTS = (20_000, 24_999)
"""UDP ports of pipes unless told otherwise: one per live session and peer node; below the ephemeral range."""
LONGEST_DRAIN_S = 86_400


class BadSettings(Exception):
    """The environment can't be used; the message names the variable and says what it should hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the agent is told from outside.

    Attributes:
        bind_host: IP address the node link and its health answers listen on.
        link_port: TCP port of the node link, 1024-65535.
        media_base_port: worker i takes UDP and TCP port `media_base_port + i`.
        media_listen_ip: IP address the workers bind.
        media_announced_address: address browsers are told instead; None: the listen IP.
        workers: number of mediasoup workers, >= 1.
        worker_binary: the mediasoup worker's executable.
        control_url: base URL of the control plane, no trailing slash.
        enrolment_token: bearer token of `POST {control_url}/internal/media-nodes`; a secret.
        link_url: address at which signaling processes reach the node link.
        region: free word for placement.
        data_dir: where the node keeps its id.
        capacity_consumers: consumers the whole node is willing to carry, > 0.
        max_consumers_per_worker: consumers from which on a worker counts as full: a live session then grows on another
            one, and new ones begin elsewhere, > 0.
        log_format: `json` for machines, `console` for people.
        pipe_listen_ip: IP address pipes from other nodes come in at; None: this node takes part in none. Unless told
            otherwise the node link's, which lies on the private network; an any-address can't be announced.
        pipe_announced_address: address other nodes are told instead; None: the listen IP.
        pipe_ports: lowest and highest UDP port of pipes, both included.
        drain_s: how long the node may take to empty itself when told to stop, seconds; 0 stops at once.
    """

    bind_host: str
    link_port: int
    media_base_port: int
    media_listen_ip: str
    media_announced_address: str | None
    workers: int
    worker_binary: Path
    control_url: str
    enrolment_token: str
    link_url: str
    region: str
    data_dir: Path
    capacity_consumers: int
    log_format: LogFormat
    max_consumers_per_worker: int = MAX_CONSUMERS_PER_WORKER
    pipe_listen_ip: str | None = None
    pipe_announced_address: str | None = None
    pipe_ports: tuple[int, int] = PIPE_PORTS
    drain_s: int = 0

    @override
    def __repr__(self) -> str:
        return f"Settings(link_url={self.link_url!r}, workers={self.workers}, region={self.region!r})"


class _Reader:
    """Reads typed values out of a mapping and names the variable that is wrong."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def required(self, name: str, meaning: str) -> str:
        """A value that has no default; `meaning` tells the operator what to put there."""
        value = self._env.get(name, "").strip()
        if not value:
            raise BadSettings(f"{name} is not set: {meaning}.")
        return value

    def optional(self, name: str, default: str) -> str:
        """A value, or its default when unset or empty."""
        return self._env.get(name, "").strip() or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within `low`-`high`, both included."""
        text = self.optional(name, str(default))
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise BadSettings(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
        return int(text)

    def parsed(self, name: str, default: str, parse: Callable[[str], Value], meaning: str) -> Value:
        """A value put through `parse`, whose ValueError becomes a clear message."""
        text = self.optional(name, default)
        try:
            return parse(text)
        except ValueError:
            raise BadSettings(f"{name} must be {meaning}, not {text!r}.") from None


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings.

    Args:
        env: variables to read; None means the process's environment.

    Raises:
        BadSettings: a variable is missing or wrong.
    """
    read = _Reader(os.environ if env is None else env)
    bind_host = read.parsed("TR_NODE_BIND_HOST", "127.0.0.1", _ip, "an IP address")
    link_port = read.number("TR_NODE_LINK_PORT", 8002, LOWEST_PORT, HIGHEST_PORT)
    workers = read.number("TR_WORKERS", os.cpu_count() or 1, 1, MOST_WORKERS)
    per_worker = read.number("TR_MAX_CONSUMERS_PER_WORKER", MAX_CONSUMERS_PER_WORKER, 1, 1_000_000)
    base_port = read.number("TR_MEDIA_BASE_PORT", 8010, LOWEST_PORT, HIGHEST_PORT - workers + 1)
    if base_port <= link_port < base_port + workers:
        raise BadSettings(f"TR_NODE_LINK_PORT {link_port} lies within the workers' ports {base_port}+{workers}.")
    return Settings(
        bind_host=bind_host,
        link_port=link_port,
        media_base_port=base_port,
        media_listen_ip=read.parsed("TR_MEDIA_LISTEN_IP", "127.0.0.1", _ip, "an IP address"),
        media_announced_address=read.optional("TR_MEDIA_ANNOUNCED_ADDRESS", "") or None,
        workers=workers,
        worker_binary=_executable(read.required("MEDIASOUP_WORKER_BIN", "path of the mediasoup worker's executable")),
        control_url=_http_url(read.required("TR_CONTROL_URL", "base URL of the control plane, where the node enrols")),
        enrolment_token=read.required("TR_NODE_ENROLMENT_TOKEN", "the token media nodes enrol with"),
        link_url=read.parsed("TR_NODE_LINK_URL", _default_link_url(bind_host, link_port), _ws_url, "a ws:// URL"),
        region=read.optional("TR_NODE_REGION", "local"),
        data_dir=Path(read.required("TR_NODE_DATA_DIR", "folder in which the node keeps its id")),
        capacity_consumers=read.number("TR_NODE_CAPACITY_CONSUMERS", per_worker * workers, 1, 10_000_000),
        max_consumers_per_worker=per_worker,
        log_format=read.parsed("TR_LOG_FORMAT", "json", _log_format, "json or console"),
        pipe_listen_ip=read.parsed(
            "TR_NODE_PIPE_IP", _default_pipe_ip(bind_host), _ip_or_none, "an IP address or none"
        ),
        pipe_announced_address=read.optional("TR_NODE_PIPE_ANNOUNCED_ADDRESS", "") or None,
        pipe_ports=read.parsed(
            "TR_NODE_PIPE_PORTS", "-".join(map(str, PIPE_PORTS)), _ports, "two ports like 20000-24999"
        ),
        drain_s=read.number("TR_NODE_DRAIN_S", 0, 0, LONGEST_DRAIN_S),
    )


def _ip(text: str) -> str:
    return str(ip_address(text))


def _ip_or_none(text: str) -> str | None:
    return None if text == "none" else _ip(text)


def _ports(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    ports = (int(low), int(high))
    if not LOWEST_PORT <= ports[0] <= ports[1] <= HIGHEST_PORT:
        raise ValueError(text)
    return ports


def _log_format(text: str) -> LogFormat:
    if text == "json":
        return "json"
    if text == "console":
        return "console"
    raise ValueError(text)


def _ws_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"ws", "wss"} or not url.hostname:
        raise ValueError(text)
    return text


def _http_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise BadSettings(f"TR_CONTROL_URL must be an http:// or https:// URL, not {text!r}.")
    return text.rstrip("/")


def _executable(text: str) -> Path:
    path = Path(text)
    if not path.is_file() or not os.access(path, os.X_OK):
        raise BadSettings(f"MEDIASOUP_WORKER_BIN {text!r} is not an executable file.")
    return path


def _default_pipe_ip(host: str) -> str:
    return "none" if ip_address(host).is_unspecified else host


def _default_link_url(host: str, port: int) -> str:
    """Where others reach us when nobody says otherwise; an any-address is only right on this machine."""
    address = ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"ws://[{host}]:{port}/" if ":" in host else f"ws://{host}:{port}/"
