"""Tokens: verify people's access tokens; issue and verify our own. Ours are ES256 only, whatever a token's header says.

With hosted Supabase as the issuer (`OutsideKeys`) access tokens are its: signed by a key of its JWKS or its legacy secret.

kind        key purpose   iss                        aud              lifetime
access      access        {public_url}/auth/v1       authenticated    1 h
join        platform      tradingroom                join             30 s
resume      platform      tradingroom                resume           12 h
node link   platform      tradingroom                the node's id    60 s
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import jwt
import msgspec

from control_plane.domain.callers import Caller, JoinClaims
from control_plane.domain.errors import Unauthenticated
from control_plane.domain.ids import NodeId, UserId
from control_plane.domain.keys import KeyPurpose, PublicKey, SigningKey
from control_plane.gateways import jws

ALGORITHM = "ES256"
PLATFORM_ISSUER = "tradingroom"
ACCESS_AUDIENCE = "authenticated"
ACCESS_ROLE = "authenticated"
ACCESS_LIFETIME_S = 3600
JOIN_LIFETIME_S = 30
RESUME_LIFETIME_S = 12 * 3600
NODE_LINK_LIFETIME_S = 60
LEEWAY_S = 30
"""How far clocks of others may differ; our own tokens are checked by ours, without any."""
_LAST_S = 32_503_680_000
"""The year 3000, Unix seconds."""
TOKEN_MAX_LENGTH = 8192
"""Characters; a longer one is not looked at."""


class Keys(Protocol):
    """Where keys come from; `services.ports.SigningKeys` says more."""

    async def signing(self, purpose: KeyPurpose) -> SigningKey: ...  # noqa: D102 - see services.ports

    async def find(self, purpose: KeyPurpose, kid: str) -> PublicKey | None: ...  # noqa: D102 - see services.ports


class OutsideKeys(Protocol):
    """Another issuer's keys; `gateways.supabase.SupabaseKeys`. legacy_secret: of HS256; None: no such token is taken."""

    @property
    def legacy_secret(self) -> bytes | None: ...  # noqa: D102 - said above

    async def find(self, kid: str, algorithm: str) -> Any | None: ...  # noqa: D102 - see gateways.supabase


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What of an access token counts here. Times in Unix seconds."""

    sub: UUID
    exp: float
    aud: str
    iss: str
    email: str = ""
    session_id: UUID | None = None
    user_metadata: dict[str, Any] = {}
    nbf: float | None = None
    role: str = "authenticated"
    is_anonymous: bool = False
    amr: list[Any] = []


def _connection_of(amr: list[Any]) -> UUID | None:
    """The connection a sign-in came by; None: it came another way. A sign-in's own `amr` names one at most."""
    for proof in amr:
        if isinstance(proof, dict) and str(proof.get("method", "")).startswith("sso/") and proof.get("provider"):
            return UUID(str(proof["provider"]))
    return None


def _end_of(claims: AccessClaims) -> datetime:
    """From when on an access token is refused. A number no calendar holds is as good as one far ahead."""
    return datetime.fromtimestamp(min(claims.exp, _LAST_S) + LEEWAY_S, UTC)


ClaimsT = TypeVar("ClaimsT", AccessClaims, JoinClaims)
ReadT = TypeVar("ReadT")
_access_claims = msgspec.json.Decoder(AccessClaims)
_objects = msgspec.json.Decoder(dict[str, Any])


