"""Organization: the tenant; its workspaces, members and invitations."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from control_plane.domain.errors import Conflict, Forbidden, InvalidInput
from control_plane.domain.ids import OrganizationId, UserId, WorkspaceId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Permission, Role, allows, outranks

TRIAL = timedelta(days=14)
"""How long a new organization may try its plan (decisions.md 12)."""
INVITATION_DEFAULT_S = 7 * 24 * 3600
INVITATION_LONGEST_S = 90 * 24 * 3600
DELETION_GRACE = timedelta(days=30)
"""How long an organization whose owner asked for its deletion can be restored."""
RETENTION_MAX_DAYS = 3650


class Organization(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The tenant. trial_ends_at: None when it never had a trial.

    deletes_at: when it is erased; None: nobody asked for it. chat_retention_days, audit_retention_days: None keeps all.
    """

    id: OrganizationId
    name: str
    slug: str
    plan_tier: PlanTier
    trial_ends_at: datetime | None
    created_at: datetime
    deletes_at: datetime | None = None
    chat_retention_days: int | None = None
    audit_retention_days: int | None = None


class Workspace(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A group of rooms."""

    id: WorkspaceId
    organization_id: OrganizationId
    name: str
    slug: str
    created_at: datetime


class Member(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A person in an organization. is_host: counts against the plan's hosts.

    role: the one that counts where it was asked for: in a room, its override. is_closing: the organization is being deleted.
    """

    user_id: UserId
    email: str
    display_name: str
    role: Role
    is_host: bool
    joined_at: datetime
    is_closing: bool = False


class Invitation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Lets people in. max_uses: None means no limit. email: whom it is for; None: whoever has the link."""

    id: UUID
    role: Role
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    used_count: int
    revoked_at: datetime | None
    email: str | None = None
    declined_at: datetime | None = None


class MemberChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a membership; None leaves it."""

    role: Role | None = None
    is_host: bool | None = None


def is_host_by_default(role: Role) -> bool:
    """Whether a membership of this role takes one of the plan's hosts from the start (decisions.md 11)."""
    return role in {Role.HOST, Role.OWNER}


def require_may_give(giver: Role, role: Role, *, is_token: bool) -> None:
    """Refuse to hand out a role that is not the giver's to give.

    Args:
        giver: of who asks, or whose API token does.
        role: to be given.
        is_token: an API token asks. An admin makes tokens of every ability, so a token that made admins would hold them all.

    Raises:
        InvalidInput: Owner is never given by invitation: there is exactly one.
        Forbidden: the role is above the giver's own, or a token's to give not at all.
    """
    if role is Role.OWNER:
        raise InvalidInput("An organization has one owner; ownership is transferred, not given.", field="role")
    if outranks(role, giver):
        raise Forbidden("You can't give a role above your own.", permission="members.manage")
    if is_token and role is Role.ADMIN:
        raise Forbidden("An API token can't make admins. Sign in as a person.", ability=None)


def may_still_give(inviter: Member | None, role: Role) -> bool:
    """Whether an invitation's maker could make it today; None: they are no member any more."""
    return inviter is not None and allows(inviter.role, Permission.MANAGE_MEMBERS) and not outranks(role, inviter.role)


def require_may_manage(manager: Role, target: Role) -> None:
    """Refuse to change or remove a member who is not below.

    Raises:
        Conflict: the target is the owner, whom only a transfer replaces.
        Forbidden: the target's role is equal or higher.
    """
    if target is Role.OWNER:
        raise Conflict("Transfer the ownership first.", reason="owner")
    if manager is not Role.OWNER and not outranks(manager, target):
        raise Forbidden("You can only manage people whose role is below yours.", permission="members.manage")


def host_flag(role: Role, wanted: bool | None, present: bool) -> bool:  # noqa: FBT001 - a flag of a row
    """Whether a membership of this role counts as one of the plan's hosts (decisions.md 11).

    Args:
        role: the new role: a Host always is one, lower roles never are, Owner and Admin on request.
        wanted: what was asked for; None: nothing.
        present: what it was.

    Raises:
        InvalidInput: asked for what the role can't be.
    """
    if role in {Role.OWNER, Role.ADMIN}:
        return present if wanted is None else wanted
    is_host = role is Role.HOST
    if wanted is not None and wanted is not is_host:
        raise InvalidInput("Only an owner or admin may choose to be a host.", field="isHost")
    return is_host


def require_retention(days: int | None, least: int, field: str) -> None:
    """Refuse a retention out of range; None keeps all.

    Raises:
        InvalidInput: not least..RETENTION_MAX_DAYS.
    """
    if days is not None and not least <= days <= RETENTION_MAX_DAYS:
        raise InvalidInput(f"A retention is {least} to {RETENTION_MAX_DAYS} days, or none.", field=field)


def require_usable(invitation: Invitation, now: datetime) -> None:
    """Refuse an invitation that is over.

    Raises:
        Conflict: facts say why: revoked, declined, expired or used_up.
    """
    reason = None
    if invitation.revoked_at is not None:
        reason = "revoked"
    elif invitation.declined_at is not None:
        reason = "declined"
    elif invitation.expires_at <= now:
        reason = "expired"
    elif invitation.max_uses is not None and invitation.used_count >= invitation.max_uses:
        reason = "used_up"
    if reason is not None:
        raise Conflict("This invitation is no longer good.", reason=reason)
