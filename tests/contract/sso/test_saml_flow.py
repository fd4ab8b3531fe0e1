"""Signing in by SAML, whole: the REST door and the real saml-idp."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from control_plane.domain.plans import PlanTier
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.sso.saml_walk import BASE, connect, follow, land, leave, open_browser, post, prove, sign_in
from tests.factories import Tenant, assert_problem, make_tenant
from tests.support.identity_providers.browserless import SamlPost, sign_in_at_saml
from tests.support.identity_providers.running import SamlServer, running_saml_idp

PAGE = f"{BASE}/signed-in"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamlServer]:
    with running_saml_idp(tmp_path_factory.mktemp("idp"), audience="unset", acs_url="http://localhost:9/unset") as one:
        yield one


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
def domain() -> str:
    """A mail domain of the test's own."""
    return f"{uuid4().hex[:12]}.example"


@pytest.fixture
async def tenant(platform: Platform, domain: str) -> Tenant:
    made = await make_tenant(platform, PlanTier.BUSINESS)
    await prove(platform, made.id, domain)
    return made


@pytest.fixture
async def other(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser."""
    async with open_browser(platform, settings) as browser:
        yield browser


def claims_of(token: str) -> dict[str, Any]:
    """What an access token says; its signature is tested elsewhere."""
    found: dict[str, Any] = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    return found


def with_response(posted: SamlPost, old: str, new: str) -> SamlPost:
    """What was posted, with something in its response replaced."""
    text = b64decode(posted.response).decode()
    assert old in text
    return SamlPost(posted.acs_url, b64encode(text.replace(old, new).encode()).decode(), posted.relay_state)


async def test_a_person_of_the_domain_comes_in(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    connection = await connect(api, tenant, provider, joinsMembers=True, defaultRole="moderator")

    landed = await sign_in(api, connection["id"], f"ada@{domain}", redirect_to=PAGE)

    headers = {"Authorization": f"Bearer {landed.fragment['access_token']}"}
    me = (await api.get("/auth/v1/user", headers=headers)).json()
    members = (await api.get(f"{tenant.path}/members", headers=tenant.owner.headers)).json()["items"]
    seen = (await api.get(f"{tenant.path}/sso/connections/{connection['id']}", headers=tenant.owner.headers)).json()
    assert str(landed.url).startswith(f"{PAGE}#")
    assert me["email"] == f"ada@{domain}"
    assert [one["method"] for one in claims_of(landed.fragment["access_token"])["amr"]] == ["sso/saml"]
    assert {"email": f"ada@{domain}", "role": "moderator"} in [
        {"email": one["email"], "role": one["role"]} for one in members
    ]
    assert (seen["workedAt"] is not None, seen["lastError"]) == (True, None)


async def test_the_second_time_it_is_the_same_person_whatever_the_address(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    connection = await connect(api, tenant, provider)
    people = []
    for email in (f"ada@{domain}", f"ada.byron@{domain}"):
        url = await leave(api, connection["id"])
        posted = await sign_in_at_saml(url, userName=f"ada@{domain}", email=email)
        landed = await land(api, await post(api, posted))
        token = landed.fragment["access_token"]
        people.append((await api.get("/auth/v1/user", headers={"Authorization": f"Bearer {token}"})).json()["id"])

    assert people[0] == people[1]


async def test_the_owners_test_proves_a_connection_that_is_off(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    connection = await connect(api, tenant, provider)
    path = f"{tenant.path}/sso/connections/{connection['id']}"
    await api.patch(path, headers=tenant.owner.headers, json={"isEnabled": False})
    started = await api.post(f"{path}/test", headers=tenant.owner.headers, json={"redirectTo": f"{BASE}/settings?a=1"})
    url = await follow(api, started.json()["url"])

    landed = await land(api, await post(api, await sign_in_at_saml(url, userName=f"ada@{domain}", email="")))

    assert (landed.query, landed.fragment) == ({"a": "1", "sso": "worked"}, {})
    assert (await api.get(path, headers=tenant.owner.headers)).json()["workedAt"] is not None


async def test_an_answer_counts_in_the_browser_that_asked(
    api: httpx.AsyncClient, other: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    connection = await connect(api, tenant, provider)
    posted = await sign_in_at_saml(await leave(api, connection["id"]), userName=f"ada@{domain}", email="")

    landed = await land(other, await post(other, posted))

    assert landed.fragment["error_code"] == "bad_oauth_state"
    assert "access_token" not in landed.fragment


async def test_an_answer_counts_once(api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str) -> None:
    connection = await connect(api, tenant, provider)
    posted = await sign_in_at_saml(await leave(api, connection["id"]), userName=f"ada@{domain}", email="")
    first = await post(api, posted)

    before = await land(api, await post(api, posted))
    whole = await land(api, first)
    after = await land(api, await post(api, posted))

    assert "access_token" in whole.fragment
    assert before.fragment["error_code"] == after.fragment["error_code"] == "bad_oauth_state"


async def test_an_answer_is_none_to_another_question(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    """Replay of a genuine assertion in a new flow of the same browser."""
    connection = await connect(api, tenant, provider)
    kept = await sign_in_at_saml(await leave(api, connection["id"]), userName=f"ada@{domain}", email="")
    url = httpx.URL(await leave(api, connection["id"]))

    landed = await land(api, await post(api, SamlPost(kept.acs_url, kept.response, url.params["RelayState"])))

    assert (landed.fragment["error_code"], "access_token" in landed.fragment) == ("sso_failed", False)


@pytest.mark.parametrize("relay_state", ["", "https://evil.example/", "x" * 3000])
async def test_nobody_is_let_in_who_was_not_asked(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str, relay_state: str
) -> None:
    """What a provider starts by itself, and a RelayState that would lead elsewhere."""
    await connect(api, tenant, provider)
    posted = await sign_in_at_saml(provider.sso_url, userName=f"ada@{domain}", email="")

    landed = await land(api, await post(api, SamlPost(f"{BASE}/auth/v1/sso/saml/acs", posted.response, relay_state)))

    assert landed.fragment["error_code"] == "bad_oauth_state"
    assert landed.url.host == "localhost"


async def test_another_organizations_provider_opens_nothing_here(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str, tmp_path: Path
) -> None:
    """Mallory's own provider, rightly set up for her own organization, answers for this one."""
    connection = await connect(api, tenant, provider)
    url = httpx.URL(await leave(api, connection["id"]))
    with running_saml_idp(
        tmp_path, audience=connection["spEntityId"], acs_url=connection["acsUrl"], entity_id=provider.entity_id
    ) as mallory:
        forged = await sign_in_at_saml(f"{mallory.sso_url}?{url.query.decode()}", userName=f"ada@{domain}", email="")

    landed = await land(api, await post(api, forged))

    path = f"{tenant.path}/sso/connections/{connection['id']}"
    seen = (await api.get(path, headers=tenant.owner.headers)).json()
    assert (landed.fragment["error_code"], seen["lastError"]) == ("sso_failed", "signature")


async def test_an_assertion_for_another_connection_opens_nothing_here(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    connection = await connect(api, tenant, provider)
    provider.change(audience=f"{connection['spEntityId']}0")

    landed = await sign_in(api, connection["id"], f"ada@{domain}")

    assert landed.fragment["error_code"] == "sso_failed"


async def test_addresses_of_other_domains_are_not_the_providers_to_give(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer
) -> None:
    connection = await connect(api, tenant, provider)

    landed = await sign_in(api, connection["id"], "ada@elsewhere.example")

    assert (landed.fragment["error_code"], "access_token" in landed.fragment) == ("sso_domain_unverified", False)


async def test_a_changed_response_is_refused_and_the_reason_told_to_the_owner_only(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    connection = await connect(api, tenant, provider)
    posted = await sign_in_at_saml(await leave(api, connection["id"]), userName=f"ada@{domain}", email="")

    landed = await land(api, await post(api, with_response(posted, f"ada@{domain}", f"eve@{domain}")))

    path = f"{tenant.path}/sso/connections/{connection['id']}"
    seen = (await api.get(path, headers=tenant.owner.headers)).json()
    assert landed.fragment["error_code"] == "sso_failed"
    assert "signature" not in str(landed.url)
    assert (seen["lastError"], seen["workedAt"]) == ("signature", None)


async def test_unsigned_answers_of_the_provider_are_refused(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    """saml-idp signs its assertions whatever it is told about responses; so the whole response is believed without."""
    connection = await connect(api, tenant, provider)
    provider.change(signResponse=False)
    try:
        landed = await sign_in(api, connection["id"], f"ada@{domain}")
        provider.change(signAssertion=False)
        bare = await sign_in(api, connection["id"], f"ada@{domain}")
    finally:
        provider.change(signResponse=True, signAssertion=True)

    assert "access_token" in landed.fragment
    assert bare.fragment["error_code"] == "sso_failed"


async def test_encrypted_assertions_are_refused_by_name(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str, tmp_path: Path
) -> None:
    key = tmp_path / "public.pem"
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(provider.certificate)
    key.write_text(public_key_of(provider.certificate))
    options = ["--encryptAssertion", "--encryptionCert", str(certificate), "--encryptionPublicKey", str(key)]
    with running_saml_idp(
        tmp_path / "idp", audience="unset", acs_url="http://localhost:9/unset", options=options
    ) as encrypting:
        # Its default, AES in CBC mode, is one that its own library refuses by now.
        encrypting.change(encryptionAlgorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm")
        connection = await connect(api, tenant, encrypting)
        await sign_in(api, connection["id"], f"ada@{domain}")

    path = f"{tenant.path}/sso/connections/{connection['id']}"
    assert (await api.get(path, headers=tenant.owner.headers)).json()["lastError"] == "encrypted"


def public_key_of(certificate: str) -> str:
    """The public key of a certificate, PEM."""
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


async def test_forms_that_are_none_are_answered(api: httpx.AsyncClient) -> None:
    many = "&".join(f"a{number}=1" for number in range(50))
    for body in (b"", many.encode(), b"\xff\x00", b"SAMLResponse=x&RelayState=y"):
        answer = await api.post(
            "/auth/v1/sso/saml/acs", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )

        assert answer.status_code == 303, answer.text
        assert "error=access_denied" in answer.headers["location"]


async def test_our_metadata_is_what_the_standard_wants(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer
) -> None:
    connection = await connect(api, tenant, provider)

    answer = await api.get(connection["metadataUrl"])
    stranger = await api.get(f"/auth/v1/sso/saml/metadata?connection={uuid4()}")

    root = OneLogin_Saml2_XML.to_etree(answer.content)
    assert OneLogin_Saml2_XML.validate_xml(root, "saml-schema-metadata-2.0.xsd") is root
    assert root.get("entityID") == connection["spEntityId"]
    assert connection["acsUrl"] in answer.text
    assert stranger.status_code == 404


async def test_metadata_is_read_by_address_and_pasted_alike(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer
) -> None:
    read = await connect(api, tenant, provider)
    path = f"{tenant.path}/sso/connections"
    pasted = await api.post(
        path,
        headers=tenant.owner.headers,
        json={"kind": "saml", "name": "Pasted", "metadataXml": provider.read_metadata()},
    )
    broken = await api.post(
        path, headers=tenant.owner.headers, json={"kind": "saml", "name": "Broken", "metadataXml": "<a/>"}
    )

    names = ("idpEntityId", "idpSsoUrl", "certificateExpiresAt")
    assert [pasted.json()[name] for name in names] == [read[name] for name in names]
    assert read["idpSsoUrl"] == provider.sso_url
    assert_problem(broken, 422, "sso_failed")
    assert broken.json()["facts"]["reason"] == "no_provider"


async def test_a_person_in_many_groups_comes_in(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str
) -> None:
    """Their response is larger than what the door takes elsewhere."""
    connection = await connect(api, tenant, provider)
    groups = ",".join(f"Group of people number {number}" for number in range(1500))
    url = await leave(api, connection["id"])

    posted = await sign_in_at_saml(url, userName=f"ada@{domain}", email="", groups=groups)
    landed = await land(api, await post(api, posted))

    assert len(posted.response) > 100_000
    assert "access_token" in landed.fragment


async def test_a_new_key_of_the_same_provider_takes_over_and_what_was_proven_stays(
    api: httpx.AsyncClient, tenant: Tenant, provider: SamlServer, domain: str, tmp_path: Path
) -> None:
    connection = await connect(api, tenant, provider)
    path = f"{tenant.path}/sso/connections/{connection['id']}"
    audience, acs_url = connection["spEntityId"], connection["acsUrl"]
    await sign_in(api, connection["id"], f"ada@{domain}")
    with running_saml_idp(tmp_path, audience=audience, acs_url=acs_url, entity_id=provider.entity_id) as renewed:
        fields = {"idpCertificates": [provider.certificate, renewed.certificate], "idpSsoUrl": renewed.sso_url}
        changed = await api.patch(path, headers=tenant.owner.headers, json=fields)
        by_new = await sign_in(api, connection["id"], f"ada@{domain}")
        await api.patch(path, headers=tenant.owner.headers, json={"idpSsoUrl": provider.sso_url})
        by_old = await sign_in(api, connection["id"], f"ada@{domain}")
        gone = {"idpCertificates": [renewed.certificate]}
        await api.patch(path, headers=tenant.owner.headers, json=gone)
        by_gone = await sign_in(api, connection["id"], f"ada@{domain}")

    assert changed.json()["workedAt"] is not None
    assert ("access_token" in by_new.fragment, "access_token" in by_old.fragment) == (True, True)
    assert by_gone.fragment["error_code"] == "sso_failed"
