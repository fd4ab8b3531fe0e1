"""Tenants, their members, workspaces and invitations."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Boolean, Bytea, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from control_plane.stores.tables.accounts import Users


class Organizations(Table, tablename="organizations"):
    """The tenant. plan_tier: an entry of the price list (domain/plans.py).

    deletes_at: when it is erased, after its owner asked for it; chat_retention_days, audit_retention_days: None keeps all.
    """

    id = UUID(primary_key=True, default=None)
    name = Varchar(length=80, default=None)
    slug = Varchar(length=80, unique=True, default=None)
    plan_tier = Varchar(length=16, default=None)
    trial_ends_at = Timestamptz(default=None, null=True)
    created_at = Timestamptz(default=None)
    deletes_at = Timestamptz(default=None, null=True)
    chat_retention_days = Integer(default=None, null=True)
    audit_retention_days = Integer(default=None, null=True)


class EntitlementOverrides(Table, tablename="entitlement_overrides"):
    """What an organization may do beyond, or short of, its plan. limits: fields of `Entitlement` as JSON; null: no limit.

    Written by operators (the platform role), read by the tenant.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None, unique=True)
    limits = JSONB(default="{}")
    note = Text(default="")
    updated_at = Timestamptz(default=None)


class Memberships(Table, tablename="memberships"):
    """A person in an organization. is_host: counts against the plan's hosts (decisions.md 11)."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    role = Varchar(length=16, default=None)
    is_host = Boolean(default=False)
    created_at = Timestamptz(default=None)

    memberships_one_per_person = Unique([organization_id, user_id])


class Workspaces(Table, tablename="workspaces"):
    """A group of rooms."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    name = Varchar(length=80, default=None)
    slug = Varchar(length=80, default=None)
    created_at = Timestamptz(default=None)

    workspaces_own_key = Unique([organization_id, "id"])
    workspaces_own_slug = Unique([organization_id, slug])


class Invitations(Table, tablename="invitations"):
    """Lets people in. token_hash: SHA-256 of its secret; max_uses: None means no limit.

    email: whom it is for, lower case; None: whoever has the link. declined_at: they said no.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    token_hash = Bytea(unique=True, default=None)
    role = Varchar(length=16, default=None)
    created_by = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    max_uses = Integer(default=None, null=True)
    used_count = Integer(default=0)
    revoked_at = Timestamptz(default=None, null=True)
    email = Varchar(length=254, default=None, null=True)
    declined_at = Timestamptz(default=None, null=True)
