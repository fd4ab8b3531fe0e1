"""Compact JWS with ES256 (RFC 7515, RFC 7518 3.4), as strict as our own tokens are: read for every request, so in few steps.

pyjwt looks at each character of a token in Python, twice, which took a third of a request's CPU time (2026-11-22).
"""

from __future__ import annotations

import binascii
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Of base64url (RFC 4648, 5)."""
_SIGNATURE_LENGTH = 86
"""Characters: 64 bytes without padding."""
_ES256 = ECDSA(SHA256())
_STANDARD = bytes.maketrans(b"-_", b"+/")
_LAST = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}
"""By how many characters stand after the last four: what the last one may be, its unused bits being zero."""
_objects = msgspec.json.Decoder(dict[str, Any])


class BadToken(Exception):
    """It is no such token, or nobody with this key signed it."""


class Jws(msgspec.Struct, frozen=True, kw_only=True):
    """A token in its parts; nothing is believed yet. header: its JSON; signed: what the signature is over."""

    header: dict[str, Any]
    signed: bytes
    payload: bytes
    signature: bytes


def read(token: str) -> Jws:
    """Take a token apart. Raises BadToken: it has not the form."""
    raw = token.encode(errors="replace")
    if raw.translate(None, _ALPHABET) != b"..":
        raise BadToken
    head, payload, signature = raw.split(b".")
    if not head or not payload or len(signature) != _SIGNATURE_LENGTH:
        raise BadToken
    signed = raw[: -_SIGNATURE_LENGTH - 1]
    return Jws(header=_header(head), signed=signed, payload=payload, signature=_decode(signature))


def verify(jws: Jws, key: Any) -> bytes:
    """The payload as it was signed. key: a P-256 public key of `cryptography`. Raises BadToken: it was not signed so."""
    half = len(jws.signature) // 2
    r, s = int.from_bytes(jws.signature[:half], "big"), int.from_bytes(jws.signature[half:], "big")
    try:
        key.verify(encode_dss_signature(r, s), jws.signed, _ES256)
    except InvalidSignature as error:
        raise BadToken from error
    return _decode(jws.payload)


@lru_cache(maxsize=64)
def _header(part: bytes) -> dict[str, Any]:
    """A head's JSON, which is only read. All tokens of a key have the same one; nothing of the check is remembered."""
    try:
        return _objects.decode(_decode(part))
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, too
        raise BadToken from error


def _decode(part: bytes) -> bytes:
    """base64url as it is written canonically: the unused bits of the last character are zero (RFC 4648, 3.5).

    part: of its alphabet, and no others.
    """
    spare = len(part) % 4
    if spare and part[-1] not in _LAST.get(spare, ()):
        raise BadToken
    return binascii.a2b_base64(part.translate(_STANDARD) + b"=" * (-spare % 4))
