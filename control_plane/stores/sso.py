"""Connections, domains and former members in their tenant's scope; which tenant, in the platform's.

Flows are in `sso_flows`, and who came by which connection in `sso_identities`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.roles import Role
from control_plane.domain.sso import DomainProblem, SsoConnection, SsoDomain
from control_plane.stores.database import Rows, Transaction, UniqueViolation
from control_plane.stores.fresh_ids import fresh_id

_CONNECTION = (
    "id, organization_id, kind, name, issuer, client_id, client_secret, idp_entity_id, idp_sso_url, idp_certificates, "
    "default_role, joins_members, is_enabled, is_enforced, worked_at, tested_by, last_error, created_at, updated_at, "
    "generation, idp_metadata_url, metadata_read_at, metadata_error"
)
_DOMAIN = "id, organization_id, domain, token, created_at, verified_at, checked_at, last_error, missing_since"
SHUT_OUT = """(
    select c.id from sso_connections c
    left join entitlement_overrides e on e.organization_id = c.organization_id
    where c.organization_id = m.organization_id and c.is_enforced and c.is_enabled and m.role <> 'owner'
        and c.id is distinct from {came_by} and coalesce((e.limits->>'has_sso')::boolean, o.plan_tier = any({tiers}))
        and (exists (select 1 from sso_domains d where d.organization_id = c.organization_id
                and d.verified_at is not null and d.domain = substring(u.email from '[^@]*$'))
            or exists (select 1 from sso_identities i where i.organization_id = c.organization_id and i.user_id = m.user_id))
    limit 1)"""
"""The connection that keeps the member `m`, with the login `u`, out of the organization `o`; null: none does.

