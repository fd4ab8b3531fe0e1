"""SAML's XML, read so that nothing can hide in it: one shape, one assertion, and signatures that cover what they stand in.

A signature tells that some bytes are genuine, not which bytes the reader looks at; wrapping attacks (XSW) live in between.
So a response has one shape only: a Response with one Assertion as its child, nothing of the kind anywhere else, every id
once, and each signature the child of one of the two, with one reference, to that one, by known transforms. What is then read
is what was signed.
"""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from control_plane.domain.saml import Assertion, Confirmation, failed

SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
NAMES = {"samlp": SAMLP, "saml": SAML, "md": MD, "ds": DS}
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
SIGNATURE_METHODS = frozenset(_MORE + name for name in ("rsa-sha256", "rsa-sha384", "rsa-sha512")) | frozenset(
    _MORE + name for name in ("ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512")
)
DIGEST_METHODS = frozenset({f"{XENC}sha256", f"{_MORE}sha384", f"{XENC}sha512"})
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CANONICAL = frozenset({_EXCLUSIVE, f"{_EXCLUSIVE}WithComments"})
_ENVELOPED = f"{DS}enveloped-signature"
ELEMENTS_MAX = 10_000
"""Of a document, and as many attributes. A person of a thousand groups has some thousand; ADFS' metadata has 400."""
ATTRIBUTES_MAX = 50
"""Of one element: schema and canonical form cost the square of them (36,000 in 250 KiB took 6 s, 2026-11-23)."""
NAMESPACES_MAX = 100
"""Declared at one place, its ancestors' among them: each name inside may be looked for among all."""
DEPTH_MAX = 60
_CHUNK_BYTES = 16 * 1024
"""A document is read this much at a time, so that it ends where it has too much of something."""
_CONDITIONS = frozenset({f"{{{SAML}}}AudienceRestriction", f"{{{SAML}}}OneTimeUse", f"{{{SAML}}}ProxyRestriction"})


def parse(raw: bytes, *, max_bytes: int) -> Any:
    """Read a document of UTF-8 without document type, entities, comments and processing instructions.

    Whoever wrote it may be nobody we know: what makes later work cost more than its bytes is refused while it is read.

    Returns:
        Its root, an element of lxml.

    Raises:
        SsoFailed: reason too_large (ELEMENTS_MAX and its like, too) or malformed.
    """
    if len(raw) > max_bytes:
        raise failed("too_large")
    # Before any parser sees it: entities in attributes would be expanded while it reads.
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise failed("malformed")
    try:
        raw.decode("utf-8")
        root = _read_bounded(raw)
    except (UnicodeDecodeError, etree.XMLSyntaxError, ValueError) as error:
        raise failed("malformed") from error
    info = root.getroottree().docinfo
    # Another encoding would let a second parser read other characters, a document type among them.
    if info.doctype or (info.encoding or "UTF-8").upper() not in {"UTF-8", "UTF8", "US-ASCII", "ASCII"}:
        raise failed("malformed")
    if next(root.getroottree().iter(etree.Comment, etree.PI, etree.Entity), None) is not None:
        raise failed("malformed")
    if root.getprevious() is not None or root.getnext() is not None:
        raise failed("malformed")
    return root


