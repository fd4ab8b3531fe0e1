"""The embedded stores: no trace on the machine, data that lasts, crashes survived."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from scripts.stack.ports import free_port, is_free
from scripts.stack.postgres import APP_ROLE, OWNER_ROLE, EmbeddedPostgres
from scripts.stack.processes import StackError
from scripts.stack.reach import LOCATION_FILE, forget_data
from scripts.stack.secrets import FILE_NAME, get_secret
from scripts.stack.valkey import EmbeddedValkey


async def _ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_the_logins_are_no_superusers_and_the_app_owns_nothing(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, free_port(), is_throw_away=True) as postgres:
        question = "select string_agg(rolname || rolsuper || rolbypassrls, ' ' order by rolname) from pg_roles"
        roles = await _ask(postgres.owner_url(), f"{question} where rolname in ('{OWNER_ROLE}', '{APP_ROLE}')")
        owner = await _ask(
            postgres.app_url(), "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
        )

        assert roles == f"{APP_ROLE}falsefalse {OWNER_ROLE}falsefalse"
        assert owner == OWNER_ROLE


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, free_port(), is_throw_away=True) as postgres:
        url = urlsplit(postgres.app_url())

        with pytest.raises(asyncpg.InvalidPasswordError):
            await _ask(url._replace(netloc=f"{APP_ROLE}:wrong@{url.hostname}:{url.port}").geturl(), "select 1")


async def test_what_was_committed_outlasts_a_killed_server(tmp_path: Path) -> None:
    postgres, port = EmbeddedPostgres(tmp_path, free_port()), free_port()
    try:
        with postgres:
            await _ask(postgres.owner_url(), "create table kept as select 7 as n")
            child = postgres._child
            assert child is not None
            child.kill()
            child.wait()
            with EmbeddedPostgres(tmp_path, port) as again:
                assert await _ask(again.owner_url(), "select n from kept") == 7
    finally:
        forget_data(tmp_path)


def test_a_throw_away_database_is_gone_afterwards(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, free_port(), is_throw_away=True) as postgres:
        files, port = postgres._files, postgres.port
        assert (files / "PG_VERSION").exists()

    assert not files.exists()
    assert not (tmp_path / LOCATION_FILE).exists()
    assert is_free(port)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_as_root_the_server_runs_as_nobody_and_no_parent_folder_is_opened(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)

    with EmbeddedPostgres(private / "data", free_port(), is_throw_away=True) as postgres:
        assert postgres._child is not None
        assert Path(f"/proc/{postgres._child.pid}").stat().st_uid == 65534
        assert private.stat().st_mode & 0o777 == 0o700
        assert private not in postgres._files.parents
        assert postgres._files.stat().st_mode & 0o777 == 0o700


def test_an_interrupted_first_start_is_begun_anew(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path, free_port(), is_throw_away=True)
    first.prepare()
    (first._files / "tradingroom.initialized").unlink()

    with EmbeddedPostgres(tmp_path, free_port(), is_throw_away=True) as postgres:
        assert postgres._files == first._files


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = get_secret(tmp_path / "data", "one")

    assert get_secret(tmp_path / "data", "one") == first
    assert get_secret(tmp_path / "data", "two") != first
    assert len(first) == 43
    assert (tmp_path / "data" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_damaged_secrets_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{", encoding="utf-8")

    with pytest.raises(StackError, match="damaged"):
        get_secret(tmp_path, "one")


async def test_valkey_answers_with_its_password_only(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path, free_port()) as valkey:
        async with Redis.from_url(valkey.url()) as known, Redis(port=valkey.port) as stranger:
            assert await known.ping()
            with pytest.raises(RedisError, match="authenticate"):
                await stranger.ping()
        port = valkey.port

    assert is_free(port)
