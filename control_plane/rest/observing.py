"""Around every request: an id, a log line, figures for Prometheus, and the headers every answer carries."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from control_plane.logs import AccessLog
from control_plane.rest.answers import Answer

METRICS_KEY = "metrics"
"""Under which the app's state keeps `Metrics`."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What is counted by its name; any other word a stranger sends is one method together."""
QUIET_PATHS = frozenset({"/health", "/ready", "/metrics"})
"""Asked every few seconds by machines: counted, not logged."""
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SETTLE_S = 0.02
"""How long a straight answer may wait to be counted and logged, seconds: those that come together cost a third less so,
and a process that is killed keeps this much of its log to itself."""
log = AccessLog("control_plane.access")


class Metrics:
    """The figures of one REST door."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("tr_http_requests", "HTTP requests answered.", labels, registry=self.registry)
        self.latency = Histogram(
            "tr_http_request_duration_seconds",
            "From the request's head to the answer's end.",
            ("method", "route"),
            registry=self.registry,
            buckets=BUCKETS_S,
        )
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.active_rooms = Gauge("tr_active_rooms", "Live sessions of all tenants.", registry=self.registry)
        self.settle: Callable[[], None] = _nothing
        """Counts what was answered and not counted yet; call it before reading."""

    def note(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count an answer. route: its template, so that there are few."""
        key = method, route, status
        found = self._children.get(key)
        if found is None:
            # Looked up once: the library locks and sorts labels every time.
            found = self.requests.labels(method, route, str(status)), self.latency.labels(method, route)
            self._children[key] = found
        found[0].inc()
        found[1].observe(duration_s)


class Observed:
    """The ASGI app that stands around another one.

    Args:
        app: what answers.
        metrics: where to count.
        headers: added to every answer that does not carry them yet.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, headers: Mapping[str, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.lines = b"".join(b"%b: %b\r\n" % header for header in self._headers)
        """The same as they are sent."""
        self._due: list[tuple[float, Any, int, float]] = []
        """Straight answers that are neither counted nor logged yet: when, scope, status and duration in seconds."""
        metrics.settle = self.settle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Anything but HTTP passes through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _begin(scope)
        status = 500

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", []))
                present = {name.lower() for name, _ in headers}
                headers += [(name, value) for name, value in self._headers if name not in present]
                headers.append((b"x-request-id", request_id.encode()))
                message["headers"] = headers
            await send(message)

        started_at = time.perf_counter()
        bound = structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_observed)
        finally:
            self._note([(time.time(), scope, status, time.perf_counter() - started_at)])
            structlog.contextvars.reset_contextvars(**bound)

    async def watch(self, scope: Any, answering: Coroutine[Any, Any, Answer]) -> Answer:
        """As `__call__`, of a request that is answered as a whole by a task of its own, whose context it leaves bound.

        Who sends the answer adds `lines`.
        """
        request_id = _begin(scope)
        status = 500
        started_at = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            answer = await answering
            status = answer.status
        finally:
            if not self._due:
                asyncio.get_running_loop().call_later(SETTLE_S, self.settle)
            self._due.append((time.time(), scope, status, time.perf_counter() - started_at))
        return Answer(status, [*answer.headers, (b"x-request-id", request_id.encode())], answer.body)

    def settle(self) -> None:
        """Count and log the straight answers that wait for it."""
        due, self._due = self._due, []
        self._note(due)

    def _note(self, answers: Sequence[tuple[float, Any, int, float]]) -> None:
        """Count and log. answers: when, Unix seconds, scope, status, and duration in seconds."""
        lines = []
        for at, scope, status, duration_s in answers:
            method, path = scope["method"], scope["path"]
            # The template and never the path: ids would make as many series as there are rooms.
            route = scope.get("path_template") or "unmatched"
            self._metrics.note(method if method in METHODS else "OTHER", route, status, duration_s)
            if path not in QUIET_PATHS:
                # Without the query: it may hold what is not for logs.
                facts = {"request_id": scope["request_id"], "method": method, "path": path, "status": status}
                lines.append((at, {**facts, "ms": round(duration_s * 1000, 1)}))
        if lines:
            log.write("request", lines)


def _begin(scope: Any) -> str:
    """Give a request its id."""
    request_id = os.urandom(16).hex()
    # The framework's errors show it, so a person can quote it.
    scope["request_id"] = request_id
    return request_id


def _nothing() -> None:
    """There is nothing to do."""
