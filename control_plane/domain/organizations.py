"""Organization: the tenant; its workspaces, members and invitations."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from control_plane.domain.errors import Conflict, Forbidden, InvalidInput
from control_plane.domain.ids import OrganizationId, UserId, WorkspaceId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role, outranks

TRIAL = timedelta(days=14)
"""How long a new organization may try its plan (decisions.md 12)."""
INVITATION_DEFAULT_S = 7 * 24 * 3600
INVITATION_LONGEST_S = 90 * 24 * 3600


class Organization(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The tenant. trial_ends_at: None when it never had a trial."""

    id: OrganizationId
    name: str
    slug: str
    plan_tier: PlanTier
    trial_ends_at: datetime | None
    created_at: datetime


class Workspace(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A group of rooms."""

    id: WorkspaceId
    organization_id: OrganizationId
    name: str
    slug: str
    created_at: datetime


class Member(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person in an organization. is_host: counts against the plan's hosts."""

    user_id: UserId
    email: str
    display_name: str
    role: Role
    is_host: bool
    joined_at: datetime


class Invitation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A link that lets people in. max_uses: None means no limit."""

    id: UUID
    role: Role
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    used_count: int
    revoked_at: datetime | None


def is_host_by_default(role: Role) -> bool:
    """Whether a membership of this role takes one of the plan's hosts from the start (decisions.md 11)."""
    return role in {Role.HOST, Role.OWNER}


def require_may_give(giver: Role, role: Role) -> None:
    """Refuse to hand out a role that is not the giver's to give.

    Raises:
        InvalidInput: Owner is never given by invitation: there is exactly one.
        Forbidden: the role is above the giver's own.
    """
    if role is Role.OWNER:
        raise InvalidInput("An organization has one owner; ownership is transferred, not given.", field="role")
    if outranks(role, giver):
        raise Forbidden("You can't give a role above your own.", permission="members.manage")


def require_usable(invitation: Invitation, now: datetime) -> None:
    """Refuse an invitation that is over.

    Raises:
        Conflict: facts say why: revoked, expired or used_up.
    """
    reason = None
    if invitation.revoked_at is not None:
        reason = "revoked"
    elif invitation.expires_at <= now:
        reason = "expired"
    elif invitation.max_uses is not None and invitation.used_count >= invitation.max_uses:
        reason = "used_up"
    if reason is not None:
        raise Conflict("This invitation is no longer good.", reason=reason)
