"""Access tokens that were forged, keys that rotate, and refusals in the version a client asks for."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.app import compose
from control_plane.domain.keys import KeyPurpose
from control_plane.gateways.clock import SystemClock
from control_plane.rest.server import create_app
from control_plane.services.keys import ACTIVATION, KeyService
from control_plane.services.platform import Platform
from tests.conftest import SECRET_KEY, make_settings
from tests.factories import assert_problem, make_person
from tests.support.shifted_clock import ShiftedClock


async def test_every_forged_token_gets_one_answer(api: httpx.AsyncClient, platform: Platform) -> None:
    person = await make_person(platform)
    header, payload, signature = person.token.split(".")
    good = jwt.decode(person.token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(person.token)["kid"]
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
    platform_key = await platform.keys.signing(KeyPurpose.PLATFORM)
    now = int(SystemClock().now().timestamp())

    def forge(**more: Any) -> str:
        return jwt.encode(good, own, "ES256", headers={"kid": kid, **more})

    forged = [
        jwt.encode(good, "", "none", headers={"kid": kid}),
        jwt.encode(good, SECRET_KEY, "HS256", headers={"kid": kid}),
        forge(),
        forge(jwk=jwk),
        forge(jku="https://evil.example/jwks.json"),
        forge(x5u="https://evil.example/cert.pem"),
        forge(kid="../../etc/passwd"),
        forge(kid="' or '1'='1"),
        jwt.encode(good, platform_key.key, "ES256", headers={"kid": platform_key.kid}),
        (await platform.tokens.issue_access({**good, "sub": "x"}))[0],
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}.{payload[:-4]}.{signature}",
        "a" * 65_000,
        "a.b.c",
    ]
    for changes in ({"exp": now - 3600}, {"nbf": now + 3600}, {"aud": "join"}, {"iss": "https://evil.example"}):
        access = await platform.keys.signing(KeyPurpose.ACCESS)
        forged.append(jwt.encode({**good, **changes}, access.key, "ES256", headers={"kid": access.kid}))

    answers = [await api.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}) for token in forged]

    assert [answer.status_code for answer in answers] == [401] * len(forged)
    assert len({answer.json()["detail"] for answer in answers}) == 1


def _published_forms(jwk: dict[str, Any]) -> list[bytes]:
    """What a published key may be taken for as an HMAC secret: PEM and DER, its JWK and the set, its coordinates."""
    public = jwt.algorithms.ECAlgorithm.from_jwk(jwk)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    texts = [json.dumps(one, separators=form).encode() for one in (jwk, {"keys": [jwk]}) for form in (None, (",", ":"))]
    return [pem, pem.strip(), der, point, point[1:], *texts, jwk["x"].encode(), jwk["kid"].encode()]


def _signed_as_hmac(claims: dict[str, Any], header: dict[str, str], secret: bytes) -> str:
    """A token signed by hand: libraries refuse to take a public key for a secret."""
    parts = [jwt.utils.base64url_encode(json.dumps(one).encode()).decode() for one in (header, claims)]
    signature = hmac.new(secret, ".".join(parts).encode(), hashlib.sha256).digest()
    return ".".join([*parts, jwt.utils.base64url_encode(signature).decode()])


async def test_the_published_key_is_no_secret_to_sign_with(api: httpx.AsyncClient, platform: Platform) -> None:
    """A3: a verifier that takes the algorithm from the token checks an HMAC by what everybody can read."""
    person = await make_person(platform)
    good = jwt.decode(person.token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(person.token)["kid"]
    published = await api.get("/auth/v1/.well-known/jwks.json")
    jwk = next(one for one in published.json()["keys"] if one["kid"] == kid)
    secrets = [*_published_forms(jwk), published.content]
    headers = [{"alg": "HS256", "typ": "JWT", "kid": kid}, {"alg": "HS256", "typ": "JWT"}]

    answers = [
        await api.get("/api/v1/me", headers={"Authorization": f"Bearer {_signed_as_hmac(good, header, secret)}"})
        for secret in secrets
        for header in headers
    ]

    assert len(answers) == 24
    for answer in answers:
        assert_problem(answer, 401, "unauthenticated")


async def test_new_keys_are_published_before_they_sign_and_old_tokens_stay_good(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    person = await make_person(platform)
    clock = ShiftedClock()
    keys = KeyService(platform.db, clock, bytes.fromhex(SECRET_KEY))
    old = await keys.signing(KeyPurpose.ACCESS)

    clock.shift = timedelta(hours=1)
    await keys.rotate()
    published = await keys.jwks(KeyPurpose.ACCESS)
    still = await keys.signing(KeyPurpose.ACCESS)
    clock.shift += ACTIVATION
    new = await keys.signing(KeyPurpose.ACCESS)

    assert still.kid == old.kid
    assert new.kid != old.kid
    assert new.kid.encode() in published
    assert await keys.find(KeyPurpose.ACCESS, old.kid) is not None
    assert (await api.get("/api/v1/me", headers=person.headers)).status_code == 200


async def test_refusals_speak_the_version_the_client_asks_for(api: httpx.AsyncClient) -> None:
    body = {"email": f"{uuid4().hex}@example.com", "password": "wrong password"}

    old = await api.post("/auth/v1/token?grant_type=password", json=body)
    new = await api.post(
        "/auth/v1/token?grant_type=password", json=body, headers={"X-Supabase-Api-Version": "2024-01-01"}
    )

    assert old.json() == {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
    assert new.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert new.headers["x-supabase-api-version"] == "2024-01-01"


async def test_there_is_no_mailbox_where_it_was_not_asked_for(database: Any, valkey: Any) -> None:
    settings = make_settings(database.app_url, valkey.url())
    async with compose(settings) as platform:
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            assert_problem(await client.get("/dev/mailbox"), 404, "not_found")
