"""The jobs door's process: the runner, the chores, and a port that answers `/health`, `/ready` and `/metrics`."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import Protocol, cast

import msgspec
import structlog
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from control_plane.jobs.kinds import kinds_of, lanes_of
from control_plane.jobs.runner import Chore, JobMetrics, OutboxRunner, do_chores
from control_plane.services.platform import Platform

FORGET_EVERY_S = 600.0
"""How often old rows are deleted, seconds."""
RETENTION_EVERY_S = 3600.0
"""How often what is kept for a number of days is looked through, seconds."""
DOMAINS_EVERY_S = 3600.0
"""How often domains are looked for whose last look at the DNS is a day old, and providers' metadata alike, seconds."""
log = structlog.get_logger("jobs")


class DoorSettings(Protocol):
    """What `Settings` says about this door."""

    @property
    def host(self) -> str:
        """Address to listen on."""
        ...

    @property
    def jobs_port(self) -> int:
        """TCP port."""
        ...


def chores_of(platform: Platform) -> dict[str, tuple[float, Chore]]:
    """What is done every so many seconds."""
    return {
        "forget_outbox": (FORGET_EVERY_S, platform.outbox.forget),
        "forget_keys": (FORGET_EVERY_S, platform.keys.forget),
        "forget_sign_ins": (FORGET_EVERY_S, platform.sessions.forget),
        "apply_retention": (RETENTION_EVERY_S, platform.retention.apply),
        "erase_organizations": (RETENTION_EVERY_S, platform.closing.erase_due),
        "check_sso_domains": (DOMAINS_EVERY_S, platform.sso_domains.check_due),
        "read_sso_metadata": (DOMAINS_EVERY_S, platform.sso_metadata.read_due),
    }


async def serve(platform: Platform, settings: DoorSettings) -> None:
    """Work until SIGTERM or SIGINT, then let running effects end.

    Raises:
        OSError: the port can't be bound.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = JobMetrics()
    runners = [
        OutboxRunner(platform.outbox, lane.kinds, platform.bus, platform.clock, metrics, minds_slow=lane.minds_slow)
        for lane in lanes_of(kinds_of(platform))
    ]
    # picows tells of every TCP connection.
    logging.getLogger("picows").setLevel(logging.WARNING)

    def answer(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        return WSUpgradeResponseWithListener(_answer(request.path.partition(b"?")[0], runners, metrics), None)

    server = await ws_create_server(answer, settings.host, settings.jobs_port)
    log.info("jobs_door_opens", host=settings.host, port=settings.jobs_port)
    working = [asyncio.create_task(runner.run()) for runner in runners]
    working.append(asyncio.create_task(do_chores(chores_of(platform), metrics)))
    stopping = asyncio.create_task(stop.wait())
    try:
        done, _ = await asyncio.wait([*working, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            # A loop that ended is a fault of ours: raise it, so that the supervisor starts a fresh process.
            task.result()
    finally:
        server.close()
        for task in (*working, stopping):
            task.cancel()
        await asyncio.gather(*working, stopping, return_exceptions=True)
        log.info("jobs_door_closed")


def _answer(path: bytes, runners: list[OutboxRunner], metrics: JobMetrics) -> WSUpgradeResponse:
    json = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    if path == b"/metrics":
        text = generate_latest(metrics.registry) + generate_latest(REGISTRY)
        return _ok(text, {"Content-Type": CONTENT_TYPE_LATEST})
    if path == b"/health":
        return _ok(b'{"status":"ok"}', json)
    is_ready = all(runner.is_fresh for runner in runners)
    body = msgspec.json.encode(
        {"status": "ok" if is_ready else "unavailable", "postgres": "ok" if is_ready else "away"}
    )
    if path == b"/ready" and is_ready:
        return _ok(body, json)
    status = 503 if path == b"/ready" else 404
    return cast("WSUpgradeResponse", WSUpgradeResponse.create_error_response(status, body, json))


def _ok(body: bytes, headers: dict[str, str]) -> WSUpgradeResponse:
    return cast("WSUpgradeResponse", WSUpgradeResponse.create_ok_response(body, headers))
