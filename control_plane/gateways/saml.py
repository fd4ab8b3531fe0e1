"""SAML 2.0 service provider: asks by the redirect binding, and verifies what comes back by the POST binding.

python3-saml (with xmlsec) verifies signatures and the schema. What decides whom an assertion means, whether it is for us and
when is ours (`saml_xml`, `domain/saml`), because python3-saml is lenient there: it lets pass a response without recipient,
destination, audience or request, compares addresses by their beginning, and knows which algorithms it refuses rather than
which it takes.

Requests are not signed and assertions not encrypted: we have no key of our own. The request says nothing secret, the answer
travels over TLS, and its signature is what counts.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from control_plane.domain.saml import METADATA_MAX_BYTES, RESPONSE_MAX_BYTES, check_assertion, failed, read_identity
from control_plane.domain.sso import SamlCertificate, SamlIdp, SamlSp, SsoIdentity
from control_plane.gateways.saml_metadata import check_provider, describe, read_provider, write_service
from control_plane.gateways.saml_xml import SAML, SAMLP, check_response, decode, parse, read_assertion
from control_plane.gateways.side_work import SideWork

POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
SCHEMA = "saml-schema-protocol-2.0.xsd"
"""Of OASIS, as python3-saml brings it along."""


class SamlProvider:
    """Fills `services.ports.SamlProvider`.

    Args:
        allows_http: development: providers may be reached by http://.
    """

    def __init__(self, *, allows_http: bool) -> None:
        self._allows_http = allows_http
        self._side_work = SideWork()

    async def read_metadata(self, xml: bytes) -> SamlIdp:
        """The provider that metadata describes.

        Raises:
            SsoFailed: reason too_large, malformed, no_provider, several_providers, no_redirect_binding, sso_url,
                no_certificate, certificate or weak_key.
            Unavailable: too many documents are being read.
        """
        return await self._side_work.run(
            lambda: read_provider(parse(xml, max_bytes=METADATA_MAX_BYTES), allows_http=self._allows_http)
        )

    def check(self, entity_id: str, sso_url: str, certificates: tuple[str, ...]) -> SamlIdp:
        """A provider as an administrator types it in. certificates: PEM, or base64 of DER. Raises SsoFailed as above."""
        return check_provider(entity_id, sso_url, certificates, allows_http=self._allows_http)

    def certificate_expires_at(self, idp: SamlIdp) -> datetime | None:
        """When the last of its certificates ends; None: it has none."""
        return max((one.expires_at for one in self.list_certificates(idp)), default=None)

    def list_certificates(self, idp: SamlIdp) -> list[SamlCertificate]:
        """Its certificates, in their order."""
        return [describe(certificate) for certificate in idp.certificates]

    def metadata(self, sp: SamlSp) -> bytes:
        """Our own metadata, for the provider: XML in UTF-8."""
        return write_service(sp)

    def begin(self, idp: SamlIdp, sp: SamlSp, *, request_id: str, relay_state: str, now: datetime) -> str:
        """Where to send a browser that shall sign in.

        Args:
            idp: whom to ask.
            sp: who asks.
            request_id: an xs:ID: begins with a letter or underscore; nobody can guess it.
            relay_state: comes back as it is; 80 bytes at most (saml-bindings-2.0-os 3.4.3).
            now: the time.
        """
        request = etree.Element(f"{{{SAMLP}}}AuthnRequest", nsmap={"samlp": SAMLP, "saml": SAML})
        for name, value in (
            ("ID", request_id),
            ("Version", "2.0"),
            ("IssueInstant", now.strftime("%Y-%m-%dT%H:%M:%SZ")),
            ("Destination", idp.sso_url),
            ("ProtocolBinding", POST_BINDING),
            ("AssertionConsumerServiceURL", sp.acs_url),
        ):
            request.set(name, value)
        etree.SubElement(request, f"{{{SAML}}}Issuer").text = sp.entity_id
        # Neither a format of names nor a way of signing in is asked for: ADFS and Entra refuse what they are not set up for.
        etree.SubElement(request, f"{{{SAMLP}}}NameIDPolicy").set("AllowCreate", "true")
        deflated = zlib.compress(etree.tostring(request), wbits=-15)
        query = urlencode({"SAMLRequest": b64encode(deflated).decode(), "RelayState": relay_state})
        return f"{idp.sso_url}{'&' if urlsplit(idp.sso_url).query else '?'}{query}"

    async def finish(
        self, idp: SamlIdp, sp: SamlSp, *, saml_response: str, request_id: str, now: datetime
    ) -> SsoIdentity:
        """Whom a response vouches for.

        Args:
            idp: who has to have signed it.
            sp: for whom it has to be.
            saml_response: base64, as it was posted.
            request_id: of the request it must answer. Whoever calls lets each be answered once.
            now: the time.

        Raises:
            SsoFailed: facts name the reason, see docs/single-sign-on.md.
            Unavailable: too many responses are being looked at.
        """
        return await self._side_work.run(lambda: _finish(idp, sp, saml_response, request_id, now))


def _finish(idp: SamlIdp, sp: SamlSp, saml_response: str, request_id: str, now: datetime) -> SsoIdentity:
    raw = decode(saml_response, max_bytes=RESPONSE_MAX_BYTES)
    root = parse(raw, max_bytes=RESPONSE_MAX_BYTES)
    check_response(root, destination=sp.acs_url, request_id=request_id)
    assertion = read_assertion(root)
    check_assertion(assertion, idp=idp, sp=sp, request_id=request_id, now=now)
    _verify(raw, idp, sp)
    return read_identity(assertion)


def _verify(raw: bytes, idp: SamlIdp, sp: SamlSp) -> None:
    """Every signature of a response, with the certificates of this provider only; and the whole of it with the schema.

    Not python3-saml's strict mode: it asks the machine's clock and allows no skew where ours is two minutes. What that mode
    adds is the schema, which is held against here, and what `check_response` and `check_assertion` look at more closely.
    """
    settings = {
        "strict": False,
        "sp": {"entityId": sp.entity_id, "assertionConsumerService": {"url": sp.acs_url}},
        "idp": {
            "entityId": idp.entity_id,
            "singleSignOnService": {"url": idp.sso_url},
            "x509certMulti": {"signing": list(idp.certificates)},
        },
        "security": {"rejectDeprecatedAlgorithm": True, "allowSingleLabelDomains": True},
    }
    try:
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(settings), b64encode(raw))
        if OneLogin_Saml2_XML.validate_xml(response.document, SCHEMA) is not response.document:
            raise failed("malformed")
        response.is_valid({}, raise_exceptions=True)
    except OneLogin_Saml2_ValidationError as error:
        is_signature = error.code == OneLogin_Saml2_ValidationError.INVALID_SIGNATURE
        raise failed("signature" if is_signature else "malformed") from error
    except OneLogin_Saml2_Error as error:
        raise failed("malformed") from error
