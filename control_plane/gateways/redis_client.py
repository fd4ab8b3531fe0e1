"""How every gateway reaches Redis or Valkey: one set of deadlines, one translation of errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from control_plane.domain.errors import Unavailable

CONNECT_TIMEOUT_S = 2.0
"""How long Redis may take to accept a connection, seconds."""
ANSWER_TIMEOUT_S = 2.0
"""How long Redis may take to answer a command, seconds."""
MAX_CONNECTIONS = 16
"""Connections of one gateway; a caller past that waits `ANSWER_TIMEOUT_S` for a free one."""


def connect(redis_url: str, *, max_connections: int = MAX_CONNECTIONS) -> Redis:
    """A client that connects on first use and repeats a command once when its connection broke.

    After a restart of Redis every pooled connection breaks on its next use; the second try finds Redis if it is there. So
    a command may run twice: everything our gateways send may (leases, buckets, events).

    Args:
        redis_url: redis:// or rediss:// address.
        max_connections: > 0.
    """
    pool = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=max_connections,
        timeout=ANSWER_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        socket_timeout=ANSWER_TIMEOUT_S,
        # RESP2: published messages come as plain lists, and every Redis since 2 speaks it.
        protocol=2,
        retry=Retry(NoBackoff(), 1),
    )
    return Redis.from_pool(pool)


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn what redis-py raises into the domain's word.

    Raises:
        Unavailable: Redis is away, too slow, still loading, or answered nonsense.
    """
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable("A service we need is away. Try again in a moment.", retry_after_s=1) from error
