"""What is said in rooms: the feed, chat messages and alerts."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Array, BigInt, ForeignKey, Integer, Numeric, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table

from control_plane.stores.tables.organizations import Organizations


class RoomEvents(Table, tablename="room_events"):
    """One entry of a room's feed. The key is (room_id, seq): the migration makes it so, Piccolo knows one column."""

    room_id = UUID(primary_key=True, default=None)
    seq = BigInt(default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    kind = Varchar(length=32, default=None)
    subject_id = UUID(default=None)
    author_id = UUID(default=None)
    author_name = Varchar(length=80, default=None)
    at = Timestamptz(default=None)
    body = JSONB(default="{}")


class ChatMessages(Table, tablename="chat_messages"):
    """Talk. author_id: a user; kept when that user is gone."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    room_id = UUID(default=None)
    author_id = UUID(default=None)
    text = Text(default=None)
    created_at = Timestamptz(default=None)


class Alerts(Table, tablename="alerts"):
    """A trade idea with prices, exact decimals."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    room_id = UUID(default=None)
    author_id = UUID(default=None)
    symbol = Varchar(length=24, default=None)
    side = Varchar(length=8, default=None)
    entry = Numeric(digits=(24, 8), default=None)
    stop = Numeric(digits=(24, 8), default=None, null=True)
    targets = Array(base_column=Numeric(digits=(24, 8), default=None), default=list)
    note = Text(default="")
    created_at = Timestamptz(default=None)


class AlertSteps(Table, tablename="alert_steps"):
    """One step of an alert's life. number: 1, 2, 3 … within the alert; target counts from 1."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    alert_id = UUID(default=None)
    number = Integer(default=None)
    kind = Varchar(length=16, default=None)
    price = Numeric(digits=(24, 8), default=None, null=True)
    fraction = Numeric(digits=(5, 4), default=None, null=True)
    target = Integer(default=None, null=True)
    author_id = UUID(default=None)
    at = Timestamptz(default=None)
