"""What takes more than a moment of the processor, on threads beside the event loop, a few at once.

The loop has other people to serve, and so have the threads that everybody's passwords are hashed on: strangers' XML and keys
get a share of them, and wait for one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from control_plane.domain.errors import Unavailable

PLACES = 2
WAIT_S = 5.0
"""How long one may wait for a place; the caller is a person in front of a browser."""
T = TypeVar("T")


class SideWork:
    """Runs functions beside the loop, PLACES of them at once."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(PLACES)

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns; it raises what that raises. Raises Unavailable: no place came free within WAIT_S."""
        try:
            await asyncio.wait_for(self._places.acquire(), WAIT_S)
        except TimeoutError as error:
            raise Unavailable(
                "Too many sign-ins are being looked at. Try again in a moment.", retry_after_s=5
            ) from error
        # A thread can't be stopped: its place comes free when it ends, also when nobody waits for it any more.
        running = asyncio.create_task(asyncio.to_thread(work))
        running.add_done_callback(lambda _: self._places.release())
        return await asyncio.shield(running)
