"""Signing in by an organization's identity provider: start, leave for it, come back.

A sign-in on its way is a flow (`stores/sso_flows`), known by its state. The browser leaves by a page of ours, which binds
the flow to it by a cookie; only that browser comes back. Nonce and PKCE verifier are made of the state by our key, so
nothing secret is kept. What a provider says counts for addresses of domains its organization has proven, and no others.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import structlog

from control_plane.domain.accounts import Account, clean_email, display_name_of
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import (
    DomainError,
    Forbidden,
    SsoDomainUnverified,
    SsoFailed,
    SsoProviderNotFound,
    Unavailable,
)
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.mailed_proofs import FlowStarted
from control_plane.domain.roles import Permission
from control_plane.domain.sign_ins import Challenge
from control_plane.domain.sso import FLOW_LIFETIME, GOOGLE_ISSUER, SsoConnection, SsoFlow, SsoIdentity, domain_of
from control_plane.services import access
from control_plane.services.confirmations import ConfirmationService
from control_plane.services.ports import Clock, Ids, OidcProvider, SamlProvider
from control_plane.services.sealing import hash_token
from control_plane.services.sessions import SessionService, SignedIn
from control_plane.services.sso_addresses import caller_by, clear_unproven
from control_plane.services.sso_connections import SsoConnections, idp_of, require_connection, require_sso
from control_plane.services.sso_joining import SsoJoining, hold_unchanged
from control_plane.stores import accounts as account_store
from control_plane.stores import mailed_tokens, sso_flows
from control_plane.stores import sso as store
from control_plane.stores.database import Database, Transaction

log = structlog.get_logger(__name__)
# fmt: off
_ERRORS = frozenset({
    "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
    "server_error", "temporarily_unavailable", "interaction_required", "login_required", "account_selection_required",
    "consent_required", "invalid_request_uri", "invalid_request_object", "request_not_supported",
    "request_uri_not_supported", "registration_not_supported",
})
# fmt: on
"""Source: RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6."""


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """A test went well: nobody was signed in."""


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes in the end, and with what. is_pkce: the client asked by PKCE; is_test: it was a test."""

    redirect_to: str
    is_pkce: bool
    is_test: bool
    outcome: SignedIn | FlowStarted | Tested | DomainError


class OidcReturn(msgspec.Struct, frozen=True, kw_only=True):
    """What an OIDC provider sent the browser back with; empty: it did not say. issuer: `iss` of RFC 9207.

    connection_id: whose redirect URI it came to.
    """

    connection_id: UUID
    state: str
    code: str
    error: str
    issuer: str | None


