"""Signaling: what every message is made of. The messages are in `messages` and `media_messages`."""

from __future__ import annotations

import msgspec


class Wire(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Base of everything on the wire: camelCase JSON, unset defaults left out."""


class RequestBase(Wire, tag_field="method", forbid_unknown_fields=True):
    """A request; `id` is the browser's counter, unique while unanswered."""

    id: int


class NotificationBase(Wire, tag_field="method"):
    """Something happened; nobody answers."""
