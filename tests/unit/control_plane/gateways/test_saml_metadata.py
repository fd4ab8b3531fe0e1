"""Metadata of identity providers, in the shapes the well-known ones publish it; certificates; our own metadata."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from control_plane.domain.errors import SsoFailed
from control_plane.domain.saml import METADATA_MAX_BYTES
from control_plane.domain.sso import SamlIdp, SamlSp
from control_plane.gateways.saml import SamlProvider
from control_plane.gateways.saml_metadata import write_service
from tests.support.identity_providers.keys import make_signing_key

MD = 'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
PROVIDER = SamlProvider(allows_http=False)


def body_of(certificate: bytes) -> str:
    """The base64 of a PEM certificate."""
    return "".join(certificate.decode().splitlines()[1:-1])


@pytest.fixture(scope="module")
def certificates() -> list[str]:
    return [body_of(make_signing_key(name=f"key {number}")[1]) for number in range(2)]


def key_of(certificate: str, use: str | None = "signing") -> str:
    told = "" if use is None else f' use="{use}"'
    data = f"<ds:X509Data><ds:X509Certificate>\n {certificate}\n</ds:X509Certificate></ds:X509Data>"
    return f"<md:KeyDescriptor{told}><ds:KeyInfo>{data}</ds:KeyInfo></md:KeyDescriptor>"


def service(url: str = "https://idp.example/sso?id=1&amp;x=2", binding: str = REDIRECT) -> str:
    return f'<md:SingleSignOnService Binding="{binding}" Location="{url}"/>'


def entity(inside: str, entity_id: str = "https://idp.example", protocol: str = SAMLP, head: str = "") -> str:
    """An entity with the role of an identity provider."""
    role = f'<md:IDPSSODescriptor protocolSupportEnumeration="{protocol}">{inside}</md:IDPSSODescriptor>'
    return f'<md:EntityDescriptor {MD} entityID="{entity_id}">{head}{role}</md:EntityDescriptor>'


async def refusal(xml: str) -> str:
    """The reason metadata is refused for."""
    with pytest.raises(SsoFailed) as refused:
        await PROVIDER.read_metadata(xml.encode())
    return str(refused.value.facts["reason"])


async def test_okta_and_google_name_one_key_and_both_bindings(certificates: list[str]) -> None:
    both = service("https://idp.example/post", POST) + service()

    found = await PROVIDER.read_metadata(entity(key_of(certificates[0]) + both).encode())

    assert found == SamlIdp(
        entity_id="https://idp.example", sso_url="https://idp.example/sso?id=1&x=2", certificates=(certificates[0],)
    )


async def test_entra_and_adfs_name_the_next_key_too_and_other_roles_first(certificates: list[str]) -> None:
    others = (
        '<md:SPSSODescriptor protocolSupportEnumeration="urn:x"/>'
        f'<ds:Signature>{"x" * 10}</ds:Signature><md:RoleDescriptor protocolSupportEnumeration="urn:x"/>'
    )
    keys = key_of(certificates[0]) + key_of(certificates[1]) + key_of(certificates[0])

    found = await PROVIDER.read_metadata(entity(keys + service(), head=others).encode())

    assert found.certificates == tuple(certificates)


async def test_keycloak_lists_entities_and_uses_a_key_for_everything(certificates: list[str]) -> None:
    one = entity(key_of(certificates[0], None) + service())

    found = await PROVIDER.read_metadata(f"<md:EntitiesDescriptor {MD}>{one}</md:EntitiesDescriptor>".encode())

    assert found.certificates == (certificates[0],)


async def test_a_key_that_only_encrypts_signs_nothing(certificates: list[str]) -> None:
    assert await refusal(entity(key_of(certificates[0], "encryption") + service())) == "no_certificate"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"inside": ""}, "no_redirect_binding"),
        ({"inside": service(binding=POST)}, "no_redirect_binding"),
        ({"inside": service()}, "no_certificate"),
        ({"inside": service("http://idp.example/sso")}, "sso_url"),
        ({"inside": service("javascript:alert(1)")}, "sso_url"),
        ({"inside": service("https://user:pass@idp.example/sso")}, "sso_url"),
        ({"inside": service("https://idp.example/sso#x")}, "sso_url"),
        ({"inside": service("https://")}, "sso_url"),
        ({"inside": service(), "entity_id": " "}, "entity_id"),
        ({"inside": service(), "protocol": "urn:oasis:names:tc:SAML:1.1:protocol"}, "no_provider"),
    ],
)
async def test_metadata_that_can_not_be_used_says_why(change: dict[str, str], reason: str) -> None:
    assert await refusal(entity(**change)) == reason


async def test_a_federations_list_is_not_one_provider(certificates: list[str]) -> None:
    one = entity(key_of(certificates[0]) + service())

    assert await refusal(f"<md:EntitiesDescriptor {MD}>{one}{one}</md:EntitiesDescriptor>") == "several_providers"
    assert await refusal(f'<md:EntityDescriptor {MD} entityID="x"/>') == "no_provider"
    assert await refusal("<html/>") == "no_provider"


async def test_metadata_may_not_define_words_or_be_endless() -> None:
    assert await refusal('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>') == "malformed"
    assert await refusal(f"<a>{'x' * METADATA_MAX_BYTES}</a>") == "too_large"
    assert await refusal("no xml") == "malformed"


def certificate_of(key: Any) -> str:
    """A certificate for a key, signed by another."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    return b64encode(made.public_bytes(Encoding.DER)).decode()


def check(*certificates: str) -> SamlIdp:
    return PROVIDER.check("urn:idp", "https://idp.example/sso", certificates)


def test_certificates_are_taken_as_people_paste_them(certificates: list[str]) -> None:
    body = certificates[0]
    wrapped = "\r\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    pem = f"  -----BEGIN CERTIFICATE-----\r\n{wrapped}\r\n-----END CERTIFICATE-----\r\n"

    assert check(pem).certificates == check(body).certificates == check(wrapped).certificates == (body,)
    assert check(certificate_of(ec.generate_private_key(ec.SECP256R1()))).certificates


def test_keys_that_can_be_broken_are_refused() -> None:
    weak = [
        body_of(make_signing_key(bits=1024)[1]),
        certificate_of(dsa.generate_private_key(2048)),
        certificate_of(ec.generate_private_key(ec.SECP192R1())),
    ]
    for certificate in weak:
        with pytest.raises(SsoFailed) as refused:
            check(certificate)

        assert refused.value.facts["reason"] == "weak_key"


@pytest.mark.parametrize("text", ["", "%", "AAAA", "-----BEGIN CERTIFICATE-----"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(SsoFailed) as refused:
        check(text)

    assert refused.value.facts["reason"] == "certificate"


def test_the_view_tells_when_the_last_certificate_ends() -> None:
    old, new = (body_of(make_signing_key(days=days)[1]) for days in (-3, 30))
    now = datetime.now(UTC)

    gone, both = PROVIDER.certificate_expires_at(check(old)), PROVIDER.certificate_expires_at(check(old, new))

    assert gone is not None
    assert both is not None
    assert gone < now < both
    assert PROVIDER.certificate_expires_at(SamlIdp(entity_id="", sso_url="", certificates=())) is None


def test_our_metadata_holds_any_address() -> None:
    sp = SamlSp(entity_id='https://us.example/?a=1&b="<', acs_url="https://us.example/acs?x=1&y=2")

    root = OneLogin_Saml2_XML.to_etree(write_service(sp))

    assert OneLogin_Saml2_XML.validate_xml(root, "saml-schema-metadata-2.0.xsd") is root
    assert root.get("entityID") == sp.entity_id
