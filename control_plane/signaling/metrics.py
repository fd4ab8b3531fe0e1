"""Prometheus metrics of the signaling door."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_WELCOME_BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)


class SignalingMetrics:
    """Counters the door raises, gauges read when asked.

    Args:
        sockets: open sockets now; sessions: live sessions held now; links: node links up now.
    """

    def __init__(self, *, sockets: Callable[[], int], sessions: Callable[[], int], links: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tr_signaling_requests", "Requests answered.", ["method", "outcome"], registry=self._registry
        )
        self._closes = Counter("tr_signaling_closes", "Sockets closed, by code.", ["code"], registry=self._registry)
        self._resyncs = Counter(
            "tr_signaling_resyncs",
            "Sockets whose pushes were dropped because they read too slowly.",
            registry=self._registry,
        )
        self._resets = Counter(
            "tr_signaling_media_resets", "Times a room's media was rebuilt.", ["reason"], registry=self._registry
        )
        self._welcome = Histogram(
            "tr_signaling_welcome_seconds",
            "From hello to welcome.",
            buckets=_WELCOME_BUCKETS_S,
            registry=self._registry,
        )
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("tr_signaling_sockets", "Sockets open now.", sockets),
            ("tr_signaling_sessions", "Live sessions held by this process now.", sessions),
            ("tr_node_links_up", "Node links that stand now.", links),
        )
        for name, text, read in gauges:
            Gauge(name, text, registry=self._registry).set_function(read)

    def count_request(self, method: str, outcome: str) -> None:
        """One request answered; outcome is `ok` or an error code."""
        self._requests.labels(method, outcome).inc()

    def count_close(self, code: int) -> None:
        """One socket closed."""
        self._closes.labels(str(code)).inc()

    def count_resync(self) -> None:
        """One socket read too slowly."""
        self._resyncs.inc()

    def count_reset(self, reason: str) -> None:
        """One room's media was rebuilt."""
        self._resets.labels(reason).inc()

    def time_welcome(self, seconds: float) -> None:
        """One welcome sent, this long after its hello."""
        self._welcome.observe(seconds)

    def render(self) -> bytes:
        """The text of `GET /metrics`: the door's own and the process's."""
        return generate_latest(self._registry) + generate_latest(REGISTRY)
