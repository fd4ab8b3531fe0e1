"""Accounts: what an e-mail address and a password may be, and how a person is called."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.errors import InvalidInput
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.rooms import NAME_MAX_LENGTH
from control_plane.domain.sign_ins import MailPurpose

EMAIL_MAX_LENGTH = 254
"""Characters. Source: RFC 5321, 4.5.3.1.3 (a path of 256 with its brackets)."""
PASSWORD_MIN_LENGTH = 8
"""Characters. Source: NIST SP 800-63B, 5.1.1.1."""
PASSWORD_MAX_BYTES = 1024
"""Longer ones only cost us time."""
_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)


class LinkedIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an organization's identity provider says a person is. subject, email: as it told them last."""

    id: UUID
    organization_id: OrganizationId
    organization_name: str
    connection_id: UUID
    connection_name: str
    subject: str
    email: str
    created_at: datetime
    used_at: datetime

    @property
    def provider(self) -> str:
        """As Supabase clients name it."""
        return f"sso:{self.connection_id}"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A login with what Supabase clients are shown of it.

    user_metadata: JSON the person may write; app_metadata: JSON they may not. email_change: the address they want, until
    it is confirmed; email_change_agreed: of the two mailboxes, the one that has confirmed it. identities: of single
    sign-on, oldest first.
    """

    id: UserId
    email: str
    display_name: str
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    user_metadata: dict[str, Any]
    app_metadata: dict[str, Any] = {}
    email_confirmed_at: datetime | None = None
    confirmation_sent_at: datetime | None = None
    recovery_sent_at: datetime | None = None
    invited_at: datetime | None = None
    banned_until: datetime | None = None
    email_change: str | None = None
    email_change_sent_at: datetime | None = None
    email_change_agreed: MailPurpose | None = None
    has_password: bool = False
    identities: tuple[LinkedIdentity, ...] = ()

    @property
    def is_pending(self) -> bool:
        """Whether nobody has shown yet that the address is theirs: a stranger may have written what is here."""
        return self.email_confirmed_at is None and self.last_sign_in_at is None

    @property
    def has_email_identity(self) -> bool:
        """Whether they come in by their address: unless a provider alone has made them, and they set no password since."""
        return self.has_password or "email" in self._providers or not self.identities

    @property
    def _providers(self) -> list[str]:
        stored = self.app_metadata.get("providers", ["email"])
        return [one for one in stored if isinstance(one, str)] if isinstance(stored, list) else []

    @property
    def public_app_metadata(self) -> dict[str, Any]:
        """app_metadata with `provider` and `providers`, as clients and access tokens have it; the latter as they are now."""
        mine = ["email"] if self.has_email_identity else []
        others = [one for one in self._providers if one != "email" and not one.startswith("sso:")]
        providers = list(dict.fromkeys([*mine, *others, *(one.provider for one in self.identities)]))
        return {"provider": "email", **self.app_metadata, "providers": providers}

    def is_banned(self, now: datetime) -> bool:
        """Whether they may not sign in at this moment."""
        return self.banned_until is not None and self.banned_until > now


def clean_email(text: str) -> str:
    """An e-mail address as it is kept: trimmed, lower case, ASCII.

    Raises:
        InvalidInput: it is none (the form of HTML's input type=email, with at least one dot in the domain).
    """
    email = text.strip().lower()
    if len(email) > EMAIL_MAX_LENGTH or _EMAIL.fullmatch(email) is None:
        raise InvalidInput("That is not an e-mail address.", field="email")
    return email


def check_password(password: str) -> None:
    """Refuse a password that is too short or absurdly long; what it is made of is the person's business.

    Raises:
        InvalidInput: facts name the field and, as reason, length.
    """
    if len(password) < PASSWORD_MIN_LENGTH:
        raise InvalidInput(
            f"A password has at least {PASSWORD_MIN_LENGTH} characters.", field="password", reason="length"
        )
    if len(password.encode("utf-8", "surrogatepass")) > PASSWORD_MAX_BYTES:
        raise InvalidInput(f"A password has at most {PASSWORD_MAX_BYTES} bytes.", field="password", reason="length")


def display_name_of(email: str, user_metadata: dict[str, Any]) -> str:
    """How to call a person: the first usable of display_name, full_name and name, else the e-mail's first part."""
    for key in ("display_name", "full_name", "name"):
        value = user_metadata.get(key)
        if isinstance(value, str):
            shown = " ".join("".join(sign for sign in value if sign.isprintable()).split())[:NAME_MAX_LENGTH].strip()
            if shown:
                return shown
    return email.split("@", 1)[0][:NAME_MAX_LENGTH]
