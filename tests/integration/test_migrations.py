"""Migrations: the tables as the code describes them, safe to repeat, and no login that looks past the policies."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from control_plane.stores.migrating import MigrationFailed, migrate
from control_plane.stores.piccolo_app import APP_CONFIG
from scripts.documents.schema import TENANT_COLUMN, schema_page
from scripts.stack.postgres import EmbeddedPostgres
from tests.conftest import REPOSITORY, TestDatabase, run_migrations, run_sql


async def test_every_column_of_the_tables_is_in_the_database(database: TestDatabase) -> None:
    connection = await asyncpg.connect(database.owner_url)
    rows = await connection.fetch(
        "select table_name, column_name, is_nullable = 'YES' as nullable from information_schema.columns "
        "where table_schema = 'public' and table_name <> 'migration'"
    )
    await connection.close()
    described = {
        (table._meta.tablename, column._meta.db_column_name, column._meta.null)
        for table in APP_CONFIG.table_classes
        for column in table._meta.columns
    }

    assert {(row["table_name"], row["column_name"], row["nullable"]) for row in rows} == described


async def test_the_page_of_the_schema_holds_every_table_once_and_every_key_of_the_database(
    database: TestDatabase,
) -> None:
    connection = await asyncpg.connect(database.owner_url)
    tables = await connection.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace "
        "and relname <> 'migration' order by relname"
    )
    keys = await connection.fetch(
        "select c.confrelid::regclass::text as target, c.conrelid::regclass::text as name, "
        "array_agg(a.attname::text) as columns from pg_constraint c "
        "join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) "
        "where c.contype = 'f' group by c.oid, c.confrelid, c.conrelid"
    )
    await connection.close()
    # The tenant's column stands in nearly every key; a key of it alone is left out of the diagram.
    columns = [(key["target"], key["name"], set(key["columns"]) - {TENANT_COLUMN}) for key in keys]
    expected = sorted((target, name, own.pop()) for target, name, own in columns if own)

    page = schema_page()

    assert sorted(re.findall(r"(?m)^### `(\w+)`$", page)) == [table["relname"] for table in tables]
    assert sorted(re.findall(r"(?m)^    (\w+)$", page)) == [table["relname"] for table in tables]
    assert sorted(re.findall(r'(?m)^    (\w+) \|\|--o\{ (\w+) : "(\w+)"$', page)) == expected


def test_piccolo_finds_no_change_that_lacks_a_migration(database: TestDatabase, tmp_path: Path) -> None:
    environment = {**os.environ, "DATABASE_OWNER_URL": database.owner_url, "DATABASE_URL": database.app_url}
    code = (
        "import asyncio\n"
        "from piccolo.apps.migrations.commands.new import AutoMigrationManager\n"
        "from control_plane.stores.piccolo_app import APP_CONFIG\n"
        "alter = asyncio.run(AutoMigrationManager().get_alter_statements(app_config=APP_CONFIG))\n"
        "print(sum(len(part.statements) for part in alter))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split()[-1] == "0"


def test_migrating_again_changes_nothing(database: TestDatabase) -> None:
    done = run_migrations(database.owner_url, database.app_url)

    assert "No migrations need to be run" in done.stdout


def test_two_that_migrate_an_empty_database_at_once_take_turns(postgres: EmbeddedPostgres, template: str) -> None:
    asyncio.run(run_sql(postgres.owner_url("postgres"), "create database twice"))
    environment = {
        **os.environ,
        "DATABASE_OWNER_URL": postgres.owner_url("twice"),
        "DATABASE_URL": postgres.app_url("twice"),
    }
    command = [sys.executable, "-m", "control_plane.migrate"]
    both = [
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[0].decode() for process in both]
    asyncio.run(run_sql(postgres.owner_url("postgres"), "drop database twice with (force)"))

    assert [process.returncode for process in both] == [0, 0], outputs


async def test_the_owner_is_refused_as_the_apps_login(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pointing DATABASE_URL at the owner would switch row-level security's second lock off."""
    monkeypatch.setenv("DATABASE_OWNER_URL", database.owner_url)
    monkeypatch.setenv("DATABASE_URL", database.owner_url)

    with pytest.raises(MigrationFailed, match="must own nothing"):
        await migrate(database.owner_url, database.owner_url)


def test_missing_settings_are_named(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE")}
    done = subprocess.run(
        [sys.executable, "-m", "control_plane.migrate"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert "DATABASE_OWNER_URL is not set" in done.stderr
