"""Rooms, their runs, and the people in them."""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, ForeignKey, Integer, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from control_plane.stores.tables.accounts import Users
from control_plane.stores.tables.organizations import Organizations


class Rooms(Table, tablename="rooms"):
    """The lasting place. last_seq: number of its newest feed entry.

    time_zone: IANA's name, for showing next_session_at. who_may_chat: everyone, speakers or moderators.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    workspace_id = UUID(default=None)
    name = Varchar(length=80, default=None)
    slug = Varchar(length=80, default=None)
    last_seq = BigInt(default=0)
    created_at = Timestamptz(default=None)
    description = Varchar(length=500, default="")
    waiting_text = Varchar(length=500, default="")
    who_may_chat = Varchar(length=16, default="everyone")
    next_session_at = Timestamptz(default=None, null=True)
    time_zone = Varchar(length=64, default=None, null=True)
    archived_at = Timestamptz(default=None, null=True)

    rooms_own_key = Unique([organization_id, "id"])
    rooms_own_slug = Unique([organization_id, slug])


class RoomRoles(Table, tablename="room_roles"):
    """A member's role in one room, in place of the one they have in the organization. Goes with the membership."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    room_id = UUID(default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None)
    role = Varchar(length=16, default=None)
    created_at = Timestamptz(default=None)

    room_roles_one_per_person = Unique([room_id, user_id])


class LiveSessions(Table, tablename="live_sessions"):
    """One run of a room. node_id and epoch: where its media lives, and the how-manieth placement that is."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    room_id = UUID(default=None, index=True)
    node_id = UUID(default=None)
    epoch = Integer(default=1)
    started_by = UUID(default=None)
    started_at = Timestamptz(default=None)
    ended_at = Timestamptz(default=None, null=True)

    live_sessions_own_key = Unique([organization_id, "id"])


class Participants(Table, tablename="participants"):
    """A person in a live session. join_nonce: of the join token not yet used; generation: how often they were welcomed."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    live_session_id = UUID(default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None)
    display_name = Varchar(length=80, default=None)
    role = Varchar(length=16, default=None)
    join_nonce = Varchar(length=64, default=None, null=True)
    generation = Integer(default=0)
    created_at = Timestamptz(default=None)
    joined_at = Timestamptz(default=None, null=True)
    left_at = Timestamptz(default=None, null=True)
    removed_at = Timestamptz(default=None, null=True)

    participants_one_per_person = Unique([live_session_id, user_id])
