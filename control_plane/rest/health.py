"""`/health`: this process lives. `/ready`: what it needs is there. `/metrics`: for Prometheus."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from litestar import Response, get
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import LiveSessionId
from control_plane.rest.callers import AnyRequest, PlatformDep
from control_plane.rest.observing import METRICS_KEY, Metrics
from control_plane.services.platform import Platform

CHECK_TIMEOUT_S = 2.0
"""How long one thing may take to answer before this process is called not ready, seconds."""
_NOBODY = LiveSessionId(UUID(int=0))
log = structlog.get_logger(__name__)


@get("/health", include_in_schema=False)
async def health() -> dict[str, str]:
    """That this process lives and answers; it says nothing about what it needs."""
    return {"status": "ok"}


@get("/ready", include_in_schema=False)
async def ready(platform: PlatformDep) -> Response[dict[str, str]]:
    """200 when PostgreSQL and Redis answer within their deadline, else 503; each as `ok` or `away`."""
    postgres, redis = await asyncio.gather(_is_postgres_there(platform), _is_redis_there(platform))
    is_ready = postgres and redis
    body = {
        "status": "ok" if is_ready else "unavailable",
        "postgres": "ok" if postgres else "away",
        "redis": "ok" if redis else "away",
    }
    return Response(body, status_code=200 if is_ready else 503)


@get("/metrics", include_in_schema=False)
async def metrics(request: AnyRequest, platform: PlatformDep) -> Response[bytes]:
    """Prometheus' text format. The figure of active rooms is left as it was when PostgreSQL is away."""
    own: Metrics = request.app.state[METRICS_KEY]
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            own.active_rooms.set(await platform.live.count_live())
    except (Unavailable, TimeoutError):
        log.warning("active rooms not counted")
    own.settle()
    body = generate_latest(own.registry) + generate_latest(_process_registry())
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _process_registry() -> CollectorRegistry:
    """Where libraries and gateways register: memory, CPU, the bus."""
    return REGISTRY


async def _is_postgres_there(platform: Platform) -> bool:
    try:
        await platform.db.ping(CHECK_TIMEOUT_S)
    except Unavailable:
        return False
    return True


async def _is_redis_there(platform: Platform) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            await platform.seats.count(_NOBODY)
    except (Unavailable, TimeoutError):
        return False
    return True
