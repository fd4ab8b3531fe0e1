"""API tokens: keys for programs.

    trt_<organization id and 256 random bits><CRC-32>        all in base 62

The organization stands inside, so that nobody looks for a token across tenants. The checksum lets scanners tell a token that
was published by mistake from a word that looks like one, without asking us.
"""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.ids import OrganizationId, UserId

PREFIX = "trt_"
SECRET_BYTES = 32
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY_LENGTH, _CHECKSUM_LENGTH = 65, 6
"""Characters: 48 bytes and 4 bytes in base 62."""
LENGTH = len(PREFIX) + _BODY_LENGTH + _CHECKSUM_LENGTH
HINT_LENGTH = 4


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is kept. hint: its last characters; last_used_at: to five minutes; None: never, or no end."""

    id: UUID
    organization_id: OrganizationId
    created_by: UserId
    name: str
    hint: str
    abilities: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it opens anything at this moment."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def write_token(organization_id: OrganizationId, secret: bytes) -> str:
    """A token as text. secret: SECRET_BYTES random bytes."""
    body = PREFIX + _encode(organization_id.bytes + secret, _BODY_LENGTH)
    return body + _checksum(body)


def organization_of_token(token: str) -> OrganizationId | None:
    """Whose scope a token opens; None: it is no token of ours."""
    if len(token) != LENGTH or not token.startswith(PREFIX) or _checksum(token[:-_CHECKSUM_LENGTH]) != token[-6:]:
        return None
    number = 0
    for character in token[len(PREFIX) : -_CHECKSUM_LENGTH]:
        digit = _ALPHABET.find(character)
        if digit < 0:
            return None
        number = number * 62 + digit
    if number >= 1 << 8 * (16 + SECRET_BYTES):
        return None
    return OrganizationId(UUID(bytes=number.to_bytes(16 + SECRET_BYTES, "big")[:16]))


def hash_token(token: str) -> bytes:
    """What is kept of it. SHA-256 is enough: 256 random bits can't be tried out."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(text: str) -> str:
    return _encode(zlib.crc32(text.encode()).to_bytes(4, "big"), _CHECKSUM_LENGTH)


def _encode(raw: bytes, length: int) -> str:
    number, digits = int.from_bytes(raw, "big"), []
    while number:
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits)).rjust(length, "0")
