"""What a node does every second goes on, whatever goes wrong in one turn."""

from __future__ import annotations

import asyncio

import pytest

from media_plane.agent import app
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import Person

pytestmark = pytest.mark.worker


class Broken:
    """Fails whenever it is called; `is_called_again` after the second time."""

    def __init__(self) -> None:
        self._calls = 0
        self.is_called_again = asyncio.Event()

    def __call__(self, *_: object) -> None:
        self._calls += 1
        if self._calls > 1:
            self.is_called_again.set()
        raise RuntimeError("broken")


@pytest.mark.parametrize("loop", ["load", "orphans", "drain", "wants"])
async def test_a_loop_goes_on_after_a_turn_that_failed(
    node: Node, host: Person, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    (group,) = node.agent.rooms.groups()
    owner, method = {
        "load": (node.agent._meter, "measure"),
        "orphans": (node.agent.rooms, "close_orphans"),
        "drain": (node.agent._drain, "step"),
        "wants": (group.wants, "look"),
    }[loop]
    broken = Broken()
    monkeypatch.setattr(app, "LOAD_INTERVAL_S", 0.1)

    monkeypatch.setattr(owner, method, broken)

    async with asyncio.timeout(20):
        await broken.is_called_again.wait()
