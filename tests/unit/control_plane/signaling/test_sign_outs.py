"""Sockets of ended sign-ins: told by the bus, and found by the sweep when the bus is away."""

# ruff: noqa: ARG002 - stubs take what they are called with

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from control_plane.domain.errors import Unavailable
from control_plane.domain.events import SignInsEnded, SsoEnforced
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.gateways.clock import SystemClock
from control_plane.signaling.messages import CloseCode
from control_plane.signaling.sign_outs import SignOuts

ENDED, OTHER = uuid4(), uuid4()
ORGANIZATION, CONNECTION = OrganizationId(uuid4()), uuid4()


class Socket:
    """Notes how it is closed."""

    def __init__(self) -> None:
        self.code: CloseCode | None = None

    def close(self, code: CloseCode, reason: str) -> None:
        self.code = code


def _room(sign_in_id: UUID | None, came_by: UUID | None = None) -> Any:
    """A welcomed socket, as far as its end is concerned."""
    participant_id = uuid4()
    claims = SimpleNamespace(sign_in_id=sign_in_id, sso_connection_id=came_by, token_id=None, expires_at=None)
    participant = SimpleNamespace(id=participant_id, user_id=UserId(participant_id))
    admission = SimpleNamespace(claims=claims, participant=participant)
    connection = SimpleNamespace(participant_id=participant_id, admission=admission, socket=Socket())

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        work.close()

    session = SimpleNamespace(
        connections={participant_id: connection}, ghosts={}, spawn=spawn, organization_id=ORGANIZATION, id=uuid4()
    )
    return SimpleNamespace(session=session, connection=connection)


class Bus:
    """Hands over its listener, or is away."""

    def __init__(self, *, is_away: bool) -> None:
        self.listener: Any = None
        self._is_away = is_away

    async def subscribe(self, topic: str, listener: Any) -> Any:
        if self._is_away:
            raise Unavailable("away")
        self.listener = listener


class Rows:
    """Knows who has ended; fails the first time."""

    def __init__(self) -> None:
        self._tries = 0

    async def find_ended(self, sign_in_ids: set[UUID]) -> set[UUID]:
        self._tries += 1
        if self._tries == 1:
            raise Unavailable("away")
        return sign_in_ids & {ENDED}


class Enforcement:
    """Keeps out whoever did not come by the connection."""

    def __init__(self, *, is_on: bool) -> None:
        self.is_on = is_on

    async def find_shut_out(self, organization_id: OrganizationId, people: set[Any]) -> set[Any]:
        return {person for person in people if self.is_on and person[1] != CONNECTION}


class Tokens:
    """All good."""

    async def find_ended(self, organization_id: OrganizationId, token_ids: set[UUID]) -> set[UUID]:
        return set()


def _sign_outs(rooms: list[Any], bus: Any, *, is_enforced: bool, is_away: bool) -> SignOuts:
    return SignOuts(
        lambda: [room.session for room in rooms],
        bus,
        sign_ins=Rows(),
        enforcement=Enforcement(is_on=is_enforced),
        api_tokens=Tokens(),
        clock=SystemClock(),
        sweep_s=0.01 if is_away else 60,
    )


@pytest.mark.parametrize("is_away", [False, True])
async def test_only_the_sockets_of_an_ended_sign_in_are_closed(*, is_away: bool) -> None:
    rooms = [_room(ENDED), _room(OTHER), _room(None)]
    bus: Any = Bus(is_away=is_away)
    sign_outs = _sign_outs(rooms, bus, is_enforced=False, is_away=is_away)

    sign_outs.start()
    async with asyncio.timeout(20):
        while not is_away and bus.listener is None:  # noqa: ASYNC110 - a stub has no event
            await asyncio.sleep(0)
        if not is_away:
            bus.listener(SignInsEnded(user_id=UserId(uuid4()), sign_in_ids=[ENDED]))
        while rooms[0].connection.socket.code is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    await sign_outs.close()

    assert [room.connection.socket.code for room in rooms] == [CloseCode.BAD_TOKEN, None, None]
    assert [len(room.session.connections) for room in rooms] == [0, 1, 1]


@pytest.mark.parametrize("is_away", [False, True])
async def test_who_came_another_way_than_by_the_enforced_connection_loses_the_socket(*, is_away: bool) -> None:
    rooms = [_room(OTHER), _room(OTHER, CONNECTION), _room(None)]
    bus: Any = Bus(is_away=is_away)
    sign_outs = _sign_outs(rooms, bus, is_enforced=True, is_away=is_away)

    sign_outs.start()
    async with asyncio.timeout(20):
        while not is_away and bus.listener is None:  # noqa: ASYNC110 - a stub has no event
            await asyncio.sleep(0)
        if not is_away:
            bus.listener(SsoEnforced(organization_id=ORGANIZATION))
        while rooms[0].connection.socket.code is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    await sign_outs.close()

    assert [room.connection.socket.code for room in rooms] == [CloseCode.BAD_TOKEN, None, None]


async def test_a_socket_that_was_being_welcomed_when_its_sign_in_ended_is_closed_without_the_sweep() -> None:
    rooms: list[Any] = []
    bus: Any = Bus(is_away=False)
    sign_outs = _sign_outs(rooms, bus, is_enforced=False, is_away=False)
    sign_outs.start()

    async with asyncio.timeout(20):
        while bus.listener is None:  # noqa: ASYNC110 - a stub has no event
            await asyncio.sleep(0)
        bus.listener(SignInsEnded(user_id=UserId(uuid4()), sign_in_ids=[ENDED]))
        for _ in range(10):  # the first look is over in fewer turns of the loop
            await asyncio.sleep(0)
        rooms.append(_room(ENDED))
        while rooms[0].connection.socket.code is None:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)
    await sign_outs.close()

    assert rooms[0].connection.socket.code == CloseCode.BAD_TOKEN
