"""Who may open a node link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from media_plane.agent.link_tokens import LinkTokens, TokenRefused

NOW = 1_800_000_000.0
NODE_ID = "6f1f9f64-5b1e-4a8e-9d0a-3d7d8b5b0c11"
KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def jwks(key: ec.EllipticCurvePrivateKey = KEY, kid: str | None = "k1") -> bytes:
    jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return msgspec.json.encode({"keys": [jwk | ({"kid": kid} if kid else {})]})


def token(key: Any = KEY, *, kid: str | None = "k1", algorithm: str = "ES256", **changes: Any) -> str:
    claims = {"iss": "tradingroom", "aud": NODE_ID, "exp": int(NOW) + 60, "jti": "t1"} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else None)


def tokens_at(now: Callable[[], float] = lambda: NOW) -> LinkTokens:
    tokens = LinkTokens(NODE_ID, now)
    tokens.replace_keys(jwks())
    return tokens


def test_a_good_token_is_accepted_once() -> None:
    tokens = tokens_at()
    good = token()

    tokens.verify(good)

    with pytest.raises(TokenRefused, match="used before"):
        tokens.verify(good)


def test_a_token_without_kid_is_tried_against_all_keys() -> None:
    tokens_at().verify(token(kid=None))


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="not a JWT"),
        pytest.param("é.é.é", id="not ASCII"),
        pytest.param(token(OTHER_KEY), id="forged"),
        pytest.param(token("s" * 32, algorithm="HS256"), id="other algorithm"),
        pytest.param(token("", algorithm="none"), id="unsigned"),
        pytest.param(token(aud="another-node"), id="another node"),
        pytest.param(token(aud=None), id="no audience"),
        pytest.param(token(iss="someone"), id="another issuer"),
        pytest.param(token(iss=None), id="no issuer"),
        pytest.param(token(exp=int(NOW) - 6), id="expired"),
        pytest.param(token(exp=int(NOW) + 66), id="lives too long"),
        pytest.param(token(exp=None), id="no expiry"),
        pytest.param(token(jti=None), id="no jti"),
        pytest.param(token(jti=""), id="empty jti"),
        pytest.param(token(jti="x" * 129), id="long jti"),
        pytest.param(token(nbf=int(NOW) + 10**9), id="not yet valid"),
        pytest.param(token()[:-4] + "AAAA", id="broken signature"),
    ],
)
def test_a_bad_token_is_refused(bad: str) -> None:
    with pytest.raises(TokenRefused):
        tokens_at().verify(bad)


def test_an_unknown_key_is_told_apart_so_that_newer_ones_are_fetched() -> None:
    with pytest.raises(TokenRefused) as refused:
        tokens_at().verify(token(kid="k2"))

    assert refused.value.unknown_key


def test_rotation_replaces_the_keys() -> None:
    tokens = tokens_at()

    tokens.replace_keys(jwks(OTHER_KEY, "k2"))

    tokens.verify(token(OTHER_KEY, kid="k2"))
    with pytest.raises(TokenRefused):
        tokens.verify(token(jti="t2"))


def test_used_tokens_are_forgotten_after_they_have_expired() -> None:
    clock = [NOW]
    tokens = tokens_at(lambda: clock[0])
    tokens.verify(token())

    clock[0] = NOW + 200
    tokens.verify(token(jti="t2", exp=int(NOW) + 250))

    assert tokens.remembered == 1


def test_nobody_is_accepted_before_enrolment() -> None:
    tokens = LinkTokens(NODE_ID, lambda: NOW)

    assert not tokens.has_keys
    with pytest.raises(TokenRefused):
        tokens.verify(token())


@pytest.mark.parametrize(
    "bad", [b"", b"[]", b"{}", b'{"keys":[]}', b'{"keys":[{"kty":"RSA"}]}', b'{"keys":[{"kty":"EC","crv":"P-256"}]}']
)
def test_a_jwks_without_a_usable_key_is_refused_and_the_old_keys_stay(bad: bytes) -> None:
    tokens = tokens_at()

    with pytest.raises(ValueError, match="JWKS"):
        tokens.replace_keys(bad)

    tokens.verify(token())
