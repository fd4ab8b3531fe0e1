"""Mail addresses and single sign-on: who may leave one, and what an account loses whose address nobody had proven."""

from __future__ import annotations

from control_plane.domain.accounts import Account
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import Conflict
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Role
from control_plane.domain.sso import SsoConnection, domain_of
from control_plane.services import audit
from control_plane.services.entitlements import read_entitlement
from control_plane.services.sessions import SessionService
from control_plane.stores import accounts as account_store
from control_plane.stores import factors as factor_store
from control_plane.stores import mailed_tokens
from control_plane.stores import organizations as organization_store
from control_plane.stores import sso as store
from control_plane.stores.database import Database, Transaction


async def require_may_leave(db: Database, tx: Transaction, account: Account, address: str) -> None:
    """Refuse a new address to a member whose organization enforces single sign-on for the old one's domain.

    With another address nothing would say any more that the enforcement is for them. A domain is proven by one
    organization at most, so there is one to ask.

    Args:
        db: where to ask the organization, in its own scope.
        tx: the platform's.
        account: as it is.
        address: the new one; of another domain of the same organization it may be.

    Raises:
        Conflict: reason sso_enforced; facts: organization_id, connection_id. Unavailable.
    """
    organization_id = await store.organization_of_domain(tx, domain_of(account.email))
    if organization_id is None or organization_id == await store.organization_of_domain(tx, domain_of(address)):
        return
    async with db.tenant(organization_id) as own:
        connection = await _find_enforced(own, organization_id)
        is_member = await organization_store.find_member(own, organization_id, account.id) is not None
    if connection is not None and is_member:
        raise Conflict(
            "Your organization lets its people in by its identity provider only: this address stays.",
            reason="sso_enforced",
            organization_id=str(organization_id),
            connection_id=str(connection.id),
        )


async def require_may_unlink(db: Database, account: Account, organization_id: OrganizationId) -> None:
    """Refuse to unlink a member whose organization enforces single sign-on: nothing would say that it is for them.

    The owner may: they come in either way.

    Raises:
        Conflict: reason sso_enforced; facts: organization_id, connection_id. Unavailable.
    """
    async with db.tenant(organization_id) as tx:
        connection = await _find_enforced(tx, organization_id)
        member = await organization_store.find_member(tx, organization_id, account.id)
    if connection is not None and member is not None and member.role is not Role.OWNER:
        raise Conflict(
            "Your organization lets its people in by its identity provider only: this link stays.",
            reason="sso_enforced",
            organization_id=str(organization_id),
            connection_id=str(connection.id),
        )


async def _find_enforced(tx: Transaction, organization_id: OrganizationId) -> SsoConnection | None:
    connection = await store.find_leading(tx, organization_id)
    if connection is None or not connection.is_enforced:
        return None
    return connection if (await read_entitlement(tx, organization_id)).has_sso else None


def caller_by(connection: SsoConnection, account: Account, origin: Origin) -> Caller:
    """A person while they come by a connection, before there is a sign-in."""
    return Caller(
        user_id=account.id,
        email=account.email,
        display_name=account.display_name,
        session_id=None,
        sso_connection_id=connection.id,
        origin=origin,
    )


async def clear_unproven(
    tx: Transaction, sessions: SessionService, account: Account, caller: Caller, connection: SsoConnection
) -> None:
    """Take from an account what whoever made it may still hold: its password, factors, mailed proofs and sign-ins.

    For the first link of an account whose address no mailbox had to confirm: a stranger may have typed it, and the
    provider's word is the first proof of whose it is.

    Args:
        tx: the platform's, with the account held.
        sessions: ends its sign-ins; sockets hear of it after commit.
        account: whose.
        caller: them, as they come by the connection.
        connection: who vouches; its organization's audit log has the entry.
    """
    await account_store.update_account(tx, account, "")
    for factor in await factor_store.list_factors(tx, account.id):
        await factor_store.delete_factor(tx, factor.id, account.id)
    await factor_store.replace_recovery_codes(tx, account.id, [], sessions.clock.now())
    await mailed_tokens.delete_of_user(tx, account.id)
    await mailed_tokens.delete_flow_codes(tx, account.id)
    await sessions.end(tx, account.id)
    after = {"connectionId": str(connection.id)}
    subject = ("user", account.id)
    await audit.note(tx, caller, connection.organization_id, "sso_identity.cleared", subject, after=after)
