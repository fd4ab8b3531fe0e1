"""Nothing of the worker's schema is out of reach: every request, every event, every field we may write."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

from media_plane.channel import codec
from media_plane.channel.codec.message import EVENT_NAMES, METHOD_NAMES
from media_plane.channel.codec.tables import TableWriter

FOLDER = Path(codec.__file__).parent
SOURCES = {path.stem: path.read_text() for path in FOLDER.glob("*.py")}
EVERYTHING = "".join(SOURCES.values())
NOT_USED = {"TRANSPORT_CONNECT"}
"""In the schema, but the worker answers it for no kind of transport: each has a connect of its own."""
MODULES = [name for _, name, _ in pkgutil.iter_modules([str(FOLDER)])]


def find_written(source: str, writer: str) -> set[str]:
    """Fields that calls of a module's table writer name."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {
        keyword.arg
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == writer
        for keyword in call.keywords
        if keyword.arg
    }


def test_every_request_can_be_made() -> None:
    assert {name for name in METHOD_NAMES.values() if f"Method.{name}" not in EVERYTHING} == NOT_USED


def test_every_event_is_heard_or_told() -> None:
    assert [name for name in EVENT_NAMES.values() if f"Event.{name}" not in EVERYTHING] == []


@pytest.mark.parametrize("name", MODULES)
def test_every_field_of_what_is_written_can_be_given(name: str) -> None:
    module = importlib.import_module(f"{codec.__name__}.{name}")
    writers = {key: value for key, value in vars(module).items() if isinstance(value, TableWriter)}

    missing = {key: writer.fields - find_written(SOURCES[name], key) for key, writer in writers.items()}

    assert {key: fields for key, fields in missing.items() if fields} == {}
