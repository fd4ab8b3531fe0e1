"""Prometheus metrics of the agent, in a registry of its own."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from media_plane.contract.messages import NodeLoad, ParticipantQuality

CONTENT_TYPE = CONTENT_TYPE_LATEST
RTT_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.8, 1.6)
JITTER_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
LOSS_BUCKETS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.5)
BITRATE_BUCKETS_BPS = (32e3, 64e3, 125e3, 250e3, 500e3, 1e6, 2e6, 4e6, 8e6, 16e6)


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
            "Workers that died without being asked to, hung ones included.",
            registry=self._registry,
        )
        self._worker_hangs = Counter(
            "tr_node_worker_hangs",
            "Workers that stopped answering and were killed for it.",
            registry=self._registry,
        )
        self._gauges = {
            field: Gauge(f"tr_node_{field}", f"{field} on this node now.", registry=self._registry)
            for field in ("cpu", "workers", "rooms", "transports", "producers", "consumers")
        }

        self._quality = QualityHistograms("tr_node", self._registry)

    def observe_quality(self, quality: ParticipantQuality, *, is_publisher: bool) -> None:
        """One participant was measured: each by what they do, publishing or watching; no tenant and no person named."""
        self._quality.observe(quality, "publisher" if is_publisher else "viewer")

    def count_request(self, method: str, outcome: str) -> None:
        """One request answered; outcome is `ok` or an error code."""
        self._requests.labels(method, outcome).inc()

    def count_worker_death(self, *, was_hung: bool) -> None:
        """One worker died, by itself or because it hung and was killed."""
        self._worker_deaths.inc()
        if was_hung:
            self._worker_hangs.inc()

    def render(self) -> bytes:
        """The text of `GET /metrics`."""
        load = self._load()
        for field, gauge in self._gauges.items():
            gauge.set(getattr(load, field))
        return generate_latest(self._registry)


class QualityHistograms:
    """What measurements of participants come to: round trip, loss, jitter and bitrate, each measurement once.

    Args:
        prefix: of the metrics' names.
        registry: where they are shown.
    """

    def __init__(self, prefix: str, registry: CollectorRegistry) -> None:
        def make(name: str, text: str, labels: list[str], buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"{prefix}_{name}", text, labels, buckets=buckets, registry=registry)

        self._rtt = make("rtt_seconds", "Round trip to a participant.", ["role"], RTT_BUCKETS_S)
        self._jitter = make("jitter_seconds", "Jitter of what a participant sends.", ["role"], JITTER_BUCKETS_S)
        self._loss = make(
            "packet_loss_ratio",
            "Share of packets lost; direction is the participant's own: send, receive.",
            ["role", "direction"],
            LOSS_BUCKETS,
        )
        self._bitrate = make(
            "bitrate_bps", "Bits per second of one participant's transport.", ["role", "direction"], BITRATE_BUCKETS_BPS
        )

    def observe(self, quality: ParticipantQuality, role: str) -> None:
        """Take in one measurement; what is not known is left out."""
        if quality.rtt_ms is not None:
            self._rtt.labels(role).observe(quality.rtt_ms / 1000)
        if quality.jitter_ms is not None:
            self._jitter.labels(role).observe(quality.jitter_ms / 1000)
        for direction, loss, bitrate_bps in (
            ("send", quality.received_loss, quality.received_bps),
            ("receive", quality.sent_loss, quality.sent_bps),
        ):
            if loss is not None:
                self._loss.labels(role, direction).observe(loss)
            if bitrate_bps is not None:
                self._bitrate.labels(role, direction).observe(bitrate_bps)
