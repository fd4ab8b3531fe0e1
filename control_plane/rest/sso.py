"""Single sign-on of an organization: its identity providers and its mail domains. Signing in by them is `auth_sso`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Role
from control_plane.domain.sso import DomainProblem, Kind, SsoConnection, SsoDomain
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, Name, View
from control_plane.services.sso_changes import ConnectionFields
from control_plane.services.sso_connections import SsoConnections

_PRINTABLE = "^[^\\x00]*$"
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=_PRINTABLE)]
Issuer = Annotated[
    str, msgspec.Meta(min_length=1, max_length=2000, pattern=_PRINTABLE, examples=["https://acme.okta.com"])
]
ClientId = Annotated[str, msgspec.Meta(min_length=1, max_length=400, pattern=_PRINTABLE)]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=2000, pattern=_PRINTABLE)]
Xml = Annotated[str, msgspec.Meta(min_length=1, max_length=60_000, pattern=_PRINTABLE)]
Certificates = Annotated[list[str], msgspec.Meta(min_length=1, max_length=10)]
"""PEM, or base64 of DER; the document can't say of a list's items what msgspec would hold them to."""
Domain = Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=_PRINTABLE, examples=["example.com"])]
Goal = Annotated[str, msgspec.Meta(max_length=2000, pattern=_PRINTABLE)]


class SamlCertificateView(View):
    """A certificate a SAML provider may sign with. sha256: its fingerprint; expiresAt: as it says, and decides nothing."""

    sha256: str
    expires_at: datetime


class SsoConnectionView(View):
    """An identity provider, without its client secret.

    workedAt: somebody came in by it, or tested it; before that it can't be enforced. lastError: why the newest failed
    sign-in failed. idpMetadataUrl (SAML): read again daily; metadataReadAt: the newest try, metadataError: why it brought
    nothing. redirectUri (OIDC), spEntityId, acsUrl and metadataUrl (SAML): what the provider asks about us.
    """

    id: UUID
    kind: Kind
    name: str
    issuer: str | None
    client_id: str | None
    has_client_secret: bool
    idp_entity_id: str | None
    idp_sso_url: str | None
    certificate_expires_at: datetime | None
    default_role: Role
    joins_members: bool
    is_enabled: bool
    is_enforced: bool
    worked_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    redirect_uri: str
    sp_entity_id: str
    acs_url: str
    metadata_url: str
    idp_metadata_url: str | None
    metadata_read_at: datetime | None
    metadata_error: str | None
    certificates: list[SamlCertificateView]


class SsoConnectionList(View):
    """All of them, oldest first."""

    items: list[SsoConnectionView]


class NewSsoConnection(Body):
    """An identity provider. defaultRole: of whom joinsMembers makes a member.

    kind oidc: issuer and clientId, and clientSecret unless it is a public client. kind saml: metadataUrl (read now, and
    again every day) or metadataXml, or idpEntityId, idpSsoUrl and idpCertificates.
    """

    kind: Kind
    name: Name
    issuer: Issuer | None = None
    client_id: ClientId | None = None
    client_secret: Secret | None = None
    metadata_url: Url | None = None
    metadata_xml: Xml | None = None
    idp_entity_id: Url | None = None
    idp_sso_url: Url | None = None
    idp_certificates: Certificates | None = None
    default_role: Role = Role.VIEWER
    joins_members: bool = False


class SsoConnectionChanges(Body):
    """What is not given stays as it is. Another issuer or idpEntityId is another provider: it has to work first, again."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    issuer: Issuer | msgspec.UnsetType = msgspec.UNSET
    client_id: ClientId | msgspec.UnsetType = msgspec.UNSET
    client_secret: Secret | msgspec.UnsetType = msgspec.UNSET
    metadata_url: Url | msgspec.UnsetType = msgspec.UNSET
    metadata_xml: Xml | msgspec.UnsetType = msgspec.UNSET
    idp_entity_id: Url | msgspec.UnsetType = msgspec.UNSET
    idp_sso_url: Url | msgspec.UnsetType = msgspec.UNSET
    idp_certificates: Certificates | msgspec.UnsetType = msgspec.UNSET
    default_role: Role | msgspec.UnsetType = msgspec.UNSET
    joins_members: bool | msgspec.UnsetType = msgspec.UNSET
    is_enabled: bool | msgspec.UnsetType = msgspec.UNSET
    is_enforced: bool | msgspec.UnsetType = msgspec.UNSET


