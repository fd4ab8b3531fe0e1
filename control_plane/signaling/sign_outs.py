"""Ended sign-ins: whoever signs out, or whose stolen token was noticed, loses the sockets that sign-in joined.

So does who is in a room of an organization that lets them in by its single sign-on only, from now on; who joined by an API
token that is good no longer; and who joined by something that has expired. The bus tells at once; the rows are read every
few seconds, because a push may be lost. A socket that was lost a moment ago counts too: its media would go on for its grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import structlog

from control_plane.domain.errors import DomainError, Unavailable
from control_plane.domain.events import ApiTokensChanged, Event, SignInsEnded, SsoEnforced
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.sign_ins import SIGN_INS_TOPIC
from control_plane.services.ports import Bus, Clock
from control_plane.signaling.departures import leave
from control_plane.signaling.messages import CloseCode
from control_plane.signaling.needs import Admission
from control_plane.signaling.session import Session

SWEEP_S = 5.0
"""How often the rows are read, seconds (decisions.md 4: a 5 s sweep behind every push)."""
EXPIRY_S = 1.0
"""How often it is looked whether what somebody joined by has expired: the claims say when, so no row is read."""
AGAIN_S = 1.0
"""How long after a push it is looked again, seconds: most hellos are answered in a tenth of it."""
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


class ApiTokens(Protocol):
    """`services.api_tokens.ApiTokenService`, as far as this door asks it."""

    async def find_ended(self, organization_id: OrganizationId, token_ids: set[UUID]) -> set[UUID]:
        """Which of these tokens of the organization are good no longer. Raises Unavailable."""
        ...


class SignOuts:
    """Closes sockets of what has ended: sign-ins, API tokens, whatever else they joined by.

    Args:
        sessions: every live session of this process.
        bus: tells.
        sign_ins: asked by the sweep.
        enforcement: asked by the sweep, and when an organization enforces its single sign-on.
        api_tokens: asked by the sweep, and when tokens of an organization or of a person may have ended.
        clock: says what has expired.
        sweep_s: see SWEEP_S.
    """

    def __init__(
        self,
        sessions: Callable[[], Iterable[Session]],
        bus: Bus,
        *,
        sign_ins: SignIns,
        enforcement: Enforcement,
        api_tokens: ApiTokens,
        clock: Clock,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._sessions = sessions
        self._bus = bus
        self._sign_ins = sign_ins
        self._enforcement = enforcement
        self._api_tokens = api_tokens
        self._clock = clock
        self._looks: set[asyncio.Task[None]] = set()
        self._sweep_s = sweep_s
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Listen and sweep from now on."""
        forever = (self._listen(), self._sweep_forever(), self._expire_forever())
        self._tasks = [asyncio.create_task(one) for one in forever]

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
        if isinstance(event, SignInsEnded | SsoEnforced | ApiTokensChanged):
            task = asyncio.create_task(self._follow(event))
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _follow(self, event: SignInsEnded | SsoEnforced | ApiTokensChanged) -> None:
        """Close what an event ends, now and once more: a hello that was being answered had asked the rows before it."""
        for pause_s in (0.0, AGAIN_S):
            await asyncio.sleep(pause_s)
            if isinstance(event, SignInsEnded):
                self._close_all(set(event.sign_in_ids))
            elif isinstance(event, SsoEnforced):
                await self._look(event.organization_id)
            else:
                for organization_id in self._organizations():
                    if event.organization_id in {organization_id, None}:
                        await self._look_at_tokens(organization_id, event.user_id)

    async def _sweep_forever(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_s)
            held = {claims.sign_in_id for _, admission in self._people() if (claims := admission.claims).sign_in_id}
            if held:
                with suppress(DomainError):
                    self._close_all(await self._sign_ins.find_ended(held))
            for organization_id in self._organizations():
                await self._look(organization_id)
                await self._look_at_tokens(organization_id)

    async def _expire_forever(self) -> None:
        while True:
            await asyncio.sleep(EXPIRY_S)
            now = self._clock.now()
            for session, admission in self._people():
                if (end := admission.claims.expires_at) is not None and end <= now:
                    _close(session, admission, "expired")

    async def _look(self, organization_id: OrganizationId) -> None:
        """Close the sockets of whom an enforced connection of this organization keeps out."""
        # Programs with API tokens are not asked how they signed in.
        found = [one for one in self._people(organization_id) if one[1].claims.sign_in_id is not None]
        if not found:
            return
        with suppress(DomainError):
            people = {_person_of(admission) for _, admission in found}
            shut_out = await self._enforcement.find_shut_out(organization_id, people)
            for session, admission in self._people(organization_id):
                if admission.claims.sign_in_id is not None and _person_of(admission) in shut_out:
                    _close(session, admission, "single sign-on is required")

    async def _look_at_tokens(self, organization_id: OrganizationId, user_id: UserId | None = None) -> None:
        """Close the sockets of the organization's API tokens that ended. user_id: of those they made; None: of all."""
        held = {
            admission.claims.token_id
            for _, admission in self._people(organization_id)
            if admission.claims.token_id is not None and user_id in {None, admission.participant.user_id}
        }
        if not held:
            return
        with suppress(DomainError):
            ended = await self._api_tokens.find_ended(organization_id, held)
            for session, admission in self._people(organization_id):
                if admission.claims.token_id in ended:
                    _close(session, admission, "the API token is no longer good")

    def _organizations(self) -> set[OrganizationId]:
        return {session.organization_id for session in self._sessions()}

    def _people(self, organization_id: OrganizationId | None = None) -> list[tuple[Session, Admission]]:
        """Everyone by the admission that holds them, with a socket or within their grace; None: of every organization."""
        return [
            (session, admission)
            for session in self._sessions()
            if organization_id in {None, session.organization_id}
            for admission in (
                *(connection.admission for connection in session.connections.values()),
                *(admission for admission, _ in session.ghosts.values()),
            )
        ]

    def _close_all(self, ended: set[UUID]) -> None:
        for session, admission in self._people():
            if admission.claims.sign_in_id in ended:
                _close(session, admission, "signed out")


def _close(session: Session, admission: Admission, reason: str) -> None:
    """Not lost but gone: there is no grace for a person who signed out, and nothing to resume."""
    participant_id = admission.participant.id
    connection = session.connections.get(participant_id)
    if connection is not None and connection.admission is admission:
        del session.connections[participant_id]
        connection.socket.close(CloseCode.BAD_TOKEN, reason)
    elif session.ghosts.get(participant_id, (None,))[0] is admission:
        session.lay_ghost(participant_id)
    else:
        return
    session.spawn(leave(session, admission, "left"))
    log.info("signed_out", participant_id=str(participant_id), reason=reason)


def _person_of(admission: Admission) -> tuple[UserId, UUID | None]:
    """Who it is, and by which connection they came; None: another way."""
    return admission.participant.user_id, admission.claims.sso_connection_id
