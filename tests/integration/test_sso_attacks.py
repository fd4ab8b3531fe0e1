"""What must not let anybody in: lying providers, stolen and replayed answers, foreign domains, other browsers."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import RSAKey

from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.support.identity_providers.running import OidcServer
from tests.support.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider, running_lying_provider
from tests.support.single_sign_on import (
    CALLBACK,
    PAGE,
    Landed,
    SsoTenant,
    arrive,
    begin,
    change,
    leave,
    make_person_at,
    make_sso_tenant,
    read_landing,
)

OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"})


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
async def liar() -> AsyncIterator[LyingProvider]:
    async with running_lying_provider() as provider:
        yield provider


@pytest.fixture
async def sso(api: httpx.AsyncClient, platform: Platform, liar: LyingProvider) -> SsoTenant:
    made = await make_sso_tenant(api, platform, OidcServer(liar.issuer, CLIENT_ID, CLIENT_SECRET))
    liar.claims = {"email": made.someone()}
    return made


@pytest.fixture
async def other_browser(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The same door, without the first browser's cookies."""
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        yield client


async def _come_in(api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, **more: str) -> Landed:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    return await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state, **more}))


async def _last_error(api: httpx.AsyncClient, sso: SsoTenant) -> str | None:
    view = (await api.get(sso.path, headers=sso.tenant.owner.headers)).json()
    found: str | None = view["lastError"]
    return found


def _refused(landed: Landed, code: str = "sso_failed") -> None:
    assert "access_token" not in landed.said
    assert landed.said["error_code"] == code, landed.said


