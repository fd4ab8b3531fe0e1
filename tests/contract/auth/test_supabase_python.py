"""Supabase's Python client, `supabase-auth` from site-packages, against a running REST and jobs door, unmodified."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from supabase_auth import SyncGoTrueClient
from supabase_auth.errors import AuthApiError

from control_plane.domain.factors import STEP_S, totp
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase
from tests.contract.auth.issuer import SERVICE_KEY, Issuer, running_issuer

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def issuer(database: TestDatabase, valkey: EmbeddedValkey) -> Iterator[Issuer]:
    with running_issuer(database, valkey) as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """The connections of a test's clients: the library leaves closing them to whoever hands them in."""
    with httpx.Client(timeout=20) as connections:
        yield connections


@pytest.fixture
def client(issuer: Issuer, http: httpx.Client) -> SyncGoTrueClient:
    return _client(issuer, http)


def _client(issuer: Issuer, http: httpx.Client, **headers: str) -> SyncGoTrueClient:
    return SyncGoTrueClient(
        url=issuer.auth_url,
        auto_refresh_token=False,
        headers={"apikey": "any-anon-key", **headers},
        http_client=http,
    )


def _email() -> str:
    return f"{uuid4().hex}@example.com"


def _confirmed(issuer: Issuer, client: SyncGoTrueClient) -> str:
    """Sign up, confirm by the mailed link's token, and be signed in. Answers the address."""
    email = _email()
    client.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"display_name": "Ada"}}})
    letter = issuer.read_mail(email, "Confirm your e-mail")
    client.verify_otp({"type": "signup", "token_hash": letter.token_hash})
    return email


def test_signing_up_waits_for_the_mailbox_then_signs_in_and_stays_so(
    issuer: Issuer, http: httpx.Client, client: SyncGoTrueClient
) -> None:
    email = _email()

    answer = client.sign_up({"email": email, "password": PASSWORD})
    letter = issuer.read_mail(email, "Confirm your e-mail")
    with pytest.raises(AuthApiError) as early:
        client.sign_in_with_password({"email": email, "password": PASSWORD})
    confirmed = client.verify_otp({"type": "email", "email": email, "token": letter.code})
    refreshed = client.refresh_session()

    assert answer.session is None
    assert early.value.code == "email_not_confirmed"
    assert confirmed.session is not None
    assert refreshed.session is not None
    assert refreshed.session.refresh_token != confirmed.session.refresh_token
    claims = client.get_claims()
    assert claims is not None
    assert dict(claims["claims"])["email"] == email


def test_a_second_factor_is_enrolled_and_raises_the_session_to_aal2(
    issuer: Issuer, http: httpx.Client, client: SyncGoTrueClient
) -> None:
    _confirmed(issuer, client)

    enrolled = client.mfa.enroll({"factor_type": "totp", "friendly_name": "phone", "issuer": "Acme"})
    assert enrolled.totp is not None
    secret = _unbase32(enrolled.totp.secret)
    code = totp(secret, int(time.time()) // STEP_S)
    client.mfa.challenge_and_verify({"factor_id": enrolled.id, "code": code})
    level = client.mfa.get_authenticator_assurance_level()
    listed = client.mfa.list_factors()
    client.mfa.unenroll({"factor_id": enrolled.id})

    assert level.current_level == "aal2"
    assert [factor.status for factor in listed.totp] == ["verified"]
    assert client.mfa.list_factors().totp == []


def test_a_magic_link_signs_in_by_its_digits(issuer: Issuer, http: httpx.Client, client: SyncGoTrueClient) -> None:
    email = _confirmed(issuer, client)
    other = _client(issuer, http)

    other.sign_in_with_otp({"email": email})
    letter = issuer.read_mail(email, "sign-in link")
    signed_in = other.verify_otp({"type": "magiclink", "email": email, "token": letter.code})

    assert signed_in.user is not None
    assert signed_in.user.email == email


def test_a_forgotten_password_is_replaced(issuer: Issuer, http: httpx.Client, client: SyncGoTrueClient) -> None:
    email = _confirmed(issuer, client)
    other = _client(issuer, http)

    other.reset_password_for_email(email)
    other.verify_otp({"type": "recovery", "token_hash": issuer.read_mail(email, "new password").token_hash})
    other.update_user({"password": "another password", "data": {"theme": "dark"}})
    signed_in = _client(issuer, http).sign_in_with_password({"email": email, "password": "another password"})

    assert signed_in.user is not None
    assert signed_in.user.user_metadata == {"display_name": "Ada", "theme": "dark"}
    with pytest.raises(AuthApiError, match="Invalid login credentials"):
        _client(issuer, http).sign_in_with_password({"email": email, "password": PASSWORD})


@pytest.mark.parametrize(
    ("scope", "works"), [("local", [False, True]), ("others", [True, False]), ("global", [False, False])]
)
def test_signing_out_ends_what_its_scope_says(
    issuer: Issuer, http: httpx.Client, client: SyncGoTrueClient, scope: str, works: list[bool]
) -> None:
    email = _confirmed(issuer, client)
    other = _client(issuer, http)
    other.sign_in_with_password({"email": email, "password": PASSWORD})
    sessions = [client.get_session(), other.get_session()]

    client.sign_out({"scope": scope})  # type: ignore[arg-type]  # the three are parametrized

    tokens = [session.access_token for session in sessions if session is not None]
    answers = [_me(issuer, token) for token in tokens]
    assert answers == [200 if good else 401 for good in works]


def test_an_admin_makes_reads_changes_and_deletes_a_person(
    issuer: Issuer, http: httpx.Client, client: SyncGoTrueClient
) -> None:
    admin = _client(issuer, http, Authorization=f"Bearer {SERVICE_KEY}").admin
    email = _email()

    made = admin.create_user({"email": email, "password": PASSWORD, "email_confirm": True})
    changed = admin.update_user_by_id(made.user.id, {"user_metadata": {"theme": "dark"}})
    link = admin.generate_link({"type": "recovery", "email": email})
    signed_in = client.verify_otp({"type": "recovery", "token_hash": link.properties.hashed_token})
    listed = admin.list_users(page=1, per_page=1000)
    admin.delete_user(made.user.id)

    assert changed.user.user_metadata == {"theme": "dark"}
    assert signed_in.user is not None
    assert signed_in.user.id == made.user.id
    assert made.user.id in [user.id for user in listed]
    with pytest.raises(AuthApiError) as gone:
        admin.get_user_by_id(made.user.id)
    assert gone.value.code == "user_not_found"
    with pytest.raises(AuthApiError) as ended:
        client.get_user()
    assert ended.value.code == "session_not_found"


def _me(issuer: Issuer, token: str) -> int:
    return httpx.get(f"{issuer.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=10).status_code


def _unbase32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))
