"""Compact JWS with ES256 (RFC 7515, RFC 7518 3.4), as strict as our own tokens are: read for every request, so in few steps.

pyjwt looks at each character of a token in Python, twice, which took a third of a request's CPU time (2026-11-22).
"""

from __future__ import annotations

import binascii
import re
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

_PARTS = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})")
"""Head, payload, and a signature of 64 bytes; base64url without padding."""
_ES256 = ECDSA(SHA256())
_objects = msgspec.json.Decoder(dict[str, Any])


class BadToken(Exception):
    """It is no such token, or nobody with this key signed it."""


class Jws(msgspec.Struct, frozen=True, kw_only=True):
    """A token in its parts; nothing is believed yet. header: its JSON; signed: what the signature is over."""

    header: dict[str, Any]
    signed: bytes
    payload: str
    signature: bytes


def read(token: str) -> Jws:
    """Take a token apart. Raises BadToken: it has not the form."""
    found = _PARTS.fullmatch(token)
    if found is None:
        raise BadToken
    head, payload, signature = found.groups()
    return Jws(header=_header(head), signed=f"{head}.{payload}".encode(), payload=payload, signature=_decode(signature))


def verify(jws: Jws, key: Any) -> dict[str, Any]:
    """The payload. key: an elliptic-curve public key of `cryptography`, P-256. Raises BadToken: it was not signed so."""
    half = len(jws.signature) // 2
    r, s = int.from_bytes(jws.signature[:half], "big"), int.from_bytes(jws.signature[half:], "big")
    try:
        key.verify(encode_dss_signature(r, s), jws.signed, _ES256)
    except InvalidSignature as error:
        raise BadToken from error
    return _object(jws.payload)


@lru_cache(maxsize=64)
def _header(part: str) -> dict[str, Any]:
    """A head's JSON, which is only read. All tokens of a key have the same one; nothing of the check is remembered."""
    return _object(part)


def _object(part: str) -> dict[str, Any]:
    try:
        return _objects.decode(_decode(part))
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, too
        raise BadToken from error


def _decode(part: str) -> bytes:
    """base64url as it is written canonically: the unused bits of the last character are zero (RFC 4648, 3.5)."""
    padded = part.replace("-", "+").replace("_", "/") + "=" * (-len(part) % 4)
    try:
        raw = binascii.a2b_base64(padded, strict_mode=True)
    except binascii.Error as error:
        raise BadToken from error
    if binascii.b2a_base64(raw, newline=False) != padded.encode():
        raise BadToken
    return raw
