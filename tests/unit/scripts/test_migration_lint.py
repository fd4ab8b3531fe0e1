"""The lint of migrations finds what would hold people up, and leaves alone what does not."""

import subprocess
from pathlib import Path

import pytest

from scripts.lints import migrations

NEW, OLD = "control_plane_2026_12_01t10_00_00", "control_plane_2026_11_23t03_00_00"
MIGRATION = """
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Varchar

from control_plane.stores.concurrent_indexes import Index, index_migration

SQL = '''{sql}'''


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id="x", app_name="control_plane", description="")
    {code}
    return manager
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / migrations.FOLDER).mkdir(parents=True)
    return tmp_path


def put(root: Path, stem: str, *, sql: str = "", code: str = "") -> None:
    (root / migrations.FOLDER / f"{stem}.py").write_text(MIGRATION.format(sql=sql, code=code))


@pytest.mark.parametrize(
    "sql",
    [
        "create index alerts_author on alerts (author_id)",
        "CREATE UNIQUE INDEX x ON ONLY alerts (id)",
        "create index if not exists x\n    on alerts (id)",
        "create index concurrently x on alerts (id)",
        "alter table alerts add constraint x unique (id)",
        "alter table alerts add constraint x foreign key (room_id) references rooms",
        "alter table alerts add check (note <> '')",
    ],
)
def test_sql_that_holds_writers_up_is_found(repository: Path, sql: str) -> None:
    put(repository, f"{NEW}_000001", sql=sql)

    assert len(list(migrations.find(repository))) == 1


@pytest.mark.parametrize("params", ['{"index": True}', '{"unique": True}'])
def test_a_column_with_an_index_on_a_table_in_use_is_found(repository: Path, params: str) -> None:
    column = f'"Alerts", "alerts", "note", column_class_name="Varchar", column_class=Varchar, params={params}'
    put(repository, f"{NEW}_000001", code=f"manager.add_column({column})")

    assert len(list(migrations.find(repository))) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "grant select on alerts to tradingroom_platform",
        "drop index alerts_author",
        "alter table alerts add constraint x check (note <> '') not valid; alter table alerts validate constraint x",
        "alter table alerts add constraint x unique using index alerts_x",
    ],
)
def test_sql_that_holds_nobody_up_is_left_alone(repository: Path, sql: str) -> None:
    put(repository, f"{NEW}_000001", sql=sql)

    assert list(migrations.find(repository)) == []


def test_a_table_of_the_same_release_may_be_indexed_at_once(repository: Path) -> None:
    put(repository, f"{NEW}_000001", code='manager.add_table("Files", tablename="files")')
    put(repository, f"{NEW}_000002", sql="create index files_room on files (room_id)")

    assert list(migrations.find(repository)) == []


def test_a_table_of_an_earlier_release_may_not(repository: Path) -> None:
    put(repository, "control_plane_2026_11_30t10_00_00_000001", code='manager.add_table("Files", tablename="files")')
    put(repository, f"{NEW}_000002", sql="create index files_room on files (room_id)")

    assert len(list(migrations.find(repository))) == 1


def test_what_is_built_by_the_helper_is_left_alone(repository: Path) -> None:
    code = 'return index_migration("x", "", build=[Index("alerts_author", "alerts", "(author_id)")])'
    put(repository, f"{NEW}_000001", code=code)

    assert list(migrations.find(repository)) == []


def test_migrations_before_the_rule_are_left_alone(repository: Path) -> None:
    put(repository, f"{OLD}_000001", sql="create index alerts_author on alerts (author_id)")

    assert list(migrations.find(repository)) == []
