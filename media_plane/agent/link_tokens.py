"""Who may open a node link: ES256 tokens of the control plane, meant for this node, short-lived, used once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import jwt
import msgspec

ISSUER = "tradingroom"
MAX_LIFETIME_S = 60.0
"""Longest time ahead a token may expire. Source: decisions.md 10."""
CLOCK_LEEWAY_S = 5.0
"""How far the two machines' clocks may differ, seconds."""
MOST_REMEMBERED = 100_000
"""Used tokens remembered; each is forgotten once it has expired, so this is 1,500 links a second."""


class TokenRefused(Exception):
    """The token is not good. The message is for our log; the caller is told no reason.

    unknown_key: the signing key is not one of ours, so newer keys may be worth asking for.
    """

    def __init__(self, reason: str, *, unknown_key: bool = False) -> None:
        super().__init__(reason)
        self.unknown_key = unknown_key


class _Claims(msgspec.Struct):
    """The claims that count. Times in Unix seconds."""

    exp: float
    jti: str


class LinkTokens:
    """Verifies link tokens against the keys of the last enrolment.

    Args:
        node_id: audience every token must name.
        now: Unix time in seconds.
    """

    def __init__(self, node_id: str, now: Callable[[], float]) -> None:
        self._node_id = node_id
        self._now = now
        self._keys: list[tuple[str | None, jwt.PyJWK]] = []
        self._used: set[str] = set()
        self._expiries: deque[tuple[float, str]] = deque()

    @property
    def has_keys(self) -> bool:
        """Whether the node has enrolled and so can accept anybody."""
        return bool(self._keys)

    @property
    def remembered(self) -> int:
        """Used tokens held in memory, 0 to `MOST_REMEMBERED`."""
        return len(self._used)

    def replace_keys(self, jwks: bytes) -> None:
        """Trust these public keys and no others.

        Args:
            jwks: a JWKS as JSON; keys that are not P-256 signing keys are skipped.

        Raises:
            ValueError: there is no usable key in it.
        """
        try:
            document = msgspec.json.decode(jwks, type=dict[str, list[dict[str, Any]]])
        except msgspec.DecodeError as error:
            raise ValueError("The JWKS does not decode.") from error
        keys = [(raw.get("kid"), _public_key(raw)) for raw in document.get("keys", []) if _is_usable(raw)]
        if not keys:
            raise ValueError("The JWKS holds no ES256 key.")
        self._keys = keys

    def verify(self, token: str) -> None:
        """Accept a token, once.

        Raises:
            TokenRefused: forged, expired, for another node, living too long, or used before.
        """
        claims = self._decode(token)
        now = self._now()
        if claims.exp <= now - CLOCK_LEEWAY_S:
            raise TokenRefused("expired")
        if claims.exp > now + MAX_LIFETIME_S + CLOCK_LEEWAY_S:
            raise TokenRefused("expires too far ahead")
        if not 1 <= len(claims.jti) <= 128:
            raise TokenRefused("bad jti")
        self._remember(claims, now)

    def _decode(self, token: str) -> _Claims:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.InvalidTokenError as error:
            raise TokenRefused("not a JWT") from error
        candidates = [key for known, key in self._keys if kid is None or known == kid]
        if not candidates:
            raise TokenRefused("signed with a key we do not know", unknown_key=True)
        for key in candidates[:4]:
            try:
                payload = jwt.decode(
                    token,
                    key,
                    algorithms=["ES256"],
                    audience=self._node_id,
                    issuer=ISSUER,
                    # Times are checked by our own clock, which tests hand in.
                    options={"require": ["exp", "jti", "aud", "iss"], "verify_exp": False, "verify_iat": False},
                )
                return msgspec.convert(payload, _Claims)
            except jwt.InvalidSignatureError:
                continue
            except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
                raise TokenRefused(f"claims refused: {type(error).__name__}") from error
        raise TokenRefused("bad signature")

    def _remember(self, claims: _Claims, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now - CLOCK_LEEWAY_S:
            self._used.discard(self._expiries.popleft()[1])
        if claims.jti in self._used:
            raise TokenRefused("used before")
        if len(self._used) >= MOST_REMEMBERED:
            raise TokenRefused("too many links at once")
        self._used.add(claims.jti)
        # One lifetime for all keeps the queue sorted; it is never shorter than the token's own.
        self._expiries.append((now + MAX_LIFETIME_S + CLOCK_LEEWAY_S, claims.jti))


def _is_usable(raw: dict[str, Any]) -> bool:
    return raw.get("kty") == "EC" and raw.get("crv") == "P-256" and raw.get("use", "sig") == "sig"


def _public_key(raw: dict[str, Any]) -> jwt.PyJWK:
    """A verifying key; a private part that should never have been sent is left out."""
    try:
        return jwt.PyJWK({name: value for name, value in raw.items() if name != "d"}, algorithm="ES256")
    except jwt.PyJWTError as error:
        raise ValueError("The JWKS holds a broken key.") from error
