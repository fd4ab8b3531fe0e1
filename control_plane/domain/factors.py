"""Second factors: time-based one-time passwords (RFC 6238). Pure: time and randomness come in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import msgspec

from control_plane.domain.errors import InvalidInput
from control_plane.domain.ids import UserId

SECRET_BYTES = 20
"""Source: RFC 4226, 4, R6: 160 bits recommended."""
STEP_S = 30
DIGITS = 6
"""STEP_S and DIGITS: what authenticator apps assume."""
WINDOW = 1
"""Steps before and after the present one that are taken too: clocks of phones differ. Source: RFC 6238, 5.2."""
CHALLENGE_LIFETIME = timedelta(minutes=5)
"""Source: GoTrue's GOTRUE_MFA_CHALLENGE_EXPIRY_DURATION default, 300 s."""
MOST_FACTORS = 10
"""Source: GoTrue's GOTRUE_MFA_MAX_ENROLLED_FACTORS default."""
RECOVERY_CODES = 10
NAME_MAX_LENGTH = 80
_CODE = re.compile(r"[0-9]{6}")

FactorStatus = Literal["unverified", "verified"]


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """A person's second factor. sealed_secret: encrypted; last_step: the newest time step whose code was taken."""

    id: UUID
    user_id: UserId
    friendly_name: str
    status: FactorStatus
    sealed_secret: bytes
    last_step: int
    created_at: datetime
    updated_at: datetime
    factor_type: str = "totp"


def totp(secret: bytes, step: int) -> str:
    """The code of a time step (RFC 6238, 4.2; RFC 4226, 5.3): six digits."""
    digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def find_step(secret: bytes, code: str, unix_s: float, last_step: int) -> int | None:
    """The time step a code is of.

    Args:
        secret: SECRET_BYTES.
        code: as typed.
        unix_s: the present moment.
        last_step: codes of this step and earlier ones were used, or could have been seen: they are no good.

    Returns:
        The step; None when the code is wrong, too old or used.
    """
    typed = code.replace(" ", "")
    if _CODE.fullmatch(typed) is None:
        return None
    now = int(unix_s) // STEP_S
    found = None
    for step in range(now - WINDOW, now + WINDOW + 1):
        # Every step is compared, so that the time tells nothing.
        if hmac.compare_digest(totp(secret, step), typed) and step > last_step:
            found = step
    return found


def secret_text(secret: bytes) -> str:
    """The secret as people type it: base32 without padding (RFC 4648, 6)."""
    return base64.b32encode(secret).decode().rstrip("=")


def otpauth_uri(secret: bytes, issuer: str, account: str) -> str:
    """What the QR code says (Google Authenticator's key URI format, which all apps read)."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='')}"
    return (
        f"otpauth://totp/{label}?algorithm=SHA1&digits={DIGITS}&issuer={quote(issuer, safe='')}"
        f"&period={STEP_S}&secret={secret_text(secret)}"
    )


def clean_factor_name(name: str | None) -> str:
    """A factor's name: printable, trimmed; empty when it has none. Raises InvalidInput: too long."""
    text = " ".join("".join(sign for sign in name or "" if sign.isprintable()).split())
    if len(text) > NAME_MAX_LENGTH:
        raise InvalidInput(f"A factor's name has at most {NAME_MAX_LENGTH} characters.", field="friendly_name")
    return text


def clean_recovery_code(code: str) -> str:
    """A recovery code as it is kept: lower case, without spaces and hyphens."""
    return "".join(code.split()).replace("-", "").lower()
