"""Which kinds of effect there are, and who has them."""

from __future__ import annotations

from control_plane.services.outbox import OutboxKind
from control_plane.services.platform import Platform


def kinds_of(platform: Platform) -> dict[str, OutboxKind]:  # noqa: ARG001 - mail, the first kind, comes next
    """The outbox's kinds. A new one is a line here; a row of an unknown kind waits for a process that knows it."""
    return {}
