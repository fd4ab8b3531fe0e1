"""Invitations: by link whoever has the code may come in, by e-mail only who has the address; with the role it gives.

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

from control_plane.domain.accounts import clean_email
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, InvalidInput, NotFound, RateLimited, Unauthenticated
from control_plane.domain.ids import OrganizationId
from control_plane.domain.mail import MAILS, MAILS_PER_S, Template, mail_bucket
from control_plane.domain.organizations import (
    INVITATION_DEFAULT_S,
    INVITATION_LONGEST_S,
    Invitation,
    Member,
    is_host_by_default,
    may_still_give,
    require_may_give,
    require_usable,
)
from control_plane.domain.origins import plain_name
from control_plane.domain.plans import LETTERS_PER_DAY, PlanTier, require_room_for_one
from control_plane.domain.roles import Permission, Role
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement, read_entitlement
from control_plane.services.mail import MailService
from control_plane.services.organizations import OwnOrganization
from control_plane.services.ports import Clock, Ids, RateLimits
from control_plane.stores import invitations as store
from control_plane.stores import organizations as organization_store
from control_plane.stores.database import Database, ForeignKeyViolation, Transaction, UniqueViolation
from control_plane.stores.invitations import OwnInvitation

SECRET_BYTES = 18
"""144 bits: not to be guessed (A19 of the targets asks for 64)."""
USES_MAX = 100_000
DAY_S = 86_400
OWN_LISTED = 50
"""Invitations to one person that are listed, the newest: each is looked at in a scope of its organization's."""


