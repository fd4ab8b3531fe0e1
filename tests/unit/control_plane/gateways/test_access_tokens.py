"""Tokens against forgers: whatever is wrong, one error, one sentence."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.domain.callers import JoinClaims
from control_plane.domain.errors import Unauthenticated
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, ParticipantId, RoomId
from control_plane.domain.keys import KeyPurpose, PublicKey, SigningKey
from control_plane.gateways.tokens import LEEWAY_S, EcTokens

ISSUER = "http://localhost:8000/auth/v1"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
USER = "0190a000-0000-7000-8000-000000000001"


class Ring:
    """Two keys, made once."""

    def __init__(self) -> None:
        self.keys = {purpose: ec.generate_private_key(ec.SECP256R1()) for purpose in KeyPurpose}

    async def signing(self, purpose: KeyPurpose) -> SigningKey:
        return SigningKey(kid=f"{purpose.value}-1", key=self.keys[purpose])

    async def find(self, purpose: KeyPurpose, kid: str) -> PublicKey | None:
        if kid != f"{purpose.value}-1":
            return None
        return PublicKey(kid=kid, key=self.keys[purpose].public_key())


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def ring() -> Ring:
    return Ring()


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def tokens(ring: Ring, hands: Hands) -> EcTokens:
    return EcTokens(ring, ISSUER, hands.now)


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "sub": USER,
        "email": "ada@example.com",
        "session_id": str(uuid4()),
        "iss": ISSUER,
        "aud": "authenticated",
        "exp": int(NOW.timestamp()) + 600,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _sign(ring: Ring, claims: dict[str, Any], **header: Any) -> str:
    headers = {"kid": "access-1", **header}
    return jwt.encode(claims, ring.keys[KeyPurpose.ACCESS], algorithm="ES256", headers=headers)


def _raw(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    return ".".join((part(msgspec.json.encode(header)), part(msgspec.json.encode(claims)), part(signature)))


async def test_an_issued_access_token_names_its_caller(tokens: EcTokens) -> None:
    token, expires_at = await tokens.issue_access(
        {"sub": USER, "email": "ada@example.com", "user_metadata": {"display_name": "Ada"}}
    )

    caller = await tokens.verify_access(token)

    assert (str(caller.user_id), caller.email, caller.display_name) == (USER, "ada@example.com", "Ada")
    assert expires_at == int(NOW.timestamp()) + 3600


async def test_a_token_of_ours_can_be_checked_by_others_with_the_public_key(tokens: EcTokens, ring: Ring) -> None:
    token, _ = await tokens.issue_access({"sub": USER})
    public = ring.keys[KeyPurpose.ACCESS].public_key()

    options: Any = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(token, public, algorithms=["ES256"], audience="authenticated", options=options)

    assert claims["iss"] == ISSUER


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(NOW.timestamp()) - LEEWAY_S},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": int(NOW.timestamp()) + LEEWAY_S + 1},
        {"aud": "join"},
        {"aud": None},
        {"aud": ["authenticated", "other"]},
        {"iss": "https://evil.example/auth/v1"},
        {"iss": None},
        {"sub": None},
        {"sub": "not a uuid"},
        {"user_metadata": "text"},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(tokens: EcTokens, ring: Ring, changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="This token is not good"):
        await tokens.verify_access(_sign(ring, _claims(**changes)))


async def test_clocks_may_differ_a_little(tokens: EcTokens, ring: Ring) -> None:
    await tokens.verify_access(_sign(ring, _claims(exp=int(NOW.timestamp()) - LEEWAY_S + 1)))


@pytest.mark.parametrize(
    "header",
    [{"kid": "access-2"}, {"kid": "platform-1"}, {"kid": None}, {"crit": ["exp"]}, {"kid": "../../etc/passwd"}],
)
async def test_a_token_with_a_wrong_header_is_refused(tokens: EcTokens, ring: Ring, header: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        await tokens.verify_access(
            _raw({"alg": "ES256", "typ": "JWT", "kid": "access-1", **header}, _claims(), b"x" * 64)
        )


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "HS256", "RS256", "ES384", ""])
async def test_another_algorithm_is_refused(tokens: EcTokens, algorithm: str) -> None:
    with pytest.raises(Unauthenticated):
        await tokens.verify_access(_raw({"alg": algorithm, "kid": "access-1"}, _claims()))


async def test_the_public_key_is_no_hmac_secret(tokens: EcTokens, ring: Ring) -> None:
    pem = ring.keys[KeyPurpose.ACCESS].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, payload, _ = _raw({"alg": "HS256", "kid": "access-1"}, _claims()).split(".")
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{header}.{payload}".encode(), pem
    )
    forged = f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    with pytest.raises(Unauthenticated):
        await tokens.verify_access(forged)


async def test_a_key_that_travels_in_the_header_is_not_believed(tokens: EcTokens) -> None:
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
    forged = jwt.encode(_claims(), own, algorithm="ES256", headers={"kid": "access-1", "jwk": jwk, "jku": "http://x"})

    with pytest.raises(Unauthenticated):
        await tokens.verify_access(forged)


async def test_another_kind_of_key_is_refused(tokens: EcTokens) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    with pytest.raises(Unauthenticated):
        await tokens.verify_access(jwt.encode(_claims(), own, algorithm="RS256", headers={"kid": "access-1"}))


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "x" * 65536, "é", "eyJhbGciOiJFUzI1NiJ9..", "null.null.null"]
)
async def test_what_is_no_token_is_refused(tokens: EcTokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await tokens.verify_access(token)


async def test_a_changed_payload_breaks_the_signature(tokens: EcTokens, ring: Ring) -> None:
    header, _, signature = _sign(ring, _claims()).split(".")
    other = _raw({}, _claims(sub=str(UUID(int=2)))).split(".")[1]

    with pytest.raises(Unauthenticated):
        await tokens.verify_access(f"{header}.{other}.{signature}")


CLAIMS = JoinClaims(
    organization_id=OrganizationId(UUID(int=1)),
    room_id=RoomId(UUID(int=2)),
    live_session_id=LiveSessionId(UUID(int=3)),
    participant_id=ParticipantId(UUID(int=4)),
    nonce="n",
    generation=7,
)


async def test_join_and_resume_tokens_carry_their_claims(tokens: EcTokens) -> None:
    assert await tokens.verify_join(await tokens.issue_join(CLAIMS)) == CLAIMS
    assert await tokens.verify_resume(await tokens.issue_resume(CLAIMS)) == CLAIMS


async def test_no_kind_of_token_passes_for_another(tokens: EcTokens) -> None:
    join, resume = await tokens.issue_join(CLAIMS), await tokens.issue_resume(CLAIMS)
    link, (access, _) = await tokens.issue_node_link(NodeId(UUID(int=5))), await tokens.issue_access({"sub": USER})
    wrong = {
        tokens.verify_join: (resume, link, access),
        tokens.verify_resume: (join, link, access),
        tokens.verify_access: (join, resume, link),
    }

    for verify, others in wrong.items():
        for token in others:
            with pytest.raises(Unauthenticated):
                await verify(token)


async def test_a_join_token_lives_30_seconds(tokens: EcTokens, hands: Hands) -> None:
    token = await tokens.issue_join(CLAIMS)

    hands.time = NOW + timedelta(seconds=29)
    await tokens.verify_join(token)
    hands.time = NOW + timedelta(seconds=30)
    with pytest.raises(Unauthenticated):
        await tokens.verify_join(token)


async def test_a_link_token_is_for_one_node_for_a_minute_with_an_id_of_its_own(tokens: EcTokens, ring: Ring) -> None:
    node = NodeId(uuid4())
    first, second = await tokens.issue_node_link(node), await tokens.issue_node_link(node)
    public = ring.keys[KeyPurpose.PLATFORM].public_key()

    claims = [
        jwt.decode(token, public, algorithms=["ES256"], audience=str(node), options={"verify_exp": False})
        for token in (first, second)
    ]

    assert [claim["exp"] for claim in claims] == [int(NOW.timestamp()) + 60] * 2
    assert claims[0]["jti"] != claims[1]["jti"]
