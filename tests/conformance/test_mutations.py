"""The tests notice mistakes: ten planted ones, in a copy of the repository."""

from pathlib import Path

import pytest

from scripts.mutations.field import ROOT, Field
from scripts.mutations.planted import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_can_still_be_planted(mutation: Mutation) -> None:
    assert (ROOT / mutation.path).read_text().count(mutation.right) == 1
    assert [test for test in mutation.tests if not (ROOT / test).exists()] == []


@pytest.mark.long
@pytest.mark.worker
@pytest.mark.timeout(400)
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_mutation_turns_a_test_red(mutation: Mutation, tmp_path: Path) -> None:
    assert Field(tmp_path).is_noticed(mutation)
