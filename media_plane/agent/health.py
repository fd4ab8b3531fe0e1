"""Is the node ready for live sessions? Facts in, a report out."""

from __future__ import annotations

import msgspec


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /ready`; status 200 when ready, else 503.

    Attributes:
        workers_wanted, workers_running: how many mediasoup workers should run and do.
        is_enrolled: the control plane knows the node and gave it keys.
        is_draining: the node takes no new live sessions.
    """

    workers_wanted: int
    workers_running: int
    is_enrolled: bool
    is_draining: bool

    @property
    def is_ready(self) -> bool:
        """Whether a new live session could start here. One worker less is not a reason to send rooms away."""
        return self.workers_running > 0 and self.is_enrolled and not self.is_draining

    def to_json(self) -> bytes:
        """The report with its verdict, as JSON."""
        status = "ready" if self.is_ready else "not ready"
        return msgspec.json.encode({"status": status, **msgspec.structs.asdict(self)})