@dataclass(frozen=True, slots=True)
class SsoSignIn:
    """The use cases of signing in by a connection.

    Attributes:
        key: 32 bytes; of what is made of the state.
        needs_confirmation: an address counts only once its mailbox has answered; else an account's first link clears it.
    """

    db: Database
    connections: SsoConnections
    joining: SsoJoining
    sessions: SessionService
    confirmations: ConfirmationService
    oidc: OidcProvider
    saml: SamlProvider
    clock: Clock
    ids: Ids
    key: bytes = field(repr=False)
    needs_confirmation: bool

    # --- starting

    async def start(
        self, *, domain: str | None, connection_id: UUID | None, redirect_to: str, challenge: Challenge | None
    ) -> str:
        """Begin a sign-in. Answers where to send the browser: a page of ours, which sends it on.

        Args:
            domain: of the person's mail address; or
            connection_id: the connection itself.
            redirect_to: a page of ours.
            challenge: of a client that uses PKCE.

        Raises:
            SsoProviderNotFound: no connection that is on. FeatureNotInPlan. Unavailable.
        """
        async with self.db.platform() as tx:
            if connection_id is not None:
                organization_id = await store.organization_of_connection(tx, connection_id)
            else:
                organization_id = await store.organization_of_domain(tx, (domain or "").strip().lower())
        if organization_id is None:
            raise _no_provider()
        async with self.db.tenant(organization_id) as tx:
            if connection_id is None:
                connection = await store.find_leading(tx, organization_id)
            else:
                connection = await store.find_connection(tx, organization_id, connection_id)
            if connection is None or not connection.is_enabled:
                raise _no_provider()
            await require_sso(tx, organization_id)
        return await self._begin(connection, redirect_to, challenge, None)

    async def test(self, caller: Caller, organization_id: OrganizationId, connection_id: UUID, redirect_to: str) -> str:
        """Begin a sign-in of the owner's that only proves the connection, also while it is off. Answers as `start`.

        Raises:
            NotFound, Forbidden. FeatureNotInPlan. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            connection = await require_connection(tx, organization_id, connection_id)
            await require_sso(tx, organization_id)
        return await self._begin(connection, redirect_to, None, caller.user_id)

    async def _begin(
        self, connection: SsoConnection, redirect_to: str, challenge: Challenge | None, tester_id: UserId | None
    ) -> str:
        now, state = self.clock.now(), secrets.token_urlsafe(32)
        flow = SsoFlow(
            id=self.ids.new(),
            connection_id=connection.id,
            browser_hash=None,
            request_id=f"_{secrets.token_hex(20)}",  # an XML id begins with no digit
            answer=None,
            redirect_to=redirect_to,
            challenge=challenge,
            tester_id=tester_id,
            expires_at=now + FLOW_LIFETIME,
        )
        async with self.db.platform() as tx:
            await sso_flows.insert_flow(tx, flow, hash_token(state), now)
        return f"{self.connections.public_url}/auth/v1/sso/authorize?state={state}"

    # --- leaving

    async def leave(self, state: str, browser: str) -> str | Landing:
        """The browser is at our page: send it on to the provider. browser: its cookie. Answers where, or why not.

        The first browser that comes has the flow; another one is refused, so nobody's sign-in is finished by somebody else.
        """
        async with self.db.platform() as tx:
            flow = await sso_flows.lock_flow(tx, hash_token(state))
            if flow is not None and flow.browser_hash is None:
                flow = msgspec.structs.replace(flow, browser_hash=hash_token(browser))
                await sso_flows.bind_browser(tx, flow, hash_token(browser))
        refusal = self._refuse(flow, browser)
        if flow is None or refusal is not None:
            return self._land(flow, refusal or _no_flow())
        connection = None
        try:
            connection = await self._read_connection(flow)
            if connection.kind == "saml":
                sp = self.connections.sp_of(connection.id)
                now = self.clock.now()
                return self.saml.begin(idp_of(connection), sp, request_id=flow.request_id, relay_state=state, now=now)
            endpoints = await self.oidc.discover(connection.issuer or "")
            return self.oidc.begin(
                endpoints,
                connection.client_id or "",
                self.connections.redirect_uri_of(connection.id),
                state,
                self._made_of(connection, state, "nonce"),
                self._made_of(connection, state, "verifier"),
            )
        except DomainError as error:
            return await self._fail(flow, connection, error)

    # --- coming back

    async def finish_oidc(self, back: OidcReturn, browser: str, origin: Origin) -> Landing:
        """The browser is back from an OIDC provider. The flow is over, however this ends. Never raises a refusal."""
        async with self.db.platform() as tx:
            flow = await sso_flows.take_flow(tx, hash_token(back.state))
        refusal = self._refuse(flow, browser)
        if flow is None or refusal is not None:
            return self._land(flow, refusal or _no_flow())
        if back.connection_id != flow.connection_id:
            # Mix-up: a code that came to another connection's redirect URI is another provider's (RFC 9700, 4.4.2.2).
            return self._land(flow, _no_flow())
        connection = None
        try:
            connection = await self._read_connection(flow)
            identity = await self._ask_oidc(connection, back)
            return await self._arrive(flow, connection, identity, origin)
        except DomainError as error:
            return await self._fail(flow, connection, error)

    async def _ask_oidc(self, connection: SsoConnection, back: OidcReturn) -> SsoIdentity:
        if connection.kind != "oidc":
            raise SsoFailed("The answer is not one of this connection's provider.", reason="wrong_kind")
        if back.error or not back.code:
            raise SsoFailed("The identity provider signed nobody in.", reason=_word(back.error))
        endpoints = await self.oidc.discover(connection.issuer or "")
        # The redirect URI told whose answer it is; a provider that says so itself has to say the same (RFC 9207).
        if back.issuer != endpoints.issuer and (back.issuer is not None or endpoints.tells_issuer):
            raise SsoFailed("The answer came from another identity provider.", reason="issuer_mismatch")
        secret = self.connections.open_secret(connection)
        if secret is None and connection.client_secret is not None:
            raise SsoFailed("The client secret has to be set again.", reason="secret_lost")
        identity = await self.oidc.finish(
            endpoints,
            client_id=connection.client_id or "",
            client_secret=secret,
            redirect_uri=self.connections.redirect_uri_of(connection.id),
            code=back.code,
            nonce=self._made_of(connection, back.state, "nonce"),
            verifier=self._made_of(connection, back.state, "verifier"),
            now=self.clock.now(),
        )
        if not identity.is_email_verified:
            raise SsoFailed("The identity provider has not verified the address.", reason="email_unverified")
        return identity

    async def post_saml(self, state: str, saml_response: str) -> Landing | None:
        """A SAML provider's form was posted: judge the response and keep whom it names.

        Cookies do not come with a form that another site posts; so the browser is led to `finish_saml`, where they do.

        Returns:
            Where to lead the browser when this failed; None: to `finish_saml`.
        """
        now = self.clock.now()
        async with self.db.platform() as tx:
            flow = await sso_flows.lock_flow(tx, hash_token(state))
        if flow is None or flow.expires_at <= now or flow.browser_hash is None or flow.answer is not None:
            return self._land(flow, _no_flow())
        connection = None
        try:
            connection = await self._read_connection(flow)
            if connection.kind != "saml":
                raise SsoFailed("The answer is not one of this connection's provider.", reason="wrong_kind")
            sp = self.connections.sp_of(connection.id)
            answer = await self.saml.finish(
                idp_of(connection), sp, saml_response=saml_response, request_id=flow.request_id, now=now
            )
        except DomainError as error:
            async with self.db.platform() as tx:
                await sso_flows.take_flow(tx, hash_token(state))
            return await self._fail(flow, connection, error)
        async with self.db.platform() as tx:
            found = await sso_flows.lock_flow(tx, hash_token(state))
            if found is None or found.answer is not None:
                return self._land(flow, _no_flow())
            provider = connection.idp_entity_id or ""
            await sso_flows.keep_answer(tx, flow, msgspec.structs.replace(answer, provider=provider))
        return None

    async def finish_saml(self, state: str, browser: str, origin: Origin) -> Landing:
        """The browser comes, with its cookie, for what its provider posted. As `finish_oidc`."""
        async with self.db.platform() as tx:
            flow = await sso_flows.take_flow(tx, hash_token(state))
        refusal = self._refuse(flow, browser)
        if flow is None or refusal is not None or flow.answer is None:
            return self._land(flow, refusal or _no_flow())
        connection = None
        try:
            connection = await self._read_connection(flow)
            if flow.answer.provider != connection.idp_entity_id:
                return self._land(flow, _no_provider())
            return await self._arrive(flow, connection, flow.answer, origin)
        except DomainError as error:
            return await self._fail(flow, connection, error)

    async def metadata(self, connection_id: UUID) -> bytes:
        """Our SAML metadata for a connection, on or off. Raises SsoProviderNotFound, Unavailable."""
        async with self.db.platform() as tx:
            organization_id = await store.organization_of_connection(tx, connection_id)
        if organization_id is None:
            raise _no_provider()
        return self.saml.metadata(self.connections.sp_of(connection_id))

    # --- inside

    async def _read_connection(self, flow: SsoFlow) -> SsoConnection:
        """The connection of a flow, if it may be used now. Raises SsoProviderNotFound, FeatureNotInPlan, Unavailable."""
        async with self.db.platform() as tx:
            organization_id = await store.organization_of_connection(tx, flow.connection_id)
        if organization_id is None:
            raise _no_provider()
        async with self.db.tenant(organization_id) as tx:
            connection = await store.find_connection(tx, organization_id, flow.connection_id)
            if connection is None or not (connection.is_enabled or flow.tester_id is not None):
                raise _no_provider()
            await require_sso(tx, organization_id)
        return connection

    async def _arrive(self, flow: SsoFlow, connection: SsoConnection, identity: SsoIdentity, origin: Origin) -> Landing:
        """The provider has vouched: open the account, if the address is of a domain the organization has proven."""
        identity = msgspec.structs.replace(identity, email=clean_email(identity.email))
        organization_id, now = connection.organization_id, self.clock.now()
        async with self.db.tenant(organization_id) as tx:
            await hold_unchanged(tx, connection, is_test=flow.tester_id is not None)
            if not await store.has_proven(tx, organization_id, domain_of(identity.email)):
                raise _unproven()
            is_google = (connection.issuer or "").rstrip("/") == GOOGLE_ISSUER
            if is_google and not await store.has_proven(tx, organization_id, identity.hosted_domain):
                raise SsoFailed("This Google account is not managed by the organization.", reason="hosted_domain")
            user_id = await store.find_identity(tx, organization_id, connection.id, identity.subject)
            if flow.tester_id is not None:
                await store.note_outcome(
                    tx, organization_id, connection.id, now=now, error=None, tested_by=flow.tester_id
                )
                return self._land(flow, Tested())
        account = await self._find_account(connection, identity, user_id, origin)
        await self.joining.join(connection, identity, account, origin)
        return await self._open(flow, connection, account, origin)

    async def _find_account(
        self, connection: SsoConnection, identity: SsoIdentity, user_id: UserId | None, origin: Origin
    ) -> Account:
        """The account of a subject; on first sight the one with its address, or a new one.

        A sign-up that waits there unconfirmed loses its password: a stranger may have chosen it. Where no mailbox
        confirms addresses, every account that is linked for the first time is cleared.
        """
        async with self.db.platform() as tx:
            if user_id is not None:
                account = await account_store.find_account(tx, user_id)
            else:
                account = await account_store.lock_by_email(tx, identity.email)
            made = await self._make_account(tx, connection, identity) if account is None else None
            account = account or made or await account_store.lock_by_email(tx, identity.email)
            if account is None:
                raise Unavailable("This account is being changed. Try again in a moment.", retry_after_s=1)
            if account.email_confirmed_at is None:
                account = await self._confirm(tx, account)
            if user_id is None and made is None and not self.needs_confirmation:
                caller = caller_by(connection, account, origin)
                await clear_unproven(tx, self.sessions, account, caller, connection)
        if account.is_banned(self.clock.now()):
            raise Forbidden("User is banned", reason="user_banned")
        return account

    async def _make_account(self, tx: Transaction, connection: SsoConnection, identity: SsoIdentity) -> Account | None:
        """A new account without a password; None: somebody made one of that address meanwhile."""
        now = self.clock.now()
        metadata = {"display_name": identity.display_name} if identity.display_name else {}
        provider = f"sso:{connection.id}"
        account = Account(
            id=UserId(self.ids.new()),
            email=identity.email,
            display_name=display_name_of(identity.email, metadata),
            created_at=now,
            updated_at=now,
            last_sign_in_at=None,
            user_metadata=metadata,
            app_metadata={"provider": provider, "providers": [provider]},
            email_confirmed_at=now,
        )
        return account if await account_store.insert_account(tx, account, "") else None

    async def _confirm(self, tx: Transaction, account: Account) -> Account:
        now = self.clock.now()
        cleared = await self.confirmations.forget_sign_up(tx, account)
        if cleared is not account:
            await mailed_tokens.delete_of_user(tx, account.id)
        confirmed = msgspec.structs.replace(cleared, email_confirmed_at=now, updated_at=now)
        await account_store.update_account(tx, confirmed, None)
        return confirmed

    async def _open(self, flow: SsoFlow, connection: SsoConnection, account: Account, origin: Origin) -> Landing:
        """Open a sign-in, or make a code for one; it leaves us only if the connection is as it was.

        It is looked at afterwards: who changes it before that is seen here, who does after finds what there is to end.
        """
        if flow.challenge is None:
            signed_in = await self.sessions.open_and_issue(account, connection.method, origin, connection.id)
            try:
                await self._require_unchanged(connection)
            except DomainError:
                async with self.db.platform() as tx:
                    await self.sessions.end(tx, account.id, only=signed_in.sign_in.id)
                raise
            return self._land(flow, signed_in)
        async with self.db.platform() as tx:
            started = await self.sessions.start_flow(tx, account, flow.challenge, connection.method, connection.id)
        await self._require_unchanged(connection)
        return self._land(flow, started)

    async def _require_unchanged(self, connection: SsoConnection) -> None:
        async with self.db.tenant(connection.organization_id) as tx:
            await hold_unchanged(tx, connection)

    def _refuse(self, flow: SsoFlow | None, browser: str) -> DomainError | None:
        """Why a flow can't go on in this browser; None: it can."""
        if flow is None or flow.expires_at <= self.clock.now():
            return _no_flow()
        if flow.browser_hash is None or not browser or not hmac.compare_digest(flow.browser_hash, hash_token(browser)):
            return Forbidden("This sign-in was begun in another browser.", reason="bad_oauth_state")
        return None

    async def _fail(self, flow: SsoFlow, connection: SsoConnection | None, error: DomainError) -> Landing:
        """Lead the browser back with a refusal; whoever set the connection up can read it there."""
        if connection is not None and not isinstance(error, Unavailable):
            reason = str(error.facts.get("reason") or error.code)
            log.info("sso_failed", connection_id=str(connection.id), code=error.code, reason=reason)
            async with self.db.tenant(connection.organization_id) as tx:
                found = await store.find_connection(tx, connection.organization_id, connection.id, lock=True)
                if found is not None and found.is_provider_of(connection):
                    await store.note_outcome(tx, found.organization_id, found.id, now=self.clock.now(), error=reason)
        return self._land(flow, error)

    def _land(self, flow: SsoFlow | None, outcome: SignedIn | FlowStarted | Tested | DomainError) -> Landing:
        return Landing(
            redirect_to=self.confirmations.redirect_for(None if flow is None else flow.redirect_to),
            is_pkce=flow is not None and flow.challenge is not None,
            is_test=flow is not None and flow.tester_id is not None,
            outcome=outcome,
        )

    def _made_of(self, connection: SsoConnection, state: str, purpose: str) -> str:
        """43 characters that only we can make of a state, other ones for every provider. Source: RFC 7636, 4.1."""
        made_of = msgspec.json.encode([purpose, connection.id, connection.issuer, connection.client_id])
        digest = hmac.new(self.key, made_of + state.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _word(text: str) -> str:
    """What a provider said instead of a code; a word of its own is not shown to whoever set the connection up."""
    if not text:
        return "code_missing"
    return text if text in _ERRORS else "provider_error"


def _no_flow() -> Forbidden:
    """One answer for states that are unknown, used and old."""
    return Forbidden("This sign-in is over or was never begun. Start again.", reason="bad_oauth_state")


def _no_provider() -> SsoProviderNotFound:
    return SsoProviderNotFound("No SSO provider assigned for this domain")


def _unproven() -> SsoDomainUnverified:
    return SsoDomainUnverified("The address is of a domain that this organization has not proven to be its own.")
