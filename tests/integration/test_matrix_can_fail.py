"""The cross-tenant matrix is red when a lock is open: otherwise its green would say nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from control_plane.services import access
from tests.integration import test_rest_strangers as matrix
from tests.integration.api_matrix import O

cast, operations = matrix.cast, matrix.operations
READS = [O, O + "/members", O + "/rooms/{room_id}/events", O + "/audit-log"]
"""What a stranger is let read here; nothing is changed for the other tests. Rooms are listed under a lock of their own."""


@pytest.mark.parametrize("path", READS)
async def test_a_membership_nobody_asks_for_turns_the_matrix_red(
    api: httpx.AsyncClient,
    cast: matrix.Cast,
    operations: matrix.Operations,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    require = access.require

    async def as_its_owner(tx: Any, _: Any, *rest: Any, **more: Any) -> Any:
        return await require(tx, cast.tenant.owner.caller, *rest, **more)

    monkeypatch.setattr(access, "require", as_its_owner)
    monkeypatch.setattr(matrix, "OPERATIONS", [("get", path)])

    with pytest.raises(AssertionError, match="assert 200 == 404"):
        await matrix.test_anothers_organization_answers_exactly_as_one_that_does_not_exist(
            api, cast, operations, "a stranger"
        )


async def test_an_operation_without_a_row_turns_the_matrix_red(
    cast: matrix.Cast, operations: matrix.Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(matrix.NEEDS, ("get", O + "/rooms"))

    with pytest.raises(AssertionError):
        await matrix.test_every_operation_stands_in_a_table(operations, cast)
