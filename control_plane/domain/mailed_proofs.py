"""Mailed proofs as values: what a stranger asked for, what is mailed, and what using it leads to short of a sign-in."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import msgspec

from control_plane.domain.sign_ins import Challenge

Wish = Literal["sign_up", "recover", "magic_link", "resend_sign_up", "resend_email_change"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a stranger asked for, as the outbox keeps it. account_id and password_hash: of a login to be made.

    came_from: roughly, for the letter.
    """

    wish: Wish
    email: str
    redirect_to: str = ""
    challenge: Challenge | None = None
    account_id: UUID | None = None
    password_hash: str = ""
    user_metadata: dict[str, Any] = {}
    may_create: bool = False
    came_from: str = ""


class Mailed(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is mailed. link: of `/verify`; refusal: of `/refuse`."""

    token: str
    otp: str
    link: str
    refusal: str


class Halfway(msgspec.Struct, frozen=True, kw_only=True):
    """One of two mailboxes has confirmed a new address; the other one's word is missing."""


class FlowStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The link was good, and was asked for by a PKCE client: it changes this code for a sign-in."""

    code: str
