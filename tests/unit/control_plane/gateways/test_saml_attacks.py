"""Forged SAML responses: signatures moved, wrapped, narrowed and borrowed; XML that does more than it shows.

The wrapping attacks XSW1 to XSW8 are those of Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (USENIX
Security 2012). Each holds one genuine signature of `ada` and an assertion about `eve` where a careless reader looks.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from control_plane.domain.errors import SsoFailed
from control_plane.domain.sso import SamlSp
from control_plane.gateways.saml import SamlProvider, _verify
from control_plane.gateways.saml_xml import check_response
from tests.support.identity_providers.saml_forge import (
    DS,
    NAMES,
    SAMLP,
    Answer,
    Party,
    Signing,
    make_party,
    pack,
    sign,
    signed,
    xmlsec,
)

SP = SamlSp(entity_id="https://us.example/metadata?connection=1", acs_url="https://us.example/auth/v1/sso/saml/acs")
ANSWER = Answer(SP)


@pytest.fixture(scope="module")
def party() -> Party:
    return make_party()


async def refusal(party: Party, response: str) -> str:
    """The reason a response is refused for."""
    with pytest.raises(SsoFailed) as refused:
        await SamlProvider(allows_http=False).finish(
            party.idp, SP, saml_response=response, request_id="_request", now=datetime.now(UTC)
        )
    return str(refused.value.facts["reason"])


def genuine(party: Party, *, response: bool = False) -> Any:
    """A response about ada; its assertion or the whole is signed."""
    return signed(ANSWER, party, datetime.now(UTC), response=response, assertion=not response)


def find(root: Any, path: str) -> Any:
    """The one element there."""
    found = root.find(path, NAMES)
    assert found is not None
    return found


def made_evil(element: Any) -> Any:
    """A copy that speaks of eve, under ids of its own and without signature."""
    evil = deepcopy(element)
    for name in list(evil.iter("{urn:oasis:names:tc:SAML:2.0:assertion}NameID")):
        name.text = "eve@corp.example"
    for signature in list(evil.iter(f"{{{DS}}}Signature")):
        signature.getparent().remove(signature)
    for one in evil.iter():
        if one.get("ID"):
            one.set("ID", f"{one.get('ID')}_evil")
    return evil


def xsw1(party: Party) -> Any:
    """The signed response inside its own signature, in a response that is not."""
    original = genuine(party, response=True)
    evil, signature = made_evil(original), find(original, "ds:Signature")
    original.remove(signature)
    evil.insert(1, signature)
    signature.append(original)
    return evil


def xsw2(party: Party) -> Any:
    """The signed response before its signature, in a response that is not."""
    original = genuine(party, response=True)
    evil, signature = made_evil(original), find(original, "ds:Signature")
    original.remove(signature)
    evil.insert(1, original)
    evil.insert(2, signature)
    return evil


def xsw3(party: Party) -> Any:
    """Another assertion before the signed one."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    original.addprevious(made_evil(original))
    return root


def xsw4(party: Party) -> Any:
    """Another assertion around the signed one."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    evil = made_evil(original)
    root.replace(original, evil)
    evil.append(original)
    return root


def xsw5(party: Party) -> Any:
    """Another assertion with the signature of one that follows."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    evil, signature = made_evil(original), find(original, "ds:Signature")
    original.remove(signature)
    evil.insert(1, signature)
    original.addprevious(evil)
    return root


def xsw6(party: Party) -> Any:
    """The signed assertion inside its own signature, in an assertion that is not."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    evil, signature = made_evil(original), find(original, "ds:Signature")
    root.replace(original, evil)
    original.remove(signature)
    evil.insert(1, signature)
    signature.append(original)
    return root


def xsw7(party: Party) -> Any:
    """The signed assertion among extensions, another in its place."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    root.replace(original, made_evil(original))
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(original)
    root.insert(1, extensions)
    return root


