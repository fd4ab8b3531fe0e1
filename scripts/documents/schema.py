"""docs/database-schema.md: every table with its columns, from the Piccolo classes, and how they point at each other.

That the classes are the database is a test's business (tests/integration/test_migrations.py).
"""

# ruff: noqa: SLF001 - Piccolo keeps what it knows of a table in _meta

from __future__ import annotations

import inspect

from piccolo.columns import Array, Column, ForeignKey, Numeric, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from control_plane.stores.piccolo_app import APP_CONFIG

TENANT_COLUMN = "organization_id"
_HEAD = """# Database schema

Made from `control_plane/stores/tables/` by `scripts/generate`; edit those, not this page.

PostgreSQL 15-18. Every table forces row-level security. A table with an `organization_id` belongs to a tenant, and the role
of a tenant's scope sees its own rows only; the others belong to people or the platform. `docs/tenancy.md` says how
that is held and proven. Keys and checks that Piccolo has no word for (two-column foreign keys, partial indexes, policies)
stand in `control_plane/stores/migrations/`.
"""


def schema_page() -> str:
    """The whole page, Markdown."""
    tables = sorted(APP_CONFIG.table_classes, key=lambda table: table._meta.tablename)
    tenants = [table for table in tables if _is_tenants(table)]
    others = [table for table in tables if not _is_tenants(table)]
    parts = [_HEAD, "## How they point at each other\n", _diagram(tables)]
    for title, group in (("Tables of tenants", tenants), ("Tables of people and the platform", others)):
        parts.append(f"## {title}\n")
        parts += [_section(table) for table in group]
    return "\n".join(parts)


def _is_tenants(table: type[Table]) -> bool:
    names = {column._meta.name for column in table._meta.columns}
    return TENANT_COLUMN in names or table._meta.tablename == "organizations"


def _diagram(tables: list[type[Table]]) -> str:
    """Foreign keys of one column as a Mermaid diagram, but for the one to the tenant, which every tenant table has."""
    lines = ["```mermaid", "erDiagram"]
    for table in tables:
        name = table._meta.tablename
        lines.append(f"    {name}")
        for column in table._meta.columns:
            if isinstance(column, ForeignKey) and column._meta.name != TENANT_COLUMN:
                target = column._foreign_key_meta.resolved_references._meta.tablename
                lines.append(f'    {target} ||--o{{ {name} : "{column._meta.name}"')
    lines += [f'    {target} ||--o{{ {name} : "{column}"' for target, name, column in _BY_NAME]
    return "\n".join([*lines, "```", ""])


_BY_NAME = (
    ("users", "auth_credentials", "user_id"),
    ("workspaces", "rooms", "workspace_id"),
    ("rooms", "live_sessions", "room_id"),
    ("rooms", "room_roles", "room_id"),
    ("memberships", "room_roles", "user_id"),
    ("rooms", "room_events", "room_id"),
    ("rooms", "chat_messages", "room_id"),
    ("rooms", "alerts", "room_id"),
    ("alerts", "alert_steps", "alert_id"),
    ("live_sessions", "participants", "live_session_id"),
    ("webhook_endpoints", "webhook_deliveries", "endpoint_id"),
    ("sso_connections", "sso_identities", "connection_id"),
)
"""Keys the classes do not hold: (table pointed at, table, column).

The first is its table's primary key too; the others are keys of two columns, the tenant's and this one, which keep a row
from pointing at another tenant's. A test compares all keys with the database's catalogue.
"""


def _section(table: type[Table]) -> str:
    words = inspect.cleandoc(table.__doc__ or "")
    lines = [f"### `{table._meta.tablename}`\n", words, "", "| column | type | |", "| --- | --- | --- |"]
    lines += [f"| `{column._meta.name}` | {_type_of(column)} | {_notes(column)} |" for column in table._meta.columns]
    for unique in table._meta.constraints:
        if isinstance(unique, Unique):
            columns = ", ".join(f"`{name}`" for name in unique._meta.params["columns"])
            lines.append(f"\nUnique: {columns}.")
    return "\n".join([*lines, ""])


def _type_of(column: Column) -> str:
    if isinstance(column, ForeignKey):
        return f"uuid → `{column._foreign_key_meta.resolved_references._meta.tablename}`"
    if isinstance(column, Varchar):
        return f"varchar({column.length})"
    if isinstance(column, Numeric) and column.digits is not None:
        return f"numeric({column.digits[0]}, {column.digits[1]})"
    if isinstance(column, Array):
        return f"{_type_of(column.base_column)}[]"
    # The class's name, because Piccolo asks a database for its own.
    return type(column).__name__.lower()


def _notes(column: Column) -> str:
    notes = []
    if column._meta.primary_key:
        notes.append("primary key")
    if column._meta.unique and not column._meta.primary_key:
        notes.append("unique")
    if column._meta.null:
        notes.append("may be null")
    return ", ".join(notes)
