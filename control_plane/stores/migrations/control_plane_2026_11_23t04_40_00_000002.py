"""The platform's role sees by which providers a person comes in: their account's page, and the admin's, list them.

It sees the hashes of their passwords already. Of a connection it sees the name, and not who stands behind it.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T04:40:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "single sign-on: identities of a person"

STATEMENTS = """
grant select (name, generation, metadata_read_at) on sso_connections to tradingroom_platform;
grant select (name) on organizations to tradingroom_platform;
grant select (organization_id, connection_id, subject, email, created_at, used_at) on sso_identities
    to tradingroom_platform;
alter policy platform_finds on sso_identities using (true);
create index sso_identities_of_connection on sso_identities (connection_id, id)
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Give the rights, and the index of a connection's people."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager
