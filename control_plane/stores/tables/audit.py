"""Who changed what: only added to."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from control_plane.stores.tables.organizations import Organizations


class AuditLog(Table, tablename="audit_log"):
    """One change. Holds ids and settings, never a person's name or address, so that erasing a person leaves it standing.

    actor_kind: user, token, operator or system; before, after: JSON objects of what changed; None where there was nothing.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    at = Timestamptz(default=None)
    actor_kind = Varchar(length=16, default=None)
    actor_id = UUID(default=None, null=True)
    token_id = UUID(default=None, null=True)
    session_id = UUID(default=None, null=True)
    action = Varchar(length=64, default=None)
    subject_kind = Varchar(length=32, default=None)
    subject_id = UUID(default=None, null=True)
    before = JSONB(default=None, null=True)
    after = JSONB(default=None, null=True)
    ip = Varchar(length=64, default=None, null=True)
    user_agent = Varchar(length=300, default=None, null=True)
    request_id = Varchar(length=64, default=None, null=True)
