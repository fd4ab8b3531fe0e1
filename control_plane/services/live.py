"""Live sessions: starting, joining, being let in, leaving, ending. The rows are the truth; the bus only tells.

start   row (one live per room, by index)          join    row with a one-use nonce, then seat, then token
admit   the nonce is used up, generation + 1        resume  the generation is compared and raised
leave   only by the generation that came in        end     row, then everyone is told
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import msgspec
import structlog

from control_plane.domain.bitrates import Bitrates, bitrates_for
from control_plane.domain.callers import Caller, JoinClaims
from control_plane.domain.errors import (
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    RoomNotLive,
    Unauthenticated,
    Unavailable,
)
from control_plane.domain.events import FeedEvent, ParticipantLeft, ParticipantRemoved, SessionEnded, session_topic
from control_plane.domain.ice import IceServer
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, ParticipantId, RoomId, UserId
from control_plane.domain.nodes import choose_node
from control_plane.domain.organizations import Member
from control_plane.domain.participants import Participant, grant_for, require_removable
from control_plane.domain.plans import SSO_TIERS
from control_plane.domain.roles import Permission
from control_plane.domain.rooms import LiveSession, require_idle, require_live, require_open
from control_plane.services import access, audit
from control_plane.services.api_tokens import find_good
from control_plane.services.entitlements import entitlement_for
from control_plane.services.feed import no_room, tell_feed
from control_plane.services.ports import Bus, Clock, Ids, Presence, Seats, Tokens, Turn
from control_plane.stores import feed as feed_store
from control_plane.stores import live_sessions, participants, sign_ins
from control_plane.stores import nodes as node_store
from control_plane.stores import rooms as room_store
from control_plane.stores import sso as sso_store
from control_plane.stores.database import Database, Transaction
from control_plane.stores.participants import Welcomed

NONCE_BYTES = 18
"""Random bytes of a join nonce: 144 bits."""
log = structlog.get_logger(__name__)


class JoinAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything a browser needs to open its socket (decisions.md 2). token: 30 s, one use. rtp_capabilities: sealed."""

    participant_id: ParticipantId
    live_session_id: LiveSessionId
    room_id: RoomId
    signaling_url: str
    token: str
    ice_servers: list[IceServer]
    rtp_capabilities: msgspec.Raw


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """Someone whom a hello let in.

    claims: with the new generation; resume_token: carries them. seat_limit: viewers the plan allows; None: no limit.
    bitrates: what they may send and be sent. abilities: of the API token that joined; None: it was a person.
    """

    claims: JoinClaims
    participant: Participant
    room_name: str
    live_session: LiveSession
    resume_token: str
    seat_limit: int | None
    bitrates: Bitrates
    abilities: frozenset[str] | None = None

    @property
    def caller(self) -> Caller:
        """Who asks for what they do in the room: as they would by REST."""
        is_token = self.claims.token_id is not None
        return Caller(
            user_id=self.participant.user_id,
            email="",
            display_name=self.participant.display_name,
            session_id=self.claims.sign_in_id,
            sso_connection_id=self.claims.sso_connection_id,
            token_id=self.claims.token_id,
            organization_id=self.claims.organization_id if is_token else None,
            abilities=self.abilities or frozenset(),
        )


class _Joining(msgspec.Struct, frozen=True, kw_only=True):
    """A row that may come in, and what is told with it. seat_limit: None: no limit."""

    live: LiveSession
    participant_id: ParticipantId
    takes_seat: bool
    seat_limit: int | None
    rtp_capabilities: str


