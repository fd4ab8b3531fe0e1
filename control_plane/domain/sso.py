"""Single sign-on: an organization's own identity provider, the mail domains it has proven, and what may come of both.

A connection opens only accounts whose address is of a proven domain: whoever has not shown that a domain is theirs gets into
nobody's account, whatever their provider says.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from control_plane.domain.errors import InvalidInput
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.roles import Role
from control_plane.domain.sign_ins import Challenge
from control_plane.domain.webhooks import check_url

CONNECTIONS_MAX = 10
"""Of one organization."""
DOMAINS_MAX = 50
"""Of one organization."""
MISSING_MAX = timedelta(days=3)
"""How long a proven domain's record may be away before the domain is proven no more."""
FLOW_LIFETIME = timedelta(minutes=10)
"""From our door to the provider and back."""
GOOGLE_ISSUER = "https://accounts.google.com"
"""Vouches for anybody's account: one with an organization's address may have been made before the domain was Google's."""
SUBJECT_MAX_LENGTH = 255
"""Characters. Source: OpenID Connect Core 1.0, 2 (`sub`)."""
CHALLENGE_LABEL = "_tradingroom-challenge"
CHALLENGE_PREFIX = "tradingroom-verify="
DOMAIN_MAX_LENGTH = 253
"""Characters. Source: RFC 1035, 2.3.4, without the root's dot."""
# fmt: off
PUBLIC_MAIL = frozenset({
    "gmail.com", "googlemail.com", "outlook.com", "outlook.de", "hotmail.com", "hotmail.de", "hotmail.fr",
    "hotmail.co.uk", "live.com", "live.de", "msn.com", "yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk",
    "yahoo.co.jp", "ymail.com", "rocketmail.com", "aol.com", "icloud.com", "me.com", "mac.com", "proton.me",
    "protonmail.com", "pm.me", "gmx.de", "gmx.net", "gmx.com", "gmx.at", "gmx.ch", "web.de", "t-online.de",
    "freenet.de", "mail.com", "mail.ru", "yandex.ru", "yandex.com", "zoho.com", "zohomail.com", "fastmail.com",
    "hey.com", "tutanota.com", "tuta.com", "posteo.de", "mailbox.org", "qq.com", "163.com", "126.com", "sina.com",
    "naver.com", "daum.net", "hanmail.net", "orange.fr", "free.fr", "laposte.net", "wanadoo.fr", "libero.it",
    "virgilio.it", "comcast.net", "verizon.net", "att.net", "sbcglobal.net", "bellsouth.net", "cox.net",
    "btinternet.com", "sky.com", "rediffmail.com", "uol.com.br", "bol.com.br", "terra.com.br", "seznam.cz",
    "wp.pl", "o2.pl", "onet.pl", "interia.pl",
})
# fmt: on
"""Where everybody may have a mailbox: nobody owns these."""
_JOINING = frozenset({Role.HOST, Role.CO_HOST, Role.MODERATOR, Role.VIEWER})

Kind = Literal["oidc", "saml"]


class OidcEndpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's discovery document says (OpenID Connect Discovery 1.0, 3), as far as we need it.

    token_auth_methods, id_token_algorithms: as the provider names them. tells_issuer: its answers carry `iss` (RFC 9207).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    token_auth_methods: tuple[str, ...]
    id_token_algorithms: tuple[str, ...]
    tells_issuer: bool


class SamlIdp(msgspec.Struct, frozen=True, kw_only=True):
    """A SAML identity provider. certificates: base64 of DER, without head and foot, as metadata holds them."""

    entity_id: str
    sso_url: str
    certificates: tuple[str, ...]


class SamlSp(msgspec.Struct, frozen=True, kw_only=True):
    """We, as one connection's SAML service provider."""

    entity_id: str
    acs_url: str


class SsoIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a provider vouches for. subject: theirs for good (OIDC `sub`, SAML NameID); email: lower case.

    hosted_domain: of Google: the organization's domain the account is managed by; empty: it is nobody's but its owner's.
    provider: of SAML: the entity id whose word it is, while it waits for its browser.
    """

    subject: str
    email: str
    display_name: str
    is_email_verified: bool
    hosted_domain: str = ""
    provider: str = ""


class SsoConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One identity provider of one organization.

    issuer, client_id, client_secret (sealed): of OIDC; idp_entity_id, idp_sso_url, idp_certificates: of SAML.
    worked_at: somebody came in by it, or tested it; tested_by: the owner whose test it was. last_error: the reason the
    newest failed sign-in was given; None after one that worked. generation: grows when it is turned off or becomes another
    provider's, so that nothing from before counts after it. idp_metadata_url: of SAML, where its provider is read again;
    metadata_read_at: the last try there, metadata_error: why it brought nothing.
    """

    id: UUID
    organization_id: OrganizationId
    kind: Kind
    name: str
    issuer: str | None
    client_id: str | None
    client_secret: bytes | None
    idp_entity_id: str | None
    idp_sso_url: str | None
    idp_certificates: tuple[str, ...]
    default_role: Role
    joins_members: bool
    is_enabled: bool
    is_enforced: bool
    worked_at: datetime | None
    tested_by: UserId | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    generation: int = 0
    idp_metadata_url: str | None = None
    metadata_read_at: datetime | None = None
    metadata_error: str | None = None

    def is_provider_of(self, other: SsoConnection) -> bool:
        """Whether the same provider vouches, to the same client of its, in both states, and was never off between them."""
        mine = (self.id, self.issuer, self.client_id, self.idp_entity_id, self.generation)
        return mine == (other.id, other.issuer, other.client_id, other.idp_entity_id, other.generation)

    @property
    def method(self) -> str:
        """As sign-ins and access tokens name it (`amr`)."""
        return f"sso/{self.kind}"

    @property
    def entrance(self) -> SsoEntrance:
        """What a sign-in by it says it came by."""
        return SsoEntrance(connection_id=self.id, generation=self.generation)


