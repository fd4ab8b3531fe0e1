"""PostgreSQL and Valkey for a whole run, a migrated database to clone from, and the platform on top of a clone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as drawing

from control_plane.app import compose
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings, read_settings
from scripts.stack.ports import free_port
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.valkey import EmbeddedValkey
from tests.documented import check_good_answer, check_refusal

# A property holds however slow the machine is: no test is red because an example took long.
drawing.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
drawing.load_profile("any_machine")

REPOSITORY = Path(__file__).resolve().parents[1]
ENROLMENT_TOKEN = "enrolment-token-of-the-tests"
SECRET_KEY = "00112233445566778899aabbccddeeff" * 2


@dataclass(frozen=True)
class TestDatabase:
    """A clone of the migrated template. app_url: the login that owns nothing."""

    __test__ = False

    name: str
    owner_url: str
    app_url: str


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    # `scripts/test --all` names Debian's installation here, for a second run of the database tests.
    named = os.environ.get("TEST_POSTGRES")
    folder = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(folder, free_port(), is_throw_away=True, install=Path(named) if named else None) as server:
        yield server


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey"), free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """Name of a database at the newest migration that nobody is connected to."""
    run_migrations(postgres.owner_url(), postgres.app_url())
    return "tradingroom"


@pytest.fixture(scope="module")
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[TestDatabase]:
    """A database of the module's own; tests in it keep apart by organizations of their own."""
    name = f"test_{uuid4().hex}"
    asyncio.run(run_sql(postgres.owner_url("postgres"), f"create database {name} template {template}"))
    yield TestDatabase(name=name, owner_url=postgres.owner_url(name), app_url=postgres.app_url(name))
    asyncio.run(run_sql(postgres.owner_url("postgres"), f"drop database {name} with (force)"))


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url())


@pytest.fixture
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    async with compose(settings) as built:
        yield built


@pytest.fixture
async def api(platform: Platform, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The REST door, called without a socket."""
    transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's own ASGI types
    hooks = {"response": [check_good_answer, check_refusal]}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", event_hooks=hooks) as client:
        yield client


def make_settings(app_url: str, redis_url: str, **more: str) -> Settings:
    """Settings of a door on these servers; `more` are further variables."""
    return read_settings(
        {
            "DATABASE_URL": app_url,
            "REDIS_URL": redis_url,
            "TR_SECRET_KEY": SECRET_KEY,
            "TR_NODE_ENROLMENT_TOKEN": ENROLMENT_TOKEN,
            # A module of table tests is faster than any person, and all come from one address of one Valkey.
            "TR_SIGN_IN_ATTEMPTS": "100000",
            "TR_SIGN_IN_REFILL_PER_MINUTE": "100000",
            **{f"TR_RATE_LIMIT_{who}": "100000/10000" for who in ("USER", "TOKEN", "TENANT", "ADDRESS")},
            **more,
        }
    )


def run_migrations(owner_url: str, app_url: str) -> subprocess.CompletedProcess[str]:
    """What `scripts/migrate` does, in a process of its own: Piccolo keeps one engine per process."""
    environment = {**os.environ, "DATABASE_OWNER_URL": owner_url, "DATABASE_URL": app_url}
    command = [sys.executable, "-m", "control_plane.migrate"]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True, timeout=60
    )


async def run_sql(url: str, statement: str) -> None:
    """One statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
