"""What the tests of bad input share."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from random import Random

import aioice.ice
import pytest

from control_plane.services.platform import Platform
from tests.contract.bad_input.stage import Stage, no_surprises, open_stage
from tests.hostile import SEED_VARIABLE, choose_seed


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers use loopback, which aioice leaves out by itself: nothing leaves the machine."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])


@pytest.fixture
def draw() -> Random:
    """Where a test draws from; the seed is printed, and replayed when the environment names it."""
    seed = choose_seed()
    print(f"{SEED_VARIABLE}={seed}")  # noqa: T201 - pytest shows it with a failure
    return Random(seed)  # noqa: S311 - replayable on purpose


@pytest.fixture
async def stage(platform: Platform) -> AsyncIterator[Stage]:
    """Door, node, worker, two tenants; whatever is logged as an error meanwhile fails the test."""
    if not os.environ.get("MEDIASOUP_WORKER_BIN"):
        pytest.skip("MEDIASOUP_WORKER_BIN is not set")
    with no_surprises() as surprises:
        async with open_stage(platform) as opened:
            yield opened
    assert surprises == []
