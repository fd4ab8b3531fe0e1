"""The table of docs/conformance.md can't drift: every mediasoup test is there once, every test of ours exists."""

import ast
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
NAMES = (HERE / "mediasoup-tests.txt").read_text().splitlines()
"""Every test of mediasoup 3.27.1's suite as "file: name", in the order of the npm package's node/lib/test."""
TABLE = HERE.parent.parent / "docs" / "conformance.md"
MOST_REASONS = 7


def read_table() -> list[tuple[str, str]]:
    """Rows of the table: mediasoup's test, and ours or the reason why there is none."""
    rows = [line for line in TABLE.read_text().splitlines() if line.startswith("| test-")]
    return [(left.strip(), right.strip()) for left, right in (row.strip("|").rsplit("|", 1) for row in rows)]


def find_tests() -> set[str]:
    """Tests of this folder as "file::name"."""
    return {
        f"{path.name}::{node.name}"
        for path in HERE.glob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_every_mediasoup_test_stands_in_the_table_once() -> None:
    assert len(NAMES) == 202
    assert Counter(name for name, _ in read_table()) == Counter(NAMES)


def test_every_test_named_in_the_table_exists() -> None:
    named = [ours for _, ours in read_table() if "::" in ours]

    assert [ours for ours in named if ours not in find_tests()] == []


def test_no_test_stands_for_two() -> None:
    named = Counter(ours for _, ours in read_table() if "::" in ours)

    assert [ours for ours, count in named.items() if count > 1] == []


def test_few_have_no_counterpart() -> None:
    assert len([ours for _, ours in read_table() if "::" not in ours]) <= MOST_REASONS
