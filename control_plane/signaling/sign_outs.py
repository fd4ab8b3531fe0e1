"""Ended sign-ins: whoever signs out, or whose stolen token was noticed, loses the sockets that sign-in joined.

The bus tells at once; the rows are read every few seconds, because a push may be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import structlog

from control_plane.domain.errors import DomainError, Unavailable
from control_plane.domain.events import Event, SignInsEnded
from control_plane.domain.sign_ins import SIGN_INS_TOPIC
from control_plane.services.ports import Bus
from control_plane.signaling.departures import leave
from control_plane.signaling.handlers import Room
from control_plane.signaling.messages import CloseCode

SWEEP_S = 5.0
"""How often the rows are read, seconds (decisions.md 4: a 5 s sweep behind every push)."""
log = structlog.get_logger("signaling")


class SignIns(Protocol):
    """`services.sessions.SessionService`, as far as this door asks it."""

    async def find_ended(self, sign_in_ids: set[UUID]) -> set[UUID]:
        """Which of these have ended. Raises Unavailable."""
        ...


class SignOuts:
    """Closes sockets of ended sign-ins.

    Args:
        rooms: every welcomed socket of this process.
        bus: tells.
        sign_ins: asked by the sweep.
        sweep_s: see SWEEP_S.
    """

    def __init__(
        self, rooms: Callable[[], Iterable[Room]], bus: Bus, sign_ins: SignIns, *, sweep_s: float = SWEEP_S
    ) -> None:
        self._rooms = rooms
        self._bus = bus
        self._sign_ins = sign_ins
        self._sweep_s = sweep_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Listen and sweep from now on."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._sweep_forever())]

    async def close(self) -> None:
        """Stop. May be called twice."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        """Subscribe; while Redis is away only the sweep works."""
        while True:
            try:
                await self._bus.subscribe(SIGN_INS_TOPIC, self._hear)
            except Unavailable:
                await asyncio.sleep(self._sweep_s)
            else:
                return

    def _hear(self, event: Event) -> None:
        if isinstance(event, SignInsEnded):
            self._close_all(set(event.sign_in_ids))

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            held = {sign_in for room in self._rooms() if (sign_in := _sign_in_of(room)) is not None}
            if held:
                with suppress(DomainError):
                    self._close_all(await self._sign_ins.find_ended(held))

    def _close_all(self, ended: set[UUID]) -> None:
        for room in [room for room in self._rooms() if _sign_in_of(room) in ended]:
            session, connection = room.session, room.connection
            if session.connections.get(connection.participant_id) is not connection:
                continue
            # Not lost but gone: there is no grace for a person who signed out, and nothing to resume.
            del session.connections[connection.participant_id]
            connection.socket.close(CloseCode.BAD_TOKEN, "signed out")
            session.spawn(leave(session, connection.admission, "left"))
            log.info("signed_out", participant_id=str(connection.participant_id))


def _sign_in_of(room: Room) -> UUID | None:
    return room.connection.admission.claims.sign_in_id