class SsoEntrance(msgspec.Struct, frozen=True, kw_only=True):
    """A connection as somebody comes in by it. generation: of the connection when its provider vouched."""

    connection_id: UUID
    generation: int


class SsoPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody a connection knows. id: of the identity; subject, email: as the provider told them.

    display_name: None: they are no member, and the organization doesn't see their account.
    """

    id: UUID
    user_id: UserId
    subject: str
    email: str
    display_name: str | None
    created_at: datetime
    used_at: datetime


class SamlCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate of a SAML provider. sha256: of its DER, 64 hex digits; expires_at: what it says of itself."""

    sha256: str
    expires_at: datetime


class DomainProblem(StrEnum):
    """Why a domain was not proven when it was last looked at."""

    NO_RECORD = "no_record"
    OTHER_RECORD = "other_record"
    DNS_AWAY = "dns_away"


class SsoDomain(msgspec.Struct, frozen=True, kw_only=True):
    """A mail domain an organization says is its own. verified_at: it has shown so; token: to be put in its DNS.

    missing_since: of a proven one: its record is not there any more, at every look that the DNS answered since then.
    """

    id: UUID
    organization_id: OrganizationId
    domain: str
    token: str
    created_at: datetime
    verified_at: datetime | None
    checked_at: datetime | None
    last_error: DomainProblem | None
    missing_since: datetime | None = None

    @property
    def record_name(self) -> str:
        """Of the TXT record that proves it."""
        return f"{CHALLENGE_LABEL}.{self.domain}"

    @property
    def record_value(self) -> str:
        """What the record has to say."""
        return CHALLENGE_PREFIX + self.token


class SsoFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in on its way to a provider and back. Its state, and what is derived from it, is known to the browser only.

    browser_hash: of the cookie of the browser that left for the provider; None: none has yet. tester_id: who only tests.
    request_id, answer: of SAML: what we asked, and who the provider said it is. generation: of the connection when it began.
    """

    id: UUID
    connection_id: UUID
    browser_hash: bytes | None
    request_id: str
    answer: SsoIdentity | None
    redirect_to: str
    challenge: Challenge | None
    tester_id: UserId | None
    expires_at: datetime
    generation: int


def clean_domain(text: str) -> str:
    """A mail domain as it is kept: lower case, IDNA as ASCII, without the root's dot.

    Raises:
        InvalidInput: it is none, or one where everybody may have a mailbox (facts: reason public_mail).
    """
    try:
        domain = text.strip().rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    is_good = len(labels) >= 2 and len(domain) <= DOMAIN_MAX_LENGTH and not labels[-1].isdigit()
    if not is_good or not all(_is_label(label) for label in labels):
        raise InvalidInput("This is no domain of mail addresses.", field="domain")
    if domain in PUBLIC_MAIL:
        raise InvalidInput("Anybody may have a mailbox there: nobody can own it.", field="domain", reason="public_mail")
    return domain


def _is_label(label: str) -> bool:
    is_ascii = label.isascii() and all(sign.isalnum() or sign == "-" for sign in label)
    return 1 <= len(label) <= 63 and is_ascii and not label.startswith("-") and not label.endswith("-")


def domain_of(email: str) -> str:
    """What stands behind an address's last @, lower case; empty when there is none."""
    return email.rpartition("@")[2].lower() if "@" in email else ""


def check_default_role(role: Role) -> Role:
    """The role of people who come in by a connection for the first time. Raises InvalidInput: owner or admin."""
    if role not in _JOINING:
        raise InvalidInput("People who come in by themselves can't be owners or admins.", field="defaultRole")
    return role


def judge_records(domain: SsoDomain, records: list[str]) -> DomainProblem | None:
    """Whether the TXT records at `record_name` prove a domain; None: they do."""
    if domain.record_value in {record.strip() for record in records}:
        return None
    return DomainProblem.OTHER_RECORD if records else DomainProblem.NO_RECORD


def after_look(domain: SsoDomain, problem: DomainProblem | None, now: datetime) -> SsoDomain:
    """The domain after a look at its DNS: proven by its record, and no more once that is gone for MISSING_MAX.

    A DNS that does not answer proves nothing and takes nothing.
    """
    domain = msgspec.structs.replace(domain, checked_at=now, last_error=problem)
    if problem is None:
        return msgspec.structs.replace(domain, verified_at=domain.verified_at or now, missing_since=None)
    if problem is DomainProblem.DNS_AWAY or domain.verified_at is None:
        return domain
    since = domain.missing_since or now
    if now - since >= MISSING_MAX:
        return msgspec.structs.replace(domain, verified_at=None, missing_since=None)
    return msgspec.structs.replace(domain, missing_since=since)


def check_provider_url(url: str, field: str, *, allows_private: bool) -> str:
    """An address of a provider, if it may be one; where its name leads is looked at for every request.

    Raises:
        InvalidInput: as `webhooks.check_url`, with the field.
    """
    try:
        return check_url(url.strip(), allows_private=allows_private)
    except InvalidInput as error:
        raise InvalidInput("This is no https:// address of a server.", field=field) from error
