"""Prometheus metrics of the agent, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from media_plane.contract.messages import NodeLoad

CONTENT_TYPE = CONTENT_TYPE_LATEST


class NodeMetrics:
    """Counters the agent raises, gauges read when asked.

    Args:
        load: what the node carries now.
    """

    def __init__(self, load: Callable[[], NodeLoad]) -> None:
        self._load = load
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "tr_node_link_requests",
            "Requests answered on the node link.",
            ["method", "outcome"],
            registry=self._registry,
        )
        self._worker_deaths = Counter(
            "tr_node_worker_deaths",
            "Workers that died without being asked to.",
            registry=self._registry,
        )
        self._gauges = {
            field: Gauge(f"tr_node_{field}", f"{field} on this node now.", registry=self._registry)
            for field in ("cpu", "workers", "rooms", "transports", "producers", "consumers")
        }

    def count_request(self, method: str, outcome: str) -> None:
        """One request answered; outcome is `ok` or an error code."""
        self._requests.labels(method, outcome).inc()

    def count_worker_death(self) -> None:
        """One worker died."""
        self._worker_deaths.inc()

    def render(self) -> bytes:
        """The text of `GET /metrics`."""
        load = self._load()
        for field, gauge in self._gauges.items():
            gauge.set(getattr(load, field))
        return generate_latest(self._registry)
