"""The signaling door's port: browsers' WebSockets at /signaling, and plain answers about health.

Origin: a browser always sends it with a WebSocket handshake, and pages can't forge it, so a foreign one is refused with 403
before the upgrade. No Origin at all means no browser (our headless client, a load tool): it is let through, since what
Origin protects is a browser's user, and a hello needs a token of `POST …/join` anyway.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import msgspec
import structlog
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

from control_plane.domain.errors import Unavailable
from control_plane.gateways.node_pool import NodeLinkPool
from control_plane.services.media import MediaService
from control_plane.services.platform import Platform
from control_plane.signaling.hub import Hub
from control_plane.signaling.messages import MAX_MESSAGE_BYTES
from control_plane.signaling.metrics import CONTENT_TYPE
from control_plane.signaling.needs import Needs, Times
from control_plane.signaling.sign_outs import SignOuts
from control_plane.signaling.socket import Socket

PATH = b"/signaling"
MAX_SOCKETS = 20_000
"""Sockets one process takes; the next handshake is answered 503."""
MAX_FRAME_BYTES = 4 * MAX_MESSAGE_BYTES
"""Frames up to this size are read and refused with TOO_LARGE; larger ones are cut by picows with 1009."""
READY_CHECK_S = 1.0
"""How often an unready start tries again, seconds."""

log = structlog.get_logger("signaling")


class SignalingServer:
    """Listens for browsers.

    Args:
        hub: owner of the sockets.
        allowed_origins: pages that may open sockets, as `https://host[:port]`.
        checks: name -> whether that part is there; all must be for `/ready`.
        info: name -> figure shown by `/ready`.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        allowed_origins: frozenset[str],
        checks: dict[str, Callable[[], bool]],
        info: dict[str, Callable[[], int]],
    ) -> None:
        self._hub = hub
        self._allowed_origins = frozenset(origin.lower() for origin in allowed_origins)
        self._checks = checks
        self._info = info
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Open the port.

        Args:
            host: IP address.
            port: TCP port; 0 lets the system choose.

        Returns:
            The port in use.

        Raises:
            OSError: it can't be bound.
        """
        self._server = await ws_create_server(
            self._welcome, host, port, max_frame_size=MAX_FRAME_BYTES, backlog=1024, read_buffer_init_size=4096
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close the port, then the sockets. May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await self._hub.close()

    def _welcome(self, request: WSUpgradeRequest) -> Socket | WSUpgradeResponseWithListener | None:
        path = request.path.partition(b"?")[0]
        if path in {b"/health", b"/ready", b"/metrics"}:
            return WSUpgradeResponseWithListener(self._tell(path), None)
        if path != PATH:
            return None
        origin = request.headers.get("origin")
        if origin is not None and origin.lower() not in self._allowed_origins:
            log.warning("origin_refused", origin=origin[:200])
            return _refuse(403)
        if "upgrade" not in request.headers:
            return _refuse(426)
        if self._server is None or self._hub.is_closing or len(self._hub.sockets) >= MAX_SOCKETS:
            return _refuse(503)
        return Socket(self._hub, self._hub.needs.times)

    def _tell(self, path: bytes) -> WSUpgradeResponse:
        json = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if path == b"/metrics":
            return _typed(
                WSUpgradeResponse.create_ok_response(self._hub.metrics.render(), {"Content-Type": CONTENT_TYPE})
            )
        if path == b"/health":
            return _typed(WSUpgradeResponse.create_ok_response(b'{"status":"ok"}', json))
        checks = {name: check() for name, check in self._checks.items()}
        is_ready = all(checks.values()) and not self._hub.is_closing
        figures = {name: read() for name, read in self._info.items()}
        body = msgspec.json.encode({"status": "ready" if is_ready else "unready", "checks": checks, **figures})
        if is_ready:
            return _typed(WSUpgradeResponse.create_ok_response(body, json))
        return _typed(WSUpgradeResponse.create_error_response(503, body, json))


def _refuse(status: int) -> WSUpgradeResponseWithListener:
    return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(status), None)


def _typed(response: object) -> WSUpgradeResponse:
    """Picows' factories say they return Any."""
    if not isinstance(response, WSUpgradeResponse):
        raise TypeError(type(response))
    return response


