"""Single sign-on: an organization's identity providers, proven domains, who came in by which, and who was put out."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Array, Boolean, Bytea, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from control_plane.stores.tables.accounts import Users
from control_plane.stores.tables.organizations import Organizations


class SsoConnections(Table, tablename="sso_connections"):
    """An identity provider of one organization. client_secret: sealed with AES-256-GCM; idp_certificates: base64 of DER.

    worked_at: somebody came in by it, or tested it; tested_by: the owner who did. One at most is enforced.
    generation: counts how often it was turned off or became another provider's. idp_metadata_url: of SAML, read again daily;
    metadata_read_at: the last try, metadata_error: why it brought nothing.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    kind = Varchar(length=8, default=None)
    name = Varchar(length=80, default=None)
    issuer = Varchar(length=2000, default=None, null=True)
    client_id = Varchar(length=400, default=None, null=True)
    client_secret = Bytea(default=None, null=True)
    idp_entity_id = Varchar(length=2000, default=None, null=True)
    idp_sso_url = Varchar(length=2000, default=None, null=True)
    idp_certificates = Array(base_column=Text(default=None), default=list)
    default_role = Varchar(length=16, default=None)
    joins_members = Boolean(default=False)
    is_enabled = Boolean(default=False)
    is_enforced = Boolean(default=False)
    worked_at = Timestamptz(default=None, null=True)
    tested_by = UUID(default=None, null=True)
    last_error = Varchar(length=64, default=None, null=True)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)
    generation = Integer(default=0)
    idp_metadata_url = Varchar(length=2000, default=None, null=True)
    metadata_read_at = Timestamptz(default=None, null=True)
    metadata_error = Varchar(length=64, default=None, null=True)


class SsoDomains(Table, tablename="sso_domains"):
    """A mail domain, lower case. token: to be put in its DNS; verified_at: it was found there. Proven by one tenant only.

    missing_since: of a proven one whose record is gone.
    """

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    domain = Varchar(length=253, default=None)
    token = Varchar(length=64, default=None)
    created_at = Timestamptz(default=None)
    verified_at = Timestamptz(default=None, null=True)
    checked_at = Timestamptz(default=None, null=True)
    last_error = Varchar(length=24, default=None, null=True)
    missing_since = Timestamptz(default=None, null=True)

    sso_domains_once = Unique([organization_id, domain])


class SsoIdentities(Table, tablename="sso_identities"):
    """Whom a connection's provider knows by which subject, and the address it told last. Gone with the connection."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    connection_id = UUID(default=None)
    subject = Varchar(length=255, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    created_at = Timestamptz(default=None)
    used_at = Timestamptz(default=None)
    email = Varchar(length=254, default="")

    sso_identities_one_per_subject = Unique([connection_id, subject])


class FormerMembers(Table, tablename="former_members"):
    """Who was removed or left: signing in by a connection does not bring them back. An invitation does, and forgets this."""

    id = UUID(primary_key=True, default=None)
    organization_id = ForeignKey(Organizations, on_delete=OnDelete.cascade, null=False, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    since = Timestamptz(default=None)

    former_members_once = Unique([organization_id, user_id])


class SsoFlows(Table, tablename="sso_flows"):
    """A sign-in on its way. state_hash, browser_hash: SHA-256; tester_id: who only tests.

    answer: what a SAML provider said, until the browser comes for it. generation: of the connection when it began.

    No tenant: seen by the platform role only.
    """

    id = UUID(primary_key=True, default=None)
    connection_id = ForeignKey(SsoConnections, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    state_hash = Bytea(default=None, unique=True)
    browser_hash = Bytea(default=None, null=True)
    request_id = Varchar(length=64, default=None)
    answer = JSONB(default=None, null=True)
    redirect_to = Varchar(length=2048, default=None)
    code_challenge = Varchar(length=128, default=None, null=True)
    code_challenge_method = Varchar(length=8, default=None, null=True)
    tester_id = UUID(default=None, null=True)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    generation = Integer(default=0)