class SsoTest(Body):
    """redirectTo: a page of this web app, which gets `?sso=worked`, or `?sso=failed` and `code`, in its query."""

    redirect_to: Goal = ""


class SsoTestStarted(View):
    """url: where to send the browser."""

    url: str


class SsoDomainView(View):
    """A mail domain. recordName, recordValue: the TXT record that proves it. verifiedAt: it did."""

    id: UUID
    domain: str
    record_name: str
    record_value: str
    verified_at: datetime | None
    checked_at: datetime | None
    last_error: DomainProblem | None


class SsoDomainList(View):
    """All of them, oldest first."""

    items: list[SsoDomainView]


class NewSsoDomain(Body):
    """domain: what stands behind the @."""

    domain: Domain


def _view(connections: SsoConnections, connection: SsoConnection) -> SsoConnectionView:
    sp = connections.sp_of(connection.id)
    return SsoConnectionView(
        id=connection.id,
        kind=connection.kind,
        name=connection.name,
        issuer=connection.issuer,
        client_id=connection.client_id,
        has_client_secret=connection.client_secret is not None,
        idp_entity_id=connection.idp_entity_id,
        idp_sso_url=connection.idp_sso_url,
        certificate_expires_at=connections.certificate_expires_at(connection),
        default_role=connection.default_role,
        joins_members=connection.joins_members,
        is_enabled=connection.is_enabled,
        is_enforced=connection.is_enforced,
        worked_at=connection.worked_at,
        last_error=connection.last_error,
        created_at=connection.created_at,
        updated_at=connection.updated_at,
        redirect_uri=connections.redirect_uri_of(connection.id),
        sp_entity_id=sp.entity_id,
        acs_url=sp.acs_url,
        metadata_url=sp.entity_id,
        idp_metadata_url=connection.idp_metadata_url,
        metadata_read_at=connection.metadata_read_at,
        metadata_error=connection.metadata_error,
        certificates=[
            SamlCertificateView(sha256=one.sha256, expires_at=one.expires_at)
            for one in connections.list_certificates(connection)
        ],
    )


def _domain_view(domain: SsoDomain) -> SsoDomainView:
    return SsoDomainView(
        id=domain.id,
        domain=domain.domain,
        record_name=domain.record_name,
        record_value=domain.record_value,
        verified_at=domain.verified_at,
        checked_at=domain.checked_at,
        last_error=domain.last_error,
    )


def _fields(data: Body) -> ConnectionFields:
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    given.pop("kind", None)
    return ConnectionFields(**given)


