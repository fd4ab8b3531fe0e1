"""What becomes of tests that fail once, twice, or many at once. pytest runs for real, on small files of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import second_try

UNSTEADY = """
from pathlib import Path

def test_it(tmp_path):
    seen = Path(__file__).with_suffix(".seen")
    was_seen = seen.exists()
    seen.touch()
    assert was_seen
"""
BROKEN = "def test_it():\n    assert False\n"
MANY = "import pytest\n\n@pytest.mark.parametrize('n', range(9))\ndef test_it(n):\n    assert False\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project."""
    monkeypatch.setattr(second_try, "ROOT", tmp_path)
    monkeypatch.setattr(second_try, "KEPT", tmp_path / "kept")
    # The project's plugins take longer to load than these files to run.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


def _write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


def test_a_test_that_passes_the_second_time_is_named_and_the_run_is_green(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = _write(folder, "test_unsteady.py", UNSTEADY)

    assert second_try.first("all", [name]) == 0
    assert second_try.again(["all"]) == 0

    assert "UNSTEADY" in (said := capfd.readouterr().out)
    assert said.rstrip().endswith("test_unsteady.py::test_it")


def test_a_test_that_fails_twice_fails_the_run(folder: Path) -> None:
    name = _write(folder, "test_broken.py", BROKEN)

    assert second_try.first("all", [name]) == 0
    assert second_try.again(["all"]) == second_try.TESTS_FAILED


def test_many_failures_get_no_second_try(folder: Path) -> None:
    assert second_try.first("all", [_write(folder, "test_many.py", MANY)]) == second_try.TESTS_FAILED
    assert second_try.again(["all"]) == 0


def test_what_is_no_failed_test_fails_at_once(folder: Path) -> None:
    assert second_try.first("all", [_write(folder, "test_bad.py", "import nothing_such\n")]) not in {0, 1}


def test_an_earlier_run_leaves_nothing_to_try(folder: Path) -> None:
    second_try.first("all", [_write(folder, "test_broken.py", BROKEN)])

    assert second_try.first("all", [_write(folder, "test_good.py", "def test_it():\n    pass\n")]) == 0
    assert second_try.again(["all"]) == 0
