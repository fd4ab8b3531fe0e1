"""Sign-ins as use cases: open, stay signed in, end. The sockets of an ended sign-in close within two seconds.

Refresh tokens form a chain: the next one is HMAC(our key, this one), so that a client which never heard the answer may ask
again within REUSE_S and gets the same next token, though only hashes are stored. Later than that, a used token means that
two hold it: the whole sign-in ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Literal
from uuid import UUID

import msgspec

from control_plane.domain.accounts import Account, clean_email
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import Forbidden, NotFound, SsoProviderNotFound, Unauthenticated
from control_plane.domain.events import SignInsEnded
from control_plane.domain.factors import Factor
from control_plane.domain.ids import UserId
from control_plane.domain.mailed_proofs import FlowStarted
from control_plane.domain.sign_ins import FLOW_CODE_LIFETIME, SIGN_INS_TOPIC, Challenge, Proof, SignIn
from control_plane.domain.sso import SsoEntrance
from control_plane.services.ports import Bus, Clock, Ids, Tokens
from control_plane.services.sealing import hash_token
from control_plane.stores import accounts as account_store
from control_plane.stores import factors as factor_store
from control_plane.stores import mailed_tokens, sso_flows
from control_plane.stores import sign_ins as store
from control_plane.stores.database import Database, Transaction

REUSE_S = timedelta(seconds=10)
"""How long a changed token still answers its successor. Source: GoTrue's REFRESH_TOKEN_REUSE_INTERVAL default."""
REMEMBERED = 100_000
"""Provisioned people one process remembers."""
KEEP_ENDED = timedelta(days=30)
"""How long ended sign-ins and used refresh tokens are kept, so that a stolen one is still noticed."""
SignOutScope = Literal["global", "local", "others"]


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in with its tokens. expires_at: of the access token, Unix seconds."""

    account: Account
    sign_in: SignIn
    factors: list[Factor]
    access_token: str
    refresh_token: str
    expires_at: int


def no_sign_in() -> Unauthenticated:
    """The answer when the sign-in an access token belongs to has ended."""
    return Unauthenticated("Session from session_id claim in JWT does not exist", reason="session_not_found")


def require_standing(standing: str) -> None:
    """Refuse what a sign-in may not do as it stands. Raises Unauthenticated, Forbidden."""
    if standing == "ended":
        raise no_sign_in()
    if standing == "first_factor_only":
        raise Forbidden("Type the code of your authenticator app first.", reason="insufficient_aal")


@dataclass(frozen=True, slots=True)
class SessionService:
    """The use cases of sign-ins. refresh_key: 32 bytes of the chain; is_ours: False when another issuer signs people in."""

    db: Database
    bus: Bus
    tokens: Tokens
    clock: Clock
    ids: Ids
    refresh_key: bytes = field(repr=False)
    is_ours: bool = True
    _seen: set[tuple[UserId, str]] = field(default_factory=set, repr=False)
    """Whom this process has written already; knowing them lets nobody in."""

    async def open(
        self,
        tx: Transaction,
        account: Account,
        method: str,
        origin: Origin | None,
        entrance: SsoEntrance | None = None,
    ) -> tuple[SignIn, str]:
        """Write a new sign-in of a person who proved themselves by `method`. Answers it and its first refresh token.

        entrance: the single sign-on connection they came by; None: they came another way.

        Raises:
            SsoProviderNotFound: the connection was turned off, or became another provider's, since it vouched.
        """
        connection_id = None if entrance is None else entrance.connection_id
        if entrance is not None:
            await self._hold_open(tx, entrance)
        now = self.clock.now()
        refresh_token = secrets.token_urlsafe(32)
        sign_in = SignIn(
            id=self.ids.new(),
            user_id=account.id,
            created_at=now,
            refreshed_at=now,
            aal="aal1",
            amr=(msgspec.structs.replace(self.proof(method), provider=connection_id),),
            ip=None if origin is None or origin.ip is None else origin.ip[:64],
            user_agent=None if origin is None or origin.user_agent is None else _printable(origin.user_agent)[:256],
        )
        await store.insert_sign_in(tx, sign_in, connection_id)
        await store.insert_refresh_token(tx, hash_token(refresh_token), sign_in.id, now)
        return sign_in, refresh_token

    async def add_refresh_token(self, tx: Transaction, sign_in: SignIn) -> str:
        """One more refresh token of a sign-in's family."""
        refresh_token = secrets.token_urlsafe(32)
        await store.insert_refresh_token(tx, hash_token(refresh_token), sign_in.id, self.clock.now())
        return refresh_token

    def proof(self, method: str) -> Proof:
        """That a person proved themselves now."""
        return Proof(method=method, timestamp=int(self.clock.now().timestamp()))

    async def issue(self, account: Account, sign_in: SignIn, refresh_token: str) -> SignedIn:
        """An access token of a sign-in, beside its refresh token. Raises Unavailable."""
        async with self.db.platform() as tx:
            factors = await factor_store.list_factors(tx, account.id)
        access_token, expires_at = await self.tokens.issue_access(
            {
                "sub": str(account.id),
                "email": account.email,
                "phone": "",
                "role": "authenticated",
                "aal": sign_in.aal,
                "amr": [msgspec.to_builtins(proof) for proof in reversed(sign_in.amr)],
                "session_id": str(sign_in.id),
                "is_anonymous": False,
                "app_metadata": account.public_app_metadata,
                "user_metadata": account.user_metadata,
            }
        )
        return SignedIn(
            account=account,
            sign_in=sign_in,
            factors=factors,
            access_token=access_token,
            refresh_token=refresh_token,
            expires_at=expires_at,
        )

    async def open_and_issue(
        self, account: Account, method: str, origin: Origin | None, entrance: SsoEntrance | None = None
    ) -> SignedIn:
        """A new sign-in in a transaction of its own, with its tokens. Raises as `open`; Unavailable."""
        async with self.db.platform() as tx:
            sign_in, refresh_token = await self.open(tx, account, method, origin, entrance)
        account = msgspec.structs.replace(account, last_sign_in_at=sign_in.created_at)
        return await self.issue(account, sign_in, refresh_token)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Change a refresh token for the next one and a new access token.

        Raises:
            Unauthenticated: unknown, signed out, banned, or used before (then the whole sign-in has ended). Unavailable.
        """
        next_token = self._next(refresh_token)
        now = self.clock.now()
        async with self.db.platform() as tx:
            row = await store.lock_refresh_token(tx, hash_token(refresh_token))
            is_stolen = row is not None and await self._is_stolen(tx, row, next_token)
            account = None if row is None else await account_store.find_account(tx, row.sign_in.user_id)
            if row is not None and is_stolen:
                await self.end(tx, row.sign_in.user_id, only=row.sign_in.id)
            elif row is not None and not row.is_revoked and row.used_at is None:
                await store.mark_used(tx, hash_token(refresh_token), row.sign_in.id, now)
                await store.insert_refresh_token(tx, hash_token(next_token), row.sign_in.id, now)
        if is_stolen:
            raise Unauthenticated("Invalid Refresh Token: Already Used", reason="refresh_token_already_used")
        if row is None or row.is_revoked or account is None:
            raise Unauthenticated("Invalid Refresh Token: Refresh Token Not Found", reason="refresh_token_not_found")
        if account.is_banned(now):
            raise Forbidden("User is banned", reason="user_banned")
        return await self.issue(account, row.sign_in, next_token)

    async def require(self, caller: Caller) -> None:
        """Refuse a caller whose sign-in has ended, or who has a second factor and has not shown it.

        Asked for every request of a person, in one round trip: signing out is felt at once, not when the token runs out.

        Raises:
            Unauthenticated, Forbidden, Unavailable.
        """
        if caller.token_id is not None:
            return
        if not self.is_ours:
            await self._provision(caller)
            return
        if caller.session_id is None:
            raise no_sign_in()
        require_standing(await store.read_standing(self.db, caller.session_id, caller.user_id))

    async def find_ended(self, sign_in_ids: set[UUID]) -> set[UUID]:
        """Which of these have ended: the sweep asks, because a push may be lost. Raises Unavailable."""
        if not self.is_ours or not sign_in_ids:
            return set()
        async with self.db.platform() as tx:
            return await store.find_ended(tx, sign_in_ids)

    async def sign_out(self, caller: Caller, scope: SignOutScope) -> None:
        """End sign-ins: all (global), this one (local), or all others; none once this one has ended.

        One that has not shown the second factor ends itself at most: a password alone throws nobody out.

        Raises:
            Forbidden: all others, by such a one. Unavailable.
        """
        only = caller.session_id if scope == "local" else None
        but = caller.session_id if scope == "others" else None
        if only is None and caller.session_id is not None:
            standing = await store.read_standing(self.db, caller.session_id, caller.user_id)
            if standing == "first_factor_only" and scope == "global":
                only = caller.session_id
            elif standing == "first_factor_only":
                require_standing(standing)
        async with self.db.platform() as tx:
            # A token outlives its sign-in by up to an hour: whoever stole it then must not throw the person out.
            if caller.session_id is not None and await store.find_sign_in(tx, caller.session_id, caller.user_id):
                await self.end(tx, caller.user_id, only=only, but=but)

    async def list_own(self, caller: Caller) -> list[SignIn]:
        """One's own sign-ins that stand, last heard of first. Raises Unauthenticated, Unavailable."""
        async with self.db.platform() as tx:
            await self.require_in(tx, caller)
            return await store.list_sign_ins(tx, caller.user_id)

    async def revoke_own(self, caller: Caller, sign_in_id: UUID) -> None:
        """End one of one's own sign-ins.

        Raises:
            NotFound: there is none of that id. Unauthenticated. Forbidden: another one, and the second factor was not shown.
            Unavailable.
        """
        if self.is_ours and caller.session_id is not None and sign_in_id != caller.session_id:
            require_standing(await store.read_standing(self.db, caller.session_id, caller.user_id))
        async with self.db.platform() as tx:
            await self.require_in(tx, caller)
            if not await self.end(tx, caller.user_id, only=sign_in_id):
                raise NotFound("There is no such sign-in.")

    async def end(
        self, tx: Transaction, user_id: UserId, *, only: UUID | None = None, but: UUID | None = None
    ) -> list[UUID]:
        """End sign-ins inside somebody's transaction; sockets hear of it after commit. Answers those that ended."""
        ended = await store.revoke_sign_ins(tx, user_id, self.clock.now(), only=only, but=but)
        if ended:
            event = SignInsEnded(user_id=user_id, sign_in_ids=ended)
            tx.after_commit(partial(self.bus.publish, SIGN_INS_TOPIC, event))
        return ended

    async def start_flow(
        self, tx: Transaction, account: Account, challenge: Challenge, method: str, entrance: SsoEntrance | None = None
    ) -> FlowStarted:
        """Make the code that a PKCE client changes for a sign-in. Raises as `open`.

        Args:
            tx: the platform's.
            account: who proved themselves.
            challenge: of the client.
            method: how they did.
            entrance: the single sign-on connection they came by.
        """
        if entrance is not None:
            await self._hold_open(tx, entrance)
        code = str(self.ids.new())
        await mailed_tokens.insert_flow_code(
            tx,
            code_id=self.ids.new(),
            user_id=account.id,
            code_hash=hash_token(code),
            challenge=challenge,
            method=method,
            expires_at=self.clock.now() + FLOW_CODE_LIFETIME,
            entrance=entrance,
        )
        return FlowStarted(code=code)

    async def _hold_open(self, tx: Transaction, entrance: SsoEntrance) -> None:
        """Keep a connection from being shut until commit: whoever shuts it finds what is opened here, and ends it."""
        if not await sso_flows.hold_open(tx, entrance):
            raise SsoProviderNotFound("The SSO provider was changed meanwhile. Start again.")

    async def end_of_connection(self, connection_id: UUID, *, is_replaced: bool) -> int:
        """End every sign-in that came by a connection which was shut, with its sockets. Answers how many.

        Args:
            connection_id: it is off or gone; what is on its way by it is of an older generation, and ends by itself.
            is_replaced: another provider vouches now: what the old one said on the way is deleted, too.

        Raises:
            Unavailable.
        """
        async with self.db.platform() as tx:
            await sso_flows.forget_codes(tx, connection_id)
            if is_replaced:
                await sso_flows.forget_flows(tx, connection_id)
            ended = await store.revoke_of_connection(tx, connection_id, self.clock.now())
            for user_id, sign_in_ids in ended.items():
                event = SignInsEnded(user_id=user_id, sign_in_ids=sign_in_ids)
                tx.after_commit(partial(self.bus.publish, SIGN_INS_TOPIC, event))
        return sum(map(len, ended.values()))

    async def require_in(self, tx: Transaction, caller: Caller, *, is_written: bool = False) -> tuple[Account, SignIn]:
        """The caller's account and sign-in. is_written: hold the account. Raises Unauthenticated: one is gone."""
        find = account_store.lock_account if is_written else account_store.find_account
        account = await find(tx, caller.user_id)
        sign_in = None if caller.session_id is None else await store.find_sign_in(tx, caller.session_id, caller.user_id)
        if account is None or sign_in is None:
            raise no_sign_in()
        return account, sign_in

    async def forget(self) -> int:
        """Delete what ended long ago, and proofs that ran out. Raises Unavailable."""
        now = self.clock.now()
        async with self.db.platform() as tx:
            await sso_flows.forget_expired(tx, now)
            return await store.forget_ended(tx, now - KEEP_ENDED) + await mailed_tokens.forget_expired(tx, now)

    # --- inside

    async def _provision(self, caller: Caller) -> None:
        """Write the login of a person another issuer vouches for, on first sight and when their address changes."""
        seen = (caller.user_id, caller.email)
        if seen in self._seen:
            if await account_store.is_erased(self.db, caller.user_id):
                raise _erased()
            return
        address = clean_email(caller.email)
        async with self.db.platform() as tx:
            outcome = await account_store.provision(tx, caller.user_id, address, caller.display_name, self.clock.now())
        if outcome == "erased":
            raise _erased()
        if outcome == "taken":
            raise Forbidden("Another account has this e-mail address.", reason="email_exists")
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen.add(seen)

    async def _is_stolen(self, tx: Transaction, row: store.RefreshToken, next_token: str) -> bool:
        """Whether a used token comes back: after REUSE_S, or after its successor was used too."""
        if row.used_at is None or row.is_revoked:
            return False
        successor = await store.lock_refresh_token(tx, hash_token(next_token))
        is_late = self.clock.now() - row.used_at > REUSE_S
        return is_late or successor is None or successor.used_at is not None

    def _next(self, refresh_token: str) -> str:
        digest = hmac.new(self.refresh_key, refresh_token.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _erased() -> Forbidden:
    return Forbidden("This account was erased.", reason="user_erased")


def _printable(text: str) -> str:
    return "".join(sign for sign in text if sign.isprintable())