It is for addresses of proven domains, and for whoever ever came by a connection: another address does not free them. The
owner comes in either way, so that a provider that is away or set up wrong locks nobody out for good. A plan without single
sign-on enforces nothing. `tenant_rooms` (migration 2026-11-23T02:25:00:000001) says the same.
"""


def _connection(row: Rows) -> SsoConnection:
    return SsoConnection(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        kind=row["kind"],
        name=row["name"],
        issuer=row["issuer"],
        client_id=row["client_id"],
        client_secret=row["client_secret"],
        idp_entity_id=row["idp_entity_id"],
        idp_sso_url=row["idp_sso_url"],
        idp_certificates=tuple(row["idp_certificates"]),
        default_role=Role(row["default_role"]),
        joins_members=row["joins_members"],
        is_enabled=row["is_enabled"],
        is_enforced=row["is_enforced"],
        worked_at=row["worked_at"],
        tested_by=None if row["tested_by"] is None else UserId(row["tested_by"]),
        last_error=row["last_error"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        generation=row["generation"],
        idp_metadata_url=row["idp_metadata_url"],
        metadata_read_at=row["metadata_read_at"],
        metadata_error=row["metadata_error"],
    )


def _domain(row: Rows) -> SsoDomain:
    problem = row["last_error"]
    return SsoDomain(
        id=row["id"],
        organization_id=OrganizationId(row["organization_id"]),
        domain=row["domain"],
        token=row["token"],
        created_at=row["created_at"],
        verified_at=row["verified_at"],
        checked_at=row["checked_at"],
        last_error=None if problem is None else DomainProblem(problem),
        missing_since=row["missing_since"],
    )


# --- whose it is


async def organization_of_connection(tx: Transaction, connection_id: UUID) -> OrganizationId | None:
    """Whose connection it is, on or off; platform scope. None: there is none."""
    found: UUID | None = await tx.fetchval("select organization_id from sso_connections where id = $1", connection_id)
    return None if found is None else OrganizationId(found)


async def organization_of_domain(tx: Transaction, domain: str) -> OrganizationId | None:
    """Who has proven a domain; platform scope. None: nobody."""
    found = await find_proven(tx, domain)
    return None if found is None else found[0]


# --- connections


async def insert_connection(tx: Transaction, connection: SsoConnection) -> None:
    """Write a new connection."""
    await tx.execute(
        f"insert into sso_connections ({_CONNECTION}) values "  # noqa: S608 - our own columns
        "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
        *_values(connection),
    )


async def update_connection(tx: Transaction, connection: SsoConnection) -> None:
    """Write everything of a connection that may change. Raises UniqueViolation: another one is enforced."""
    await tx.execute(
        "update sso_connections set name = $4, issuer = $5, client_id = $6, client_secret = $7, idp_entity_id = $8, "
        "idp_sso_url = $9, idp_certificates = $10, default_role = $11, joins_members = $12, is_enabled = $13, "
        "is_enforced = $14, worked_at = $15, tested_by = $16, last_error = $17, created_at = $18, updated_at = $19, "
        "generation = $20, idp_metadata_url = $21, metadata_read_at = $22, metadata_error = $23 "
        "where id = $1 and organization_id = $2 and kind = $3",
        *_values(connection),
    )


def _values(connection: SsoConnection) -> tuple[object, ...]:
    """In the order of _CONNECTION."""
    return (
        connection.id,
        connection.organization_id,
        connection.kind,
        connection.name,
        connection.issuer,
        connection.client_id,
        connection.client_secret,
        connection.idp_entity_id,
        connection.idp_sso_url,
        list(connection.idp_certificates),
        connection.default_role.value,
        connection.joins_members,
        connection.is_enabled,
        connection.is_enforced,
        connection.worked_at,
        connection.tested_by,
        connection.last_error,
        connection.created_at,
        connection.updated_at,
        connection.generation,
        connection.idp_metadata_url,
        connection.metadata_read_at,
        connection.metadata_error,
    )


async def count_connections(tx: Transaction, organization_id: OrganizationId) -> int:
    """Connections of the tenant, >= 0."""
    return int(await tx.fetchval("select count(*) from sso_connections where organization_id = $1", organization_id))


async def list_connections(tx: Transaction, organization_id: OrganizationId) -> list[SsoConnection]:
    """Connections, oldest first; there are CONNECTIONS_MAX at most."""
    rows = await tx.fetch(
        f"select {_CONNECTION} from sso_connections where organization_id = $1 order by id",  # noqa: S608 - our own columns
        organization_id,
    )
    return [_connection(row) for row in rows]


async def find_connection(
    tx: Transaction, organization_id: OrganizationId, connection_id: UUID, *, lock: bool = False
) -> SsoConnection | None:
    """A connection; None when it does not exist. lock: hold its row until commit."""
    row = await tx.fetchrow(
        f"select {_CONNECTION} from sso_connections where organization_id = $1 and id = $2 "  # noqa: S608 - our own columns
        + ("for update" if lock else ""),
        organization_id,
        connection_id,
    )
    return None if row is None else _connection(row)


async def find_leading(tx: Transaction, organization_id: OrganizationId) -> SsoConnection | None:
    """The connection that a domain of the tenant leads to: the enforced one, or the oldest that is on; None: none is on."""
    row = await tx.fetchrow(
        f"select {_CONNECTION} from sso_connections where organization_id = $1 and is_enabled "  # noqa: S608 - our own columns
        "order by is_enforced desc, id limit 1",
        organization_id,
    )
    return None if row is None else _connection(row)


async def note_outcome(
    tx: Transaction,
    organization_id: OrganizationId,
    connection_id: UUID,
    *,
    now: datetime,
    error: str | None,
    tested_by: UserId | None = None,
) -> None:
    """How the newest sign-in ended. error: None when it worked; tested_by: the owner whose test it was."""
    if error is not None:
        await tx.execute(
            "update sso_connections set last_error = $3 where organization_id = $1 and id = $2",
            organization_id,
            connection_id,
            error[:64],
        )
        return
    await tx.execute(
        "update sso_connections set last_error = null, worked_at = coalesce(worked_at, $3), "
        "tested_by = coalesce($4, tested_by) where organization_id = $1 and id = $2",
        organization_id,
        connection_id,
        now,
        tested_by,
    )


async def list_to_read(tx: Transaction, before: datetime, limit: int) -> list[tuple[OrganizationId, UUID]]:
    """Connections whose provider's metadata nobody has read since then, the longest first; platform scope."""
    rows = await tx.fetch(
        "select organization_id, id from sso_connections where metadata_read_at < $1 order by metadata_read_at, id limit $2",
        before,
        limit,
    )
    return [(OrganizationId(row["organization_id"]), row["id"]) for row in rows]


async def delete_connection(tx: Transaction, organization_id: OrganizationId, connection_id: UUID) -> bool:
    """Delete a connection with its identities and flows. False when it is missing."""
    count = await tx.execute(
        "delete from sso_connections where organization_id = $1 and id = $2", organization_id, connection_id
    )
    return count == 1


# --- domains


async def insert_domain(tx: Transaction, domain: SsoDomain) -> bool:
    """Write a domain that is not proven yet. False when the tenant has it already."""
    count = await tx.execute(
        "insert into sso_domains (id, organization_id, domain, token, created_at) values ($1, $2, $3, $4, $5) "
        "on conflict do nothing",
        domain.id,
        domain.organization_id,
        domain.domain,
        domain.token,
        domain.created_at,
    )
    return count == 1


async def write_check(tx: Transaction, domain: SsoDomain) -> bool:
    """Write what a look at the DNS brought. False when another tenant has proven the domain; then nothing is written."""
    try:
        # A statement of its own inside: the transaction goes on when it is refused.
        await tx.execute("savepoint proving")
        await tx.execute(
            "update sso_domains set verified_at = $3, checked_at = $4, last_error = $5, missing_since = $6 "
            "where organization_id = $1 and id = $2",
            domain.organization_id,
            domain.id,
            domain.verified_at,
            domain.checked_at,
            None if domain.last_error is None else domain.last_error.value,
            domain.missing_since,
        )
    except UniqueViolation:
        await tx.execute("rollback to savepoint proving")
        return False
    return True


