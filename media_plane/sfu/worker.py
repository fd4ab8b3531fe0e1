"""A worker: one C++ process, one core, many routers."""

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typing_extensions import override

from media_plane.channel.channel import DEFAULT_DEADLINE_S, Channel
from media_plane.channel.codec import worker as codec
from media_plane.channel.errors import WorkerDied
from media_plane.channel.launch import START_DEADLINE_S, launch
from media_plane.channel.process import WorkerProcess
from media_plane.channel.values.transport import ListenInfo
from media_plane.channel.values.worker import LogLevel, LogTag, ResourceUsage, WorkerDump, WorkerSettings
from media_plane.ortc import capabilities
from media_plane.ortc.header_extensions import EXCLUDED_HEADER_EXTENSIONS
from media_plane.ortc.rtp import RtpCodecCapability
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.creator import Creator, choose_id
from media_plane.sfu.errors import InvalidState
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_server import WebRtcServer

log = logging.getLogger(__name__)

CLOSE_GRACE_S = 2.0
"""How long a worker asked to end may take before it is killed."""


class Worker(Closable):
    """One worker process and its routers. Made by `Worker.create`; belongs to one event loop.

    Attributes:
        pid: of the process.
        app_data: whatever the caller wants to find here again.
        on_died: told the error when the process ends without being asked to, after everything in it is closed.
        on_new_router, on_new_webrtc_server: told each one made.
    """

    def __init__(self, process: WorkerProcess, channel: Channel, app_data: Any = None) -> None:
        """For `create`, which starts the process."""
        super().__init__()
        self._process = process
        self._channel = channel
        self._routers: dict[str, Router] = {}
        self._webrtc_servers: dict[str, WebRtcServer] = {}
        self._creator = Creator(channel)
        self._death: asyncio.Future[WorkerDied] = asyncio.get_running_loop().create_future()
        self.pid = process.pid
        self.app_data = app_data
        self.on_died: Listeners[[WorkerDied]] = Listeners()
        self.on_new_router: Listeners[[Router]] = Listeners()
        self.on_new_webrtc_server: Listeners[[WebRtcServer]] = Listeners()
        process.on_exit(self._ended)

    @classmethod
    async def create(
        cls,
        *,
        binary: Path,
        settings: WorkerSettings | None = None,
        environment: Mapping[str, str] | None = None,
        start_deadline_s: float = START_DEADLINE_S,
        request_deadline_s: float = DEFAULT_DEADLINE_S,
        app_data: Any = None,
    ) -> "Worker":
        """Start a worker and prove that it speaks our version.

        Args:
            binary: the worker's executable.
            settings: what it is started with; None means the defaults.
            environment: more environment variables for it.
            start_deadline_s: seconds it may take until proven, > 0.
            request_deadline_s: seconds each request may take, > 0.
            app_data: kept on the worker.

        Raises:
            WorkerStartFailed: missing binary, wrong settings, another version, or no sign of life. Nothing is left.
        """
        process, channel = await launch(
            binary,
            settings or WorkerSettings(),
            environment=environment,
            start_deadline_s=start_deadline_s,
            request_deadline_s=request_deadline_s,
        )
        worker = cls(process, channel, app_data)
        on_new_worker.tell(worker)
        return worker

    @property
    def has_died(self) -> bool:
        """Whether the process ended without being asked to."""
        return self.close_reason == "worker_died"

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone, asked to or not."""
        return self._process.exited.done()

    @property
    def routers(self) -> list[Router]:
        """Open routers, oldest first."""
        return list(self._routers.values())

    @property
    def webrtc_servers(self) -> list[WebRtcServer]:
        """Open WebRTC servers, oldest first."""
        return list(self._webrtc_servers.values())

    async def died(self) -> WorkerDied:
        """Wait until the process ends without being asked to.

        Returns:
            How it ended.

        Raises:
            InvalidState: it was closed instead, so it will not die any more.
        """
        return await asyncio.shield(self._death)

    def kill(self) -> None:
        """End a process that does not answer any more: at once, and told as its death.

        It never runs again, even where it is stopped, and forwards nothing more. Requests that wait for it fail now; the
        ports it listened on are free after `wait_closed`. Harmless when it is closed.
        """
        if not self.closed:
            self._process.kill()
            self._ended(-signal.SIGKILL)

    async def wait_closed(self) -> None:
        """Wait until the process is gone, after `close()`: at most `CLOSE_GRACE_S` and a kill."""
        await asyncio.shield(self._process.exited)

    async def dump(self) -> WorkerDump:
        """The worker's objects. Raises MediaError."""
        return await self._channel.request(codec.dump())

    async def get_resource_usage(self) -> ResourceUsage:
        """CPU time and memory of the process. Raises MediaError."""
        return await self._channel.request(codec.get_resource_usage())

    async def update_settings(
        self, *, log_level: LogLevel | None = None, log_tags: Sequence[LogTag] | None = None
    ) -> None:
        """Change what it logs; None leaves a setting as it is. Raises MediaError."""
        await self._channel.request(codec.update_settings(log_level, log_tags))

    async def create_webrtc_server(
        self, *, listen_infos: Sequence[ListenInfo], webrtc_server_id: str | None = None, app_data: Any = None
    ) -> WebRtcServer:
        """Open the sockets that WebRTC transports will share.

        Args:
            listen_infos: at least one address; one UDP and one TCP port are usual.
            webrtc_server_id: unique in the worker; None makes one.
            app_data: kept on the server.

        Raises:
            WorkerRejected: an address can't be bound.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        self._require_alive()
        server_id = choose_id(webrtc_server_id)
        await self._creator.create(
            server_id,
            codec.create_webrtc_server(server_id, listen_infos),
            lambda: codec.close_webrtc_server(server_id),
            self,
        )
        server = WebRtcServer(
            channel=self._channel, server_id=server_id, forget=self._forget_webrtc_server, app_data=app_data
        )
        self._webrtc_servers[server_id] = server
        self.on_new_webrtc_server.tell(server)
        return server

    async def create_router(
        self,
        *,
        media_codecs: Sequence[RtpCodecCapability] = (),
        router_id: str | None = None,
        excluded_header_extensions: frozenset[str] = EXCLUDED_HEADER_EXTENSIONS,
        app_data: Any = None,
    ) -> Router:
        """Make a router.

        Args:
            media_codecs: what it can pass on, preferred first, without RTX; none is fine for data only.
            router_id: unique in the worker; None makes one.
            excluded_header_extensions: URIs it doesn't offer; `ortc.header_extensions` says why there are some.
            app_data: kept on the router.

        Raises:
            NegotiationError: codecs the worker doesn't have.
            MediaError: see `errors`. Cancelled or failed, nothing is left in the worker.
        """
        rtp_capabilities = capabilities.generate_router_rtp_capabilities(
            media_codecs, excluded_header_extensions=excluded_header_extensions
        )
        self._require_alive()
        chosen = choose_id(router_id)
        await self._creator.create(chosen, codec.create_router(chosen), lambda: codec.close_router(chosen), self)
        router = Router(
            channel=self._channel,
            router_id=chosen,
            rtp_capabilities=rtp_capabilities,
            forget=self._forget_router,
            excluded_header_extensions=excluded_header_extensions,
            app_data=app_data,
        )
        self._routers[chosen] = router
        self.on_new_router.tell(router)
        return router

    def _require_alive(self) -> None:
        if self._death.done() and self._death.exception() is None:
            died = self._death.result()
            raise WorkerDied(died.pid, died.exit_status)
        self.require_open()

    @override
    def _shut(self, reason: CloseReason) -> None:
        if reason == "closed":
            self._channel.notify(codec.close())
            self._channel.close()
            timer = asyncio.get_running_loop().call_later(CLOSE_GRACE_S, self._process.kill)
            self._process.on_exit(lambda _status: timer.cancel())
            if not self._death.done():
                self._death.set_exception(InvalidState("The worker was closed."))
                self._death.exception()  # Nobody has to wait for it.
        below: CloseReason = "worker_closed" if reason == "closed" else "worker_died"
        for child in (*self.webrtc_servers, *self.routers):
            child.closed_by(below)

    def _ended(self, exit_status: int) -> None:
        if self.closed:
            return
        error = WorkerDied(self.pid, exit_status)
        log.error("%s", error)
        self._channel.close(lambda: WorkerDied(self.pid, exit_status))
        self._death.set_result(error)
        self.closed_by("worker_died")
        self.on_died.tell(error)

    def _forget_router(self, router: Router) -> None:
        self._routers.pop(router.id, None)
        self._creator.release(router.id)

    def _forget_webrtc_server(self, server: WebRtcServer) -> None:
        self._webrtc_servers.pop(server.id, None)
        self._creator.release(server.id)


on_new_worker: Listeners[[Worker]] = Listeners()
"""Told each worker that `Worker.create` starts in this process."""
