"""The audit log: one entry per change. What it may hold, and how it is cut for export."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.ids import UserId

AUDIT_KEPT_AT_LEAST_DAYS = 365
"""No retention may be shorter; the database refuses to delete younger entries."""
USER_AGENT_MAX_LENGTH = 300
"""Characters kept of a browser's description of itself."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class ActorKind(StrEnum):
    """Who acts: a person, an API token of one, whoever runs the platform, or the platform itself."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, no secret
    OPERATOR = "operator"
    SYSTEM = "system"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change. action: noun.past, such as room.created; before, after: what changed, None where there was nothing.

    Holds ids and settings, never a person's name or address: erasing a person leaves it standing.
    """

    id: UUID
    at: datetime
    actor_kind: ActorKind
    actor_id: UserId | None
    token_id: UUID | None
    session_id: UUID | None
    action: str
    subject_kind: str
    subject_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    ip: str | None
    user_agent: str | None
    request_id: str | None


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries. None: any. action: whole (room.created) or a noun (room). since <= at < until.

    words: text that stands in the action, in what was done to what, in before or after, or in the name or address of the
    person who acted, while they are a member; in any case. Empty: any.
    """

    actor_id: UserId | None = None
    action: str | None = None
    subject_kind: str | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""


def changes_of(before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Only what differs, of both; keys of `after` count."""
    changed = [key for key, value in after.items() if before.get(key) != value]
    return {key: before.get(key) for key in changed}, {key: after[key] for key in changed}


def csv_cell(value: object) -> str:
    """A cell no spreadsheet takes for a formula: those beginnings get an apostrophe in front.

    Source: OWASP, "CSV Injection".
    """
    if value is None:
        return ""
    text = msgspec.json.encode(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
