"""Effects still to be had: mail, webhooks out. Written with what caused them, done by the jobs door."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from control_plane.stores.tables.organizations import Organizations


class Outbox(Table, tablename="outbox"):
    """One effect. organization_id: null for the platform's own; dead_at: given up after its last attempt."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=True, default=None, index=True)
    kind = Varchar(length=48, default=None)
    order_key = Varchar(length=120, default=None, null=True)
    body = JSONB(default="{}")
    attempts = Integer(default=0)
    created_at = Timestamptz(default=None)
    next_attempt_at = Timestamptz(default=None)
    done_at = Timestamptz(default=None, null=True)
    dead_at = Timestamptz(default=None, null=True)
    last_error = Text(default=None, null=True)
