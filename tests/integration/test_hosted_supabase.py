"""SUPABASE_URL set: hosted Supabase signs people in; the API takes its tokens and no others. The project is a fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from control_plane.app import compose
from control_plane.gateways.clock import SystemClock
from control_plane.rest.server import create_app
from control_plane.signaling.messages import CloseCode
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import assert_problem, make_tenant
from tests.support.hosted_project import JWKS_PATH, OCT_SECRET, Project
from tests.support.live_room import open_live_room, resume_code

SECRET = "a-legacy-secret-of-a-hosted-project-0123"


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    made = Project()
    yield made
    made.close()


@pytest.fixture
async def api(database: TestDatabase, valkey: EmbeddedValkey, project: Project) -> AsyncIterator[httpx.AsyncClient]:
    """The REST door of a deployment whose people sign in at the hosted project."""
    settings = make_settings(
        database.app_url, valkey.url(), SUPABASE_URL=project.url, SUPABASE_JWT_SECRET=SECRET, SUPABASE_ANON_KEY="anon"
    )
    async with compose(settings) as platform:
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            yield client


async def _me(api: httpx.AsyncClient, token: str) -> httpx.Response:
    return await api.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("kid", ["ec", "rsa"])
async def test_a_token_of_the_projects_keys_is_good_and_its_person_is_made_on_first_sight(
    api: httpx.AsyncClient, project: Project, kid: str
) -> None:
    claims = project.claims()

    answers = [await _me(api, project.sign(kid, sub=claims["sub"], email=claims["email"])) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert answers[0].json()["email"] == claims["email"]
    assert answers[0].json()["displayName"] == "Ada"


async def test_a_provisioned_person_makes_an_organization(api: httpx.AsyncClient, project: Project) -> None:
    token = project.sign()

    answer = await api.post(
        "/api/v1/organizations", json={"name": "Acme"}, headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == 201, answer.text


async def test_a_token_of_the_legacy_secret_is_good(api: httpx.AsyncClient, project: Project) -> None:
    token = jwt.encode(project.claims(), SECRET, "HS256")

    assert (await _me(api, token)).status_code == 200


async def test_an_address_that_changed_there_changes_here(api: httpx.AsyncClient, project: Project) -> None:
    user_id, moved = str(uuid4()), f"{uuid4().hex}@example.com"
    await _me(api, project.sign(sub=user_id))

    answer = await _me(api, project.sign(sub=user_id, email=moved))

    assert answer.json()["email"] == moved


async def test_an_address_another_login_has_is_not_taken_over(api: httpx.AsyncClient, project: Project) -> None:
    email = f"{uuid4().hex}@example.com"
    await _me(api, project.sign(email=email))

    assert_problem(await _me(api, project.sign(email=email)), 403, "forbidden")


async def test_an_erased_person_stays_erased_while_their_token_is_good(
    api: httpx.AsyncClient, database: TestDatabase, valkey: EmbeddedValkey, project: Project
) -> None:
    token = project.sign(sub=str(uuid4()))
    headers = {"Authorization": f"Bearer {token}"}
    email = (await _me(api, token)).json()["email"]
    erased = await api.post("/api/v1/me/erasure", json={"email": email}, headers=headers)
    assert erased.status_code == 204, erased.text
    settings = make_settings(database.app_url, valkey.url(), SUPABASE_URL=project.url)

    answers = [await _me(api, token)]
    # Another process has not seen them yet.
    async with compose(settings) as platform:
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as other:
            answers.append(await _me(other, token))

    assert [assert_problem(answer, 403, "forbidden")["reason"] for answer in answers] == ["user_erased"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://localhost:8000/auth/v1"},
        {"aud": "other"},
        {"role": "anon"},
        {"role": "service_role"},
        {"is_anonymous": True},
        {"exp": 1},
        {"sub": "not-a-uuid"},
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(
    api: httpx.AsyncClient, project: Project, changes: dict[str, Any]
) -> None:
    assert_problem(await _me(api, project.sign(**changes)), 401, "unauthenticated")


async def test_keys_are_never_mistaken_for_secrets_nor_secrets_for_keys(
    api: httpx.AsyncClient, project: Project
) -> None:
    claims = project.claims()
    pem = project.rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = jwt.encode(claims, SECRET, "HS256").rsplit(".", 1)[0].encode()
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body, pem)
    forged = [
        body.decode() + "." + jwt.utils.base64url_encode(signature).decode(),
        jwt.encode(claims, OCT_SECRET, "HS256", headers={"kid": "oct"}),
        jwt.encode(claims, project.ec_key, "ES256", headers={"kid": "rsa"}),
        jwt.encode(claims, project.ec_key, "ES256", headers={"kid": "nobody"}),
        jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": "ec"}),
        jwt.encode(claims, "", "none"),
    ]

    answers = [await _me(api, token) for token in forged]

    assert [answer.status_code for answer in answers] == [401] * len(forged)
    assert len({answer.json()["detail"] for answer in answers}) == 1


async def test_strangers_key_ids_do_not_make_us_ask_the_project_each_time(
    api: httpx.AsyncClient, project: Project
) -> None:
    await _me(api, project.sign())
    before = len(project.asked)

    for number in range(20):
        await _me(api, jwt.encode(project.claims(), project.ec_key, "ES256", headers={"kid": f"stranger-{number}"}))

    assert len(project.asked) - before <= 1
    assert set(project.asked) == {JWKS_PATH}


async def test_an_invitation_by_mail_is_taken_by_its_code_alone(api: httpx.AsyncClient, project: Project) -> None:
    """Whether the project ever wrote to an address, its tokens do not say."""
    owner, email = {"Authorization": f"Bearer {project.sign()}"}, f"{uuid4().hex}@example.com"
    organization = (await api.post("/api/v1/organizations", json={"name": "Acme"}, headers=owner)).json()
    path = f"/api/v1/organizations/{organization['id']}/invitations"
    made = (await api.post(path, json={"role": "viewer", "email": email}, headers=owner)).json()
    headers = {"Authorization": f"Bearer {project.sign(email=email)}"}
    await api.get("/api/v1/me", headers=headers)

    listed = await api.get("/api/v1/me/invitations", headers=headers)
    unproven = await api.post(f"/api/v1/me/invitations/{made['id']}/accept", headers=headers)
    declined = await api.post(f"/api/v1/me/invitations/{made['id']}/decline", headers=headers)
    proven = await api.post("/api/v1/invitations/accept", json={"code": made["code"]}, headers=headers)

    assert listed.json()["items"] == []
    assert_problem(unproven, 404, "not_found")
    assert_problem(declined, 404, "not_found")
    assert proven.status_code == 200, proven.text


async def test_a_socket_and_its_way_back_end_with_the_token_that_joined(
    database: TestDatabase, valkey: EmbeddedValkey, project: Project
) -> None:
    settings = make_settings(database.app_url, valkey.url(), SUPABASE_URL=project.url)
    async with compose(settings) as platform:
        tenant = await make_tenant(platform)
        owner = tenant.owner.caller
        # It is believed for 30 s longer, as by REST.
        nearly_over = int(SystemClock().now().timestamp()) - 25
        token = project.sign(sub=str(owner.user_id), email=owner.email, exp=nearly_over)
        async with open_live_room(platform, tenant) as room:
            guest = await room.enter_as(await platform.tokens.verify_access(token))

            code = await guest.client.wait_closed(timeout_s=30)

            assert code == CloseCode.BAD_TOKEN
            assert await resume_code(room, guest) == CloseCode.BAD_TOKEN


async def test_our_own_issuer_is_gone(api: httpx.AsyncClient) -> None:
    answer = await api.post("/auth/v1/signup", json={"email": "a@example.com", "password": "12345678"})

    assert answer.status_code == 404


async def test_a_project_that_is_away_is_a_503(
    database: TestDatabase, valkey: EmbeddedValkey, project: Project
) -> None:
    settings = make_settings(database.app_url, valkey.url(), SUPABASE_URL="http://127.0.0.1:9")
    async with compose(settings) as platform:
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            assert_problem(await _me(client, project.sign()), 503, "unavailable")