@dataclass(frozen=True, slots=True)
class LiveService:
    """The use cases of a live room."""

    db: Database
    bus: Bus
    seats: Seats
    presence: Presence
    tokens: Tokens
    turn: Turn
    clock: Clock
    ids: Ids
    signaling_url: str

    # --- starting and ending

    async def start(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> LiveSession:
        """Start a run of the room on the best media node; its media is made by the first who needs it.

        Raises:
            NotFound, Forbidden: see `access.require`. RoomAlreadyLive. Conflict: it is archived. NoMediaNode.
            Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.RUN_SESSION, room_id)
            # Two starts, or a start and a delete, take turns on the room's row.
            if not await room_store.lock_room(tx, organization_id, room_id):
                raise no_room()
            found = await room_store.find_room(tx, organization_id, room_id)
            if found is None:
                raise no_room()
            require_open(found.room)
            require_idle(found.live)
            node = choose_node(await node_store.list_nodes(tx), now=self.clock.now())
            session = LiveSession(
                id=LiveSessionId(self.ids.new()),
                organization_id=organization_id,
                room_id=room_id,
                node_id=node.id,
                epoch=1,
                started_by=caller.user_id,
                started_at=self.clock.now(),
                ended_at=None,
            )
            await live_sessions.insert_session(tx, session)
            await self._append(tx, session, "session.started", member)
            await audit.note(tx, caller, organization_id, "session.started", ("room", room_id), after=_run(session))
        return session

    async def end(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> LiveSession:
        """End the room's run for everyone.

        Raises:
            NotFound, Forbidden: see `access.require`. RoomNotLive: nothing runs, or it was ended already. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.RUN_SESSION, room_id)
            if not await room_store.lock_room(tx, organization_id, room_id):
                raise no_room()
            session = await live_sessions.end_live(tx, organization_id, room_id, self.clock.now())
            if session is None:
                raise RoomNotLive("This room is not live.")
            ended = SessionEnded(live_session_id=session.id, organization_id=organization_id, room_id=room_id)
            tx.after_commit(partial(self.bus.publish, session_topic(session.id), ended))
            await self._append(tx, session, "session.ended", member)
            await audit.note(tx, caller, organization_id, "session.ended", ("room", room_id), before=_run(session))
        return session

    async def _append(self, tx: Transaction, session: LiveSession, kind: str, member: Member) -> None:
        draft = FeedEvent(
            seq=0,
            kind="session.started" if kind == "session.started" else "session.ended",
            subject_id=session.id,
            author_id=member.user_id,
            author_name=member.display_name,
            at=self.clock.now(),
            body=msgspec.Raw(b"{}"),
        )
        event = await feed_store.append_event(tx, session.organization_id, session.room_id, draft)
        if event is not None:
            tell_feed(tx, self.bus, session.room_id, event)

    # --- joining

    async def join(self, caller: Caller, organization_id: OrganizationId, room_id: RoomId) -> JoinAnswer:
        """Let a member towards a live room: a seat where the role needs one, and a token for the socket's hello.

        Raises:
            NotFound, Forbidden: see `access.require`; Forbidden also when a moderator removed them from this session.
            RoomNotLive. LimitExceeded: all viewer seats are taken. Unavailable.
        """
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        joining = await self._write_joining(caller, organization_id, room_id, nonce)
        live, participant_id = joining.live, joining.participant_id
        if joining.takes_seat:
            # After the row: who is refused here leaves a nonce behind that nobody was told, and no seat.
            await self._take_seat(live, participant_id, joining.seat_limit)
        claims = JoinClaims(
            organization_id=organization_id,
            room_id=room_id,
            live_session_id=live.id,
            participant_id=participant_id,
            nonce=nonce,
            sign_in_id=caller.session_id,
            sso_connection_id=caller.sso_connection_id,
            token_id=caller.token_id,
            expires_at=caller.expires_at,
        )
        return JoinAnswer(
            participant_id=participant_id,
            live_session_id=live.id,
            room_id=room_id,
            signaling_url=self.signaling_url,
            token=await self.tokens.issue_join(claims),
            ice_servers=self.turn.ice_servers(participant_id),
            rtp_capabilities=msgspec.Raw(joining.rtp_capabilities.encode()),
        )

    async def _write_joining(
        self, caller: Caller, organization_id: OrganizationId, room_id: RoomId, nonce: str
    ) -> _Joining:
        """May they? Then their row, in the same transaction. Raises as `join`, but for the seats."""
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.JOIN_SESSION, room_id)
            door = await participants.find_door(tx, organization_id, room_id, caller.user_id)
            if door is None:
                raise no_room()
            live = require_live(door.live)
            if door.was_removed:
                raise Forbidden("You were removed from this session.", reason="removed")
            if door.rtp_capabilities is None:
                raise Unavailable("The room's media is away. Try again in a moment.", retry_after_s=2)
            participant_id = await participants.upsert_joining(
                tx,
                participant_id=ParticipantId(self.ids.new()),
                organization_id=organization_id,
                live_session_id=live.id,
                user_id=member.user_id,
                display_name=member.display_name,
                role=member.role,
                nonce=nonce,
                now=self.clock.now(),
            )
        if participant_id is None:
            raise RoomNotLive("This room is not live.")
        return _Joining(
            live=live,
            participant_id=participant_id,
            takes_seat=grant_for(member.role).takes_seat,
            seat_limit=entitlement_for(door.plan_tier, door.overrides).max_viewers_per_room,
            rtp_capabilities=door.rtp_capabilities,
        )

    # --- being let in

    async def admit(self, token: str) -> Admission:
        """Let in the bearer of a join token, once.

        Raises:
            Unauthenticated: forged, expired, used, or revoked by a removal. RoomNotLive: it is over.
            LimitExceeded: the seat was lost since the join, and none is free. Unavailable.
        """
        return await self._welcome(await self.tokens.verify_join(token), is_resume=False)

    async def resume(self, token: str) -> Admission:
        """Let in again the bearer of a resume token; older ones of the same participant are void from then on.

        Raises:
            As `admit`. SsoRequired. Unavailable also: the sweep took them for lost, and seats can't be counted now.
        """
        return await self._welcome(await self.tokens.verify_resume(token), is_resume=True)

    async def note_edge(self, admission: Admission, node_id: NodeId | None) -> Admission:
        """Their media is served by this node: the resume token tells the process they come back to. None: the origin."""
        claims = msgspec.structs.replace(admission.claims, edge_node_id=node_id)
        resume_token = await self.tokens.issue_resume(claims)
        return msgspec.structs.replace(admission, claims=claims, resume_token=resume_token)

    async def _welcome(self, claims: JoinClaims, *, is_resume: bool) -> Admission:
        if claims.sign_in_id is None and claims.token_id is None and claims.expires_at is None:
            # Of a process older than these claims: nothing says what would end it.
            raise Unauthenticated("This token is of an older version. Join again.")
        if claims.sign_in_id is not None and await sign_ins.is_over(self.db, claims.sign_in_id):
            raise Unauthenticated("You signed out. Sign in and join again.")
        if claims.expires_at is not None and claims.expires_at <= self.clock.now():
            raise Unauthenticated("What you joined by has expired. Join again.")
        abilities = await self._abilities_of(claims)
        async with self.db.tenant(claims.organization_id) as tx:
            welcomed = await participants.welcome(tx, claims, is_resume=is_resume, now=self.clock.now())
            is_over = welcomed is None and await participants.is_session_over(tx, claims.live_session_id)
            if welcomed is not None and claims.sign_in_id is not None:
                # Raised inside, so that the welcome is taken back.
                await _require_not_shut_out(tx, claims, welcomed.participant.user_id)
        if is_over:
            raise RoomNotLive("This room is not live.")
        if welcomed is None:
            raise Unauthenticated("This token is no longer good. Join again.")
        entitlement = entitlement_for(welcomed.plan_tier, welcomed.overrides)
        seat_limit = entitlement.max_viewers_per_room
        if welcomed.participant.grant.takes_seat:
            await self._keep_seat(claims, welcomed, seat_limit, is_resume=is_resume)
        renewed = msgspec.structs.replace(claims, nonce="", generation=welcomed.generation)
        return Admission(
            claims=renewed,
            participant=welcomed.participant,
            room_name=welcomed.room_name,
            live_session=welcomed.live_session,
            resume_token=await self.tokens.issue_resume(renewed),
            seat_limit=seat_limit,
            bitrates=bitrates_for(entitlement, welcomed.participant.grant),
            abilities=abilities,
        )

    async def _abilities_of(self, claims: JoinClaims) -> frozenset[str] | None:
        """What the API token that joined holds; None: a person joined. Raises Unauthenticated: it is good no longer."""
        if claims.token_id is None:
            return None
        good = await find_good(self.db, claims.organization_id, {claims.token_id}, self.clock.now())
        if claims.token_id not in good:
            raise Unauthenticated("This API token is no longer good.")
        return good[claims.token_id]

    async def _keep_seat(self, claims: JoinClaims, welcomed: Welcomed, limit: int | None, *, is_resume: bool) -> None:
        """Hold the seat for another lease; when it is lost, the welcome is taken back and the token stays good.

        A Redis that is away keeps nobody out who had a seat a moment ago: renewals put it back.
        """
        try:
            await self._take_seat(welcomed.live_session, claims.participant_id, limit)
        except (LimitExceeded, Unavailable) as error:
            if isinstance(error, Unavailable) and (welcomed.was_left_at is None or not is_resume):
                log.warning("seat not renewed", live_session_id=str(claims.live_session_id))
                return
            async with self.db.tenant(claims.organization_id) as tx:
                await participants.undo_welcome(tx, claims, welcomed, is_resume=is_resume)
            raise

    # --- going

    async def leave(self, admission: Admission, reason: str) -> bool:
        """Someone is gone: by themselves, or because their socket stayed away.

        Args:
            admission: what let them in; when they came in again since, nothing happens.
            reason: told to the others: left, lost.

        Returns:
            Whether they were in the room by this admission until now. Raises Unavailable.
        """
        claims = admission.claims
        async with self.db.tenant(claims.organization_id) as tx:
            is_gone = await participants.mark_left(tx, claims, self.clock.now())
            if is_gone:
                self._tell_left(tx, claims.live_session_id, claims.participant_id, reason)
        if is_gone:
            await self._let_go(claims.live_session_id, [claims.participant_id])
        return is_gone

    async def remove(self, by: Admission, participant_id: ParticipantId) -> None:
        """Put someone out for the rest of the session. Doing it again changes nothing.

        Raises:
            Forbidden: not a moderator (any more), or the other's role is not below theirs. NotFound. Unavailable.
            InvalidInput: oneself: that is leaving.
        """
        claims = by.claims
        if participant_id == claims.participant_id:
            raise InvalidInput("Leave instead of removing yourself.", field="participantId")
        async with self.db.tenant(claims.organization_id) as tx:
            caller = by.caller
            member = await access.require(tx, caller, claims.organization_id, Permission.MODERATE, claims.room_id)
            role = await participants.find_role(tx, claims.live_session_id, participant_id)
            if role is None:
                raise NotFound("There is no such participant.")
            require_removable(member.role, role)
            if not await participants.mark_removed(tx, participant_id, self.clock.now()):
                return
            run = {"liveSessionId": str(claims.live_session_id)}
            await audit.note(
                tx, caller, claims.organization_id, "participant.removed", ("participant", participant_id), before=run
            )
            order = ParticipantRemoved(live_session_id=claims.live_session_id, participant_id=participant_id)
            tx.after_commit(partial(self.bus.publish, session_topic(claims.live_session_id), order))
            self._tell_left(tx, claims.live_session_id, participant_id, "removed")
        await self._let_go(claims.live_session_id, [participant_id])

    async def mark_lost(
        self, organization_id: OrganizationId, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]
    ) -> list[ParticipantId]:
        """The sweep found nobody holding these. Answers those who were still thought present. Raises Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            lost = await participants.mark_lost(tx, live_session_id, participant_ids, self.clock.now())
            for participant_id in lost:
                self._tell_left(tx, live_session_id, participant_id, "lost")
        await self._let_go(live_session_id, lost)
        return lost

    # --- looking

    async def list_present(self, organization_id: OrganizationId, live_session_id: LiveSessionId) -> list[Participant]:
        """Everyone who was welcomed and has not gone, in the order of their coming. Raises Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            return await participants.list_present(tx, organization_id, live_session_id)

    async def find_session(self, organization_id: OrganizationId, live_session_id: LiveSessionId) -> LiveSession | None:
        """A run, ended or not; None when there is none. Raises Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            return await live_sessions.find_session(tx, organization_id, live_session_id)

    async def count_live(self) -> int:
        """Live sessions of all tenants, >= 0: a figure for operators. Raises Unavailable."""
        async with self.db.platform() as tx:
            return await live_sessions.count_live(tx)

    async def replace_placement(
        self,
        organization_id: OrganizationId,
        live_session_id: LiveSessionId,
        *,
        from_epoch: int,
        avoid: NodeId | None,
    ) -> LiveSession:
        """Give the run a new placement with a higher epoch, unless somebody already did: then theirs is answered.

        Args:
            organization_id: the tenant.
            live_session_id: the run.
            from_epoch: the placement that failed.
            avoid: a node not to choose; None: any will do, also the same.

        Raises:
            NoMediaNode: no node can take it. RoomNotLive: it is over. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            session = require_live(await live_sessions.find_session(tx, organization_id, live_session_id))
            if session.epoch != from_epoch:
                return session
            nodes = [node for node in await node_store.list_nodes(tx) if node.id != avoid]
            node = choose_node(nodes, now=self.clock.now())
            moved = await live_sessions.move_session(
                tx, organization_id, live_session_id, from_epoch=from_epoch, node_id=node.id
            )
            return moved or require_live(await live_sessions.find_session(tx, organization_id, live_session_id))

    # --- inside

    def _tell_left(
        self, tx: Transaction, live_session_id: LiveSessionId, participant_id: ParticipantId, reason: str
    ) -> None:
        event = ParticipantLeft(live_session_id=live_session_id, participant_id=participant_id, reason=reason)
        tx.after_commit(partial(self.bus.publish, session_topic(live_session_id), event))

    async def _take_seat(self, live: LiveSession, participant_id: ParticipantId, limit: int | None) -> None:
        seat = await self.seats.take(live.id, participant_id, limit=limit, started_at=live.started_at)
        if not seat.is_granted:
            raise LimitExceeded(
                "All viewer seats of this room are taken.", limit="viewers_per_room", allowed=limit, used=seat.taken
            )

    async def _release_seat(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        try:
            await self.seats.release(live_session_id, participant_id)
        except Unavailable:
            log.warning("seat not released; its lease will end", live_session_id=str(live_session_id))

    async def _let_go(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        """Give back leases. Failing is harmless: they end by themselves."""
        for participant_id in participant_ids:
            await self._release_seat(live_session_id, participant_id)
            try:
                await self.presence.drop(live_session_id, participant_id)
            except Unavailable:
                log.warning("presence not dropped; its lease will end", live_session_id=str(live_session_id))


def _run(session: LiveSession) -> dict[str, str]:
    return {"liveSessionId": str(session.id)}


async def _require_not_shut_out(tx: Transaction, claims: JoinClaims, user_id: UserId) -> None:
    """Refuse whom an enforced connection keeps out, since they joined. Raises SsoRequired."""
    person = (user_id, claims.sso_connection_id)
    if await sso_store.find_shut_out(tx, claims.organization_id, [person], SSO_TIERS):
        raise access.sso_required(claims.organization_id, None)
