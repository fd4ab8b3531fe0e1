"""Invitations by link: whoever has the code may come in, with the role it gives.

A code is base64url(organization id, secret): it says whose scope to open, so that accepting needs no look across tenants.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import InvalidInput, NotFound, Unauthenticated
from control_plane.domain.ids import OrganizationId
from control_plane.domain.organizations import (
    INVITATION_DEFAULT_S,
    INVITATION_LONGEST_S,
    Invitation,
    is_host_by_default,
    require_may_give,
    require_usable,
)
from control_plane.domain.plans import require_room_for_one
from control_plane.domain.roles import Permission, Role
from control_plane.services import access
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.organizations import OwnOrganization
from control_plane.services.ports import Clock, Ids
from control_plane.stores import invitations as store
from control_plane.stores import organizations as organization_store
from control_plane.stores.database import Database, ForeignKeyViolation, Transaction

SECRET_BYTES = 18
"""144 bits: not to be guessed (A19 of the targets asks for 64)."""
USES_MAX = 100_000


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation and its code, which is never shown again."""

    invitation: Invitation
    code: str


@dataclass(frozen=True, slots=True)
class InvitationService:
    """The use cases of invitations."""

    db: Database
    clock: Clock
    ids: Ids

    async def create(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        role: Role,
        max_uses: int | None,
        expires_in_s: int | None,
    ) -> NewInvitation:
        """Make an invitation.

        Args:
            caller: who asks; may not give a role above their own, nor Owner.
            organization_id: the tenant.
            role: what it gives.
            max_uses: 1-USES_MAX; None means no limit.
            expires_in_s: seconds from now, 1-INVITATION_LONGEST_S; None: INVITATION_DEFAULT_S.

        Raises:
            NotFound, Forbidden. InvalidInput: role or a number. LimitExceeded: no host is left to give. Unavailable.
        """
        lifetime_s = INVITATION_DEFAULT_S if expires_in_s is None else expires_in_s
        if not 1 <= lifetime_s <= INVITATION_LONGEST_S:
            raise InvalidInput("An invitation is good for 1 second to 90 days.", field="expiresInS")
        if max_uses is not None and not 1 <= max_uses <= USES_MAX:
            raise InvalidInput(f"An invitation is good for 1 to {USES_MAX} uses.", field="maxUses")
        secret = secrets.token_bytes(SECRET_BYTES)
        now = self.clock.now()
        invitation = Invitation(
            id=self.ids.new(),
            role=role,
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime_s),
            max_uses=max_uses,
            used_count=0,
            revoked_at=None,
        )
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            require_may_give(member.role, role)
            await _require_host_left(tx, organization_id, role)
            await store.insert_invitation(
                tx, organization_id, invitation, token_hash=_hash(secret), created_by=caller.user_id
            )
        return NewInvitation(invitation=invitation, code=_encode(organization_id, secret))

    async def list_invitations(self, caller: Caller, organization_id: OrganizationId) -> list[Invitation]:
        """Those not revoked, newest first; their codes are not known any more. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            return await store.list_invitations(tx, organization_id)

    async def revoke(self, caller: Caller, organization_id: OrganizationId, invitation_id: UUID) -> None:
        """Make an invitation good for nothing; again is harmless. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            if not await store.revoke(tx, organization_id, invitation_id, self.clock.now()):
                raise _no_invitation()

    async def accept(self, caller: Caller, code: str) -> OwnOrganization:
        """Come in by an invitation. Who is a member already stays what they are, and no use is counted.

        Raises:
            NotFound: no such code. Conflict: it is revoked, expired or used up. LimitExceeded: no host is left.
            Unauthenticated: the login is gone. Unavailable.
        """
        organization_id, secret = _decode(code)
        try:
            async with self.db.tenant(organization_id) as tx:
                return await self._accept(tx, caller, organization_id, secret)
        except ForeignKeyViolation as error:
            raise Unauthenticated("This account no longer exists.") from error

    async def _accept(
        self, tx: Transaction, caller: Caller, organization_id: OrganizationId, secret: bytes
    ) -> OwnOrganization:
        # The organization's row is locked before the invitation's, here and everywhere: no deadlock.
        organization = await organization_store.find_organization(tx, organization_id)
        if organization is None:
            raise _no_invitation()
        await lock_entitlement(tx, organization_id)
        invitation = await store.lock_by_token(tx, organization_id, _hash(secret))
        if invitation is None:
            raise _no_invitation()
        member = await organization_store.find_member(tx, organization_id, caller.user_id)
        if member is not None:
            return OwnOrganization(organization=organization, role=member.role)
        require_usable(invitation, self.clock.now())
        await _require_host_left(tx, organization_id, invitation.role)
        await organization_store.insert_member(
            tx,
            membership_id=self.ids.new(),
            organization_id=organization_id,
            user_id=caller.user_id,
            role=invitation.role,
            is_host=is_host_by_default(invitation.role),
            now=self.clock.now(),
        )
        await store.count_use(tx, invitation.id)
        return OwnOrganization(organization=organization, role=invitation.role)


async def _require_host_left(tx: Transaction, organization_id: OrganizationId, role: Role) -> None:
    if is_host_by_default(role):
        entitlement = await lock_entitlement(tx, organization_id)
        used = await organization_store.count_hosts(tx, organization_id)
        require_room_for_one("hosts", entitlement.max_hosts, used)


def _no_invitation() -> NotFound:
    return NotFound("There is no such invitation.")


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _encode(organization_id: OrganizationId, secret: bytes) -> str:
    return base64.urlsafe_b64encode(organization_id.bytes + secret).rstrip(b"=").decode()


def _decode(code: str) -> tuple[OrganizationId, bytes]:
    try:
        raw = base64.b64decode(code.strip() + "=" * (-len(code.strip()) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _no_invitation() from error
    if len(raw) != 16 + SECRET_BYTES:
        raise _no_invitation()
    return OrganizationId(UUID(bytes=raw[:16])), raw[16:]
