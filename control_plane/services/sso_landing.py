"""How a sign-in by a connection ends: what the browser is led back with, and what can be read of it in the settings."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog

from control_plane.domain.errors import DomainError, Forbidden, SsoProviderNotFound, Unavailable
from control_plane.domain.mailed_proofs import FlowStarted
from control_plane.domain.sso import SsoConnection, SsoFlow
from control_plane.services import audit
from control_plane.services.confirmations import ConfirmationService
from control_plane.services.ports import Clock, RateLimits
from control_plane.services.sealing import hash_token
from control_plane.services.sessions import SignedIn
from control_plane.services.sso_connections import require_sso
from control_plane.stores import sso as store
from control_plane.stores.database import Database, Transaction

FAILURES, FAILURES_PER_S = 100, 1 / 60
"""Failed sign-ins of one connection that the audit log takes: at once, and regained a second."""
log = structlog.get_logger(__name__)


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """A test went well: nobody was signed in."""


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """Where the browser goes in the end, and with what. is_pkce: the client asked by PKCE; is_test: it was a test."""

    redirect_to: str
    is_pkce: bool
    is_test: bool
    outcome: SignedIn | FlowStarted | Tested | DomainError


@dataclass(frozen=True, slots=True)
class SsoLandings:
    """Whether a flow may go on, and how it ends."""

    db: Database
    confirmations: ConfirmationService
    rate_limits: RateLimits
    clock: Clock

    async def read_connection(self, flow: SsoFlow) -> SsoConnection:
        """The connection of a flow, if it may be used now. Raises SsoProviderNotFound, FeatureNotInPlan, Unavailable."""
        async with self.db.platform() as tx:
            organization_id = await store.organization_of_connection(tx, flow.connection_id)
        if organization_id is None:
            raise no_provider()
        async with self.db.tenant(organization_id) as tx:
            connection = await store.find_connection(tx, organization_id, flow.connection_id)
            if connection is None or not (connection.is_enabled or flow.tester_id is not None):
                raise no_provider()
            if connection.generation != flow.generation:
                # It was off in between, or is another provider's: what began before does not go on.
                raise no_provider()
            await require_sso(tx, organization_id)
        return connection

    def refuse(self, flow: SsoFlow | None, browser: str) -> DomainError | None:
        """Why a flow can't go on in this browser; None: it can."""
        if flow is None or flow.expires_at <= self.clock.now():
            return no_flow()
        if flow.browser_hash is None or not browser or not hmac.compare_digest(flow.browser_hash, hash_token(browser)):
            return Forbidden("This sign-in was begun in another browser.", reason="bad_oauth_state")
        return None

    async def fail(self, flow: SsoFlow, connection: SsoConnection | None, error: DomainError) -> Landing:
        """Lead the browser back with a refusal; whoever set the connection up can read it there."""
        if connection is not None and not isinstance(error, Unavailable):
            reason = str(error.facts.get("reason") or error.code)
            log.info("sso_failed", connection_id=str(connection.id), code=error.code, reason=reason)
            is_listed = await self._has_room(connection)
            async with self.db.tenant(connection.organization_id) as tx:
                found = await store.find_connection(tx, connection.organization_id, connection.id, lock=True)
                if found is not None and found.is_provider_of(connection):
                    await store.note_outcome(tx, found.organization_id, found.id, now=self.clock.now(), error=reason)
                    if is_listed:
                        await _note_failure(tx, connection, flow, error, reason)
        return self.land(flow, error)

    async def _has_room(self, connection: SsoConnection) -> bool:
        """Whether one more failure may go to the audit log: anybody can make a sign-in fail, and entries stay for a year."""
        key = f"sso-failures:{connection.id}"
        try:
            return await self.rate_limits.take(key, capacity=FAILURES, refill_per_s=FAILURES_PER_S) == 0
        except Unavailable:
            return True

    def land(self, flow: SsoFlow | None, outcome: SignedIn | FlowStarted | Tested | DomainError) -> Landing:
        """Where the browser of a flow goes. flow: None: nobody knows which it was."""
        return Landing(
            redirect_to=self.confirmations.redirect_for(None if flow is None else flow.redirect_to),
            is_pkce=flow is not None and flow.challenge is not None,
            is_test=flow is not None and flow.tester_id is not None,
            outcome=outcome,
        )


async def _note_failure(
    tx: Transaction, connection: SsoConnection, flow: SsoFlow | None, error: DomainError, reason: str
) -> None:
    """Tell why in the audit log. Of the person nothing: nobody knows yet who it was."""
    after: dict[str, Any] = {"reason": reason, "isTest": flow is not None and flow.tester_id is not None}
    if "domain" in error.facts:
        after["domain"] = error.facts["domain"]
    subject = ("sso_connection", connection.id)
    await audit.note(tx, audit.SYSTEM, connection.organization_id, "sso_sign_in.failed", subject, after=after)


def no_flow() -> Forbidden:
    """One answer for states that are unknown, used and old."""
    return Forbidden("This sign-in is over or was never begun. Start again.", reason="bad_oauth_state")


def no_provider() -> SsoProviderNotFound:
    """The answer when no connection that is on can be meant."""
    return SsoProviderNotFound("No SSO provider assigned for this domain")