def _read_bounded(raw: bytes) -> Any:
    """The root of a document. Raises SsoFailed: too_large. XMLSyntaxError."""
    events = ("start", "end", "start-ns", "end-ns")
    parser = etree.XMLPullParser(events, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    elements = attributes = depth = namespaces = 0
    for start in range(0, len(raw), _CHUNK_BYTES):
        parser.feed(raw[start : start + _CHUNK_BYTES])
        for event, element in parser.read_events():
            if event == "start":
                own = len(element.attrib)
                elements, attributes, depth = elements + 1, attributes + own, depth + 1
                if own > ATTRIBUTES_MAX or depth > DEPTH_MAX or max(elements, attributes) > ELEMENTS_MAX:
                    raise failed("too_large")
            elif event == "end":
                depth -= 1
            else:
                namespaces += 1 if event == "start-ns" else -1
                if namespaces > NAMESPACES_MAX:
                    raise failed("too_large")
    return parser.close()


def decode(text: str, *, max_bytes: int) -> bytes:
    """The bytes of a `SAMLResponse`, which is base64 and may hold line breaks. Raises SsoFailed: too_large, malformed."""
    if len(text) > max_bytes * 2:
        raise failed("too_large")
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise failed("malformed") from error


def check_response(root: Any, *, destination: str, request_id: str) -> None:
    """Hold a response against the one shape there is. Signatures are only looked at here, not verified.

    Raises:
        SsoFailed: reason refused_by_provider (with the provider's status), encrypted, malformed, unsigned, algorithm,
            unsolicited, in_response_to or destination.
    """
    if root.tag != f"{{{SAMLP}}}Response" or root.get("Version") != "2.0":
        raise failed("malformed")
    if root.xpath("//*[starts-with(local-name(), 'Encrypted') or namespace-uri() = $xenc]", xenc=XENC):
        raise failed("encrypted")
    _check_status(root)
    assertions = root.xpath("//*[local-name() = 'Assertion']")
    is_one = len(assertions) == 1 and assertions[0].tag == f"{{{SAML}}}Assertion" and assertions[0].getparent() is root
    if not is_one or len(root.xpath("//*[local-name() = 'Response']")) != 1:
        raise failed("malformed")
    _check_ids(root)
    _check_signatures(root, assertions[0])
    asked = root.get("InResponseTo")
    if not asked:
        raise failed("unsolicited")
    if asked != request_id:
        raise failed("in_response_to")
    # Core 3.2.2: told, it must be ours; the POST binding (3.5.5.2) wants it told whenever the response is signed.
    told = root.get("Destination")
    if told != destination and not (told is None and root.find("ds:Signature", NAMES) is None):
        raise failed("destination")


def _check_status(root: Any) -> None:
    codes = root.findall("samlp:Status/samlp:StatusCode", NAMES)
    if len(codes) != 1 or not codes[0].get("Value"):
        raise failed("malformed")
    if codes[0].get("Value") != SUCCESS:
        inner = codes[0].find("samlp:StatusCode", NAMES)
        status = (inner if inner is not None else codes[0]).get("Value") or ""
        raise failed("refused_by_provider", status=status.rpartition(":")[2][:64])


def _check_ids(root: Any) -> None:
    """Every id once, whatever its attribute is called: a reference must not be able to mean two elements."""
    ids = root.xpath("//@*[translate(local-name(), 'ID', 'id') = 'id']")
    if len(ids) != len(set(ids)) or not root.get("ID"):
        raise failed("malformed")


def _check_signatures(root: Any, assertion: Any) -> None:
    signatures = root.xpath("//*[local-name() = 'Signature']")
    if not signatures:
        raise failed("unsigned")
    parents = [signature.getparent() for signature in signatures]
    if any(parent is not root and parent is not assertion for parent in parents):
        raise failed("malformed")
    if len(signatures) > 1 and parents[0] is parents[1]:
        raise failed("malformed")
    for signature, parent in zip(signatures, parents, strict=True):
        _check_signature(signature, parent.get("ID") or "")


def _check_signature(signature: Any, covered: str) -> None:
    """One reference, to the element it stands in, and no transform that could leave something of it out."""
    signed_info = signature.find("ds:SignedInfo", NAMES)
    shapes = {f"{{{DS}}}{name}" for name in ("SignedInfo", "SignatureValue", "KeyInfo")}
    tags = [child.tag for child in signature]
    if (
        signature.tag != f"{{{DS}}}Signature"
        or signed_info is None
        or len(set(tags)) != len(tags)
        or set(tags) - shapes
    ):
        raise failed("malformed")
    parts = [child.tag for child in signed_info]
    if parts != [f"{{{DS}}}{name}" for name in ("CanonicalizationMethod", "SignatureMethod", "Reference")]:
        raise failed("malformed")
    canonical, method, reference = signed_info
    if not covered or reference.get("URI") != f"#{covered}":
        raise failed("malformed")
    digests = reference.findall("ds:DigestMethod", NAMES)
    if len(digests) != 1 or digests[0].get("Algorithm") not in DIGEST_METHODS:
        raise failed("algorithm")
    if method.get("Algorithm") not in SIGNATURE_METHODS or canonical.get("Algorithm") not in _CANONICAL:
        raise failed("algorithm")
    transforms = [one.get("Algorithm") for one in reference.findall("ds:Transforms/ds:Transform", NAMES)]
    if not transforms or transforms[0] != _ENVELOPED or len(transforms) > 2 or not set(transforms[1:]) <= _CANONICAL:
        raise failed("algorithm")


def read_assertion(root: Any) -> Assertion:
    """What the assertion of a response of the right shape says, its signature verified.

    Raises:
        SsoFailed: reason malformed, name when it names nobody, or issuer when the response names another one than its
            assertion.
    """
    assertion = root.find("saml:Assertion", NAMES)
    issuer = _text(_one(assertion, "saml:Issuer"))
    outer = root.findall("samlp:Issuer", NAMES) + root.findall("saml:Issuer", NAMES)
    if any(_text(one) != issuer for one in outer):
        raise failed("issuer")
    names = assertion.findall("saml:Subject/saml:NameID", NAMES)
    if len(names) != 1:
        raise failed("name")
    name = names[0]
    conditions = _one(assertion, "saml:Conditions")
    # Core 2.5.1.1: a condition nobody understands makes the assertion invalid.
    if any(child.tag not in _CONDITIONS for child in conditions) or assertion.get("Version") != "2.0":
        raise failed("malformed")
    statements = assertion.findall("saml:AuthnStatement", NAMES)
    if not statements:
        raise failed("malformed")
    issued_at = _moment(assertion.get("IssueInstant"))
    if issued_at is None:
        raise failed("malformed")
    ends = (_moment(statement.get("SessionNotOnOrAfter")) for statement in statements)
    return Assertion(
        issuer=issuer,
        issued_at=issued_at,
        name_id=_text(name),
        name_format=name.get("Format") or UNSPECIFIED,
        confirmations=_read_confirmations(assertion),
        not_before=_moment(conditions.get("NotBefore")),
        not_on_or_after=_moment(conditions.get("NotOnOrAfter")),
        expires_at=[end for end in ends if end is not None],
        audiences=[
            tuple(_text(one) for one in restriction.findall("saml:Audience", NAMES))
            for restriction in conditions.findall("saml:AudienceRestriction", NAMES)
        ],
        attributes=_read_attributes(assertion),
    )


def _read_confirmations(assertion: Any) -> list[Confirmation]:
    found = []
    for confirmation in assertion.findall("saml:Subject/saml:SubjectConfirmation", NAMES):
        data = confirmation.find("saml:SubjectConfirmationData", NAMES)
        if confirmation.get("Method") == BEARER and data is not None:
            found.append(
                Confirmation(
                    recipient=data.get("Recipient"),
                    in_response_to=data.get("InResponseTo"),
                    not_before=_moment(data.get("NotBefore")),
                    not_on_or_after=_moment(data.get("NotOnOrAfter")),
                )
            )
    return found


def _read_attributes(assertion: Any) -> dict[str, list[str]]:
    """Values by name, lower case. A friendly name counts only where no attribute is called so."""
    named: dict[str, list[str]] = {}
    friendly: dict[str, list[str]] = {}
    for attribute in assertion.findall("saml:AttributeStatement/saml:Attribute", NAMES):
        values = ["".join(value.itertext()) for value in attribute.findall("saml:AttributeValue", NAMES)]
        named.setdefault((attribute.get("Name") or "").lower(), []).extend(values)
        friendly.setdefault((attribute.get("FriendlyName") or "").lower(), []).extend(values)
    return friendly | named


def _one(parent: Any, path: str) -> Any:
    """The only child of that name. Raises SsoFailed: malformed."""
    found = parent.findall(path, NAMES)
    if len(found) != 1:
        raise failed("malformed")
    return found[0]


def _text(element: Any) -> str:
    """All text of an element that holds nothing else. Raises SsoFailed: malformed."""
    if len(element):
        raise failed("malformed")
    return (element.text or "").strip()


def _moment(text: str | None) -> datetime | None:
    """A time of XML Schema, which SAML wants in UTC (core 1.3.3). Raises SsoFailed: malformed."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise failed("malformed") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
