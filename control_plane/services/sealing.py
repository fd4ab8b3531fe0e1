"""Secrets at rest: sealed where they are needed again, hashed where it is enough to know them."""

from __future__ import annotations

import hashlib
import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
"""Source: NIST SP 800-38D, 8.2: 96-bit nonces."""


def seal(key: bytes, raw: bytes, bound_to: bytes) -> bytes:
    """AES-256-GCM under a 32-byte key; bound to the row it is kept in (its id, say), so that it opens in no other."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, raw, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What `seal` was given. Raises InvalidTag: another key or row. ValueError: nothing that was sealed."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)


def hash_token(token: str) -> bytes:
    """SHA-256 of a random token, as it is stored: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
