"""Platform: everything a door needs, put together by `app.compose`."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.services.account_admin import AccountAdmin
from control_plane.services.accounts import AccountService
from control_plane.services.alerts import AlertService
from control_plane.services.api_tokens import ApiTokenService
from control_plane.services.audit import AuditService
from control_plane.services.chat import ChatService
from control_plane.services.closing import ClosingService
from control_plane.services.confirmations import ConfirmationService
from control_plane.services.entitlements import EntitlementService
from control_plane.services.factors import FactorService
from control_plane.services.feed import FeedService
from control_plane.services.idempotency import IdempotencyService
from control_plane.services.invitations import InvitationService
from control_plane.services.keys import KeyService
from control_plane.services.live import LiveService
from control_plane.services.mail import MailService
from control_plane.services.memberships import MembershipService
from control_plane.services.nodes import NodeService
from control_plane.services.organizations import OrganizationService
from control_plane.services.outbox import OutboxService
from control_plane.services.persons import PersonService
from control_plane.services.ports import Bus, Clock, Ids, Locks, Presence, RateLimits, Seats, Tokens, Turn
from control_plane.services.renewals import RenewalService
from control_plane.services.retention import RetentionService
from control_plane.services.room_listing import RoomListing
from control_plane.services.room_roles import RoomRoleService
from control_plane.services.rooms import RoomService
from control_plane.services.sessions import SessionService
from control_plane.services.sso_connections import SsoConnections
from control_plane.services.sso_domains import SsoDomains
from control_plane.services.sso_identities import SsoIdentities
from control_plane.services.sso_joining import SsoJoining
from control_plane.services.sso_metadata import SsoMetadata
from control_plane.services.sso_returning import SsoReturning
from control_plane.services.sso_sign_in import SsoSignIn
from control_plane.services.webhook_sending import WebhookSending
from control_plane.services.webhooks import WebhookService
from control_plane.services.workspaces import WorkspaceService
from control_plane.stores.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """The parts and the services on them. Doors call services; the parts are here for readiness and for signaling."""

    db: Database
    clock: Clock
    ids: Ids
    bus: Bus
    seats: Seats
    presence: Presence
    rate_limits: RateLimits
    locks: Locks
    tokens: Tokens
    turn: Turn
    keys: KeyService
    idempotency: IdempotencyService
    api_tokens: ApiTokenService
    webhooks: WebhookService
    webhook_sending: WebhookSending
    outbox: OutboxService
    mail: MailService
    sessions: SessionService
    confirmations: ConfirmationService
    sso_connections: SsoConnections
    sso_domains: SsoDomains
    sso_identities: SsoIdentities
    sso_joining: SsoJoining
    sso_metadata: SsoMetadata
    sso_sign_in: SsoSignIn
    sso_returning: SsoReturning
    factors: FactorService
    account_admin: AccountAdmin
    accounts: AccountService
    organizations: OrganizationService
    memberships: MembershipService
    invitations: InvitationService
    workspaces: WorkspaceService
    rooms: RoomService
    room_listing: RoomListing
    room_roles: RoomRoleService
    entitlements: EntitlementService
    audit: AuditService
    closing: ClosingService
    persons: PersonService
    retention: RetentionService
    live: LiveService
    renewals: RenewalService
    feed: FeedService
    chat: ChatService
    alerts: AlertService
    nodes: NodeService
