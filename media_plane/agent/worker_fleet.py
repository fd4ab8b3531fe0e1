"""One mediasoup worker per core, each with a WebRtcServer on a port of its own. A dead one is replaced.

A hung one is killed first, so that it never forwards again when it wakes (`worker_pulse` says when one hangs).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import structlog

from media_plane.agent.placement import WorkerFacts
from media_plane.agent.router_seats import RouterSeat, WorkerLoad
from media_plane.agent.worker_pulse import Pulse
from media_plane.channel.errors import MediaError
from media_plane.channel.values.transport import ListenInfo, Protocol
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker

RESTART_FIRST_S, RESTART_LONGEST_S = 0.05, 2.0
"""Wait before a worker that can't be started is tried again; it doubles. A death alone costs no wait."""
EXIT_WAIT_S = 1.0
"""How long a killed worker may take to give its ports back before the next one tries them."""
STEADY_AFTER_S = 10.0
"""A worker that lived this long starts afresh with no wait."""
SOCKET_BUFFER_BYTES = 0
"""SO_SNDBUF and SO_RCVBUF of the media sockets; 0 leaves the kernel's: 1 MiB forwarded no more (docs/performance.md)."""

DeathCause: TypeAlias = Literal["died", "hung"]

log = structlog.get_logger("workers")


@dataclass(slots=True, eq=False)
class _Slot:
    """A place in the fleet: the worker in it now, or None while it is being replaced."""

    index: int
    port: int
    worker: Worker | None = None
    webrtc_server: WebRtcServer | None = None
    pulse: Pulse | None = None
    load: WorkerLoad = field(default_factory=WorkerLoad)
    cpu: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether a worker is there and answers."""
        return self.worker is not None and (self.pulse is None or not self.pulse.silence.is_suspect)

    def clear(self) -> None:
        """Its worker is gone, with all it carried."""
        self.worker = self.webrtc_server = self.pulse = None
        self.load = WorkerLoad()
        self.cpu = 0.0


class WorkerFleet:
    """The node's workers.

    Args:
        binary: the worker's executable.
        count: how many, >= 1.
        base_port: worker i listens on UDP and TCP port `base_port + i`.
        listen_ip: address they bind.
        announced_address: address browsers are told instead; None: the same.
        on_death: told at once about a worker that died without being asked to, or hung and was killed.
    """

    def __init__(
        self,
        *,
        binary: Path,
        count: int,
        base_port: int,
        listen_ip: str,
        announced_address: str | None,
        on_death: Callable[[Worker, DeathCause], None],
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
        """One entry per worker, with what live sessions put on it."""
        return [
            WorkerFacts(
                index=slot.index,
                is_alive=slot.is_alive,
                routers=slot.load.routers,
                transports=slot.load.transports,
                consumers=slot.load.consumers + slot.load.expected,
                cpu=slot.cpu,
            )
            for slot in self._slots
        ]

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
        worker, server, load = slot.worker, slot.webrtc_server, slot.load
        if worker is None or server is None:
            raise LinkError(LinkErrorCode.WORKER_FAILED, "The media worker is gone.")
        # Counted from now on, so that those who ask meanwhile spread.
        load.routers += 1

        def uncount(_reason: object = None) -> None:
            load.routers -= 1

        try:
            router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
        except BaseException:
            uncount()
            raise
        router.on_close(uncount)
        return RouterSeat(index=index, worker=worker, webrtc_server=server, router=router, load=load)

    async def close(self) -> None:
        """Stop every worker. May be called twice."""
        self._is_closed = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        self._keepers = []
        workers = [slot.worker for slot in self._slots if slot.worker is not None]
        for slot in self._slots:
            slot.clear()
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
        slot.worker, slot.webrtc_server, slot.pulse = worker, server, Pulse(worker)
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
        """Watch one slot for ever and refill it whenever its worker dies or hangs."""
        loop = asyncio.get_running_loop()
        wait_s = 0.0
        while True:
            worker = slot.worker
            if worker is not None:
                born_s = loop.time()
                cause = await _death_of(slot, worker)
                slot.clear()
                log.error("worker_died", worker=slot.index, pid=worker.pid, cause=cause)
                try:
                    self._on_death(worker, cause)
                except Exception:
                    # Whoever stumbles over it must not leave the place empty for ever.
                    log.exception("worker_death_not_told", worker=slot.index, pid=worker.pid)
                await asyncio.wait({asyncio.ensure_future(worker.wait_closed())}, timeout=EXIT_WAIT_S)
                wait_s = 0.0 if loop.time() - born_s > STEADY_AFTER_S else wait_s
            await asyncio.sleep(wait_s)
            wait_s = min(RESTART_LONGEST_S, max(RESTART_FIRST_S, wait_s * 2))
            try:
                await self._fill(slot)
            except MediaError as error:
                log.warning("worker_not_restarted", worker=slot.index, reason=str(error), retry_s=wait_s)


async def _death_of(slot: _Slot, worker: Worker) -> DeathCause:
    """Wait until a worker ends, however that comes; one that hangs is killed."""
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    unregister = worker.on_close(lambda _reason: None if ended.done() else ended.set_result(None))
    assert slot.pulse is not None, "it came with the worker"
    hung = asyncio.ensure_future(slot.pulse.until_hung())
    try:
        if not worker.closed:
            await asyncio.wait({ended, hung}, return_when=asyncio.FIRST_COMPLETED)
        if worker.closed:
            return "died"
        silence = slot.pulse.silence
        log.error(
            "worker_hung",
            worker=slot.index,
            pid=worker.pid,
            silent_s=silence.lasted_s,
            own_lag_s=round(silence.lag_s, 3),
        )
        worker.kill()
        return "hung"
    finally:
        unregister()
        hung.cancel()
