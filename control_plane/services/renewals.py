"""Renewals: who is in a live room shows the next token of the same kind, and their socket goes on to the end of that one.

What a socket was joined by may end while the room goes on: hosted Supabase's access tokens after an hour, an API token when
its maker said so. The next token is looked at as REST and a join look at it, so that it helps nobody who could not join now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from control_plane.domain.abilities import require_on_socket
from control_plane.domain.api_tokens import PREFIX
from control_plane.domain.callers import Caller, JoinClaims
from control_plane.domain.errors import Forbidden
from control_plane.domain.roles import Permission
from control_plane.services import access
from control_plane.services.api_tokens import ApiTokenService
from control_plane.services.feed import no_room
from control_plane.services.live import Admission
from control_plane.services.ports import Tokens
from control_plane.services.sessions import SessionService
from control_plane.stores import participants
from control_plane.stores.database import Database


@dataclass(frozen=True, slots=True)
class RenewalService:
    """The use case of renewing what somebody joined by."""

    db: Database
    tokens: Tokens
    api_tokens: ApiTokenService
    sessions: SessionService

    async def renew(self, admission: Admission, access_token: str) -> Admission:
        """The admission of who is in a room, with claims and a resume token that end with the token they show now.

        Args:
            admission: what let them in.
            access_token: of the same person: another of theirs, or an API token where one joined.

        Raises:
            Unauthenticated: the token is not good, or its sign-in has ended.
            Forbidden: facts name a reason: another_person, another_sign_in, another_kind (a person's for an API token's, or
                the other way round), removed (from this live session), user_erased; or the ability it lacks.
            NotFound, SsoRequired, Conflict: they may not be in this room now, see `access.require`.
            FeatureNotInPlan: of an API token. Unavailable.
        """
        claims = admission.claims
        caller = await self._recognize(access_token)
        _require_same(admission, caller)
        await self.sessions.require(caller)
        async with self.db.tenant(claims.organization_id) as tx:
            await access.require(tx, caller, claims.organization_id, Permission.JOIN_SESSION, claims.room_id)
            door = await participants.find_door(tx, claims.organization_id, claims.room_id, caller.user_id)
        if door is None:
            raise no_room()
        if door.was_removed:
            raise Forbidden("You were removed from this session.", reason="removed")
        claims = _renewed(claims, caller)
        resume_token = await self.tokens.issue_resume(claims)
        return msgspec.structs.replace(admission, claims=claims, resume_token=resume_token)

    async def _recognize(self, token: str) -> Caller:
        if token.startswith(PREFIX):
            return await self.api_tokens.verify(token)
        return await self.tokens.verify_access(token)


def _renewed(claims: JoinClaims, caller: Caller) -> JoinClaims:
    """Claims that end with what the same caller calls by now. A person's older token takes no time away."""
    if caller.token_id is None:
        return msgspec.structs.replace(claims, expires_at=_later(claims.expires_at, caller.expires_at))
    return msgspec.structs.replace(claims, token_id=caller.token_id, expires_at=caller.expires_at)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """The later of two ends; None never ends."""
    return None if one is None or other is None else max(one, other)


def _require_same(admission: Admission, caller: Caller) -> None:
    """Refuse a token that could not have opened this socket with what it may now. Raises Forbidden."""
    claims = admission.claims
    if caller.user_id != admission.participant.user_id:
        raise Forbidden("This token is another person's.", reason="another_person")
    if (caller.token_id is None) != (claims.token_id is None):
        raise Forbidden("Renew with a token of the kind you joined by.", reason="another_kind")
    if caller.session_id != claims.sign_in_id:
        raise Forbidden("This token is of another sign-in.", reason="another_sign_in")
    if caller.token_id is not None:
        require_on_socket(caller.abilities, "hello")
        # The socket goes on with what it may: another token has to hold all of that.
        if lacking := (admission.abilities or frozenset()) - caller.abilities:
            raise Forbidden("This API token does not hold the ability.", ability=min(lacking))