class EcTokens:
    """Issues and verifies; fills `services.ports.Tokens`.

    Args:
        keys: the signing keys by purpose.
        issuer: `iss` of access tokens: `{public_url}/auth/v1`.
        now: the present moment, UTC.
        outside: the keys of hosted Supabase, when people sign in there; `issuer` is then its.
    """

    def __init__(
        self, keys: Keys, issuer: str, now: Callable[[], datetime], outside: OutsideKeys | None = None
    ) -> None:
        self._outside = outside
        self._keys = keys
        self._issuer = issuer
        self._now = now

    # --- access tokens

    async def issue_access(self, claims: dict[str, Any]) -> tuple[str, int]:
        """An access token for these claims (sub, email, session_id, …); ours are added.

        Returns:
            The token, and when it expires, Unix seconds.
        """
        expires_at = self._timestamp() + ACCESS_LIFETIME_S
        ours = {"iss": self._issuer, "aud": ACCESS_AUDIENCE, "iat": self._timestamp(), "exp": expires_at}
        return await self._sign(KeyPurpose.ACCESS, {**claims, **ours}), expires_at

    async def verify_access(self, token: str) -> Caller:
        """The caller behind an access token.

        Raises:
            Unauthenticated: forged, expired, for another audience or of another issuer. Unavailable.
        """
        outside = self._outside
        if outside is None:
            claims = _read(await self._decode(KeyPurpose.ACCESS, token), _access_claims)
        else:
            claims = _convert(await _decode_outside(outside, token), AccessClaims)
        now = self._now().timestamp()
        if claims.aud != ACCESS_AUDIENCE or claims.iss != self._issuer:
            raise _refused()
        if claims.exp + LEEWAY_S <= now or (claims.nbf is not None and claims.nbf - LEEWAY_S > now):
            raise _refused()
        if claims.role != ACCESS_ROLE or claims.is_anonymous:
            raise _refused()
        name = claims.user_metadata.get("display_name")
        return Caller(
            user_id=UserId(claims.sub),
            email=claims.email,
            display_name=name if isinstance(name, str) else claims.email.split("@", 1)[0],
            # Sign-ins elsewhere are not ours to look up or to end.
            session_id=claims.session_id if outside is None else None,
            sso_connection_id=_connection_of(claims.amr) if outside is None else None,
            expires_at=None if outside is None else _end_of(claims),
        )

    # --- our own

    async def issue_join(self, claims: JoinClaims) -> str:
        """A join token for these claims, valid JOIN_LIFETIME_S."""
        return await self._issue("join", claims, JOIN_LIFETIME_S)

    async def verify_join(self, token: str) -> JoinClaims:
        """Raises Unauthenticated: forged, expired, or of another kind. Unavailable."""
        return await self._verify("join", token)

    async def issue_resume(self, claims: JoinClaims) -> str:
        """A resume token for these claims, valid RESUME_LIFETIME_S."""
        return await self._issue("resume", claims, RESUME_LIFETIME_S)

    async def verify_resume(self, token: str) -> JoinClaims:
        """Raises Unauthenticated: forged, expired, or of another kind. Unavailable."""
        return await self._verify("resume", token)

    async def issue_node_link(self, node_id: NodeId) -> str:
        """A token for one hello on a node link: aud = node id, its own jti."""
        return await self._sign(
            KeyPurpose.PLATFORM,
            {
                "iss": PLATFORM_ISSUER,
                "aud": str(node_id),
                "exp": self._timestamp() + NODE_LINK_LIFETIME_S,
                "jti": secrets.token_urlsafe(16),
            },
        )

    async def _issue(self, kind: str, claims: JoinClaims, lifetime_s: int) -> str:
        payload = {"iss": PLATFORM_ISSUER, "aud": kind, "exp": self._timestamp() + lifetime_s}
        return await self._sign(KeyPurpose.PLATFORM, {**payload, "join": msgspec.to_builtins(claims)})

    async def _verify(self, kind: str, token: str) -> JoinClaims:
        payload = _read(await self._decode(KeyPurpose.PLATFORM, token), _objects)
        expires_at = payload.get("exp")
        if payload.get("aud") != kind or payload.get("iss") != PLATFORM_ISSUER:
            raise _refused()
        if not isinstance(expires_at, int) or expires_at <= self._now().timestamp():
            raise _refused()
        return _convert(payload.get("join"), JoinClaims)

    # --- JWS

    async def _sign(self, purpose: KeyPurpose, payload: dict[str, Any]) -> str:
        key = await self._keys.signing(purpose)
        return jwt.encode(payload, key.key, algorithm=ALGORITHM, headers={"kid": key.kid})

    async def _decode(self, purpose: KeyPurpose, token: str) -> bytes:
        """The payload of a token that one of our keys of this purpose signed; not read yet."""
        if len(token) > TOKEN_MAX_LENGTH:
            raise _refused()
        try:
            read = jws.read(token)
            kid = read.header.get("kid")
            # Nothing else of the header is believed, and the algorithm must be the one our keys are made for.
            if read.header.get("alg") != ALGORITHM or not isinstance(kid, str) or "crit" in read.header:
                raise _refused()
            key = await self._keys.find(purpose, kid)
            if key is None:
                raise _refused()
            return jws.verify(read, key.key)
        except jws.BadToken as error:
            raise _refused() from error

    def _timestamp(self) -> int:
        return int(self._now().timestamp())


async def _decode_outside(outside: OutsideKeys, token: str) -> dict[str, Any]:
    """The payload of a token that hosted Supabase signed; its claims are not checked yet.

    The algorithm chooses where the key comes from, and each place holds keys of one kind only: a public key of the JWKS
    never comes to be a secret.
    """
    algorithm, kid = _read_header(token)
    if algorithm == "HS256":
        if outside.legacy_secret is None:
            raise _refused()
        return _verify_signature(token, outside.legacy_secret, algorithm)
    if algorithm not in {"ES256", "RS256"} or kid is None:
        raise _refused()
    key = await outside.find(kid, algorithm)
    if key is None:
        raise _refused()
    return _verify_signature(token, key, algorithm)


def _read_header(token: str) -> tuple[str, str | None]:
    """The algorithm and the key's id a token names. Nothing else of its header is believed: not jwk, jku or x5u."""
    if len(token) > TOKEN_MAX_LENGTH:
        raise _refused()
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise _refused() from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or "crit" in header:
        raise _refused()
    return algorithm, kid if isinstance(kid, str) else None


def _verify_signature(token: str, key: Any, algorithm: str) -> dict[str, Any]:
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            options={
                "verify_exp": False,  # times are checked against the clock that is handed in
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.InvalidTokenError, jwt.InvalidKeyError) as error:
        raise _refused() from error
    return payload


def _read(payload: bytes, decoder: msgspec.json.Decoder[ReadT]) -> ReadT:
    try:
        return decoder.decode(payload)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, too
        raise _refused() from error


def _convert(payload: Any, kind: type[ClaimsT]) -> ClaimsT:
    try:
        return msgspec.convert(payload, kind)
    except msgspec.ValidationError as error:
        raise _refused() from error


def _refused() -> Unauthenticated:
    """One sentence for all reasons: a forger learns nothing."""
    return Unauthenticated("This token is not good.")