class NewInvitation(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation and its code, which is never shown again."""

    invitation: Invitation
    code: str


LETTER = Template(
    subject="{inviter} invites you to {organization}",
    lines=("{inviter} invites you to join {organization} as {role}. The link is for this address only.",),
    button="Accept the invitation",
    closing="If you do not know them, you can ignore this mail.",
)


@dataclass(frozen=True, slots=True)
class InvitationService:
    """The use cases of invitations.

    Attributes:
        is_ours: False when another issuer signs people in: whether it ever wrote to an address, its tokens do not say, so
            that only the letter's own code proves the address there.
    """

    db: Database
    clock: Clock
    ids: Ids
    mail: MailService
    rate_limits: RateLimits
    public_url: str
    is_ours: bool = True

    async def create(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        role: Role,
        max_uses: int | None,
        expires_in_s: int | None,
        email: str | None = None,
    ) -> NewInvitation:
        """Make an invitation; one by e-mail is sent, is for that address only, and good once.

        Args:
            caller: who asks; may not give a role above their own, nor Owner.
            organization_id: the tenant.
            role: what it gives.
            max_uses: 1-USES_MAX; None means no limit, by e-mail one.
            expires_in_s: seconds from now, 1-INVITATION_LONGEST_S; None: INVITATION_DEFAULT_S.
            email: whom it is for; None: whoever has the link.

        Raises:
            NotFound, Forbidden. InvalidInput: role, address or a number. LimitExceeded: no host is left to give.
            Conflict: the address is invited already, or a member's. RateLimited: it got enough mail lately, or who asks or
            the organization sent enough. Unavailable.
        """
        address = None if email is None else clean_email(email)
        if address is not None:
            async with self.db.tenant(organization_id) as tx:
                await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
                entitlement = await read_entitlement(tx, organization_id)
            await self._limit_mails(caller, organization_id, entitlement.tier, address)
        secret = secrets.token_bytes(SECRET_BYTES)
        now = self.clock.now()
        invitation = Invitation(
            id=self.ids.new(),
            role=role,
            created_at=now,
            expires_at=now + _lifetime(expires_in_s),
            max_uses=_uses(max_uses, address),
            used_count=0,
            revoked_at=None,
            email=address,
        )
        try:
            async with self.db.tenant(organization_id) as tx:
                member = await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
                require_may_give(member.role, role, is_token=caller.token_id is not None)
                await _require_host_left(tx, organization_id, role)
                if address is not None and await store.is_member(tx, organization_id, address):
                    raise Conflict("They are a member already.", reason="member")
                await store.revoke_expired(tx, organization_id, address, now)
                await store.insert_invitation(
                    tx, organization_id, invitation, token_hash=_hash(secret), created_by=caller.user_id
                )
                await self._send(tx, organization_id, invitation, secret, member)
                await _note(tx, caller, organization_id, "invitation.created", invitation)
        except UniqueViolation as error:
            raise Conflict("This address is invited already. Send the invitation again.", reason="invited") from error
        return NewInvitation(invitation=invitation, code=_encode(organization_id, secret))

    async def _limit_mails(self, caller: Caller, organization_id: OrganizationId, tier: PlanTier, address: str) -> None:
        """Take one of the mails that who asks, their organization and the address may have; outside a scope.

        Raises:
            RateLimited: facts name what is empty as limit: invitations (of a day), or mail (the address's). Unavailable.
        """
        a_day = LETTERS_PER_DAY[tier]
        for whose in (f"person:{caller.user_id}", f"organization:{organization_id}"):
            # A bucket for each size: a small one would cut a large one down.
            key = f"invitations:{a_day}:{whose}"
            wait_s = await self.rate_limits.take(key, capacity=a_day, refill_per_s=a_day / DAY_S)
            if wait_s > 0:
                words = f"{a_day} invitations a day are sent by mail. Invite by link, or try again later."
                raise RateLimited(words, retry_after_s=round(wait_s, 3), limit="invitations", allowed=a_day)
        wait_s = await self.rate_limits.take(mail_bucket(address), capacity=MAILS, refill_per_s=MAILS_PER_S)
        if wait_s > 0:
            words = "This address was sent enough mail for now. Try again later."
            raise RateLimited(words, retry_after_s=round(wait_s, 3), limit="mail")

    async def _send(
        self, tx: Transaction, organization_id: OrganizationId, invitation: Invitation, secret: bytes, by: Member
    ) -> None:
        if invitation.email is None:
            return
        organization = await organization_store.find_organization(tx, organization_id)
        facts = {
            # Only what a name needs: an address in it would make our letter somebody's bait.
            "inviter": plain_name(by.display_name) or "A member",
            "organization": ("" if organization is None else plain_name(organization.name)) or "an organization",
            "role": invitation.role.value.replace("_", "-"),
            "link": f"{self.public_url}/invite/{_encode(organization_id, secret)}",
        }
        await self.mail.put_letter(tx, invitation.email, LETTER, facts, organization_id=organization_id)

    async def resend(self, caller: Caller, organization_id: OrganizationId, invitation_id: UUID) -> NewInvitation:
        """Send an invitation by e-mail again, with a new code and the default lifetime; the old code is void.

        Raises:
            NotFound, Forbidden. Conflict: it is over, or by link. RateLimited: as `create`. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            known = await store.lock_by_id(tx, organization_id, invitation_id)
            entitlement = await read_entitlement(tx, organization_id)
        if known is not None and known.email is not None:
            await self._limit_mails(caller, organization_id, entitlement.tier, known.email)
        secret, now = secrets.token_bytes(SECRET_BYTES), self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            await lock_entitlement(tx, organization_id)
            found = await store.lock_by_id(tx, organization_id, invitation_id)
            if found is None:
                raise _no_invitation()
            if found.email is None:
                raise Conflict("An invitation by link is not sent.", reason="by_link")
            require_may_give(member.role, found.role, is_token=caller.token_id is not None)
            renewed = msgspec.structs.replace(found, expires_at=now + timedelta(seconds=INVITATION_DEFAULT_S))
            require_usable(renewed, now)
            await store.renew(tx, invitation_id, _hash(secret), renewed.expires_at, caller.user_id)
            await self._send(tx, organization_id, renewed, secret, member)
            await _note(tx, caller, organization_id, "invitation.resent", renewed)
        return NewInvitation(invitation=renewed, code=_encode(organization_id, secret))

    async def list_invitations(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        before: UUID | None = None,
        limit: int | None = None,
    ) -> list[Invitation]:
        """Those not revoked, newest first; their codes are not known any more. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            return await store.list_invitations(tx, organization_id, before=before, limit=limit)

    async def revoke(self, caller: Caller, organization_id: OrganizationId, invitation_id: UUID) -> None:
        """Make an invitation good for nothing; again is harmless. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_MEMBERS)
            found = await store.lock_by_id(tx, organization_id, invitation_id)
            if found is None:
                raise _no_invitation()
            await store.revoke(tx, organization_id, invitation_id, self.clock.now())
            await _note(tx, caller, organization_id, "invitation.revoked", found)

    # --- the one who is invited

    async def list_own(self, caller: Caller) -> list[OwnInvitation]:
        """Invitations to the caller's address that can be accepted now, of the newest OWN_LISTED. Raises Unavailable.

        None where another issuer signs people in: the code of the letter is needed there.
        One whose maker may no longer give it is not among them, as `accept` refuses it: until somebody sends it again.
        """
        if not self.is_ours:
            return []
        async with self.db.user(caller.user_id) as tx:
            found = await store.list_own(tx, self.clock.now(), OWN_LISTED)
        return [one for one in found if await self._stands(one)]

    async def _stands(self, one: OwnInvitation) -> bool:
        """Whether its organization stays and its maker may still give it: only the tenant's scope sees who that is."""
        async with self.db.tenant(one.organization_id) as tx:
            organization = await organization_store.find_organization(tx, one.organization_id)
            if organization is None or organization.deletes_at is not None:
                return False
            return await _may_still_give(tx, one.organization_id, one.invitation)

    async def accept_own(self, caller: Caller, invitation_id: UUID) -> OwnOrganization:
        """Come in by an invitation to the caller's address. Raises as `accept`."""
        organization_id = await self._find_own(caller, invitation_id)
        return await self._come_in(caller, organization_id, invitation_id)

    async def decline_own(self, caller: Caller, invitation_id: UUID) -> None:
        """Say no: the invitation is over. Raises NotFound, Unavailable."""
        organization_id = await self._find_own(caller, invitation_id)
        async with self.db.tenant(organization_id) as tx:
            found = await store.lock_by_id(tx, organization_id, invitation_id)
            if found is None:
                raise _no_invitation()
            await store.decline(tx, invitation_id, self.clock.now())
            await _note(tx, caller, organization_id, "invitation.declined", found)

    async def _find_own(self, caller: Caller, invitation_id: UUID) -> OrganizationId:
        if not self.is_ours:
            raise _no_invitation()
        async with self.db.user(caller.user_id) as tx:
            found = await store.find_own(tx, invitation_id)
        if found is None:
            raise _no_invitation()
        return found

    async def accept(self, caller: Caller, code: str) -> OwnOrganization:
        """Come in by an invitation's code. Who is a member already stays what they are, and no use is counted.

        Raises:
            NotFound: no such code, or it is for another address. Conflict: it is revoked, declined, expired or used up.
            LimitExceeded: no host is left. Unauthenticated: the login is gone. Unavailable.
        """
        organization_id, secret = _decode(code)
        return await self._come_in(caller, organization_id, _hash(secret))

    async def _come_in(self, caller: Caller, organization_id: OrganizationId, key: UUID | bytes) -> OwnOrganization:
        # A token says what the address was when it was made: who changed it since has given that one up.
        async with self.db.user(caller.user_id) as tx:
            address = await store.read_address(tx, caller.user_id)
        try:
            async with self.db.tenant(organization_id) as tx:
                return await self._accept(tx, caller, organization_id, key, address)
        except ForeignKeyViolation as error:
            raise Unauthenticated("This account no longer exists.") from error

    async def _accept(
        self, tx: Transaction, caller: Caller, organization_id: OrganizationId, key: UUID | bytes, address: str | None
    ) -> OwnOrganization:
        # The organization's row is locked before the invitation's, here and everywhere: no deadlock.
        organization = await organization_store.find_organization(tx, organization_id)
        if organization is None:
            raise _no_invitation()
        await lock_entitlement(tx, organization_id)
        find = store.lock_by_id if isinstance(key, UUID) else store.lock_by_token
        invitation = await find(tx, organization_id, key)  # type: ignore[arg-type]  # by the kind of key
        # One for another address is none: who finds the mail of somebody else learns nothing by trying.
        if invitation is None or (invitation.email is not None and invitation.email != address):
            raise _no_invitation()
        member = await organization_store.find_member(tx, organization_id, caller.user_id)
        if member is not None:
            return OwnOrganization(organization=organization, role=member.role)
        require_usable(invitation, self.clock.now())
        await _require_inviter(tx, organization_id, invitation)
        if organization.deletes_at is not None:
            raise Conflict("This organization is being deleted.", reason="closing")
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
        after = {"role": invitation.role.value, "invitationId": str(invitation.id)}
        await audit.note(tx, caller, organization_id, "member.joined", ("user", caller.user_id), after=after)
        return OwnOrganization(organization=organization, role=invitation.role)


def _lifetime(expires_in_s: int | None) -> timedelta:
    lifetime_s = INVITATION_DEFAULT_S if expires_in_s is None else expires_in_s
    if not 1 <= lifetime_s <= INVITATION_LONGEST_S:
        raise InvalidInput("An invitation is good for 1 second to 90 days.", field="expiresInS")
    return timedelta(seconds=lifetime_s)


def _uses(max_uses: int | None, address: str | None) -> int | None:
    if address is not None:
        if max_uses not in {None, 1}:
            raise InvalidInput("An invitation by e-mail is good once.", field="maxUses")
        return 1
    if max_uses is not None and not 1 <= max_uses <= USES_MAX:
        raise InvalidInput(f"An invitation is good for 1 to {USES_MAX} uses.", field="maxUses")
    return max_uses


async def _note(
    tx: Transaction, caller: Caller, organization_id: OrganizationId, action: str, invitation: Invitation
) -> None:
    """The address stays out of the log."""
    facts = {
        "role": invitation.role.value,
        "byEmail": invitation.email is not None,
        "expiresAt": invitation.expires_at.isoformat(),
        "maxUses": invitation.max_uses,
    }
    await audit.note(tx, caller, organization_id, action, ("invitation", invitation.id), after=facts)


async def _require_host_left(tx: Transaction, organization_id: OrganizationId, role: Role) -> None:
    if is_host_by_default(role):
        entitlement = await lock_entitlement(tx, organization_id)
        used = await organization_store.count_hosts(tx, organization_id)
        require_room_for_one("hosts", entitlement.max_hosts, used)


async def _require_inviter(tx: Transaction, organization_id: OrganizationId, invitation: Invitation) -> None:
    """Who was removed or demoted must not come back, or let others in, by a link they kept."""
    if not await _may_still_give(tx, organization_id, invitation):
        raise Conflict("This invitation is no longer good.", reason="revoked")


async def _may_still_give(tx: Transaction, organization_id: OrganizationId, invitation: Invitation) -> bool:
    inviter_id = await store.find_inviter(tx, organization_id, invitation.id)
    inviter = None if inviter_id is None else await organization_store.find_member(tx, organization_id, inviter_id)
    return may_still_give(inviter, invitation.role)


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
