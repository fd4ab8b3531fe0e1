"""SAML responses that are genuine, but not for us, not now, not asked for, or of nobody we could know again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml.etree import SubElement

from control_plane.domain.errors import SsoFailed
from control_plane.domain.saml import EMAIL_ATTRIBUTES, PERSISTENT_FORMAT, RESPONSE_MAX_BYTES, TRANSIENT_FORMAT
from control_plane.domain.sso import SamlIdp, SamlSp, SsoIdentity
from control_plane.gateways.saml import SamlProvider
from tests.support.identity_providers.saml_forge import (
    NAMES,
    Answer,
    Party,
    Signing,
    make_party,
    pack,
    sign,
    signed,
    xmlsec,
)

SP = SamlSp(
    entity_id="https://us.example/auth/v1/sso/saml/metadata?connection=1",
    acs_url="https://us.example/auth/v1/sso/saml/acs",
)
ANSWER = Answer(SP)


@pytest.fixture(scope="module")
def party() -> Party:
    return make_party()


async def finish(
    party: Party, response: str, *, idp: SamlIdp | None = None, now: datetime | None = None
) -> SsoIdentity:
    provider = SamlProvider(allows_http=False)
    return await provider.finish(
        idp or party.idp, SP, saml_response=response, request_id="_request", now=now or datetime.now(UTC)
    )


async def refusal(party: Party, response: str, **more: Any) -> str:
    """The reason a response is refused for."""
    with pytest.raises(SsoFailed) as refused:
        await finish(party, response, **more)
    return str(refused.value.facts["reason"])


@pytest.mark.parametrize(
    "how",
    [{"assertion": True}, {"response": True, "assertion": False}, {"response": True, "assertion": True}],
    ids=["assertion", "response", "both"],
)
async def test_a_response_is_believed_whether_it_or_its_assertion_is_signed(party: Party, how: dict[str, bool]) -> None:
    now = datetime.now(UTC)

    identity = await finish(party, pack(signed(ANSWER, party, now, **how)))

    assert identity == SsoIdentity(
        subject="ada@corp.example", email="ada@corp.example", display_name="ada", is_email_verified=True
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": "https://other.example"}, "issuer"),
        ({"response_issuer": "https://other.example"}, "issuer"),
        ({"audiences": ()}, "audience"),
        ({"audiences": ("https://us.example/auth/v1/sso/saml/metadata?connection=2",)}, "audience"),
        ({"recipient": None}, "recipient"),
        ({"recipient": "https://evil.example/acs"}, "recipient"),
        ({"recipient": f"{SP.acs_url}/more"}, "recipient"),
        ({"recipient": f"https://evil.example/?{SP.acs_url}"}, "recipient"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "recipient"),
        ({"destination": "https://evil.example/acs"}, "destination"),
        ({"destination": f"{SP.acs_url}/more"}, "destination"),
        ({"destination": ""}, "destination"),
        ({"in_response_to": None}, "unsolicited"),
        ({"in_response_to": None, "confirmed_request": None}, "unsolicited"),
        ({"in_response_to": "_other"}, "in_response_to"),
        ({"confirmed_request": None}, "in_response_to"),
        ({"confirmed_request": "_other"}, "in_response_to"),
        ({"confirmed_until": None}, "expired"),
        ({"more_conditions": '<saml:Condition xmlns:x="urn:x"/>'}, "malformed"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "refused_by_provider"),
    ],
)
async def test_what_is_not_meant_for_us_is_refused(party: Party, changes: dict[str, Any], reason: str) -> None:
    response = signed(ANSWER.but(**changes), party, datetime.now(UTC))

    assert await refusal(party, pack(response)) == reason


async def test_a_signed_response_has_to_say_where_it_goes(party: Party) -> None:
    response = signed(ANSWER.but(destination=None), party, datetime.now(UTC), response=True)

    assert await refusal(party, pack(response)) == "destination"


async def test_each_restriction_of_the_audience_has_to_hold(party: Party) -> None:
    other = "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>"
    response = signed(ANSWER.but(more_conditions=other), party, datetime.now(UTC))

    assert await refusal(party, pack(response)) == "audience"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"not_before": 119}, None),
        ({"not_before": 122}, "not_yet_valid"),
        ({"not_on_or_after": -118}, None),
        ({"not_on_or_after": -121}, "expired"),
        ({"confirmed_until": -118}, None),
        ({"confirmed_until": -121}, "expired"),
        ({"session_until": -118}, None),
        ({"session_until": -121}, "expired"),
        ({"issued": 122}, "not_yet_valid"),
        ({"not_before": None, "not_on_or_after": None}, None),
    ],
)
async def test_clocks_may_differ_by_two_minutes(party: Party, changes: dict[str, float], reason: str | None) -> None:
    now = datetime.now(UTC)
    response = pack(signed(ANSWER.but(**changes), party, now))

    if reason is None:
        assert (await finish(party, response, now=now)).subject == "ada@corp.example"
    else:
        assert await refusal(party, response, now=now) == reason


@pytest.mark.parametrize("days", [-400, 400])
async def test_the_time_is_the_one_that_is_told(party: Party, days: int) -> None:
    now = datetime.now(UTC) + timedelta(days=days)

    assert (await finish(party, pack(signed(ANSWER, party, now)), now=now)).subject == "ada@corp.example"


async def test_an_answer_is_refused_once_its_time_is_over(party: Party) -> None:
    now = datetime.now(UTC)
    response = pack(signed(ANSWER, party, now))

    assert await refusal(party, response, now=now + timedelta(minutes=8)) == "expired"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (Signing(signature=xmlsec.Transform.RSA_SHA1), "algorithm"),
        (Signing(digest=xmlsec.Transform.SHA1), "algorithm"),
        (Signing(transforms=(xmlsec.Transform.EXCL_C14N,)), "algorithm"),
        (Signing(transforms=(xmlsec.Transform.ENVELOPED, xmlsec.Transform.C14N)), "algorithm"),
        (Signing(signature=xmlsec.Transform.RSA_SHA512, digest=xmlsec.Transform.SHA512), None),
    ],
    ids=["rsa-sha1", "sha1", "not enveloped", "inclusive", "sha512"],
)
async def test_only_algorithms_that_hold_are_taken(party: Party, how: Signing, reason: str | None) -> None:
    root = ANSWER.document(datetime.now(UTC))
    sign(root[2], party, how)

    if reason is None:
        assert (await finish(party, pack(root))).subject == "ada@corp.example"
    else:
        assert await refusal(party, pack(root)) == reason


async def test_while_a_provider_changes_its_key_both_are_believed(party: Party) -> None:
    now, next_party, stranger = datetime.now(UTC), make_party(), make_party()
    both = SamlIdp(
        entity_id=party.idp.entity_id,
        sso_url=party.idp.sso_url,
        certificates=party.idp.certificates + next_party.idp.certificates,
    )

    for signer in (party, next_party):
        assert (await finish(party, pack(signed(ANSWER, signer, now)), idp=both)).subject == "ada@corp.example"
    assert await refusal(party, pack(signed(ANSWER, stranger, now)), idp=both) == "signature"


async def test_a_name_that_changes_every_time_is_nobodys(party: Party) -> None:
    answer = ANSWER.but(name_format=TRANSIENT_FORMAT, attributes={"email": "ada@corp.example"})

    assert await refusal(party, pack(signed(answer, party, datetime.now(UTC)))) == "name_format"


@pytest.mark.parametrize("name", ["", "  ", "x" * 256])
async def test_a_name_that_is_none_is_refused(party: Party, name: str) -> None:
    answer = ANSWER.but(name_id=name, name_format=PERSISTENT_FORMAT, attributes={"email": "ada@corp.example"})

    assert await refusal(party, pack(signed(answer, party, datetime.now(UTC)))) == "name"


async def test_what_the_schema_does_not_know_is_malformed(party: Party) -> None:
    root = ANSWER.document(datetime.now(UTC))
    SubElement(root.find("saml:Assertion", NAMES), "Whatever")
    sign(root[2], party)

    assert await refusal(party, pack(root)) == "malformed"


async def test_an_answer_about_nobody_says_so(party: Party) -> None:
    """What ADFS sends until a rule for the NameID is made."""
    root = ANSWER.document(datetime.now(UTC))
    name = root.find(".//saml:NameID", NAMES)
    name.getparent().remove(name)
    sign(root[2], party)

    assert await refusal(party, pack(root)) == "name"


async def test_a_lasting_name_needs_an_address_beside_it(party: Party) -> None:
    now = datetime.now(UTC)
    bare = ANSWER.but(name_id="eve@corp.example", name_format=PERSISTENT_FORMAT)
    whole = bare.but(name_id="00u1", attributes={"Email": "Ada@Corp.Example", "firstName": "Ada", "lastName": "Byron"})

    identity = await finish(party, pack(signed(whole, party, now)))

    assert await refusal(party, pack(signed(bare, party, now))) == "no_email"
    assert (identity.subject, identity.email, identity.display_name) == ("00u1", "ada@corp.example", "Ada Byron")


@pytest.mark.parametrize("name", EMAIL_ATTRIBUTES)
async def test_every_providers_word_for_an_address_is_known(party: Party, name: str) -> None:
    answer = ANSWER.but(name_id="00u1", name_format=None, attributes={name.title(): "ada@corp.example"})

    assert (await finish(party, pack(signed(answer, party, datetime.now(UTC))))).email == "ada@corp.example"


async def test_a_response_of_any_size_is_not_read(party: Party) -> None:
    answer = ANSWER.but(attributes={"groups": "x" * RESPONSE_MAX_BYTES})

    assert await refusal(party, pack(signed(answer, party, datetime.now(UTC)))) == "too_large"
    assert await refusal(party, "A" * (3 * RESPONSE_MAX_BYTES)) == "too_large"


@pytest.mark.parametrize("text", ["", "%%%", "PHg+", "eA==", "PD94bWwgdmVyc2lvbj0iMS4wIj8+PGEvPg==", "\u00e4"])
async def test_what_is_no_response_is_malformed(party: Party, text: str) -> None:
    assert await refusal(party, text) == "malformed"
