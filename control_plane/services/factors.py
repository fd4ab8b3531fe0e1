"""Second factors: enrol, ask, verify, let go; and recovery codes for when the phone is lost.

A person with a verified factor is let to `/api/v1` only by sign-ins that showed it (`SessionService.require`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.accounts import Account
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from control_plane.domain.factors import (
    CHALLENGE_LIFETIME,
    MOST_FACTORS,
    RECOVERY_CODES,
    SECRET_BYTES,
    Factor,
    clean_factor_name,
    clean_recovery_code,
    find_step,
    otpauth_uri,
    secret_text,
)
from control_plane.domain.ids import UserId
from control_plane.domain.sign_ins import SignIn
from control_plane.services.mail import MailService
from control_plane.services.ports import Clock, Ids
from control_plane.services.sealing import seal, unseal
from control_plane.services.sessions import SessionService, SignedIn
from control_plane.stores import factors as store
from control_plane.stores import sign_ins
from control_plane.stores.database import Database, Transaction, UniqueViolation


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A new factor, shown once. secret: base32; uri: what the QR code says."""

    factor: Factor
    secret: str
    uri: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question to a factor."""

    id: UUID
    expires_at: datetime


def _no_factor() -> NotFound:
    return NotFound("Factor not found", reason="mfa_factor_not_found")


def _wrong_code() -> InvalidInput:
    return InvalidInput("Invalid TOTP code entered", reason="mfa_verification_failed")


@dataclass(frozen=True, slots=True)
class FactorService:
    """The use cases of second factors. key: 32 bytes, seals secrets and hashes codes; issuer_name: shown by the apps."""

    db: Database
    sessions: SessionService
    mail: MailService
    clock: Clock
    ids: Ids
    issuer_name: str
    key: bytes = field(repr=False)

    async def enrol(self, caller: Caller, friendly_name: str | None, issuer: str | None) -> Enrolled:
        """Begin a factor; it counts once a code of it was typed.

        Raises:
            Unauthenticated, InvalidInput, Unavailable. Forbidden: another one has to be shown first, or there are too many.
            Conflict: the name is taken.
        """
        name = clean_factor_name(friendly_name)
        secret = os.urandom(SECRET_BYTES)
        now = self.clock.now()
        factor_id = self.ids.new()
        try:
            async with self.db.platform() as tx:
                account, sign_in = await self.sessions.require_in(tx, caller)
                factors = await store.list_factors(tx, account.id)
                _require_shown(sign_in, factors)
                if len(factors) >= MOST_FACTORS:
                    raise Forbidden(
                        "Maximum number of verified factors reached, unenroll to continue",
                        reason="too_many_enrolled_mfa_factors",
                    )
                factor = Factor(
                    id=factor_id,
                    user_id=account.id,
                    friendly_name=name,
                    status="unverified",
                    sealed_secret=seal(self.key, secret, factor_id.bytes),
                    last_step=0,
                    created_at=now,
                    updated_at=now,
                )
                await store.insert_factor(tx, factor)
        except UniqueViolation as error:
            raise Conflict(
                "A factor with this friendly name for this user already exists", reason="mfa_factor_name_conflict"
            ) from error
        uri = otpauth_uri(secret, clean_factor_name(issuer) or self.issuer_name, account.email)
        return Enrolled(factor=factor, secret=secret_text(secret), uri=uri)

    async def ask(self, caller: Caller, factor_id: UUID) -> Asked:
        """Ask a factor. Raises Unauthenticated; NotFound: it is nobody's, or somebody else's. Unavailable."""
        asked = Asked(id=self.ids.new(), expires_at=self.clock.now() + CHALLENGE_LIFETIME)
        async with self.db.platform() as tx:
            account, _ = await self.sessions.require_in(tx, caller)
            if await store.lock_factor(tx, factor_id, account.id) is None:
                raise _no_factor()
            await store.insert_challenge(tx, asked.id, factor_id, asked.expires_at)
        return asked

    async def verify(self, caller: Caller, factor_id: UUID, challenge_id: UUID, code: str) -> SignedIn:
        """Answer a factor's question: the sign-in is worth aal2 from then on.

        The first right answer makes the factor count, and ends the person's other sign-ins: they have not shown it.

        Raises:
            Unauthenticated, NotFound, Unavailable. InvalidInput: the question ran out, or the code is wrong, old or used.
        """
        now = self.clock.now()
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller)
            factor = await store.lock_factor(tx, factor_id, account.id)
            if factor is None:
                raise _no_factor()
            expires_at = await store.find_challenge(tx, challenge_id, factor_id)
            if expires_at is None or expires_at <= now:
                raise InvalidInput(
                    "MFA challenge has expired, verify against another challenge or create a new challenge.",
                    reason="mfa_challenge_expired",
                )
            step = find_step(
                unseal(self.key, factor.sealed_secret, factor.id.bytes), code, now.timestamp(), factor.last_step
            )
            if step is None:
                raise _wrong_code()
            await store.delete_challenge(tx, challenge_id)
            await store.mark_verified(tx, factor_id, step, now)
            if factor.status == "unverified":
                await store.delete_unverified(tx, account.id)
                await self.sessions.end(tx, account.id, but=sign_in.id)
                await self._tell(tx, account, "factor_added")
            sign_in, token = await self._raise(tx, sign_in, "totp")
        return await self.sessions.issue(account, sign_in, token)

    async def remove(self, caller: Caller, factor_id: UUID) -> None:
        """Let go of a factor. Sign-ins go down to aal1: what raised them is gone. This one stays while there is another.

        Raises:
            Unauthenticated, NotFound, Unavailable. Forbidden: a verified one needs a sign-in that showed it.
            Conflict: recovery codes would be all that is left; they go first.
        """
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller)
            factor = await store.lock_factor(tx, factor_id, account.id)
            if factor is None:
                raise _no_factor()
            if factor.status == "verified":
                _require_shown(sign_in, [factor])
                await self._require_more_than_codes(tx, account, factor)
            await self.remove_in(tx, account, factor, by=sign_in)

    async def remove_in(self, tx: Transaction, account: Account, factor: Factor, *, by: SignIn | None = None) -> None:
        """As `remove`, inside somebody's transaction and without asking: an admin may. With the last one the codes go.

        by: the person's own sign-in that lets go; None: it is none of theirs.
        """
        await store.delete_factor(tx, factor.id, account.id)
        if factor.status != "verified":
            return
        await self._tell(tx, account, "factor_removed")
        if await self._has_verified(tx, account):
            # By which factor a sign-in was raised is not kept. Who lets go may be trusted with the other one for now.
            await sign_ins.lower(tx, account.id, but=None if by is None else by.id)
        else:
            await sign_ins.lower(tx, account.id, but=None)
            await store.replace_recovery_codes(tx, account.id, [], self.clock.now())

    async def _has_verified(self, tx: Transaction, account: Account, *, but: Factor | None = None) -> bool:
        factors = await store.list_factors(tx, account.id)
        return any(one.status == "verified" and (but is None or one.id != but.id) for one in factors)

    async def _require_more_than_codes(self, tx: Transaction, account: Account, factor: Factor) -> None:
        total, _ = await store.count_recovery_codes(tx, account.id)
        if total > 0 and not await self._has_verified(tx, account, but=factor):
            raise Conflict(
                "Recovery codes cannot be the only verified factor. Please enroll another factor before unenrolling "
                "this one or delete your recovery codes.",
                reason="mfa_recovery_codes_sole_factor",
            )

    # --- recovery codes

    async def make_recovery_codes(self, caller: Caller) -> list[str]:
        """A new set in the place of the old one, shown once. Raises Unauthenticated, Forbidden, Unavailable."""
        codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES)]
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller)
            if sign_in.aal != "aal2":
                raise Forbidden("AAL2 required to generate recovery codes", reason="insufficient_aal")
            hashes = [self._code_hash(account.id, code) for code in codes]
            await store.replace_recovery_codes(tx, account.id, hashes, self.clock.now())
        return codes

    async def count_recovery_codes(self, caller: Caller) -> tuple[int, int]:
        """How many codes there are, and how many unused. Raises Unauthenticated, NotFound: none. Unavailable."""
        async with self.db.platform() as tx:
            await self.sessions.require_in(tx, caller)
            total, remaining = await store.count_recovery_codes(tx, caller.user_id)
        if total == 0:
            raise _no_factor()
        return total, remaining

    async def use_recovery_code(self, caller: Caller, code: str) -> SignedIn:
        """A recovery code in the place of a factor's. Raises Unauthenticated, InvalidInput: wrong or used. Unavailable."""
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller)
            used = self._code_hash(account.id, clean_recovery_code(code))
            if not await store.use_recovery_code(tx, account.id, used, self.clock.now()):
                raise InvalidInput("Invalid recovery code entered", reason="mfa_verification_failed")
            sign_in, token = await self._raise(tx, sign_in, "recovery_code")
        return await self.sessions.issue(account, sign_in, token)

    async def drop_recovery_codes(self, caller: Caller) -> None:
        """Delete the set. Raises Unauthenticated, Forbidden: no factor was shown. Unavailable."""
        async with self.db.platform() as tx:
            account, sign_in = await self.sessions.require_in(tx, caller)
            if sign_in.aal != "aal2":
                raise Forbidden("AAL2 required to unenroll recovery codes", reason="insufficient_aal")
            await store.replace_recovery_codes(tx, account.id, [], self.clock.now())

    # --- inside

    async def _raise(self, tx: Transaction, sign_in: SignIn, method: str) -> tuple[SignIn, str]:
        """The sign-in is worth aal2 now. Answers it and a fresh refresh token, the only good one."""
        proofs = tuple(proof for proof in sign_in.amr if proof.method != method)
        raised = msgspec.structs.replace(sign_in, aal="aal2", amr=(*proofs, self.sessions.proof(method)))
        await sign_ins.set_assurance(tx, raised.id, raised.aal, raised.amr)
        # Whoever got hold of the older one has not shown the factor.
        await sign_ins.delete_unused_tokens(tx, raised.id)
        return raised, await self.sessions.add_refresh_token(tx, raised)

    async def _tell(self, tx: Transaction, account: Account, template: str) -> None:
        if self.mail.can_send:
            await self.mail.put(tx, account.email, template, {})

    def _code_hash(self, user_id: UserId, code: str) -> bytes:
        return hmac.new(self.key, user_id.bytes + code.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _require_shown(sign_in: SignIn, factors: list[Factor]) -> None:
    """Raises Forbidden: there is a verified factor, and this sign-in has not shown it."""
    if sign_in.aal != "aal2" and any(factor.status == "verified" for factor in factors):
        raise Forbidden("AAL2 required to enroll or unenroll a verified factor", reason="insufficient_aal")
