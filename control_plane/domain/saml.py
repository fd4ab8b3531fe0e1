"""SAML 2.0, as pure rules: whether an assertion is meant for us, now, in answer to what we asked, and whom it speaks of.

Everything here takes what was read from the signed assertion and from nowhere else. Sources: saml-core-2.0-os (core),
saml-profiles-2.0-os (profiles), both of OASIS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from control_plane.domain.accounts import clean_email, display_name_of
from control_plane.domain.errors import InvalidInput, SsoFailed
from control_plane.domain.sso import SUBJECT_MAX_LENGTH, SamlIdp, SamlSp, SsoIdentity

SKEW = timedelta(minutes=2)
"""How far a provider's clock may be off."""
RESPONSE_MAX_BYTES = 256 * 1024
"""Of a response, decoded. A person in a thousand groups takes a tenth of that."""
METADATA_MAX_BYTES = 1024 * 1024
"""Of a provider's metadata. Those of Entra and ADFS take a tenth of that."""
CERTIFICATES_MAX = 8
"""Of one provider: the one of today, the next one, and room."""

EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
UNSPECIFIED_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
TRANSIENT_FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_LASTING_FORMATS = frozenset({EMAIL_FORMAT, PERSISTENT_FORMAT, UNSPECIFIED_FORMAT})
"""Names that mean the same person next time. The other formats are of directories nobody can see from outside."""

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
EMAIL_ATTRIBUTES = (
    f"{_CLAIMS}/emailaddress",  # Entra, ADFS
    "urn:oid:0.9.2342.19200300.100.1.3",  # `mail` of LDAP: Shibboleth, Keycloak
    "urn:oid:1.2.840.113549.1.9.1",  # Keycloak's built-in mapper of `email`
    "email",  # Okta, Google
    "user.email",  # Okta's expression taken as the name
    "mail",
    "emailaddress",
    "e-mail",
)
"""What providers call the mail address, lower case, the more exact names first."""
NAME_ATTRIBUTES = (
    "http://schemas.microsoft.com/identity/claims/displayname",  # Entra
    "urn:oid:2.16.840.1.113730.3.1.241",  # `displayName` of LDAP: Keycloak, Shibboleth
    "displayname",
    "user.displayname",
    "fullname",
    "name",
    "cn",
    "urn:oid:2.5.4.3",
)
"""What providers call the name a person is shown by, lower case."""
GIVEN_NAME_ATTRIBUTES = (
    f"{_CLAIMS}/givenname",
    "urn:oid:2.5.4.42",
    "firstname",
    "user.firstname",
    "givenname",
    "first_name",
)
SURNAME_ATTRIBUTES = (
    f"{_CLAIMS}/surname",
    "urn:oid:2.5.4.4",
    "lastname",
    "user.lastname",
    "surname",
    "sn",
    "last_name",
)


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """One `SubjectConfirmation` of method bearer; None: it does not say."""

    recipient: str | None
    in_response_to: str | None
    not_before: datetime | None
    not_on_or_after: datetime | None


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """What a signed assertion says.

    audiences: one tuple for each restriction, all of which hold. expires_at: the ends of its session, if it names any.
    attributes: values by the attribute's name (and by its friendly name), lower case.
    """

    issuer: str
    issued_at: datetime
    name_id: str
    name_format: str
    confirmations: Sequence[Confirmation]
    not_before: datetime | None
    not_on_or_after: datetime | None
    expires_at: Sequence[datetime]
    audiences: Sequence[tuple[str, ...]]
    attributes: Mapping[str, Sequence[str]]


def check_assertion(assertion: Assertion, *, idp: SamlIdp, sp: SamlSp, request_id: str, now: datetime) -> None:
    """Refuse an assertion that is another provider's, for another service, of another time, or that nobody asked for.

    Raises:
        SsoFailed: facts name the first reason: issuer, not_yet_valid, expired, audience, in_response_to or recipient.

    Source: profiles 4.1.4.3; core 2.5.1.
    """
    if assertion.issuer != idp.entity_id:
        raise failed("issuer")
    _check_window(assertion.not_before, assertion.not_on_or_after, now)
    _check_window(assertion.issued_at, None, now)
    for expires_at in assertion.expires_at:
        _check_window(None, expires_at, now)
    if not assertion.audiences or not all(sp.entity_id in restriction for restriction in assertion.audiences):
        raise failed("audience")
    _check_confirmation(assertion.confirmations, sp, request_id, now)


def _check_confirmation(confirmations: Sequence[Confirmation], sp: SamlSp, request_id: str, now: datetime) -> None:
    """At least one has to hold whole. What we asked must stand in it, which is signed: so no answer serves twice."""
    if not confirmations:
        raise failed("recipient")
    refusals: list[SsoFailed] = []
    for one in confirmations:
        try:
            if one.in_response_to is None or one.in_response_to != request_id:
                raise failed("in_response_to")
            if one.recipient != sp.acs_url:
                raise failed("recipient")
            if one.not_on_or_after is None:
                raise failed("expired")
            _check_window(one.not_before, one.not_on_or_after, now)
        except SsoFailed as refused:
            refusals.append(refused)
        else:
            return
    raise refusals[0]


def _check_window(not_before: datetime | None, not_on_or_after: datetime | None, now: datetime) -> None:
    if not_before is not None and now + SKEW < not_before:
        raise failed("not_yet_valid")
    if not_on_or_after is not None and now - SKEW >= not_on_or_after:
        raise failed("expired")


def read_identity(assertion: Assertion) -> SsoIdentity:
    """Whom an assertion speaks of.

    The address is the attribute's, or else the name itself where that is one. Whether the organization may speak for its
    domain is decided elsewhere.

    Raises:
        SsoFailed: reason name_format (it means somebody else tomorrow, or nothing to us), name (none, or too long) or
            no_email.
    """
    subject = assertion.name_id.strip()
    if assertion.name_format not in _LASTING_FORMATS:
        raise failed("name_format", name_format=assertion.name_format[:200])
    if assertion.name_format == EMAIL_FORMAT:
        subject = subject.lower()
    if not subject or len(subject) > SUBJECT_MAX_LENGTH or not subject.isprintable():
        raise failed("name")
    email = _read_email(assertion, subject)
    return SsoIdentity(
        subject=subject,
        email=email,
        display_name=display_name_of(email, {"name": _read_name(assertion.attributes)}),
        # The organization's own directory says so, and only addresses of domains it owns are believed.
        is_email_verified=True,
    )


def _read_email(assertion: Assertion, subject: str) -> str:
    told = _first(assertion.attributes, EMAIL_ATTRIBUTES)
    if told is None and assertion.name_format != PERSISTENT_FORMAT:
        told = subject
    try:
        return clean_email(told or "")
    except InvalidInput as refused:
        raise failed("no_email") from refused


def _read_name(attributes: Mapping[str, Sequence[str]]) -> str:
    shown = _first(attributes, NAME_ATTRIBUTES)
    parts = (_first(attributes, GIVEN_NAME_ATTRIBUTES), _first(attributes, SURNAME_ATTRIBUTES))
    return shown or " ".join(part for part in parts if part)


def _first(attributes: Mapping[str, Sequence[str]], names: Sequence[str]) -> str | None:
    """The first value that is not empty, by the order of the names."""
    for name in names:
        for value in attributes.get(name, ()):
            if value.strip():
                return value.strip()
    return None


def failed(reason: str, **facts: str) -> SsoFailed:
    """The error of a response or of metadata that is refused for this reason."""
    return SsoFailed("What the identity provider sent can't be accepted.", reason=reason, **facts)
