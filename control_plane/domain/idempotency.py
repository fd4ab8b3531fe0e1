"""What is known of a request that carried an Idempotency-Key."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from control_plane.domain.ids import UserId, make_uuid7

KEPT = timedelta(hours=24)
"""How long an answer is given again."""
HELD = timedelta(seconds=60)
"""How long a request may take; after that a repeat takes its place. No use case needs a tenth of it."""
KEY_MAX_LENGTH = 255


class KeptRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    id: made of the caller and the key. fingerprint: SHA-256 of method, path and body. held_until: who carries it out has
    until then. status: of the answer; None while there is none. answer: the caller's role, content type and body, sealed.
    """

    id: UUID
    user_id: UserId
    fingerprint: bytes
    created_at: datetime
    held_until: datetime
    status: int | None
    answer: bytes | None


def request_key(user_id: UserId, token_id: UUID | None, key: str) -> UUID:
    """The row of a caller's key. Another token of the same person is another caller."""
    return UUID(bytes=hashlib.sha256(f"{user_id}|{token_id}|{key}".encode()).digest()[:16])


def made_id(kept: KeptRequest) -> UUID:
    """The id of what the request makes, where the caller named none: the same for every try, so a repeat finds the first."""
    digest = hashlib.sha256(b"made by " + kept.id.bytes).digest()[:10]
    return make_uuid7(int(kept.created_at.timestamp() * 1000), digest)