@runtime_checkable
class Connects(Protocol):
    """A bus with a connection of its own, which begins to connect when started."""

    @property
    def is_connected(self) -> bool:
        """Whether it stands."""
        ...

    def start(self) -> None:
        """Connect now rather than on first use."""
        ...


@runtime_checkable
class Marks(Protocol):
    """Seats that must note since when they count."""

    async def start(self) -> None:
        """Note it. Raises Unavailable."""
        ...


class DoorSettings(Protocol):
    """What `Settings` says about this door."""

    @property
    def host(self) -> str:
        """Address to listen on."""
        ...

    @property
    def signaling_port(self) -> int:
        """TCP port."""
        ...

    @property
    def allowed_origins(self) -> frozenset[str]:
        """Pages that may open sockets."""
        ...


class SignalingDoor:
    """The door, composed: pool of node links, hub, server.

    Args:
        platform: services and gateways.
        settings: where to listen, and to whom.
        times: the deadlines.
    """

    def __init__(self, platform: Platform, settings: DoorSettings, times: Times | None = None) -> None:
        bus = platform.bus
        self._platform = platform
        self._settings = settings
        self._has_marker = False
        self._marking: asyncio.Task[None] | None = None
        self._pool = NodeLinkPool(
            list_nodes=platform.nodes.list_nodes,
            issue_token=platform.tokens.issue_node_link,
            on_load=platform.nodes.note_load,
        )
        self.hub = Hub(
            Needs(
                live=platform.live,
                renewals=platform.renewals,
                feed=platform.feed,
                chat=platform.chat,
                alerts=platform.alerts,
                media=MediaService(self._pool, platform.live),
                links=self._pool,
                bus=platform.bus,
                seats=platform.seats,
                presence=platform.presence,
                turn=platform.turn,
                clock=platform.clock,
                ids=platform.ids,
                times=times if times is not None else Times(),
            )
        )
        self._sign_outs = SignOuts(
            self.hub.sessions,
            bus,
            sign_ins=platform.sessions,
            enforcement=platform.sso_joining,
            api_tokens=platform.api_tokens,
            clock=platform.clock,
        )
        self._server = SignalingServer(
            self.hub,
            allowed_origins=settings.allowed_origins,
            checks={
                "redis": lambda: self._has_marker and (not isinstance(bus, Connects) or bus.is_connected),
                "postgres": lambda: self._pool.has_fresh_list,
            },
            info={"mediaNodesUp": lambda: self._pool.up_count},
        )

    async def start(self) -> int:
        """Listen at once; what is away is tried until it is there, `/ready` says so. Answers the port.

        Raises:
            OSError: the port can't be bound.
        """
        # picows tells of every TCP connection; our own log tells of every socket, with its participant.
        logging.getLogger("picows").setLevel(logging.WARNING)
        port = await self._server.listen(self._settings.host, self._settings.signaling_port)
        if isinstance(self._platform.bus, Connects):
            self._platform.bus.start()
        self._marking = asyncio.create_task(self._mark())
        self._pool.start(
            on_notification=self.hub.hear_node,
            on_up=self.hub.node_up,
            on_lost=self.hub.node_lost,
            on_draining=self.hub.node_draining,
        )
        self.hub.start()
        self._sign_outs.start()
        log.info("signaling_listens", host=self._settings.host, port=port)
        return port

    async def close(self) -> None:
        """Close sockets, links and the port; the platform stays its owner's. May be called twice."""
        if self._marking is not None:
            self._marking.cancel()
        await self._sign_outs.close()
        await self._server.close()
        await self._pool.close()

    async def _mark(self) -> None:
        """Let Redis remember since when it counts seats, before the first session needs it."""
        seats = self._platform.seats
        while not self._has_marker:
            try:
                if isinstance(seats, Marks):
                    await seats.start()
                self._has_marker = True
            except Unavailable as error:
                log.warning("redis_away", reason=error.message)
                await asyncio.sleep(READY_CHECK_S)


async def serve(platform: Platform, settings: DoorSettings) -> None:
    """Serve until SIGTERM or SIGINT, then close every socket with TRY_AGAIN.

    Raises:
        OSError: the port can't be bound.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    door = SignalingDoor(platform, settings)
    try:
        await door.start()
        await stop.wait()
    finally:
        await door.close()
        log.info("signaling_stopped")
