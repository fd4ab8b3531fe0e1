"""Signing keys as values: what they are for and how they are named. Making and sealing them is `services/keys.py`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class KeyPurpose(StrEnum):
    """What a key signs; a token of one purpose is never good for another."""

    ACCESS = "access"
    """Access tokens of `/auth/v1`; its public half is the JWKS."""
    PLATFORM = "platform"
    """Join, resume and node-link tokens; its public half goes to enrolled media nodes."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """The verifying half. key: an elliptic-curve public key of `cryptography`, P-256."""

    kid: str
    key: Any


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """The signing half. key: an elliptic-curve private key of `cryptography`, P-256."""

    kid: str
    key: Any
