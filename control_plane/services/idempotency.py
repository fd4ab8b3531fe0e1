"""Requests that may be sent twice: the first is carried out, the others get its answer.

Two steps, so that a crash leaves no lie: the key is claimed before, the answer is kept after. Who dies between leaves a
claim that runs out; the next try takes it over and carries the request out again with the same made-up id
(`domain.idempotency.made_id`), which the use cases answer with the first result.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag

from control_plane.domain.callers import Caller
from control_plane.domain.errors import KeyReused, RequestInFlight
from control_plane.domain.idempotency import HELD, KEPT, KeptRequest, request_key
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Role
from control_plane.services import access
from control_plane.services.ports import Clock
from control_plane.services.sealing import seal, unseal
from control_plane.stores import idempotency as store
from control_plane.stores.database import Database


@dataclass(frozen=True, slots=True)
class IdempotencyService:
    """Claims keys and keeps answers, sealed with a key that only who sent the Idempotency-Key can name again.

    Attributes:
        secret: from TR_SECRET_KEY, for this purpose alone.
    """

    db: Database
    clock: Clock
    secret: bytes

    async def claim(self, caller: Caller, key: str, fingerprint: bytes) -> KeptRequest:
        """The request of this key: new and ours (no status), or answered before (with status).

        Args:
            caller: whose key.
            key: as sent, 1-255 characters.
            fingerprint: SHA-256 of the request.

        Raises:
            KeyReused: with another request. RequestInFlight: the first is not done yet. Unavailable.
        """
        now = self.clock.now()
        kept = KeptRequest(
            id=request_key(caller.user_id, caller.token_id, key),
            user_id=caller.user_id,
            fingerprint=fingerprint,
            created_at=now,
            held_until=now + HELD,
            status=None,
            answer=None,
        )
        async with self.db.user(caller.user_id) as tx:
            await store.forget_old(tx, caller.user_id, now - KEPT)
            if await store.insert(tx, kept):
                return kept
            first = await store.find(tx, kept.id)
            if first is None:
                raise RequestInFlight(
                    "The first request with this key has just failed. Send it again.", retry_after_s=1
                )
            if first.fingerprint != fingerprint:
                raise KeyReused("This Idempotency-Key came before with another request.", field="Idempotency-Key")
            if first.status is not None:
                return first
            if first.held_until > now:
                raise RequestInFlight("The first request with this key is still being carried out.", retry_after_s=1)
            await store.hold(tx, kept.id, kept.held_until)
        return KeptRequest(
            id=kept.id,
            user_id=kept.user_id,
            fingerprint=fingerprint,
            created_at=first.created_at,
            held_until=kept.held_until,
            status=None,
            answer=None,
        )

    async def read_role(self, caller: Caller, organization_id: OrganizationId) -> Role:
        """The caller's role now, where their request acts. Raises NotFound, SsoRequired as `access.require`."""
        async with self.db.tenant(organization_id) as tx:
            return (await access.require(tx, caller, organization_id, None)).role

    async def keep(self, kept: KeptRequest, key: str, status: int, answer: bytes) -> None:
        """Keep the answer of a claimed request. Raises Unavailable."""
        sealed = seal(self._key(key), answer, kept.id.bytes)
        async with self.db.user(kept.user_id) as tx:
            await store.write_answer(tx, kept.id, kept.held_until, status, sealed)

    async def release(self, kept: KeptRequest) -> None:
        """Forget a claimed request that came to nothing, so that the next try begins anew. Raises Unavailable."""
        async with self.db.user(kept.user_id) as tx:
            await store.delete(tx, kept.id, kept.held_until)

    def open(self, kept: KeptRequest, key: str) -> bytes | None:
        """The kept answer of a request; None when it was sealed under another TR_SECRET_KEY."""
        try:
            return unseal(self._key(key), kept.answer or b"", kept.id.bytes)
        except (InvalidTag, ValueError):
            return None

    def _key(self, key: str) -> bytes:
        return hmac.new(self.secret, key.encode(), hashlib.sha256).digest()
