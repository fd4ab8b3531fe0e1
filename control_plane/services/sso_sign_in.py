"""Signing in by an organization's identity provider: start, and leave for it. Coming back is `sso_returning`.

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

from control_plane.domain.callers import Caller
from control_plane.domain.errors import DomainError
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.roles import Permission
from control_plane.domain.sign_ins import Challenge
from control_plane.domain.sso import FLOW_LIFETIME, SsoConnection, SsoFlow
from control_plane.services import access
from control_plane.services.ports import Clock, Ids, OidcProvider, SamlProvider
from control_plane.services.sealing import hash_token
from control_plane.services.sso_changes import idp_of
from control_plane.services.sso_connections import SsoConnections, require_connection, require_sso
from control_plane.services.sso_landing import Landing, SsoLandings, no_flow, no_provider
from control_plane.stores import sso as store
from control_plane.stores import sso_flows
from control_plane.stores.database import Database


@dataclass(frozen=True, slots=True)
class SsoSignIn:
    """The use cases of going to a provider. key: 32 bytes; of what is made of the state."""

    db: Database
    connections: SsoConnections
    landings: SsoLandings
    oidc: OidcProvider
    saml: SamlProvider
    clock: Clock
    ids: Ids
    key: bytes = field(repr=False)

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
            raise no_provider()
        async with self.db.tenant(organization_id) as tx:
            if connection_id is None:
                connection = await store.find_leading(tx, organization_id)
            else:
                connection = await store.find_connection(tx, organization_id, connection_id)
            if connection is None or not connection.is_enabled:
                raise no_provider()
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
            generation=connection.generation,
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
        refusal = self.landings.refuse(flow, browser)
        if flow is None or refusal is not None:
            return self.landings.land(flow, refusal or no_flow())
        connection = None
        try:
            connection = await self.landings.read_connection(flow)
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
                made_of(self.key, connection, state, "nonce"),
                made_of(self.key, connection, state, "verifier"),
            )
        except DomainError as error:
            return await self.landings.fail(flow, connection, error)

    async def metadata(self, connection_id: UUID) -> bytes:
        """Our SAML metadata for a connection, on or off. Raises SsoProviderNotFound, Unavailable."""
        async with self.db.platform() as tx:
            organization_id = await store.organization_of_connection(tx, connection_id)
        if organization_id is None:
            raise no_provider()
        return self.saml.metadata(self.connections.sp_of(connection_id))


def made_of(key: bytes, connection: SsoConnection, state: str, purpose: str) -> str:
    """43 characters that only we can make of a state, other ones for every provider. Source: RFC 7636, 4.1."""
    made_of = msgspec.json.encode([purpose, connection.id, connection.issuer, connection.client_id])
    digest = hmac.new(key, made_of + state.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
