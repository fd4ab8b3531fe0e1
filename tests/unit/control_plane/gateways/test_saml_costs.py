"""What a stranger may make us do with XML: little, whatever it looks like; and whoever is in a thousand groups comes in."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from control_plane.domain.errors import SsoFailed
from control_plane.domain.sso import SamlSp
from control_plane.gateways import saml
from control_plane.gateways.saml import SamlProvider
from control_plane.gateways.side_work import PLACES, SideWork
from tests.support.identity_providers.saml_forge import NAMES, Answer, Party, make_party, pack, sign

SP = SamlSp(entity_id="https://us.example/metadata?connection=1", acs_url="https://us.example/auth/v1/sso/saml/acs")
COSTLY = {
    "36,000 attributes on one element": "<q" + "".join(f" a{number:x}=''" for number in range(20_000)) + "/>",
    "many elements with as many attributes as one may have": ("<q" + "".join(f" a{n}=''" for n in range(50)) + "/>")
    * 400,
    "60,000 elements": "<z/>" * 50_000,
    "thousands of namespaces on one element": "<q" + "".join(f" xmlns:a{n:x}='{n:x}'" for n in range(9000)) + "/>",
    "namespaces that pile up inside one another": "".join(
        "<q" + "".join(f" xmlns:a{depth}b{n}='{depth}:{n}'" for n in range(40)) + ">" for depth in range(20)
    )
    + "</q>" * 20,
    "elements inside one another": "<q>" * 200 + "</q>" * 200,
}


@pytest.fixture(scope="module")
def party() -> Party:
    return make_party()


def with_value(inside: str) -> bytes:
    """An unsigned response, with something in an attribute's value."""
    raw: bytes = etree.tostring(Answer(SP, attributes={"x": "HERE"}).document(datetime.now(UTC)))
    return raw.replace(b"HERE", inside.encode())


@pytest.mark.parametrize("inside", COSTLY.values(), ids=COSTLY)
async def test_a_costly_response_is_refused_before_anything_is_verified(
    party: Party, inside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[bytes] = []
    monkeypatch.setattr(saml, "_verify", lambda raw, *_: verified.append(raw))

    with pytest.raises(SsoFailed) as refused:
        await SamlProvider(allows_http=False).finish(
            party.idp,
            SP,
            saml_response=b64encode(with_value(inside)).decode(),
            request_id="_request",
            now=datetime.now(UTC),
        )

    assert (refused.value.facts["reason"], verified) == ("too_large", [])


async def test_costly_metadata_is_refused() -> None:
    head = '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">'

    with pytest.raises(SsoFailed) as refused:
        await SamlProvider(allows_http=False).read_metadata(
            f"{head}{COSTLY['60,000 elements']}</md:EntityDescriptor>".encode()
        )

    assert refused.value.facts["reason"] == "too_large"


async def test_metadata_with_a_thousand_keys_is_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    head = '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example">'
    role = '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
    key = (
        '<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        "<ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
    service = '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://a.example"/>'
    read: list[str] = []
    monkeypatch.setattr("control_plane.gateways.saml_metadata._clean", read.append)

    with pytest.raises(SsoFailed) as refused:
        await SamlProvider(allows_http=False).read_metadata(
            f"{head}{role}{key * 1000}{service}</md:IDPSSODescriptor></md:EntityDescriptor>".encode()
        )

    assert (refused.value.facts["reason"], read) == ("certificate", [])


async def test_a_person_of_a_thousand_groups_is_let_in(party: Party) -> None:
    root: Any = Answer(SP, attributes={"groups": "all"}).document(datetime.now(UTC))
    attribute = root.find(".//saml:Attribute", NAMES)
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    for number in range(1000):
        # As Okta writes them: each value declares the schema's names again.
        value = etree.SubElement(
            attribute,
            "{urn:oasis:names:tc:SAML:2.0:assertion}AttributeValue",
            nsmap={"xs": "http://www.w3.org/2001/XMLSchema", "xsi": xsi},
        )
        value.set(f"{{{xsi}}}type", "xs:string")
        value.text = f"desk {number}"
    sign(root.find("saml:Assertion", NAMES), party)

    identity = await SamlProvider(allows_http=False).finish(
        party.idp, SP, saml_response=pack(root), request_id="_request", now=datetime.now(UTC)
    )

    assert identity.email == "ada@corp.example"


async def test_work_beside_the_loop_takes_a_few_threads_however_much_there_is() -> None:
    side_work, may_end, guard = SideWork(), threading.Event(), threading.Lock()
    running = most = 0
    is_full = threading.Event()

    def work() -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
            if running == PLACES:
                is_full.set()
        may_end.wait(30)
        with guard:
            running -= 1

    asked = [asyncio.create_task(side_work.run(work)) for _ in range(PLACES * 4)]
    assert await asyncio.to_thread(is_full.wait, 30)
    may_end.set()
    await asyncio.gather(*asked)

    assert most == PLACES
