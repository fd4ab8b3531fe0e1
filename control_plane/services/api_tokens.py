"""API tokens: making, listing and revoking them, and knowing who calls by one."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import msgspec

from control_plane.domain.abilities import check_abilities
from control_plane.domain.api_tokens import (
    HINT_LENGTH,
    SECRET_BYTES,
    ApiToken,
    hash_token,
    organization_of_token,
    write_token,
)
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, FeatureNotInPlan, InvalidInput, NotFound, Unauthenticated
from control_plane.domain.events import ApiTokensChanged
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.moments import require_moment
from control_plane.domain.roles import Permission
from control_plane.domain.rooms import clean_name
from control_plane.domain.sign_ins import SIGN_INS_TOPIC
from control_plane.services import access, audit
from control_plane.services.entitlements import read_entitlement
from control_plane.services.ports import Bus, Clock, Ids
from control_plane.stores import api_tokens as store
from control_plane.stores import organizations as organization_store
from control_plane.stores.database import Database, Transaction

USED_EVERY = timedelta(minutes=5)
"""How coarse `last_used_at` is: not every request may cost a write."""


class NewApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token and its text, which is never shown again."""

    token: ApiToken
    text: str


async def require_api_access(tx: Transaction, organization_id: OrganizationId) -> None:
    """Refuse what belongs to the API when the plan does not hold it. Raises FeatureNotInPlan, NotFound."""
    entitlement = await read_entitlement(tx, organization_id)
    if not entitlement.has_api_access:
        raise FeatureNotInPlan("API access needs the Professional plan.", feature="api_access")


async def find_good(
    db: Database, organization_id: OrganizationId, token_ids: set[UUID], now: datetime
) -> dict[UUID, frozenset[str]]:
    """Those of these tokens that are good now, as `ApiTokenService.verify` would say of each, with their abilities.

    Raises:
        Unavailable.
    """
    async with db.tenant(organization_id) as tx:
        try:
            await require_api_access(tx, organization_id)
        except (FeatureNotInPlan, NotFound):
            return {}
        good = await store.list_good(tx, organization_id, token_ids, now)
    async with db.platform() as tx:
        banned = await store.find_banned(tx, {token.created_by for token in good}, now)
    return {token.id: frozenset(token.abilities) for token in good if token.created_by not in banned}


def tell_changed(
    tx: Transaction, bus: Bus, *, organization_id: OrganizationId | None = None, user_id: UserId | None = None
) -> None:
    """Have the sockets of this organization's tokens, or of this person's, looked at after commit."""
    event = ApiTokensChanged(organization_id=organization_id, user_id=user_id)
    tx.after_commit(partial(bus.publish, SIGN_INS_TOPIC, event))


@dataclass(frozen=True, slots=True)
class ApiTokenService:
    """The use cases of API tokens. Sockets that a token joined close with it within two seconds."""

    db: Database
    bus: Bus
    clock: Clock
    ids: Ids

    async def create(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        name: str,
        abilities: list[str],
        expires_at: datetime | None,
        token_id: UUID | None,
    ) -> NewApiToken:
        """Make a token that acts as the caller.

        Args:
            caller: Admin or Owner.
            organization_id: where it will act, and nowhere else.
            name: 1-80 characters.
            abilities: names of `domain.abilities.ABILITIES`.
            expires_at: when it ends; None: never.
            token_id: made by the caller; None: made here. A repeat is refused, because the text can't be shown again.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. InvalidInput. Conflict: the id is taken. Unavailable.
        """
        now = self.clock.now()
        require_moment(expires_at, "expiresAt")
        if expires_at is not None and expires_at <= now:
            raise InvalidInput("The end must lie ahead.", field="expiresAt")
        text = write_token(organization_id, secrets.token_bytes(SECRET_BYTES))
        token = ApiToken(
            id=token_id or self.ids.new(),
            organization_id=organization_id,
            created_by=caller.user_id,
            name=clean_name(name),
            hint=text[-HINT_LENGTH:],
            abilities=check_abilities(abilities),
            created_at=now,
            expires_at=expires_at,
            last_used_at=None,
            revoked_at=None,
        )
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            await require_api_access(tx, organization_id)
            if not await store.insert_token(tx, token, hash_token(text)):
                raise Conflict("This id is taken.", field="id")
            after = {"name": token.name, "abilities": token.abilities, "expiresAt": _iso(expires_at)}
            await audit.note(tx, caller, organization_id, "api_token.created", ("api_token", token.id), after=after)
        return NewApiToken(token=token, text=text)

    async def list_tokens(
        self, caller: Caller, organization_id: OrganizationId, *, after: UUID | None, limit: int
    ) -> list[ApiToken]:
        """Tokens that are not revoked, oldest first. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return await store.list_tokens(tx, organization_id, after=after, limit=limit)

    async def get(self, caller: Caller, organization_id: OrganizationId, token_id: UUID) -> ApiToken:
        """One token. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            return _require(await store.find_token(tx, organization_id, token_id))

    async def revoke(self, caller: Caller, organization_id: OrganizationId, token_id: UUID) -> None:
        """Make a token good for nothing, from the next request on. Raises NotFound, Forbidden, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
            token = _require(await store.find_token(tx, organization_id, token_id))
            await store.revoke_token(tx, organization_id, token_id, self.clock.now())
            tell_changed(tx, self.bus, organization_id=organization_id)
            before = {"name": token.name, "abilities": token.abilities}
            await audit.note(tx, caller, organization_id, "api_token.revoked", ("api_token", token_id), before=before)

    async def find_ended(self, organization_id: OrganizationId, token_ids: set[UUID]) -> set[UUID]:
        """Which of these tokens are good no longer: revoked, expired, their maker gone or banned, or the plan without them.

        Raises:
            Unavailable.
        """
        return token_ids - (await find_good(self.db, organization_id, token_ids, self.clock.now())).keys()

    async def verify(self, text: str) -> Caller:
        """Who calls by this token: its maker, with its abilities, in its organization.

        Raises:
            Unauthenticated: forged, expired, revoked, or its maker is banned or no member any more; one sentence for all.
            FeatureNotInPlan: the organization's plan holds no API access now.
            Unavailable.
        """
        organization_id = organization_of_token(text)
        if organization_id is None:
            raise _refused()
        now = self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            token = await store.find_by_hash(tx, organization_id, hash_token(text))
            if token is None or not token.is_good(now):
                raise _refused()
            maker = await organization_store.find_member(tx, organization_id, token.created_by)
            if maker is None:
                raise _refused()
        async with self.db.platform() as tx:
            if await store.is_banned(tx, token.created_by, now):
                raise _refused()
        async with self.db.tenant(organization_id) as tx:
            await require_api_access(tx, organization_id)
            if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
                await store.note_use(tx, organization_id, token.id, now)
        return Caller(
            user_id=token.created_by,
            email=maker.email,
            display_name=maker.display_name,
            session_id=None,
            token_id=token.id,
            organization_id=organization_id,
            abilities=frozenset(token.abilities),
            expires_at=token.expires_at,
        )


def _require(token: ApiToken | None) -> ApiToken:
    if token is None or token.revoked_at is not None:
        raise NotFound("There is no such token.")
    return token


def _refused() -> Unauthenticated:
    return Unauthenticated("This token is not good.")


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