async def count_domains(tx: Transaction, organization_id: OrganizationId) -> int:
    """Domains of the tenant, proven or not, >= 0."""
    return int(await tx.fetchval("select count(*) from sso_domains where organization_id = $1", organization_id))


async def list_domains(tx: Transaction, organization_id: OrganizationId) -> list[SsoDomain]:
    """Domains, oldest first; there are DOMAINS_MAX at most."""
    rows = await tx.fetch(
        f"select {_DOMAIN} from sso_domains where organization_id = $1 order by id",  # noqa: S608 - our own columns
        organization_id,
    )
    return [_domain(row) for row in rows]


async def find_domain(
    tx: Transaction, organization_id: OrganizationId, domain_id: UUID, *, lock: bool = False
) -> SsoDomain | None:
    """A domain; None when it does not exist. lock: hold its row until commit."""
    row = await tx.fetchrow(
        f"select {_DOMAIN} from sso_domains where organization_id = $1 and id = $2 "  # noqa: S608 - our own columns
        + ("for update" if lock else ""),
        organization_id,
        domain_id,
    )
    return None if row is None else _domain(row)


async def find_proven(tx: Transaction, domain: str) -> tuple[OrganizationId, UUID] | None:
    """Who has proven a domain, and as which of theirs; platform scope. None: nobody."""
    row = await tx.fetchrow(
        "select organization_id, id from sso_domains where domain = $1 and verified_at is not null", domain
    )
    return None if row is None else (OrganizationId(row["organization_id"]), row["id"])


async def list_to_check(tx: Transaction, before: datetime, limit: int) -> list[tuple[OrganizationId, UUID]]:
    """Proven domains that nobody has looked at since then, the longest first; platform scope."""
    rows = await tx.fetch(
        "select organization_id, id from sso_domains where verified_at is not null and checked_at < $1 "
        "order by checked_at, id limit $2",
        before,
        limit,
    )
    return [(OrganizationId(row["organization_id"]), row["id"]) for row in rows]


async def delete_domain(tx: Transaction, organization_id: OrganizationId, domain_id: UUID) -> None:
    """Delete a domain."""
    await tx.execute("delete from sso_domains where organization_id = $1 and id = $2", organization_id, domain_id)


async def has_proven(tx: Transaction, organization_id: OrganizationId, domain: str) -> bool:
    """Whether the tenant has proven this domain."""
    found = await tx.fetchval(
        "select 1 from sso_domains where organization_id = $1 and domain = $2 and verified_at is not null",
        organization_id,
        domain,
    )
    return found is not None


# --- former members


async def remember_former(tx: Transaction, organization_id: OrganizationId, user_id: UserId) -> None:
    """A person is no member any more: no connection brings them back."""
    await tx.execute(
        "insert into former_members (id, organization_id, user_id, since) values ($1, $2, $3, now()) "
        "on conflict (organization_id, user_id) do update set since = excluded.since",
        fresh_id(),
        organization_id,
        user_id,
    )


async def forget_former(tx: Transaction, organization_id: OrganizationId, user_id: UserId) -> None:
    """They were invited back."""
    await tx.execute("delete from former_members where organization_id = $1 and user_id = $2", organization_id, user_id)


async def is_former(tx: Transaction, organization_id: OrganizationId, user_id: UserId) -> bool:
    """Whether the person was removed or left, and was not invited back."""
    found = await tx.fetchval(
        "select 1 from former_members where organization_id = $1 and user_id = $2", organization_id, user_id
    )
    return found is not None


# --- enforcement


async def find_shut_out(
    tx: Transaction,
    organization_id: OrganizationId,
    people: Iterable[tuple[UserId, UUID | None]],
    sso_tiers: Sequence[str],
) -> set[tuple[UserId, UUID | None]]:
    """Which of these members, with the connections they came by (None: another way), an enforced connection keeps out."""
    asked = list(people)
    rows = await tx.fetch(
        "select a.user_id, a.came_by from unnest($2::uuid[], $3::uuid[]) as a (user_id, came_by) "  # noqa: S608 - ours
        "join memberships m on m.organization_id = $1 and m.user_id = a.user_id join users u on u.id = m.user_id "
        f"join organizations o on o.id = m.organization_id where {SHUT_OUT.format(came_by='a.came_by', tiers='$4')} "
        "is not null",
        organization_id,
        [user_id for user_id, _ in asked],
        [came_by for _, came_by in asked],
        list(sso_tiers),
    )
    return {(UserId(row["user_id"]), row["came_by"]) for row in rows}
