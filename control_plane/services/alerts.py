"""Alerts: posting a trade idea (design.md, b)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from control_plane.domain.alerts import AlertDraft, make_alert
from control_plane.domain.errors import Forbidden
from control_plane.domain.events import FeedEvent
from control_plane.domain.ids import AlertId
from control_plane.domain.roles import Permission
from control_plane.services.feed import Author, FeedService
from control_plane.stores import feed as store
from control_plane.stores.database import Transaction


def _price(price: Decimal) -> str:
    """A price as it is shown: plain digits, never an exponent."""
    return format(price, "f")


def alert_body(alert: AlertDraft) -> bytes:
    """The alert's fields as the feed carries them: JSON, prices as strings."""
    return msgspec.json.encode(
        {
            "symbol": alert.symbol,
            "side": alert.side.value,
            "entry": _price(alert.entry),
            "stop": None if alert.stop is None else _price(alert.stop),
            "targets": [_price(target) for target in alert.targets],
            "note": alert.note,
        }
    )


@dataclass(frozen=True, slots=True)
class AlertService:
    """Posts alerts."""

    feed: FeedService

    async def post(self, author: Author, alert_id: AlertId, draft: AlertDraft) -> FeedEvent:
        """Post an alert; committed when this returns. A repeat of the id by its author answers the first entry.

        Raises:
            Forbidden: the author may not. InvalidInput: the draft makes no sense. Conflict: the id is someone else's.
            NotFound: no such room. Unavailable.
        """
        if not author.can_post_alert:
            raise Forbidden("You can't post alerts here.", permission=Permission.POST_ALERT.value)
        alert = make_alert(draft)

        async def append(tx: Transaction, entry: FeedEvent) -> FeedEvent | None:
            return await store.append_alert(tx, author.organization_id, author.room_id, entry, alert)

        return await self.feed.post(author, "alert.posted", alert_id, alert_body(alert), append)
