"""Composition root: builds the gateways, hands them to the services, closes everything again. Decides nothing."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

import structlog

from control_plane.domain.errors import Unavailable
from control_plane.domain.events import OutboxFilled
from control_plane.domain.keys import KeyPurpose
from control_plane.domain.outbox import OUTBOX_TOPIC
from control_plane.gateways.bus import RedisBus
from control_plane.gateways.clock import SystemClock, SystemIds
from control_plane.gateways.domain_names import DomainNames
from control_plane.gateways.fetching import GuardedFetcher
from control_plane.gateways.locks import RedisLocks
from control_plane.gateways.mail import SmtpMailer
from control_plane.gateways.oidc import OidcGateway
from control_plane.gateways.presence import RedisPresence
from control_plane.gateways.rate_limits import RateLimits
from control_plane.gateways.saml import SamlProvider
from control_plane.gateways.seats import RedisSeats
from control_plane.gateways.supabase import SupabaseKeys
from control_plane.gateways.tokens import EcTokens, OutsideKeys
from control_plane.gateways.turn import TurnServers
from control_plane.gateways.webhook_sender import WebhookSender
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
from control_plane.services.passwords import Passwords
from control_plane.services.persons import PersonService
from control_plane.services.platform import Platform
from control_plane.services.ports import Bus, Clock, Ids, Locks, Presence, Seats, Tokens, Turn
from control_plane.services.ports import RateLimits as RateLimitsPort
from control_plane.services.ports import WebhookSender as WebhookSenderPort
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
from control_plane.services.sso_landing import SsoLandings
from control_plane.services.sso_metadata import SsoMetadata
from control_plane.services.sso_opening import SsoOpening
from control_plane.services.sso_returning import SsoReturning
from control_plane.services.sso_sign_in import SsoSignIn
from control_plane.services.webhook_sending import WebhookSending
from control_plane.services.webhooks import WebhookService
from control_plane.services.workspaces import WorkspaceService
from control_plane.settings import Settings
from control_plane.stores.database import Database, open_database

CLOSE_TIMEOUT_S = 2.0
"""How long one gateway may take to close, seconds; closing twice is allowed."""
log = structlog.get_logger(__name__)


class Closable(Protocol):
    """What is closed at the end; closing twice is harmless."""

    async def close(self) -> None:
        """Close it."""
        ...


@asynccontextmanager
async def compose(settings: Settings) -> AsyncIterator[Platform]:
    """Build the platform, and close it on the way out.

    A database or Redis that is away does not keep it from being built: doors answer Unavailable until they are back.
    """
    async with AsyncExitStack() as stack:
        db = await open_database(
            settings.database_url,
            pool_size=settings.database_pool_size,
            statement_cache=settings.database_statement_cache,
        )
        stack.push_async_callback(db.close)
        passwords = Passwords()
        stack.callback(passwords.close)
        bus, seats = RedisBus(settings.redis_url), RedisSeats(settings.redis_url)
        presence, rate_limits = RedisPresence(settings.redis_url), RateLimits(settings.redis_url)
        locks = RedisLocks(settings.redis_url)
        outside = None
        if settings.supabase_url is not None:
            outside = SupabaseKeys(settings.supabase_url, settings.supabase_jwt_secret)
            stack.push_async_callback(outside.close)
        sender = WebhookSender(allows_private=settings.allows_private_webhooks)
        fetcher = GuardedFetcher(allows_private=settings.allows_private_webhooks)
        for gateway in (bus, seats, presence, rate_limits, locks, sender, fetcher):
            stack.push_async_callback(_close, gateway)
        try:
            await seats.start()
        except Unavailable:
            log.warning("redis is away", consequence="no new viewer seats until it is back")
        yield assemble(
            settings,
            db=db,
            passwords=passwords,
            bus=bus,
            seats=seats,
            presence=presence,
            rate_limits=rate_limits,
            locks=locks,
            outside=outside,
            sender=sender,
            fetcher=fetcher,
        )


async def _close(gateway: Closable) -> None:
    """Close a gateway in time; a process that was told to stop must not wait for Redis."""
    for _ in range(2):
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await gateway.close()
        except TimeoutError:
            log.warning("gateway did not close in time", gateway=type(gateway).__name__)
        else:
            return


def assemble(
    settings: Settings,
    *,
    db: Database,
    passwords: Passwords,
    bus: Bus,
    seats: Seats,
    presence: Presence,
    rate_limits: RateLimitsPort,
    locks: Locks,
    sender: WebhookSenderPort | None = None,
    fetcher: GuardedFetcher | None = None,
    clock: Clock | None = None,
    outside: OutsideKeys | None = None,
) -> Platform:
    """Put the services on given gateways; tests hand in others and a clock of their own."""
    clock = clock or SystemClock()
    ids: Ids = SystemIds()
    keys = KeyService(db, clock, settings.secret_key)
    tokens: Tokens = EcTokens(keys, issuer_of(settings), clock.now, outside)
    turn: Turn = TurnServers(settings.turn_urls, settings.turn_secret, clock.now)
    db.when_effects_are_due(partial(bus.publish, OUTBOX_TOPIC, OutboxFilled()))
    feed = FeedService(db, bus, clock)
    outbox = OutboxService(db, bus, clock, ids)
    mailer = None if settings.smtp_url is None else SmtpMailer(settings.smtp_url, settings.mail_from)
    mail = MailService(db, outbox, mailer, settings.has_mailbox)
    sessions = SessionService(
        db,
        bus,
        tokens,
        clock,
        ids,
        refresh_key=_derive(settings.secret_key, b"refresh token chain"),
        is_ours=outside is None,
    )
    confirmations = ConfirmationService(
        db=db,
        sessions=sessions,
        outbox=outbox,
        mail=mail,
        clock=clock,
        ids=ids,
        issuer=issuer_of(settings),
        site_url=settings.public_url,
        allowed_origins=settings.allowed_origins | {_origin(settings.public_url)},
        key=_derive(settings.secret_key, b"mailed digits"),
    )
    factors = FactorService(
        db=db,
        sessions=sessions,
        mail=mail,
        clock=clock,
        ids=ids,
        issuer_name=urlsplit(settings.public_url).hostname or "tradingroom",
        key=_derive(settings.secret_key, b"second factors"),
    )
    accounts = AccountService(
        db=db,
        passwords=passwords,
        sessions=sessions,
        confirmations=confirmations,
        mail=mail,
        rate_limits=rate_limits,
        clock=clock,
        ids=ids,
        needs_confirmation=settings.needs_confirmation,
    )
    fetcher = fetcher or GuardedFetcher(allows_private=settings.allows_private_webhooks)
    allows_http = settings.allows_private_webhooks
    oidc, saml = OidcGateway(fetcher, allows_http=allows_http), SamlProvider(allows_http=allows_http)
    sso_connections = SsoConnections(
        db=db,
        bus=bus,
        sessions=sessions,
        oidc=oidc,
        saml=saml,
        fetcher=fetcher,
        clock=clock,
        ids=ids,
        public_url=settings.public_url,
        allows_private=settings.allows_private_webhooks,
        is_ours=outside is None,
        key=_derive(settings.secret_key, b"single sign-on secrets"),
    )
    sso_joining = SsoJoining(db, mail, clock, ids, settings.public_url)
    sso_landings = SsoLandings(db, confirmations, rate_limits, clock)
    sso_key = _derive(settings.secret_key, b"single sign-on flows")
    sso_sign_in = SsoSignIn(
        db=db,
        connections=sso_connections,
        landings=sso_landings,
        oidc=oidc,
        saml=saml,
        clock=clock,
        ids=ids,
        key=sso_key,
    )
    sso_returning = SsoReturning(
        db=db,
        connections=sso_connections,
        landings=sso_landings,
        opening=SsoOpening(
            db=db,
            joining=sso_joining,
            sessions=sessions,
            confirmations=confirmations,
            clock=clock,
            ids=ids,
            needs_confirmation=settings.needs_confirmation,
        ),
        oidc=oidc,
        saml=saml,
        clock=clock,
        key=sso_key,
    )
    webhook_key = _derive(settings.secret_key, b"webhook secrets")
    sender = sender or WebhookSender(allows_private=settings.allows_private_webhooks)
    webhooks = WebhookService(db, clock, ids, webhook_key, settings.allows_private_webhooks)
    api_tokens = ApiTokenService(db, bus, clock, ids)
    return Platform(
        db=db,
        clock=clock,
        ids=ids,
        bus=bus,
        seats=seats,
        presence=presence,
        rate_limits=rate_limits,
        locks=locks,
        tokens=tokens,
        turn=turn,
        keys=keys,
        idempotency=IdempotencyService(db, clock, _derive(settings.secret_key, b"idempotency answers")),
        api_tokens=api_tokens,
        outbox=outbox,
        mail=mail,
        sessions=sessions,
        confirmations=confirmations,
        sso_connections=sso_connections,
        sso_domains=SsoDomains(db, bus, DomainNames(settings.dns_servers), clock, ids),
        sso_identities=SsoIdentities(db, sessions, mail, settings.public_url),
        sso_joining=sso_joining,
        sso_metadata=SsoMetadata(db, saml, fetcher, clock, settings.allows_private_webhooks),
        sso_sign_in=sso_sign_in,
        sso_returning=sso_returning,
        factors=factors,
        accounts=accounts,
        webhooks=webhooks,
        webhook_sending=WebhookSending(db, clock, webhooks, sender, mail),
        account_admin=AccountAdmin(
            db=db,
            passwords=passwords,
            accounts=accounts,
            sessions=sessions,
            confirmations=confirmations,
            factors=factors,
            mail=mail,
            clock=clock,
            service_key=settings.service_key,
        ),
        organizations=OrganizationService(db, clock, ids, locks),
        memberships=MembershipService(db, bus, clock, locks),
        invitations=InvitationService(db, clock, ids, mail, rate_limits, settings.public_url, is_ours=outside is None),
        workspaces=WorkspaceService(db, clock, ids),
        room_listing=RoomListing(db),
        rooms=RoomService(db, clock, ids),
        room_roles=RoomRoleService(db, bus, clock, ids),
        entitlements=EntitlementService(db, ids),
        audit=AuditService(db),
        closing=ClosingService(db, bus, clock),
        persons=PersonService(db, bus, clock, outbox),
        retention=RetentionService(db),
        live=LiveService(
            db=db,
            bus=bus,
            seats=seats,
            presence=presence,
            tokens=tokens,
            turn=turn,
            clock=clock,
            ids=ids,
            signaling_url=settings.signaling_url,
        ),
        renewals=RenewalService(db, tokens, api_tokens, sessions),
        feed=feed,
        chat=ChatService(feed),
        alerts=AlertService(feed),
        nodes=NodeService(db, clock, lambda: keys.jwks(KeyPurpose.PLATFORM)),
    )


def issuer_of(settings: Settings) -> str:
    """`iss` of access tokens: our own issuer's, or hosted Supabase's."""
    return f"{settings.supabase_url or settings.public_url}/auth/v1"


def _origin(url: str) -> str:
    """`scheme://host[:port]` of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, so that none is used for two."""
    return hmac.new(secret_key, purpose, hashlib.sha256).digest()