async def test_an_honest_answer_of_this_provider_is_taken(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    landed = await _come_in(api, sso, liar)

    assert "access_token" in landed.said  # so that every refusal below is one of the lie, and of nothing else


def _sign_by_hmac(liar: LyingProvider, secret: bytes) -> None:
    liar.header, liar.secret = {"alg": "HS256", "kid": "one"}, secret


NO_YES: tuple[object, ...] = ("False", "no", "0", "", 0, 1, [], {})


def _call_the_address(word: object, liar: LyingProvider) -> None:
    liar.claims.update(email_verified=word)


LIES: dict[str, tuple[Callable[[LyingProvider], None], str]] = {
    "no signature": (lambda p: setattr(p, "header", {"alg": "none"}), "id_token_signature"),
    "signed with the secret both know": (lambda p: _sign_by_hmac(p, CLIENT_SECRET.encode()), "id_token_signature"),
    "signed with the public key as a secret": (
        lambda p: _sign_by_hmac(p, p.key.as_pem(private=False)),
        "id_token_signature",
    ),
    "signed with another key": (lambda p: setattr(p, "sign_with", OTHER_KEY), "id_token_signature"),
    "by a key it does not publish": (
        lambda p: setattr(p, "header", {"alg": "RS256", "kid": "two"}),
        "id_token_signature",
    ),
    "for somebody else": (lambda p: p.claims.update(aud="another client"), "id_token_aud"),
    "for two, one of them us, without saying who asked": (
        lambda p: p.claims.update(aud=[CLIENT_ID, "another client"]),
        "id_token_azp",
    ),
    "asked by somebody else": (lambda p: p.claims.update(azp="another client"), "id_token_azp"),
    "by another issuer": (lambda p: p.claims.update(iss="https://id.example.com"), "id_token_iss"),
    "run out": (lambda p: p.claims.update(exp=int(time.time()) - 120), "id_token_expired"),
    "of last week": (lambda p: p.claims.update(iat=int(time.time()) - 604_800), "id_token_expired"),
    "without a time": (lambda p: p.claims.update(iat=None), "id_token_iat"),
    "with another nonce": (lambda p: p.claims.update(nonce="of another sign-in"), "id_token_nonce"),
    "without a nonce": (lambda p: p.claims.update(nonce=None), "id_token_nonce"),
    "about nobody": (lambda p: p.claims.update(sub=None), "id_token_sub"),
    "without an address": (lambda p: p.claims.update(email=None), "email_missing"),
    "of an address it has not verified": (lambda p: p.claims.update(email_verified=False), "email_unverified"),
    **{f"of an address it calls {word!r}": (partial(_call_the_address, word), "email_unverified") for word in NO_YES},
}


@pytest.mark.parametrize("lie", LIES)
async def test_an_id_token_is_refused_that_is(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, lie: str
) -> None:
    tell, reason = LIES[lie]
    tell(liar)

    landed = await _come_in(api, sso, liar)

    _refused(landed)
    assert await _last_error(api, sso) == reason


@pytest.mark.parametrize("issuer", ["https://accounts.example.com", "https://id.example.com/"])
async def test_an_answer_that_says_another_issuer_is_refused(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, issuer: str
) -> None:
    landed = await _come_in(api, sso, liar, iss=issuer)

    _refused(landed)
    assert liar.forms == []  # the code was shown to nobody


async def test_a_provider_that_always_says_its_issuer_may_not_be_silent(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    liar.discovery = {"authorization_response_iss_parameter_supported": True}

    silent = await _come_in(api, sso, liar)
    saying = await _come_in(api, sso, liar, iss=liar.issuer)

    _refused(silent)
    assert "access_token" in saying.said


async def test_discovery_that_begins_to_speak_for_another_issuer_is_refused(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    liar.discovery = {"issuer": "https://accounts.example.com"}
    url = await begin(api, sso.connection_id)

    _refused(read_landing(await leave(api, url)))


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("access_denied", "access_denied"),
        ("login_required", "login_required"),
        ("call_0800_12345_now", "provider_error"),
        ("<b>", "provider_error"),
    ],
)
async def test_only_words_of_the_standard_are_kept_of_a_provider_that_refuses(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, word: str, kept: str
) -> None:
    await _come_in(api, sso, liar, error=word)

    assert await _last_error(api, sso) == kept


@pytest.mark.parametrize("hosted", [None, "", [], "gmail.com", "other.example"])
async def test_a_google_account_that_the_organization_does_not_manage_opens_nothing(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, monkeypatch: pytest.MonkeyPatch, hosted: object
) -> None:
    monkeypatch.setattr("control_plane.services.sso_opening.GOOGLE_ISSUER", liar.issuer)
    liar.claims["hd"] = sso.domain.upper()
    managed = await _come_in(api, sso, liar)
    liar.claims["hd"] = hosted

    landed = await _come_in(api, sso, liar)

    assert "access_token" in managed.said
    _refused(landed)
    assert await _last_error(api, sso) == "hosted_domain"


# --- the state


async def test_a_state_that_was_never_given_leads_to_the_site_with_an_error(api: httpx.AsyncClient) -> None:
    callback = f"{CALLBACK}/{uuid4()}"
    landed = await arrive(api, httpx.URL(callback, params={"code": "c", "state": "x" * 43}))
    nothing = await arrive(api, callback)

    _refused(landed, "bad_oauth_state")
    _refused(nothing, "bad_oauth_state")
    assert landed.url.startswith("http://localhost:8000")


async def test_a_state_is_good_once(api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    back = httpx.URL(sso.callback, params={"code": "c", "state": state})

    first, second = await arrive(api, back), await arrive(api, back)

    assert "access_token" in first.said
    _refused(second, "bad_oauth_state")


async def test_a_state_runs_out(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    async with platform.db.platform() as tx:
        await tx.execute("update sso_flows set expires_at = now() - interval '1 second'")

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    _refused(landed, "bad_oauth_state")


async def test_a_sign_in_is_finished_only_by_the_browser_that_left_for_it(
    api: httpx.AsyncClient, other_browser: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))

    landed = await arrive(other_browser, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    _refused(landed, "bad_oauth_state")
    assert liar.forms == []


async def test_a_second_browser_can_not_leave_with_a_sign_in_of_another(
    api: httpx.AsyncClient, other_browser: httpx.AsyncClient, sso: SsoTenant
) -> None:
    url = await begin(api, sso.connection_id)
    await leave(api, url)

    _refused(read_landing(await leave(other_browser, url)), "bad_oauth_state")


async def test_a_sign_in_that_never_left_can_not_come_back(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    await leave(api, await begin(api, sso.connection_id))  # the browser has a cookie
    state = httpx.URL(await begin(api, sso.connection_id)).params["state"]

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    _refused(landed, "bad_oauth_state")
    assert liar.forms == []


async def test_a_code_put_into_another_sign_in_is_refused_by_its_nonce(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    liar.note(await leave(api, await begin(api, sso.connection_id)))  # whose code it is
    state = httpx.URL(await leave(api, await begin(api, sso.connection_id))).params["state"]

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "injected", "state": state}))

    _refused(landed)
    assert await _last_error(api, sso) == "id_token_nonce"


async def test_each_sign_in_shows_the_provider_a_verifier_of_its_own(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    for _ in range(2):
        await _come_in(api, sso, liar)

    verifiers = [form["code_verifier"] for form in liar.forms]
    assert len({*verifiers}) == 2
    assert all(len(verifier) == 43 for verifier in verifiers)


@pytest.mark.parametrize(
    "goal", ["https://evil.example/x", "//evil.example", "javascript:alert(1)", "http://localhost:8000@evil.example/"]
)
async def test_nobody_is_led_to_a_page_that_is_not_ours(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, goal: str
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id, redirect_to=goal)))

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    assert landed.url.rstrip("/") == "http://localhost:8000"


# --- whose account


async def test_a_domain_that_is_not_proven_opens_nobodys_account(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    email = f"{time.time_ns()}@victim.example"
    await make_person_at(platform, email)
    liar.claims = {"email": email}

    landed = await _come_in(api, sso, liar)

    _refused(landed, "sso_domain_unverified")


async def test_a_domain_that_another_organization_has_proven_opens_nobodys_account(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    honest = await make_sso_tenant(api, platform, OidcServer(liar.issuer, CLIENT_ID, CLIENT_SECRET))
    liar.claims = {"email": honest.someone()}

    landed = await _come_in(api, sso, liar)

    _refused(landed, "sso_domain_unverified")


@pytest.mark.parametrize(
    "form", ["{0}@{1}.evil.example", "{0}@sub.{1}", "x@{1}@evil.example", "{0}@evil.example\u0000@{1}"]
)
async def test_an_address_that_only_looks_like_one_of_the_domain_opens_nothing(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider, form: str
) -> None:
    liar.claims = {"email": form.format("ada", sso.domain)}

    landed = await _come_in(api, sso, liar)

    assert "access_token" not in landed.said


async def test_an_account_that_left_the_domain_is_not_opened_by_its_old_subject(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    assert "access_token" in (await _come_in(api, sso, liar)).said
    async with platform.db.platform() as tx:
        await tx.execute("update users set email = 'private@home.example' where email = $1", liar.claims["email"])

    landed = await _come_in(api, sso, liar)

    _refused(landed, "sso_domain_unverified")


async def test_another_providers_subjects_are_other_people(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    first = liar.claims["email"]
    await _come_in(api, sso, liar)
    async with running_lying_provider() as second:
        body = {"issuer": second.issuer}
        assert (await api.patch(sso.path, json=body, headers=sso.tenant.owner.headers)).status_code == 200
        second.claims = {"email": sso.someone()}  # the same subject, somebody else

        landed = await _come_in(api, sso, second)

    me = (await api.get("/api/v1/me", headers=landed.headers)).json()
    assert me["email"] == second.claims["email"] != first


async def test_a_banned_person_stays_out(
    api: httpx.AsyncClient, platform: Platform, sso: SsoTenant, liar: LyingProvider
) -> None:
    person = await make_person_at(platform, liar.claims["email"])
    async with platform.db.platform() as tx:
        await tx.execute(
            "update auth_credentials set banned_until = now() + interval '1 day' where user_id = $1",
            person.caller.user_id,
        )

    _refused(await _come_in(api, sso, liar), "user_banned")


async def test_an_answer_of_a_connection_that_was_turned_off_meanwhile_is_refused(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    await api.patch(sso.path, json={"isEnabled": False}, headers=sso.tenant.owner.headers)

    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    _refused(landed, "sso_provider_not_found")


async def test_what_the_old_provider_said_on_the_way_is_void_with_it(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))
    async with running_lying_provider() as second:
        body = {"issuer": second.issuer}
        assert (await api.patch(sso.path, json=body, headers=sso.tenant.owner.headers)).status_code == 200

        landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))

    _refused(landed, "bad_oauth_state")


async def test_a_code_nobody_has_changed_for_a_sign_in_is_void_once_its_connection_was_off(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = await begin(api, sso.connection_id, code_challenge=challenge, code_challenge_method="s256")
    state = liar.note(await leave(api, asked))
    landed = await arrive(api, httpx.URL(sso.callback, params={"code": "c", "state": state}))
    await change(api, sso, isEnabled=False)
    await change(api, sso, isEnabled=True)

    body = {"auth_code": landed.said["code"], "code_verifier": verifier}
    answer = await api.post("/auth/v1/token?grant_type=pkce", json=body)

    assert answer.status_code in {400, 403, 404}, answer.text


async def test_an_oidc_answer_is_none_of_a_saml_connection(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    state = liar.note(await leave(api, await begin(api, sso.connection_id)))

    answer = await api.post("/auth/v1/sso/saml/acs", data={"RelayState": state, "SAMLResponse": "PHg+PC94Pg=="})

    _refused(read_landing(answer.headers["location"]))


async def test_the_landing_page_stays_the_clients_on_a_refusal(
    api: httpx.AsyncClient, sso: SsoTenant, liar: LyingProvider
) -> None:
    liar.claims["email_verified"] = "false"

    landed = await _come_in(api, sso, liar)

    assert landed.url == PAGE
