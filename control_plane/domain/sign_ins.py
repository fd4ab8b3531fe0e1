"""Sign-ins: one per browser that signed in; how sure we are of the person, and what a mailed token is for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from control_plane.domain.errors import InvalidInput
from control_plane.domain.ids import UserId

OTP_DIGITS = 6
MAILED_LIFETIME = timedelta(hours=1)
"""How long a mailed link and its digits are good. Source: Supabase's default for projects, 3600 s."""
OTP_FAILURES = 5
"""Wrong digits until the digits are void; the link stays good, so that a guesser can't keep the person out."""
FLOW_CODE_LIFETIME = timedelta(minutes=5)
"""How long a PKCE code may wait. Source: GoTrue's FLOW_STATE_EXPIRY_DURATION default, 300 s."""
SIGN_INS_TOPIC = "sign-ins"
"""The bus topic on which ended sign-ins are told."""
_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""Source: RFC 7636, 4.2."""

Aal = Literal["aal1", "aal2"]
ChallengeMethod = Literal["s256", "plain"]


class Proof(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One way a person proved themselves. method: password, otp, totp, sso/oidc, sso/saml, …; timestamp: Unix seconds.

    provider: the connection of an sso method. Source: supabase/auth, internal/models/sessions.go (AMREntry).
    """

    method: str
    timestamp: int
    provider: UUID | None = None


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in. revoked_at: ended; refreshed_at: last heard of, to within an access token's life."""

    id: UUID
    user_id: UserId
    created_at: datetime
    refreshed_at: datetime
    aal: Aal
    amr: tuple[Proof, ...]
    ip: str | None
    user_agent: str | None
    revoked_at: datetime | None = None

    @property
    def is_recovery(self) -> bool:
        """Whether it was opened by a recovery mail: then a new password needs no further proof."""
        return any(proof.method == "recovery" for proof in self.amr)

    @property
    def is_sso(self) -> bool:
        """Whether an organization's identity provider opened it: its word sets no password, which would outlast it."""
        return any(proof.method.startswith("sso/") for proof in self.amr)


class MailPurpose(StrEnum):
    """What a mailed token confirms; a person has one of each at most."""

    CONFIRMATION = "confirmation"
    FIRST_LINK = "first_link"
    """As CONFIRMATION, but asked for without a password: it confirms the address, and no password that waits there."""
    RECOVERY = "recovery"
    EMAIL_CHANGE_CURRENT = "email_change_current"
    EMAIL_CHANGE_NEW = "email_change_new"
    REAUTHENTICATION = "reauthentication"


PURPOSES_OF_TYPE: dict[str, tuple[MailPurpose, ...]] = {
    "signup": (MailPurpose.CONFIRMATION, MailPurpose.FIRST_LINK),
    "invite": (MailPurpose.CONFIRMATION,),
    "recovery": (MailPurpose.RECOVERY,),
    "magiclink": (MailPurpose.RECOVERY, MailPurpose.CONFIRMATION, MailPurpose.FIRST_LINK),
    "email": (MailPurpose.CONFIRMATION, MailPurpose.RECOVERY, MailPurpose.FIRST_LINK),
    "email_change": (MailPurpose.EMAIL_CHANGE_NEW, MailPurpose.EMAIL_CHANGE_CURRENT),
}
"""The `type` of `/verify`, as clients say it, and the tokens it may mean. Source: supabase/auth, internal/api/verify.go."""


class MailedToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was mailed. failures: wrong digits so far; code_challenge: of the PKCE flow that asked, or None."""

    id: UUID
    user_id: UserId
    purpose: MailPurpose
    email: str
    otp_hash: bytes
    failures: int
    code_challenge: str | None
    code_challenge_method: ChallengeMethod | None
    expires_at: datetime


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """What a PKCE client commits to (RFC 7636, 4.2)."""

    value: str
    method: ChallengeMethod


def make_challenge(value: str | None, method: str | None) -> Challenge | None:
    """A client's commitment; None: it does not use PKCE.

    Raises:
        InvalidInput: only half of it is there, or it is malformed.
    """
    if not value and not method:
        return None
    kind = (method or "").lower()
    if not value or _CHALLENGE.fullmatch(value) is None or kind not in {"s256", "plain"}:
        raise InvalidInput("PKCE flow requires code_challenge and code_challenge_method", field="code_challenge")
    return Challenge(value=value, method="s256" if kind == "s256" else "plain")


def choose_redirect(wanted: str | None, allowed_origins: Iterable[str], site_url: str) -> str:
    """Where a mailed link leads in the end: where the client wants, if that is a page of ours; else the site.

    Args:
        wanted: an absolute http(s) address, or anything a stranger wrote.
        allowed_origins: `scheme://host[:port]`, lower case.
        site_url: the default.
    """
    if not wanted or len(wanted) > 2048 or any(sign.isspace() or ord(sign) < 32 or sign == "\\" for sign in wanted):
        return site_url
    try:
        url = urlsplit(wanted)
        origin = f"{url.scheme}://{url.netloc}".lower()
    except ValueError:
        return site_url
    is_ours = origin in {one.lower() for one in allowed_origins}
    return wanted if url.scheme in {"http", "https"} and is_ours else site_url