def xsw8(party: Party) -> Any:
    """The signed assertion as an object of the signature, in an assertion that is not."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    evil, signature = made_evil(original), find(original, "ds:Signature")
    root.replace(original, evil)
    original.remove(signature)
    evil.insert(1, signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(original)
    return root


def same_id(party: Party) -> Any:
    """Another assertion under the id of the signed one, which hides in a status."""
    root = genuine(party)
    original = find(root, "saml:Assertion")
    evil, signature = made_evil(original), find(original, "ds:Signature")
    evil.set("ID", "_assertion")
    root.replace(original, evil)
    original.remove(signature)
    evil.insert(1, signature)
    detail = etree.SubElement(find(root, "samlp:Status"), f"{{{SAMLP}}}StatusDetail")
    original.tag = "{urn:x}Assertion_"
    detail.append(original)
    return root


ATTACKS = [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, same_id]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_genuine_signature_makes_nothing_else_genuine(party: Party, attack: Callable[[Party], Any]) -> None:
    assert await refusal(party, pack(attack(party))) == "malformed"


@pytest.mark.parametrize("attack", ATTACKS)
def test_neither_line_of_defence_needs_the_other(party: Party, attack: Callable[[Party], Any]) -> None:
    root = attack(party)

    with pytest.raises(SsoFailed):
        check_response(root, destination=SP.acs_url, request_id="_request")
    with pytest.raises(SsoFailed):
        _verify(etree.tostring(root), party.idp, SP)


@pytest.mark.parametrize("response", [False, True], ids=["assertion", "response"])
async def test_a_change_after_signing_is_seen(party: Party, *, response: bool) -> None:
    root = genuine(party, response=response)
    find(root, "saml:Assertion/saml:Subject/saml:NameID").text = "eve@corp.example"

    assert await refusal(party, pack(root)) == "signature"


async def test_one_good_signature_does_not_excuse_a_bad_one(party: Party) -> None:
    root = signed(ANSWER, party, datetime.now(UTC), response=True)
    # Outside the assertion, whose own signature still holds.
    find(root, "samlp:Status").append(etree.Element(f"{{{SAMLP}}}StatusMessage"))

    assert await refusal(party, pack(root)) == "signature"


async def test_unsigned_is_refused(party: Party) -> None:
    assert await refusal(party, pack(ANSWER.document(datetime.now(UTC)))) == "unsigned"


async def test_a_signature_of_something_else_signs_nothing(party: Party) -> None:
    root = ANSWER.document(datetime.now(UTC))
    status = find(root, "samlp:Status")
    status.set("ID", "_status")
    sign(status, party)

    assert await refusal(party, pack(root)) == "malformed"


async def test_a_signature_of_the_assertion_may_not_mean_another_element(party: Party) -> None:
    root = ANSWER.document(datetime.now(UTC))
    find(root, "samlp:Status").set("ID", "_status")
    sign(find(root, "saml:Assertion"), party, Signing(reference="#_status"))

    assert await refusal(party, pack(root)) == "malformed"


async def test_a_signature_may_not_mean_the_whole_document(party: Party) -> None:
    root = ANSWER.document(datetime.now(UTC))
    sign(find(root, "saml:Assertion"), party, Signing(reference=""))

    assert await refusal(party, pack(root)) == "malformed"


async def test_a_signature_may_not_leave_parts_out(party: Party) -> None:
    """An XPath filter digests what it selects: here nothing that names anybody."""
    root = ANSWER.document(datetime.now(UTC))
    assertion = find(root, "saml:Assertion")
    signature = xmlsec.template.create(assertion, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds")
    assertion.insert(1, signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri="#_assertion")
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    narrowed = xmlsec.template.add_transform(reference, xmlsec.Transform.XPATH)
    etree.SubElement(narrowed, f"{{{DS}}}XPath").text = "not(ancestor-or-self::*[local-name() = 'NameID'])"
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(party.key, xmlsec.KeyFormat.PEM, None)
    context.sign(signature)
    find(root, "saml:Assertion/saml:Subject/saml:NameID").text = "eve@corp.example"

    assert await refusal(party, pack(root)) == "algorithm"


async def test_two_references_are_one_too_many(party: Party) -> None:
    root = genuine(party)
    info = find(root, "saml:Assertion/ds:Signature/ds:SignedInfo")
    info.append(deepcopy(find(info, "ds:Reference")))

    assert await refusal(party, pack(root)) == "malformed"


async def test_the_certificate_in_a_signature_is_not_believed(party: Party) -> None:
    attacker = make_party()

    assert await refusal(party, pack(signed(ANSWER, attacker, datetime.now(UTC)))) == "signature"


async def test_another_organizations_provider_can_not_speak_for_this_one(party: Party) -> None:
    other = make_party("https://other.example/saml")
    now = datetime.now(UTC)
    honest = ANSWER.but(issuer="https://other.example/saml", response_issuer="https://other.example/saml")

    assert await refusal(party, pack(signed(honest, other, now))) == "issuer"
    assert await refusal(party, pack(signed(ANSWER, other, now))) == "signature"


async def test_a_public_key_is_no_shared_secret(party: Party) -> None:
    """HMAC with what everybody may read."""
    root = ANSWER.document(datetime.now(UTC))
    assertion = find(root, "saml:Assertion")
    signature = xmlsec.template.create(assertion, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.HMAC_SHA256, ns="ds")
    assertion.insert(1, signature)
    reference = xmlsec.template.add_reference(signature, xmlsec.Transform.SHA256, uri="#_assertion")
    for transform in (xmlsec.Transform.ENVELOPED, xmlsec.Transform.EXCL_C14N):
        xmlsec.template.add_transform(reference, transform)
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, party.certificate)
    context.sign(signature)

    assert await refusal(party, pack(root)) == "algorithm"


async def test_a_comment_in_a_name_cuts_nothing_off(party: Party) -> None:
    """CVE-2017-11427: signed as user@a.com.evil.com, read as user@a.com."""
    answer = ANSWER.but(name_id="ada@corp.example.evil.example")
    text = etree.tostring(signed(answer, party, datetime.now(UTC)))
    cut = text.replace(b"corp.example.evil", b"corp.example<!---->.evil")

    assert cut != text
    assert await refusal(party, b64encode(cut).decode()) == "malformed"


async def test_a_comment_in_an_attribute_cuts_nothing_off(party: Party) -> None:
    answer = ANSWER.but(attributes={"email": "ada@corp.example.evil.example"})
    text = etree.tostring(signed(answer, party, datetime.now(UTC)))
    cut = text.replace(b"corp.example.evil", b"corp.example<!---->.evil")

    assert cut != text
    assert await refusal(party, b64encode(cut).decode()) == "malformed"


async def test_elements_in_a_name_cut_nothing_off(party: Party) -> None:
    root = signed(ANSWER.but(name_id="ada@corp.example<x/>.evil.example"), party, datetime.now(UTC))

    assert await refusal(party, pack(root)) == "malformed"


ENTITIES = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 9))


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE x>",
        f'<!DOCTYPE x [<!ENTITY a0 "lol">{ENTITIES}]>',
        '<!DOCTYPE x [<!ENTITY a8 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?>',
    ],
    ids=["empty", "expansion", "external entity", "external type", "stylesheet"],
)
async def test_documents_that_define_their_own_words_are_refused(party: Party, head: str) -> None:
    text = head.encode() + etree.tostring(signed(ANSWER, party, datetime.now(UTC)))

    assert await refusal(party, b64encode(text).decode()) == "malformed"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "iso-8859-1"])
async def test_other_encodings_hide_nothing(party: Party, encoding: str) -> None:
    text = etree.tostring(genuine(party)).decode()
    told = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x>{text}'.encode(encoding)
    plain = f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode()

    assert await refusal(party, b64encode(told).decode()) == "malformed"
    assert await refusal(party, b64encode(plain).decode()) == "malformed"


@pytest.mark.parametrize("name", ["EncryptedAssertion", "EncryptedID", "EncryptedAttribute"])
async def test_encrypted_parts_are_refused_by_name(party: Party, name: str) -> None:
    root = genuine(party)
    where = root if name == "EncryptedAssertion" else find(root, "saml:Assertion")
    etree.SubElement(where, f"{{urn:oasis:names:tc:SAML:2.0:assertion}}{name}")

    assert await refusal(party, pack(root)) == "encrypted"


async def test_a_document_as_deep_as_it_may_be_long_is_refused(party: Party) -> None:
    deep = b"<x>" * 30_000 + b"</x>" * 30_000

    assert await refusal(party, b64encode(deep).decode()) == "malformed"
