"""Ended sign-ins: whoever signs out, or whose stolen token was noticed, loses the sockets that sign-in joined.

So does who is in a room of an organization that lets them in by its single sign-on only, from now on. The bus tells at once;
the rows are read every few seconds, because a push may be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import structlog

from control_plane.domain.errors import DomainError, Unavailable
from control_plane.domain.events import Event, SignInsEnded, SsoEnforced
from control_plane.domain.ids import OrganizationId, UserId
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


class Enforcement(Protocol):
    """`services.sso_joining.SsoJoining`, as far as this door asks it."""

    async def find_shut_out(
        self, organization_id: OrganizationId, people: set[tuple[UserId, UUID | None]]
    ) -> set[tuple[UserId, UUID | None]]:
        """Which of these, with the connections they came by, may not be in the organization's rooms. Raises Unavailable."""
        ...


class SignOuts:
    """Closes sockets of ended sign-ins, and of people an enforced connection keeps out.

    Args:
        rooms: every welcomed socket of this process.
        bus: tells.
        sign_ins: asked by the sweep.
        enforcement: asked by the sweep, and when an organization enforces its single sign-on.
        sweep_s: see SWEEP_S.
    """

    def __init__(
        self,
        rooms: Callable[[], Iterable[Room]],
        bus: Bus,
        sign_ins: SignIns,
        enforcement: Enforcement,
        *,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._rooms = rooms
        self._bus = bus
        self._sign_ins = sign_ins
        self._enforcement = enforcement
        self._looks: set[asyncio.Task[None]] = set()
        self._sweep_s = sweep_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Listen and sweep from now on."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._sweep_forever())]

    async def close(self) -> None:
        """Stop. May be called twice."""
        tasks = [*self._tasks, *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
        elif isinstance(event, SsoEnforced):
            look = asyncio.create_task(self._look(event.organization_id))
            self._looks.add(look)
            look.add_done_callback(self._looks.discard)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            held = {sign_in for room in self._rooms() if (sign_in := _sign_in_of(room)) is not None}
            if held:
                with suppress(DomainError):
                    self._close_all(await self._sign_ins.find_ended(held))
            for organization_id in {room.session.organization_id for room in self._rooms()}:
                await self._look(organization_id)

    async def _look(self, organization_id: OrganizationId) -> None:
        """Close the sockets of whom an enforced connection of this organization keeps out."""
        people = {_person_of(room) for room in self._rooms_of(organization_id)}
        if not people:
            return
        with suppress(DomainError):
            shut_out = await self._enforcement.find_shut_out(organization_id, people)
            for room in self._rooms_of(organization_id):
                if _person_of(room) in shut_out:
                    _close(room, "single sign-on is required")

    def _rooms_of(self, organization_id: OrganizationId) -> list[Room]:
        """Sockets of people in its rooms; programs with API tokens are not asked how they signed in."""
        return [
            room
            for room in self._rooms()
            if room.session.organization_id == organization_id and _sign_in_of(room) is not None
        ]

    def _close_all(self, ended: set[UUID]) -> None:
        for room in [room for room in self._rooms() if _sign_in_of(room) in ended]:
            _close(room, "signed out")


def _close(room: Room, reason: str) -> None:
    session, connection = room.session, room.connection
    if session.connections.get(connection.participant_id) is not connection:
        return
    # Not lost but gone: there is no grace for a person who signed out, and nothing to resume.
    del session.connections[connection.participant_id]
    connection.socket.close(CloseCode.BAD_TOKEN, reason)
    session.spawn(leave(session, connection.admission, "left"))
    log.info("signed_out", participant_id=str(connection.participant_id), reason=reason)


def _person_of(room: Room) -> tuple[UserId, UUID | None]:
    """Who it is, and by which connection they came; None: another way."""
    admission = room.connection.admission
    return admission.participant.user_id, admission.claims.sso_connection_id


def _sign_in_of(room: Room) -> UUID | None:
    return room.connection.admission.claims.sign_in_id
