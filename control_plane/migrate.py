"""`python -m control_plane.migrate`: bring the database of DATABASE_OWNER_URL up to date. `scripts/migrate` runs this."""

from __future__ import annotations

import asyncio
import sys

import asyncpg

from control_plane.settings import BadSettings, read_migration_settings
from control_plane.stores.migrating import MigrationFailed, migrate


def main() -> int:
    """Run the migrations. Answers the exit code: 0 done, 1 the database refused, 2 bad settings."""
    try:
        settings = read_migration_settings()
    except BadSettings as error:
        sys.stderr.write(f"migrate: {error}\n")
        return 2
    try:
        asyncio.run(migrate(settings.owner_url, settings.app_url))
    except (MigrationFailed, asyncpg.PostgresError, OSError, TimeoutError) as error:
        sys.stderr.write(f"migrate: {type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
