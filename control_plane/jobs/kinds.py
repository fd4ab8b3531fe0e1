"""Which kinds of effect there are, and who has them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from control_plane.domain.mail import MAIL_KIND
from control_plane.domain.webhooks import KIND as WEBHOOK_KIND
from control_plane.domain.webhooks import POLICY as WEBHOOK_POLICY
from control_plane.services.confirmations import ASKED_KIND
from control_plane.services.outbox import OutboxKind
from control_plane.services.persons import ERASE_KIND, ERASE_POLICY
from control_plane.services.platform import Platform

OF_PEOPLE = frozenset({MAIL_KIND, ASKED_KIND})
"""What a person waits for, and no outsider of a tenant's choosing can hold up."""


def kinds_of(platform: Platform) -> dict[str, OutboxKind]:
    """The outbox's kinds. A new one is a line here; a row of an unknown kind waits for a process that knows it."""
    return {
        MAIL_KIND: OutboxKind(handle=platform.mail.send),
        ASKED_KIND: OutboxKind(handle=platform.confirmations.have),
        ERASE_KIND: OutboxKind(handle=platform.persons.finish, policy=ERASE_POLICY),
        WEBHOOK_KIND: OutboxKind(handle=platform.webhook_sending.have, policy=WEBHOOK_POLICY),
    }


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds that share places.

    Attributes:
        kinds: by name.
        minds_slow: whether they ask receivers of the tenants' own choosing, which may hang.
    """

    kinds: dict[str, OutboxKind]
    minds_slow: bool


def lanes_of(kinds: Mapping[str, OutboxKind]) -> list[Lane]:
    """The kinds in their lanes. Endpoints that never answer take no place of mail."""
    people = {name: kind for name, kind in kinds.items() if name in OF_PEOPLE}
    others = {name: kind for name, kind in kinds.items() if name not in OF_PEOPLE}
    return [Lane(kinds=people, minds_slow=False), Lane(kinds=others, minds_slow=True)]
