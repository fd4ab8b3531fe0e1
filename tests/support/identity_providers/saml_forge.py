"""SAML responses made by hand, good ones and forged ones, signed by a key of the test's own."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xmlsec as typed_xmlsec
from lxml import etree

from control_plane.domain.sso import SamlIdp, SamlSp
from tests.support.identity_providers.keys import make_signing_key

xmlsec: Any = typed_xmlsec
"""Its stubs know fewer names than it has."""
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
NAMES = {"samlp": SAMLP, "saml": SAML, "ds": DS}
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


@dataclass(frozen=True)
class Party:
    """A provider whose private key the test has."""

    idp: SamlIdp
    key: bytes
    certificate: bytes


def make_party(entity_id: str = "https://idp.example/saml") -> Party:
    """A provider with a key of its own."""
    key, certificate = make_signing_key(name=entity_id)
    body = "".join(certificate.decode().splitlines()[1:-1])
    return Party(
        SamlIdp(entity_id=entity_id, sso_url="https://idp.example/sso?a=1", certificates=(body,)), key, certificate
    )


@dataclass(frozen=True)
class Answer:
    """What a response says; every field can be made wrong. Times: from now, in seconds. None leaves a thing out."""

    sp: SamlSp
    request_id: str = "_request"
    issuer: str = "https://idp.example/saml"
    response_issuer: str | None = "https://idp.example/saml"
    in_response_to: str | None = "_request"
    confirmed_request: str | None = "_request"
    destination: str | None = "same"
    recipient: str | None = "same"
    audiences: tuple[str, ...] = ("same",)
    name_id: str = "ada@corp.example"
    name_format: str | None = EMAIL_FORMAT
    issued: float = 0
    not_before: float | None = -5
    not_on_or_after: float | None = 300
    confirmed_until: float | None = 300
    session_until: float | None = 3600
    status: str = SUCCESS
    method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    attributes: dict[str, str] = field(default_factory=dict)
    more_conditions: str = ""

    def but(self, **changes: Any) -> Answer:
        """The same with some fields otherwise."""
        return replace(self, **changes)

    def document(self, now: datetime) -> Any:
        """The unsigned response."""
        return etree.fromstring(self._xml(now))

    def _xml(self, now: datetime) -> str:
        def moment(name: str, offset: float | None) -> str:
            if offset is None:
                return ""
            return f' {name}="{(now + timedelta(seconds=offset)).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"'

        def told(name: str, value: str | None, same: str) -> str:
            return "" if value is None else f" {name}={quoteattr(same if value == 'same' else value)}"

        acs = self.sp.acs_url
        issuer = "" if self.response_issuer is None else f"<saml:Issuer>{escape(self.response_issuer)}</saml:Issuer>"
        audiences = "".join(
            f"<saml:Audience>{escape(self.sp.entity_id if one == 'same' else one)}</saml:Audience>"
            for one in self.audiences
        )
        restriction = f"<saml:AudienceRestriction>{audiences}</saml:AudienceRestriction>" if audiences else ""
        values = "".join(
            f"<saml:Attribute Name={quoteattr(name)}><saml:AttributeValue>{escape(value)}</saml:AttributeValue>"
            "</saml:Attribute>"
            for name, value in self.attributes.items()
        )
        statement = f"<saml:AttributeStatement>{values}</saml:AttributeStatement>" if values else ""
        return (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_response" Version="2.0"'
            f"{moment('IssueInstant', self.issued)}{told('Destination', self.destination, acs)}"
            f"{told('InResponseTo', self.in_response_to, self.request_id)}>{issuer}"
            f'<samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status>'
            f'<saml:Assertion ID="_assertion" Version="2.0"{moment("IssueInstant", self.issued)}>'
            f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer><saml:Subject>"
            f"<saml:NameID{told('Format', self.name_format, '')}>{self.name_id}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="{self.method}"><saml:SubjectConfirmationData'
            f"{moment('NotOnOrAfter', self.confirmed_until)}{told('Recipient', self.recipient, acs)}"
            f"{told('InResponseTo', self.confirmed_request, self.request_id)}/></saml:SubjectConfirmation></saml:Subject>"
            f"<saml:Conditions{moment('NotBefore', self.not_before)}{moment('NotOnOrAfter', self.not_on_or_after)}>"
            f"{restriction}{self.more_conditions}</saml:Conditions>"
            f"<saml:AuthnStatement{moment('AuthnInstant', self.issued)}{moment('SessionNotOnOrAfter', self.session_until)}>"
            "<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            f"{statement}</saml:Assertion></samlp:Response>"
        )


@dataclass(frozen=True)
class Signing:
    """How an element is signed. transforms: before the digest; reference: instead of the element's own id."""

    signature: Any = xmlsec.Transform.RSA_SHA256
    digest: Any = xmlsec.Transform.SHA256
    transforms: tuple[Any, ...] = (xmlsec.Transform.ENVELOPED, xmlsec.Transform.EXCL_C14N)
    reference: str | None = None


def sign(element: Any, party: Party, how: Signing | None = None) -> Any:
    """Sign an element of a document in place, its signature behind its issuer; tells the signature."""
    how = how or Signing()
    root = element.getroottree().getroot()
    signature = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, how.signature, ns="ds")
    issuer = element.find("saml:Issuer", NAMES)
    if issuer is None:
        element.insert(0, signature)
    else:
        issuer.addnext(signature)
    uri = f"#{element.get('ID')}" if how.reference is None else how.reference
    reference = xmlsec.template.add_reference(signature, how.digest, uri=uri)
    for transform in how.transforms:
        xmlsec.template.add_transform(reference, transform)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(signature))
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(party.key, xmlsec.KeyFormat.PEM, None)
    context.key.load_cert_from_memory(party.certificate, xmlsec.KeyFormat.PEM)
    context.sign(signature)
    return signature


def signed(answer: Answer, party: Party, now: datetime, *, response: bool = False, assertion: bool = True) -> Any:
    """A response whose assertion, or whole, is signed."""
    root = answer.document(now)
    if assertion:
        sign(root.find("saml:Assertion", NAMES), party)
    if response:
        sign(root, party)
    return root


def pack(root: Any) -> str:
    """A document as a browser posts it."""
    return b64encode(etree.tostring(root)).decode()