class SsoController(Controller):
    """`…/sso`: connections and domains. Admins read, the owner writes."""

    path = "/organizations/{organization_id:uuid}/sso"
    tags = ("Single sign-on",)

    @get("/connections", operation_id="listSsoConnections", summary="Identity providers")
    async def list_connections(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]
    ) -> SsoConnectionList:
        """Connections, oldest first, without their secrets. There are 10 at most, so there are no pages."""
        found = await platform.sso_connections.list_connections(caller, OrganizationId(organization_id))
        return SsoConnectionList(items=[_view(platform.sso_connections, one) for one in found])

    @post("/connections", operation_id="createSsoConnection", summary="Set up an identity provider")
    async def create_connection(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        data: JSONBody[NewSsoConnection],
    ) -> SsoConnectionView:
        """Set one up, turned off. Its documents are read at once: `sso_failed` tells what is wrong with them. Owner only."""
        made = await platform.sso_connections.create(caller, OrganizationId(organization_id), data.kind, _fields(data))
        return _view(platform.sso_connections, made)

    @get("/connections/{connection_id:uuid}", operation_id="getSsoConnection", summary="One identity provider")
    async def get_connection(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> SsoConnectionView:
        """One connection, without its secret."""
        found = await platform.sso_connections.get(caller, OrganizationId(organization_id), connection_id)
        return _view(platform.sso_connections, found)

    @patch(
        "/connections/{connection_id:uuid}", operation_id="changeSsoConnection", summary="Change an identity provider"
    )
    async def change_connection(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        connection_id: FromPath[UUID],
        data: JSONBody[SsoConnectionChanges],
    ) -> SsoConnectionView:
        """Change it, turn it on or off, enforce it. Off, sign-ins that came by it end. Owner only."""
        organization = OrganizationId(organization_id)
        changed = await platform.sso_connections.change(caller, organization, connection_id, _fields(data))
        return _view(platform.sso_connections, changed)

    @delete(
        "/connections/{connection_id:uuid}", operation_id="deleteSsoConnection", summary="Delete an identity provider"
    )
    async def delete_connection(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> None:
        """Delete it; sign-ins that came by it end. Owner only."""
        await platform.sso_connections.delete(caller, OrganizationId(organization_id), connection_id)

    @post(
        "/connections/{connection_id:uuid}/test",
        operation_id="testSsoConnection",
        summary="Try an identity provider",
        status_code=200,
    )
    async def test_connection(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        connection_id: FromPath[UUID],
        data: JSONBody[SsoTest],
    ) -> SsoTestStarted:
        """Begin a sign-in that only proves that it works, also while it is off. Owner only."""
        goal = platform.confirmations.redirect_for(data.redirect_to)
        organization = OrganizationId(organization_id)
        return SsoTestStarted(url=await platform.sso_sign_in.test(caller, organization, connection_id, goal))

    @post(
        "/connections/{connection_id:uuid}/read-metadata",
        operation_id="readSsoMetadata",
        summary="Read a SAML provider's metadata again",
        status_code=200,
    )
    async def read_metadata(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], connection_id: FromPath[UUID]
    ) -> SsoConnectionView:
        """Read `idpMetadataUrl` now; it is read daily anyway. Answers the connection, with `metadataError` or without.

        Owner only. 409 `conflict` with the reason `no_metadata_url` when its metadata was not named by an address.
        """
        read = await platform.sso_metadata.read(caller, OrganizationId(organization_id), connection_id)
        return _view(platform.sso_connections, read)

    @get("/domains", operation_id="listSsoDomains", summary="Mail domains")
    async def list_domains(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]
    ) -> SsoDomainList:
        """Domains, oldest first. There are 50 at most, so there are no pages."""
        found = await platform.sso_domains.list_domains(caller, OrganizationId(organization_id))
        return SsoDomainList(items=[_domain_view(one) for one in found])

    @post("/domains", operation_id="addSsoDomain", summary="Add a mail domain")
    async def add_domain(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewSsoDomain]
    ) -> SsoDomainView:
        """Say that a domain is yours; the answer names the TXT record that proves it. Owner only."""
        return _domain_view(await platform.sso_domains.add(caller, OrganizationId(organization_id), data.domain))

    @post(
        "/domains/{domain_id:uuid}/verify",
        operation_id="verifySsoDomain",
        summary="Look for a domain's record",
        status_code=200,
    )
    async def verify_domain(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], domain_id: FromPath[UUID]
    ) -> SsoDomainView:
        """Ask the DNS now. Answers the domain: `verifiedAt` when it is proven, or `lastError`. Owner only."""
        return _domain_view(await platform.sso_domains.verify(caller, OrganizationId(organization_id), domain_id))

    @delete("/domains/{domain_id:uuid}", operation_id="deleteSsoDomain", summary="Give a mail domain up")
    async def delete_domain(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], domain_id: FromPath[UUID]
    ) -> None:
        """No connection opens its accounts any more. Owner only."""
        await platform.sso_domains.delete(caller, OrganizationId(organization_id), domain_id)
