"""One stack for all end-to-end tests; a test isolates itself by a new organization (decisions.md 15)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.running_stack import RunningStack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The session's stack. Do not kill anything of it: tests that do start their own."""
    with running_stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running
