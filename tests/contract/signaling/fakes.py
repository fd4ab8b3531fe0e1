# ruff: noqa: ARG002 - fakes take what their Protocols hand them
"""In-memory services for tests of the signaling door: true to their Protocols, with faults to inject."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec

from control_plane.domain.alerts import AlertDraft, AlertStep, make_alert
from control_plane.domain.bitrates import bitrates_for
from control_plane.domain.callers import JoinClaims
from control_plane.domain.chat import clean_text
from control_plane.domain.errors import Forbidden, NoMediaNode, NotFound, RoomNotLive, Unauthenticated, Unavailable
from control_plane.domain.events import (
    Event,
    FeedAppended,
    FeedEvent,
    FeedKind,
    ParticipantLeft,
    ParticipantRemoved,
    SessionEnded,
    room_topic,
    session_topic,
)
from control_plane.domain.ice import IceServer
from control_plane.domain.ids import (
    AlertId,
    LiveSessionId,
    MessageId,
    NodeId,
    OrganizationId,
    ParticipantId,
    RoomId,
    StepId,
    UserId,
    make_uuid7,
)
from control_plane.domain.participants import Participant, grant_for
from control_plane.domain.plans import PLANS, PlanTier
from control_plane.domain.roles import Role
from control_plane.domain.rooms import LiveSession
from control_plane.domain.seats import SeatCount
from control_plane.services.feed import Author
from control_plane.services.live import Admission


class Clock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class Ids:
    """UUIDv7 that rise."""

    def __init__(self) -> None:
        self._count = 0

    def new(self) -> UUID:
        self._count += 1
        return make_uuid7(1_700_000_000_000 + self._count, uuid4().bytes[:10])


class MemoryBus:
    """A bus within the test: tells at once; `is_deaf` loses everything, as Redis may."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Callable[[Event], None]]] = {}
        self.gaps: list[Callable[[], None]] = []
        self.is_deaf = False
        self.is_away = False

    async def publish(self, topic: str, event: Event) -> None:
        if self.is_deaf:
            return
        for listener in list(self._listeners.get(topic, [])):
            listener(event)

    async def subscribe(self, topic: str, listener: Callable[[Event], None]) -> Callable[[], Awaitable[None]]:
        if self.is_away:
            raise Unavailable("Redis is away.")
        self._listeners.setdefault(topic, []).append(listener)

        async def end() -> None:
            if listener in self._listeners[topic]:
                self._listeners[topic].remove(listener)

        return end

    def on_gap(self, listener: Callable[[], None]) -> None:
        self.gaps.append(listener)


