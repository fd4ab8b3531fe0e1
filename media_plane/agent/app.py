"""The process on a media node: composes the parts, runs them, and stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
import uvloop

from media_plane.agent import handlers
from media_plane.agent.draining import Drain
from media_plane.agent.enrolment import Enrolment
from media_plane.agent.health import HealthReport
from media_plane.agent.identity import NodeIdentity
from media_plane.agent.link import NodeLink
from media_plane.agent.link_server import LinkServer
from media_plane.agent.link_tokens import LinkTokens
from media_plane.agent.load import CpuMeter
from media_plane.agent.logs import configure_logs
from media_plane.agent.metrics import NodeMetrics
from media_plane.agent.node_pipes import PipeAddress
from media_plane.agent.quality_meter import QualityMeter
from media_plane.agent.rooms import Rooms
from media_plane.agent.router_seats import EDGE_IDLE_S, UNPIPE_AFTER_S, SeatRules
from media_plane.agent.sealed import seal
from media_plane.agent.settings import BadSettings, Settings, read_settings
from media_plane.agent.worker_fleet import DeathCause, WorkerFleet
from media_plane.channel.errors import MediaError
from media_plane.channel.version import WORKER_VERSION
from media_plane.contract.messages import (
    CONTRACT_VERSION,
    LOAD_INTERVAL_S,
    ORPHAN_GRACE_S,
    Empty,
    LoadTold,
    NodeDrain,
    NodeEnrolment,
    NodeLoad,
    Request,
    Wire,
)
from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.sfu.worker import Worker

ORPHAN_SWEEP_S = 1.0
"""Time between looks for orphans, seconds; shorter when the grace is short."""
WANTS_LOOK_S = 0.5
"""Time between looks for video layers that nobody watches any more, seconds."""
BAD_SETTINGS_EXIT = 2

log = structlog.get_logger("agent")


class Agent:
    """Everything of one media node.

    Args:
        settings: see `Settings`.
        node_id: UUID of the node.
        orphan_grace_s: how long media without a link is kept, seconds.
        edge_idle_s, unpipe_after_s: see `SeatRules`.
    """

    def __init__(
        self,
        settings: Settings,
        node_id: str,
        *,
        orphan_grace_s: float = ORPHAN_GRACE_S,
        edge_idle_s: float = EDGE_IDLE_S,
        unpipe_after_s: float = UNPIPE_AFTER_S,
    ) -> None:
        self.node_id = node_id
        self.worker_version = WORKER_VERSION
        self._settings = settings
        self._orphan_grace_s = orphan_grace_s
        self._tokens = LinkTokens(node_id, time.time)
        self._metrics = NodeMetrics(self.load)
        self._meter = CpuMeter(cores=os.cpu_count() or 1)
        self.fleet = _make_fleet(settings, self._worker_died)
        self._server = LinkServer(
            facts=self,
            tokens=self._tokens,
            metrics=self._metrics,
            dispatch=self._dispatch,
            on_link_closed=self._link_closed,
        )
        self.rooms = Rooms(
            workers=self.fleet,
            audience=self._server,
            now=time.monotonic,
            orphan_grace_s=orphan_grace_s,
            rules=SeatRules(
                max_consumers_per_worker=settings.max_consumers_per_worker,
                edge_idle_s=edge_idle_s,
                unpipe_after_s=unpipe_after_s,
            ),
            pipe_address=_pipe_address(settings),
        )
        self._drain = Drain(self.rooms, self._announce_load, time.monotonic)
        self._quality = QualityMeter(
            rooms=self.rooms.groups,
            metrics=self._metrics,
            now=time.monotonic,
        )
        self.enrolment = _make_enrolment(settings, node_id, self._tokens)
        self.port = settings.link_port

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the node until the block ends.

        Raises:
            MediaError: no worker came up.
            OSError: the link's port is taken.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            # The port first: it is the cheap way to find out that the node runs already.
            self.port = await self._server.listen(self._settings.bind_host, self._settings.link_port)
            await self.fleet.start()
            loops: list[Awaitable[None]] = [
                self.enrolment.run(),
                self._tell_load(),
                self._sweep_orphans(),
                self._look_at_wants(),
                self._quality.run(),
            ]
            tasks += [asyncio.ensure_future(loop) for loop in loops]
            log.info("node_started", node_id=self.node_id, port=self.port, workers=self._settings.workers)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.close()

    async def drain(self, patience_s: float, hurried: asyncio.Event) -> bool:
        """Let the live sessions go elsewhere first; answers whether all did. See `Drain.run`."""
        return await self._drain.run(patience_s, hurried)

    async def close(self) -> None:
        """Stop: no new links, no rooms, no workers. Takes at most about 4 s. May be called twice."""
        self.rooms.is_draining = True
        await self._server.close()
        self.rooms.close()
        await self.fleet.close()
        log.info("node_stopped", node_id=self.node_id)

    # --- NodeFacts ----------------------------------------------------------------------------------------------

    def load(self) -> NodeLoad:
        """What the node carries now; CPU as of the last measurement."""
        return self.rooms.load(cpu=self._meter.machine_share)

    def health(self) -> HealthReport:
        """Whether the node is ready for live sessions."""
        return HealthReport(
            workers_wanted=self._settings.workers,
            workers_running=sum(facts.is_alive for facts in self.fleet.facts()),
            is_enrolled=self._tokens.has_keys,
            is_draining=self.rooms.is_draining,
        )

    def keys_wanted(self) -> None:
        """Someone signs with a key we do not know: enrol again to learn newer ones."""
        self.enrolment.hurry()

    # --- inside -------------------------------------------------------------------------------------------------

    async def _dispatch(self, link: NodeLink, request: Request) -> Wire:
        if isinstance(request, NodeDrain):
            (self._drain.begin if request.is_draining else self._drain.cancel)()
            return Empty()
        return await handlers.dispatch(self.rooms, link, request)

    def _link_closed(self, link: NodeLink) -> None:
        self.rooms.link_lost(link)

    def _worker_died(self, worker: Worker, cause: DeathCause) -> None:
        self._metrics.count_worker_death(was_hung=cause == "hung")
        self.rooms.worker_died(worker)

    async def _tell_load(self) -> None:
        while True:
            _step("tell_load", self._measure_load)
            await asyncio.sleep(LOAD_INTERVAL_S)

    def _measure_load(self) -> None:
        pids = self.fleet.pids()
        shares = self._meter.measure([os.getpid(), *pids.values()], time.monotonic())
        self.fleet.set_cpu({index: shares.get(pid, 0.0) for index, pid in pids.items()})
        self._announce_load()

    def _announce_load(self) -> None:
        self._server.tell_all(LoadTold(load=self.load()))

    async def _look_at_wants(self) -> None:
        while True:
            await asyncio.sleep(WANTS_LOOK_S)
            for group in self.rooms.groups():
                _step("look_at_wants", group.wants.look)

    async def _sweep_orphans(self) -> None:
        while True:
            await asyncio.sleep(min(ORPHAN_SWEEP_S, self._orphan_grace_s / 4))
            _step("close_orphans", self.rooms.close_orphans)
            _step("drain", self._drain.step)


def _step(name: str, step: Callable[[], None]) -> None:
    """One turn of a loop. The loop goes on whatever one live session does."""
    try:
        step()
    except Exception:
        log.exception("step_failed", step=name)


def _make_fleet(settings: Settings, on_death: Callable[[Worker, DeathCause], None]) -> WorkerFleet:
    return WorkerFleet(
        binary=settings.worker_binary,
        count=settings.workers,
        base_port=settings.media_base_port,
        listen_ip=settings.media_listen_ip,
        announced_address=settings.media_announced_address,
        on_death=on_death,
    )


def _pipe_address(settings: Settings) -> PipeAddress | None:
    if settings.pipe_listen_ip is None:
        return None
    return PipeAddress(
        listen_ip=settings.pipe_listen_ip,
        announced_address=settings.pipe_announced_address,
        ports=settings.pipe_ports,
    )


def _make_enrolment(settings: Settings, node_id: str, tokens: LinkTokens) -> Enrolment:
    return Enrolment(
        control_url=settings.control_url,
        token=settings.enrolment_token,
        enrolment=NodeEnrolment(
            node_id=node_id,
            link_url=settings.link_url,
            region=settings.region,
            contract_version=CONTRACT_VERSION,
            worker_version=WORKER_VERSION,
            rtp_capabilities=seal(generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)),
            capacity_consumers=settings.capacity_consumers,
        ),
        accept_keys=tokens.replace_keys,
    )


async def serve(settings: Settings, node_id: str) -> None:
    """Run a node until SIGTERM or SIGINT; with a time to drain it empties itself first, unless a second signal comes."""
    stopped, hurried = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        (hurried if stopped.is_set() else stopped).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    agent = Agent(settings, node_id)
    async with agent.running():
        await stopped.wait()
        if settings.drain_s > 0:
            await agent.drain(settings.drain_s, hurried)


def main() -> int:
    """Start the agent from the environment.

    Returns:
        Exit code: 0 after a stop that was asked for, 1 when it could not start, 2 for bad settings.
    """
    try:
        settings = read_settings()
        identity = NodeIdentity(settings.data_dir)
    except BadSettings as error:
        print(f"media node: {error}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return BAD_SETTINGS_EXIT
    configure_logs(settings.log_format)
    with contextlib.closing(identity):
        try:
            uvloop.run(serve(settings, identity.node_id))
        except (MediaError, OSError) as error:
            log.error("node_failed", reason=str(error))  # noqa: TRY400 - the sentence says it, a stack would not help
            return 1
    return 0
