"""No new migration makes people wait: indexes of tables in use are built concurrently, constraints are checked later.

A migration built as `control_plane/stores/concurrent_indexes.py` says builds its indexes without holding anybody up. A table
that a migration of the same timestamp makes is empty, and may get its indexes at once.
"""

import asyncio
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from scripts.lints._files import REPOSITORY, list_files, report

FOLDER = Path("control_plane/stores/migrations")
SINCE = "control_plane_2026_11_23t06_00_00"
"""Migrations from here on are held to the rule; those before ran on small tables."""
_INDEX = re.compile(
    r"\bcreate\s+(?:unique\s+)?index\s+(?P<way>concurrently\s+)?(?:if\s+not\s+exists\s+)?\S+\s+on\s+(?:only\s+)?(?P<table>\w+)",
    re.IGNORECASE,
)
_CONSTRAINT = re.compile(
    r"\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?P<table>\w+)\s+add\s+(?:constraint\s+\S+\s+)?"
    r"(?:unique|primary\s+key|exclude|check|foreign\s+key)\b(?P<rest>[^;]*)",
    re.IGNORECASE,
)
_BUILD = "builds an index of a table in use: do it by stores/concurrent_indexes.py"


def find(root: Path) -> Iterator[str]:
    """Look through the migrations since SINCE.

    Args:
        root: a git working copy.

    Yields:
        One finding each, as `file:line: sentence`.
    """
    names = [name for name in list_files(root) if name.parent == FOLDER and name.suffix == ".py" and name.name >= SINCE]
    managers = {name: _manager_of(root / name) for name in names}
    new_tables = {(_release(name), table.tablename) for name in names for table in managers[name].add_tables}
    for name in names:
        new = {table for release, table in new_tables if release == _release(name)}
        yield from _in_text(name, (root / name).read_text(encoding="utf-8"), new)
        yield from _in_manager(name, managers[name], new)


def _in_text(name: Path, text: str, new: set[str]) -> Iterator[str]:
    for match in _INDEX.finditer(text):
        if match["way"] is not None:
            yield f"{name}:{_line(text, match)}: builds an index by hand: stores/concurrent_indexes.py can be broken off"
        elif match["table"].lower() not in new:
            yield f"{name}:{_line(text, match)}: {_BUILD}"
    for match in _CONSTRAINT.finditer(text):
        is_later = re.search(r"\bnot\s+valid\b|\busing\s+index\b", match["rest"], re.IGNORECASE)
        if not is_later and match["table"].lower() not in new:
            yield f"{name}:{_line(text, match)}: checks every row under a lock: add it `not valid`, and validate it after"


def _in_manager(name: Path, manager: MigrationManager, new: set[str]) -> Iterator[str]:
    for added in manager.add_columns.add_columns:
        meta = added.column._meta  # noqa: SLF001 - Piccolo shows it nowhere else
        if (meta.index or meta.unique or meta.primary_key) and added.tablename not in new:
            yield f"{name}:1: column {meta.db_column_name} {_BUILD}"
    for altered in manager.alter_columns.alter_columns:
        if (altered.params.get("index") or altered.params.get("unique")) and altered.tablename not in new:
            yield f"{name}:1: column {altered.db_column_name} {_BUILD}"
    for constraint in manager.add_constraints.add_constraints:
        if constraint.tablename not in new:
            yield f"{name}:1: constraint of {constraint.tablename} checks every row under a lock"


def _manager_of(file: Path) -> MigrationManager:
    """What a migration would do. Nothing is run: `forwards` only describes."""
    spec = importlib.util.spec_from_file_location(f"linted_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    manager = asyncio.run(module.forwards())
    if not isinstance(manager, MigrationManager):
        raise TypeError(f"{file}: forwards() answers no MigrationManager")
    return manager


def _release(name: Path) -> str:
    """The timestamp of a migration: files of one differ in their serial number only."""
    return name.stem.rpartition("_")[0]


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start()) + 1


if __name__ == "__main__":
    sys.exit(report(find(REPOSITORY)))
