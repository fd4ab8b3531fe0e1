"""One mediasoup worker per core, each with a WebRtcServer on a port of its own. A dead one is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from media_plane.agent.placement import WorkerFacts
from media_plane.agent.router_seats import RouterSeat
from media_plane.channel.errors import MediaError
from media_plane.channel.values.transport import ListenInfo, Protocol
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker

RESTART_FIRST_S, RESTART_LONGEST_S = 0.05, 2.0
"""Wait before a worker that can't be started is tried again; it doubles. A death alone costs no wait."""
STEADY_AFTER_S = 10.0
"""A worker that lived this long starts afresh with no wait."""
SOCKET_BUFFER_BYTES = 0
"""SO_SNDBUF and SO_RCVBUF of the media sockets; 0 leaves the kernel's until measured (issue 4)."""

log = structlog.get_logger("workers")


@dataclass(slots=True, eq=False)
class _Slot:
    """A place in the fleet: the worker in it now, or None while it is being replaced."""

    index: int
    port: int
    worker: Worker | None = None
    webrtc_server: WebRtcServer | None = None
    cpu: float = 0.0


class WorkerFleet:
    """The node's workers.

    Args:
        binary: the worker's executable.
        count: how many, >= 1.
        base_port: worker i listens on UDP and TCP port `base_port + i`.
        listen_ip: address they bind.
        announced_address: address browsers are told instead; None: the same.
        on_death: told at once about a worker that died without being asked to.
    """

    def __init__(
        self,
        *,
        binary: Path,
        count: int,
        base_port: int,
        listen_ip: str,
        announced_address: str | None,
        on_death: Callable[[Worker], None],
    ) -> None:
        self._binary = binary
        self._listen_ip = listen_ip
        self._announced_address = announced_address
        self._on_death = on_death
        self._slots = [_Slot(index, base_port + index) for index in range(count)]
        self._keepers: list[asyncio.Task[None]] = []
        self._is_closed = False

    async def start(self) -> None:
        """Start every worker, all at once.

        Raises:
            MediaError: one did not come up: binary, version, or its port is taken. None is left running.
        """
        outcomes = await asyncio.gather(*(self._fill(slot) for slot in self._slots), return_exceptions=True)
        failures = [outcome for outcome in outcomes if outcome is not None]
        if failures:
            await self.close()
            raise failures[0]
        self._keepers = [asyncio.ensure_future(self._keep(slot)) for slot in self._slots]

    def facts(self) -> list[WorkerFacts]:
        """One entry per worker; counts of media are 0."""
        return [WorkerFacts(index=slot.index, is_alive=slot.worker is not None, cpu=slot.cpu) for slot in self._slots]

    def pids(self) -> dict[int, int]:
        """Index in the fleet -> process id of the worker there now."""
        return {slot.index: slot.worker.pid for slot in self._slots if slot.worker is not None}

    def set_cpu(self, shares: Mapping[int, float]) -> None:
        """Remember how busy each worker was.

        Args:
            shares: index -> share of one core, 0.0-1.0.
        """
        for slot in self._slots:
            slot.cpu = shares.get(slot.index, 0.0)

    async def open_router(self, index: int) -> RouterSeat:
        """A new router on a worker.

        Args:
            index: the worker's place, as in `facts`.

        Raises:
            LinkError: worker_failed, when the worker is gone.
            MediaError: the worker refused or did not answer.
        """
        slot = self._slots[index]
        worker, server = slot.worker, slot.webrtc_server
        if worker is None or server is None:
            raise LinkError(LinkErrorCode.WORKER_FAILED, "The media worker is gone.")
        router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
        return RouterSeat(index=index, worker=worker, webrtc_server=server, router=router)

    async def close(self) -> None:
        """Stop every worker. May be called twice."""
        self._is_closed = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers = []
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        for slot in self._slots:
            slot.worker = slot.webrtc_server = None
        for worker in workers:
            worker.close()
        await asyncio.gather(*(worker.wait_closed() for worker in workers), return_exceptions=True)

    async def _fill(self, slot: _Slot) -> None:
        """Put a running worker with its server into a slot. Raises MediaError, and then leaves nothing behind."""
        worker = await Worker.create(binary=self._binary)
        try:
            server = await worker.create_webrtc_server(listen_infos=self._listen_infos(slot.port))
        except BaseException:
            worker.close()
            raise
        slot.worker, slot.webrtc_server = worker, server
        log.info("worker_started", worker=slot.index, pid=worker.pid, port=slot.port)

    def _listen_infos(self, port: int) -> list[ListenInfo]:
        protocols: tuple[Protocol, ...] = ("udp", "tcp")
        return [
            ListenInfo(
                protocol=protocol,
                ip=self._listen_ip,
                announced_address=self._announced_address,
                port=port,
                send_buffer_size=SOCKET_BUFFER_BYTES,
                recv_buffer_size=SOCKET_BUFFER_BYTES,
            )
            for protocol in protocols
        ]

    async def _keep(self, slot: _Slot) -> None:
        """Watch one slot for ever and refill it whenever its worker dies."""
        loop = asyncio.get_running_loop()
        wait_s = 0.0
        while True:
            worker = slot.worker
            if worker is not None:
                born_s = loop.time()
                await _end_of(worker)
                slot.worker = slot.webrtc_server = None
                slot.cpu = 0.0
                log.error("worker_died", worker=slot.index, pid=worker.pid)
                self._on_death(worker)
                wait_s = 0.0 if loop.time() - born_s > STEADY_AFTER_S else wait_s
            await asyncio.sleep(wait_s)
            wait_s = min(RESTART_LONGEST_S, max(RESTART_FIRST_S, wait_s * 2))
            try:
                await self._fill(slot)
            except MediaError as error:
                log.warning("worker_not_restarted", worker=slot.index, reason=str(error), retry_s=wait_s)


async def _end_of(worker: Worker) -> None:
    """Wait until a worker is closed, however that came."""
    ended = asyncio.Event()
    unregister = worker.on_close(lambda _reason: ended.set())
    try:
        if not worker.closed:
            await ended.wait()
    finally:
        unregister()
