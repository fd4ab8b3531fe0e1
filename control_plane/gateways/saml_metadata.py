"""SAML metadata: a provider's read, ours written; and the certificates a provider signs with.

A certificate is a key somebody entrusted to us by hand, so the dates in it decide nothing (SAML V2.0 Metadata
Interoperability Profile 1.0, 2.6.1 says the same of metadata); the page tells when it ends. Signatures of metadata are not
verified: it is believed because an administrator named its address, or pasted it.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from control_plane.domain.saml import CERTIFICATES_MAX, EMAIL_FORMAT, PERSISTENT_FORMAT, failed
from control_plane.domain.sso import SamlCertificate, SamlIdp, SamlSp
from control_plane.gateways.saml_xml import MD, NAMES, SAMLP

REDIRECT_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
RSA_MIN_BITS = 2048
CURVE_MIN_BITS = 256
ADDRESS_MAX_LENGTH = 2000
"""Characters of an entity id or address; saml-core-2.0-os 8.3.6 allows entity ids of 1024."""


def read_provider(root: Any, *, allows_http: bool) -> SamlIdp:
    """The one identity provider a parsed document describes, alone or in a list of entities.

    Raises:
        SsoFailed: reason no_provider, several_providers, no_redirect_binding, or one of `check_provider`.
    """
    if root.tag not in {f"{{{MD}}}EntityDescriptor", f"{{{MD}}}EntitiesDescriptor"}:
        raise failed("no_provider")
    roles = root.findall(".//md:IDPSSODescriptor", NAMES)
    if root.tag == f"{{{MD}}}EntityDescriptor":
        roles = root.findall("md:IDPSSODescriptor", NAMES)
    roles = [role for role in roles if SAMLP in (role.get("protocolSupportEnumeration") or "").split()]
    if len(roles) != 1:
        raise failed("several_providers" if roles else "no_provider")
    addresses = [
        one.get("Location") or ""
        for one in roles[0].findall("md:SingleSignOnService", NAMES)
        if one.get("Binding") == REDIRECT_BINDING
    ]
    if not addresses:
        raise failed("no_redirect_binding")
    certificates = [
        certificate.text or ""
        for key in roles[0].findall("md:KeyDescriptor", NAMES)
        if key.get("use") in {None, "signing"}
        for certificate in key.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)
    ]
    entity_id = roles[0].getparent().get("entityID") or ""
    return check_provider(entity_id, addresses[0], certificates, allows_http=allows_http)


def check_provider(entity_id: str, sso_url: str, certificates: Sequence[str], *, allows_http: bool) -> SamlIdp:
    """A provider whose parts were typed in or read.

    Raises:
        SsoFailed: reason entity_id, sso_url, no_certificate, certificate (none that can be read) or weak_key.
    """
    entity_id = entity_id.strip()
    if not entity_id or len(entity_id) > ADDRESS_MAX_LENGTH or not entity_id.isprintable():
        raise failed("entity_id")
    _check_address(sso_url, allows_http=allows_http)
    if len(certificates) > CERTIFICATES_MAX * 2:
        raise failed("certificate")
    # The same key may be named twice, for signing and for everything.
    cleaned = tuple(dict.fromkeys(_clean(certificate) for certificate in certificates))
    if not cleaned:
        raise failed("no_certificate")
    if len(cleaned) > CERTIFICATES_MAX:
        raise failed("certificate")
    return SamlIdp(entity_id=entity_id, sso_url=sso_url, certificates=cleaned)


def _check_address(url: str, *, allows_http: bool) -> None:
    try:
        parts = urlsplit(url)
        is_good = bool(parts.hostname) and parts.port != 0 and not parts.fragment and parts.username is None
    except ValueError as error:
        raise failed("sso_url") from error
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= ADDRESS_MAX_LENGTH
    if not is_good or not is_plain or parts.scheme not in ({"https", "http"} if allows_http else {"https"}):
        raise failed("sso_url")


def _clean(text: str) -> str:
    """A certificate as base64 of DER in one line. Raises SsoFailed: certificate, weak_key."""
    key = _load(text).public_key()
    is_rsa = isinstance(key, RSAPublicKey) and key.key_size >= RSA_MIN_BITS
    is_curve = isinstance(key, EllipticCurvePublicKey) and key.key_size >= CURVE_MIN_BITS
    if not is_rsa and not is_curve:
        raise failed("weak_key")
    return b64encode(_load(text).public_bytes(Encoding.DER)).decode()


def describe(certificate: str) -> SamlCertificate:
    """What tells one certificate from another. Raises SsoFailed: certificate."""
    loaded = _load(certificate)
    return SamlCertificate(sha256=loaded.fingerprint(SHA256()).hex(), expires_at=loaded.not_valid_after_utc)


def _load(text: str) -> x509.Certificate:
    body = "".join(line for line in text.strip().splitlines() if not line.startswith("-----"))
    try:
        certificate = x509.load_der_x509_certificate(b64decode("".join(body.split()), validate=True))
        certificate.public_key()
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as error:
        raise failed("certificate") from error
    return certificate


def write_service(sp: SamlSp) -> bytes:
    """Our metadata as one connection's service provider. XML in UTF-8; order of elements: saml-metadata-2.0-os 2.4.4."""
    entity = etree.Element(f"{{{MD}}}EntityDescriptor", nsmap={"md": MD}, entityID=sp.entity_id)
    role = etree.SubElement(
        entity,
        f"{{{MD}}}SPSSODescriptor",
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=SAMLP,
    )
    for name_format in (PERSISTENT_FORMAT, EMAIL_FORMAT):
        etree.SubElement(role, f"{{{MD}}}NameIDFormat").text = name_format
    etree.SubElement(
        role,
        f"{{{MD}}}AssertionConsumerService",
        Binding=POST_BINDING,
        Location=sp.acs_url,
        index="0",
        isDefault="true",
    )
    return bytes(etree.tostring(entity, xml_declaration=True, encoding="utf-8", pretty_print=True))