class MemorySeats:
    """Counts renewals."""

    def __init__(self) -> None:
        self.renewed: list[ParticipantId] = []

    async def take(
        self, live_session_id: LiveSessionId, participant_id: ParticipantId, *, limit: int | None, started_at: datetime
    ) -> SeatCount:
        return SeatCount(is_granted=True, taken=1)

    async def renew(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        self.renewed.extend(participant_ids)

    async def release(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        return None

    async def count(self, live_session_id: LiveSessionId) -> int:
        return 0


class MemoryPresence:
    """Leases that never end by themselves."""

    def __init__(self) -> None:
        self.people: set[ParticipantId] = set()

    async def touch(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        self.people.update(participant_ids)

    async def drop(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        self.people.discard(participant_id)

    async def present(self, live_session_id: LiveSessionId) -> set[ParticipantId]:
        return set(self.people)


class NoTurn:
    """No servers."""

    def ice_servers(self, participant_id: ParticipantId) -> list[IceServer]:
        return []


class NoRenewals:
    """Takes no token for another: real ones are renewed in tests/integration."""

    async def renew(self, admission: Admission, access_token: str) -> Admission:
        raise Unauthenticated("This token is not good.")


class MemoryFeed:
    """One room's rows."""

    def __init__(self, bus: MemoryBus, room_id: RoomId) -> None:
        self._bus = bus
        self._room_id = room_id
        self.rows: list[FeedEvent] = []
        self.reads = 0

    async def append(self, author: Author, kind: FeedKind, subject_id: UUID, body: object) -> FeedEvent:
        known = next((row for row in self.rows if row.subject_id == subject_id), None)
        if known is not None:
            return known
        event = FeedEvent(
            seq=len(self.rows) + 1,
            kind=kind,
            subject_id=subject_id,
            author_id=author.user_id,
            author_name=author.display_name,
            at=datetime.now(UTC),
            body=msgspec.Raw(msgspec.json.encode(body)),
        )
        self.rows.append(event)
        await asyncio.sleep(0)
        await self._bus.publish(room_topic(self._room_id), FeedAppended(room_id=self._room_id, event=event))
        return event

    async def read(
        self, organization_id: OrganizationId, room_id: RoomId, *, after: int, limit: int
    ) -> tuple[list[FeedEvent], int]:
        self.reads += 1
        await asyncio.sleep(0)
        return [row for row in self.rows if row.seq > after][:limit], len(self.rows)

    async def newest(self, organization_id: OrganizationId, room_id: RoomId, limit: int) -> tuple[list[FeedEvent], int]:
        await asyncio.sleep(0)
        return self.rows[-limit:], len(self.rows)

    async def last_seq(self, organization_id: OrganizationId, room_id: RoomId) -> int:
        return len(self.rows)


class MemoryChat:
    """Chat on the rows."""

    def __init__(self, feed: MemoryFeed) -> None:
        self._feed = feed
        self.failure: BaseException | None = None

    async def post(self, author: Author, message_id: MessageId, text: str) -> FeedEvent:
        if self.failure is not None:
            raise self.failure
        return await self._feed.append(author, "chat.posted", message_id, {"text": clean_text(text)})


class MemoryAlerts:
    """Alerts on the rows."""

    def __init__(self, feed: MemoryFeed) -> None:
        self._feed = feed

    async def post(self, author: Author, alert_id: AlertId, draft: AlertDraft) -> FeedEvent:
        return await self._feed.append(author, "alert.posted", alert_id, {"symbol": make_alert(draft).symbol})

    async def step(self, author: Author, alert_id: AlertId, step_id: StepId, draft: AlertStep) -> FeedEvent:
        if all(row.subject_id != alert_id for row in self._feed.rows):
            raise NotFound("There is no such alert.")
        body = {"alertId": str(alert_id), "step": {"kind": draft.kind.value}}
        return await self._feed.append(author, "alert.stepped", step_id, body)


class MemoryLive:
    """One live session's rows. Tokens: `join:<participant>`, `resume:<participant>:<generation>:<edge>`."""

    def __init__(self, bus: MemoryBus, node_id: NodeId) -> None:
        self._bus = bus
        self.session = LiveSession(
            id=LiveSessionId(uuid4()),
            organization_id=OrganizationId(uuid4()),
            room_id=RoomId(uuid4()),
            node_id=node_id,
            epoch=1,
            started_by=UserId(uuid4()),
            started_at=datetime.now(UTC),
            ended_at=None,
        )
        self.people: dict[ParticipantId, Participant] = {}
        self.present: dict[ParticipantId, int] = {}
        self.generations: dict[ParticipantId, int] = {}
        self.tokens: set[str] = set()
        self.left: list[tuple[ParticipantId, str]] = []
        self.failure: BaseException | None = None
        self.node_ids = [node_id]
        self.draining_ids: set[NodeId] = set()

    def invite(self, role: Role = Role.VIEWER) -> tuple[Participant, str]:
        """Somebody who joined by REST, and their join token."""
        participant = Participant(
            id=ParticipantId(uuid4()),
            user_id=UserId(uuid4()),
            display_name=role.value,
            role=role,
            grant=grant_for(role),
        )
        self.people[participant.id] = participant
        token = f"join:{participant.id}"
        self.tokens.add(token)
        return participant, token

    async def end(self) -> None:
        """End the session, as REST does."""
        self.session = msgspec.structs.replace(self.session, ended_at=datetime.now(UTC))
        ended = SessionEnded(
            live_session_id=self.session.id,
            organization_id=self.session.organization_id,
            room_id=self.session.room_id,
        )
        await self._bus.publish(session_topic(self.session.id), ended)

    async def admit(self, token: str) -> Admission:
        self._fail()
        if token not in self.tokens:
            raise Unauthenticated("Join again.")
        self.tokens.discard(token)
        return self._welcome(ParticipantId(UUID(token.split(":")[1])))

    async def resume(self, token: str) -> Admission:
        self._fail()
        _, participant, generation, edge = token.split(":")
        participant_id = ParticipantId(UUID(participant))
        if self.generations.get(participant_id) != int(generation):
            raise Unauthenticated("Join again.")
        return self._welcome(participant_id, NodeId(UUID(edge)) if edge else None)

    def _welcome(self, participant_id: ParticipantId, edge_node_id: NodeId | None = None) -> Admission:
        if not self.session.is_live:
            raise RoomNotLive("It is over.")
        generation = self.generations.get(participant_id, 0) + 1
        self.generations[participant_id] = generation
        self.present[participant_id] = generation
        return Admission(
            claims=JoinClaims(
                organization_id=self.session.organization_id,
                room_id=self.session.room_id,
                live_session_id=self.session.id,
                participant_id=participant_id,
                generation=generation,
                edge_node_id=edge_node_id,
            ),
            participant=self.people[participant_id],
            room_name="Futures",
            live_session=self.session,
            resume_token=f"resume:{participant_id}:{generation}:{edge_node_id or ''}",
            seat_limit=50,
            bitrates=bitrates_for(PLANS[PlanTier.STARTER], self.people[participant_id].grant),
        )

    async def note_edge(self, admission: Admission, node_id: NodeId | None) -> Admission:
        claims = msgspec.structs.replace(admission.claims, edge_node_id=node_id)
        token = f"resume:{claims.participant_id}:{claims.generation}:{node_id or ''}"
        return msgspec.structs.replace(admission, claims=claims, resume_token=token)

    async def leave(self, admission: Admission, reason: str) -> bool:
        self._fail()
        participant_id = admission.participant.id
        if self.present.get(participant_id) != admission.claims.generation:
            return False
        await self._gone(participant_id, reason)
        return True

    async def remove(self, by: Admission, participant_id: ParticipantId) -> None:
        self._fail()
        if not by.participant.grant.can_moderate:
            raise Forbidden("No.")
        if participant_id not in self.people:
            raise NotFound("There is no such participant.")
        self.generations[participant_id] = -1
        order = ParticipantRemoved(live_session_id=self.session.id, participant_id=participant_id)
        await self._bus.publish(session_topic(self.session.id), order)
        await self._gone(participant_id, "removed")

    async def _gone(self, participant_id: ParticipantId, reason: str) -> None:
        self.present.pop(participant_id, None)
        self.left.append((participant_id, reason))
        event = ParticipantLeft(live_session_id=self.session.id, participant_id=participant_id, reason=reason)
        await self._bus.publish(session_topic(self.session.id), event)

    async def list_present(self, organization_id: OrganizationId, live_session_id: LiveSessionId) -> list[Participant]:
        self._fail()
        await asyncio.sleep(0)
        return [self.people[participant_id] for participant_id in self.present]

    async def find_session(self, organization_id: OrganizationId, live_session_id: LiveSessionId) -> LiveSession | None:
        self._fail()
        return self.session

    async def replace_placement(
        self,
        organization_id: OrganizationId,
        live_session_id: LiveSessionId,
        *,
        from_epoch: int,
        avoid: NodeId | None,
    ) -> LiveSession:
        self._fail()
        if self.session.epoch == from_epoch:
            free = [known for known in self.node_ids if known not in self.draining_ids]
            if not free:
                raise NoMediaNode("No media node is free.")
            node_id = next((known for known in free if known != avoid), self.session.node_id)
            self.session = msgspec.structs.replace(self.session, epoch=from_epoch + 1, node_id=node_id)
        return self.session

    async def mark_lost(
        self, organization_id: OrganizationId, live_session_id: LiveSessionId, participant_ids: Sequence[ParticipantId]
    ) -> list[ParticipantId]:
        lost = [participant_id for participant_id in participant_ids if participant_id in self.present]
        for participant_id in lost:
            await self._gone(participant_id, "lost")
        return lost

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure
