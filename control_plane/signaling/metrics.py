"""Prometheus metrics of the signaling door."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from control_plane.domain.quality import Level
from control_plane.signaling.messages import QualityView

CONTENT_TYPE = CONTENT_TYPE_LATEST
_RTT_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.8, 1.6)
_JITTER_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
_LOSS_BUCKETS = (0.0, 0.001, 0.005, 0.01, 0.02, 0.03, 0.06, 0.1, 0.2, 0.5)
_WELCOME_BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0, 10.0)


class SignalingMetrics:
    """Counters the door raises, gauges read when asked.

    Args:
        sockets: open sockets now; sessions: live sessions held now; links: node links up now.
        quality: what was measured last of everyone with a socket here.
    """

    def __init__(
        self,
        *,
        sockets: Callable[[], int],
        sessions: Callable[[], int],
        links: Callable[[], int],
        quality: Callable[[], Iterable[QualityView]],
    ) -> None:
        self._registry = CollectorRegistry()
        self._quality = quality
        self._levels = Gauge(
            "tr_signaling_participants",
            "People with a socket here whose connection was measured, by how good it is now.",
            ["level"],
            registry=self._registry,
        )
        self._bitrates = Gauge(
            "tr_signaling_bitrate_bps",
            "Bits per second that people with a socket here send and receive now, together.",
            ["direction"],
            registry=self._registry,
        )
        self._rtt = Histogram(
            "tr_signaling_rtt_seconds", "Round trips measured.", buckets=_RTT_BUCKETS_S, registry=self._registry
        )
        self._jitter = Histogram(
            "tr_signaling_jitter_seconds",
            "Jitter measured of what people send.",
            buckets=_JITTER_BUCKETS_S,
            registry=self._registry,
        )
        self._loss = Histogram(
            "tr_signaling_packet_loss_ratio",
            "Shares of packets lost, measured; direction is the participant's own: send, receive.",
            ["direction"],
            buckets=_LOSS_BUCKETS,
            registry=self._registry,
        )
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

    def observe_quality(self, view: QualityView) -> None:
        """Someone with a socket here was measured; no tenant and no person is named."""
        if view.rtt_ms is not None:
            self._rtt.observe(view.rtt_ms / 1000)
        if view.jitter_ms is not None:
            self._jitter.observe(view.jitter_ms / 1000)
        for direction, loss in (("send", view.send_loss), ("receive", view.receive_loss)):
            if loss is not None:
                self._loss.labels(direction).observe(loss)

    def _sum_quality(self) -> None:
        views = list(self._quality())
        levels = Tally(view.level for view in views)
        for level in Level:
            self._levels.labels(level.value).set(levels[level])
        self._bitrates.labels("send").set(sum(view.send_bps or 0 for view in views))
        self._bitrates.labels("receive").set(sum(view.receive_bps or 0 for view in views))

    def render(self) -> bytes:
        """The text of `GET /metrics`: the door's own and the process's."""
        self._sum_quality()
        return generate_latest(self._registry) + generate_latest(REGISTRY)
