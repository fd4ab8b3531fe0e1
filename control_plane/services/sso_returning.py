"""Back from an identity provider: the flow is found by its state, the answer judged, and the account opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from control_plane.domain.callers import Origin
from control_plane.domain.errors import DomainError, SsoFailed
from control_plane.domain.sso import SsoConnection, SsoIdentity
from control_plane.services.ports import Clock, OidcProvider, SamlProvider
from control_plane.services.sealing import hash_token
from control_plane.services.sso_changes import idp_of
from control_plane.services.sso_connections import SsoConnections
from control_plane.services.sso_landing import Landing, SsoLandings, no_flow, no_provider
from control_plane.services.sso_opening import SsoOpening
from control_plane.services.sso_sign_in import made_of
from control_plane.stores import sso_flows
from control_plane.stores.database import Database

# fmt: off
_ERRORS = frozenset({
    "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
    "server_error", "temporarily_unavailable", "interaction_required", "login_required", "account_selection_required",
    "consent_required", "invalid_request_uri", "invalid_request_object", "request_not_supported",
    "request_uri_not_supported", "registration_not_supported",
})
# fmt: on
"""Source: RFC 6749, 4.1.2.1; OpenID Connect Core 1.0, 3.1.2.6."""


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
class SsoReturning:
    """The use cases of coming back. key: as `SsoSignIn`."""

    db: Database
    connections: SsoConnections
    landings: SsoLandings
    opening: SsoOpening
    oidc: OidcProvider
    saml: SamlProvider
    clock: Clock
    key: bytes = field(repr=False)

    async def finish_oidc(self, back: OidcReturn, browser: str, origin: Origin) -> Landing:
        """The browser is back from an OIDC provider. The flow is over, however this ends. Never raises a refusal."""
        async with self.db.platform() as tx:
            flow = await sso_flows.take_flow(tx, hash_token(back.state))
        refusal = self.landings.refuse(flow, browser)
        if flow is None or refusal is not None:
            return self.landings.land(flow, refusal or no_flow())
        if back.connection_id != flow.connection_id:
            # Mix-up: a code that came to another connection's redirect URI is another provider's (RFC 9700, 4.4.2.2).
            return self.landings.land(flow, no_flow())
        connection = None
        try:
            connection = await self.landings.read_connection(flow)
            identity = await self._ask_oidc(connection, back)
            return self.landings.land(flow, await self.opening.open(flow, connection, identity, origin))
        except DomainError as error:
            return await self.landings.fail(flow, connection, error)

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
            nonce=made_of(self.key, connection, back.state, "nonce"),
            verifier=made_of(self.key, connection, back.state, "verifier"),
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
            return self.landings.land(flow, no_flow())
        connection = None
        try:
            connection = await self.landings.read_connection(flow)
            if connection.kind != "saml":
                raise SsoFailed("The answer is not one of this connection's provider.", reason="wrong_kind")
            sp = self.connections.sp_of(connection.id)
            answer = await self.saml.finish(
                idp_of(connection), sp, saml_response=saml_response, request_id=flow.request_id, now=now
            )
        except DomainError as error:
            async with self.db.platform() as tx:
                await sso_flows.take_flow(tx, hash_token(state))
            return await self.landings.fail(flow, connection, error)
        async with self.db.platform() as tx:
            found = await sso_flows.lock_flow(tx, hash_token(state))
            if found is None or found.answer is not None:
                return self.landings.land(flow, no_flow())
            provider = connection.idp_entity_id or ""
            await sso_flows.keep_answer(tx, flow, msgspec.structs.replace(answer, provider=provider))
        return None

    async def finish_saml(self, state: str, browser: str, origin: Origin) -> Landing:
        """The browser comes, with its cookie, for what its provider posted. As `finish_oidc`."""
        async with self.db.platform() as tx:
            flow = await sso_flows.take_flow(tx, hash_token(state))
        refusal = self.landings.refuse(flow, browser)
        if flow is None or refusal is not None or flow.answer is None:
            return self.landings.land(flow, refusal or no_flow())
        connection = None
        try:
            connection = await self.landings.read_connection(flow)
            if flow.answer.provider != connection.idp_entity_id:
                return self.landings.land(flow, no_provider())
            return self.landings.land(flow, await self.opening.open(flow, connection, flow.answer, origin))
        except DomainError as error:
            return await self.landings.fail(flow, connection, error)


def _word(text: str) -> str:
    """What a provider said instead of a code; a word of its own is not shown to whoever set the connection up."""
    if not text:
        return "code_missing"
    return text if text in _ERRORS else "provider_error"
