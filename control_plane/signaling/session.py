"""A live session as this process holds it: its people, tracks and feed as told, and the sockets here.

Own changes and others' take one path: `apply`. Whatever arrives while the rows are being read is applied once more after
them, so nothing falls between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

import msgspec
import structlog

from control_plane.domain import events
from control_plane.domain.errors import DomainError, InvalidInput, Unavailable
from control_plane.domain.events import Event, FeedEvent, room_topic, session_topic
from control_plane.domain.ids import NodeId, ParticipantId
from control_plane.domain.participants import Participant
from control_plane.domain.rooms import LiveSession
from control_plane.services.media import Placement, placement_of
from control_plane.signaling import messages as m
from control_plane.signaling.connection import Connection
from control_plane.signaling.feed_window import WINDOW, FeedWindow
from control_plane.signaling.needs import Admission, Needs
from control_plane.signaling.ratings import Ratings
from control_plane.signaling.roster import Roster
from control_plane.signaling.telling import notification_for, owner_of
from control_plane.signaling.wire import encode_notification
from media_plane.contract.messages import ParticipantMedia

HOLE_PATIENCE_S = 0.05
"""How long a hole in the feed may be: neighbours often cross on their way here, seconds."""
CONTEST_S = 5.0
"""Sockets of one person welcomed within this time of each other are settled by their ids: the later one stays, seconds."""

log = structlog.get_logger("signaling")


class Session:
    """One held live session.

    Args:
        needs: services and gateways.
        live: its row.
    """

    def __init__(self, needs: Needs, live: LiveSession) -> None:
        self.needs = needs
        self.id = live.id
        self.organization_id = live.organization_id
        self.room_id = live.room_id
        self.started_at = live.started_at
        self.placement = placement_of(live)
        self.leaving: Placement | None = None
        """An older placement that is still open while its people move away from it."""
        self.edge_node_ids: set[NodeId] = set()
        """Other nodes that serve people of this session, as far as this process knows."""
        self.older_edges: list[Placement] = []
        """Edges of older placements, until people had time to move away from them."""
        self.has_media = False
        """Whether the room is known to be open at the placement."""
        self.roster = Roster()
        self.ratings = Ratings()
        self.feed = FeedWindow()
        self.connections: dict[ParticipantId, Connection] = {}
        self.ghosts: dict[ParticipantId, tuple[Admission, asyncio.TimerHandle]] = {}
        """People whose socket is lost, for their grace time."""
        self.joining = 0
        """Hellos that are being answered."""
        self.is_over = False
        self.idle_since_s: float | None = None
        self.on_producer_opened: Callable[[str], None] = lambda _: None
        """Told of a new track, so that it is offered to the sockets here."""
        self.on_producer_gone: Callable[[str], None] = lambda _: None
        """Told of a track that is gone."""
        self.on_ended: Callable[[], None] = lambda: None
        """Told once that the session is over."""
        self._is_loaded = False
        self._recording: list[Event] | None = None
        self._unsubscribe: list[Callable[[], Awaitable[None]]] = []
        self._repairing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # --- life ---------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Listen, then read: people, feed and media.

        Raises:
            Unavailable: Redis or the database is away. The media may be: then `has_media` stays False.
            RoomNotLive: it is over.
        """
        self._recording = []
        listen = self.needs.bus.subscribe
        self._unsubscribe.append(await listen(session_topic(self.id), self._hear))
        self._unsubscribe.append(await listen(room_topic(self.room_id), self._hear))
        people, present, (entries, last_seq), media = await asyncio.gather(
            self.needs.live.list_present(self.organization_id, self.id),
            self._find_leases(),
            self.needs.feed.newest(self.organization_id, self.room_id, WINDOW),
            self._open_media(),
        )
        for person in people:
            self.roster.apply(events.ParticipantJoined(live_session_id=self.id, participant=person))
            if present is not None and person.id not in present:
                self._mark_away(person.id)
        if media is not None:
            self.roster.replace_tracks(
                (fact for participant in media for fact in participant.producers), self.placement.epoch
            )
        self.feed = FeedWindow(entries, entries[-1].seq if entries else last_seq)
        self.feed.note_last_seq(last_seq)
        self._is_loaded = True
        self._replay()

    async def _find_leases(self) -> set[ParticipantId] | None:
        try:
            return await self.needs.presence.present(self.id)
        except Unavailable:
            return None

    async def _open_media(self) -> list[ParticipantMedia] | None:
        try:
            self.placement, answer = await self.needs.media.ensure_room(self.placement)
        except (Unavailable, InvalidInput) as error:
            # InvalidInput: the node's answer is over the link's size limit.
            log.warning("media_away", live_session_id=str(self.id), reason=error.message)
            return None
        self.has_media = True
        return answer.participants

    def _mark_away(self, participant_id: ParticipantId) -> None:
        self.roster.apply(
            events.ParticipantConnectionChanged(
                live_session_id=self.id, participant_id=participant_id, is_connected=False
            )
        )

    def record(self) -> None:
        """From now on keep what is heard, for `replace_tracks`."""
        self._recording = []

    def replace_tracks(self, media: Iterable[ParticipantMedia]) -> None:
        """Believe the media node about what is published; what was heard since `record` counts too. Nobody is told."""
        self.ratings.unwanted.clear()
        self.roster.replace_tracks(
            (fact for participant in media for fact in participant.producers), self.placement.epoch
        )
        self._replay()

    def end_record(self) -> None:
        """Forget what was kept since `record`: it was applied as it came."""
        self._recording = None

    def move_tracks(self, media: Iterable[ParticipantMedia]) -> None:
        """The room has moved to the placement: what is published there already, and what was heard since `record`."""
        # Tracks keep their ids, and the new node begins with everything wanted.
        self.ratings.unwanted.clear()
        self.roster.move((fact for participant in media for fact in participant.producers), self.placement.epoch)
        self._replay()

    def place_of(self, connection: Connection) -> Placement:
        """Where this browser's media is."""
        if connection.edge_node_id is None:
            return self.placement
        return self.edge(connection.edge_node_id)

    def edge(self, node_id: NodeId) -> Placement:
        """The session on another node than its own."""
        return msgspec.structs.replace(self.placement, node_id=node_id)

    def places(self) -> list[Placement]:
        """Everywhere someone of this session may have media."""
        edges = [self.edge(node_id) for node_id in self.edge_node_ids if node_id != self.placement.node_id]
        return [self.placement, *edges, *self.older_edges, *([self.leaving] if self.leaving is not None else [])]

    async def close_media(self, participant_id: ParticipantId) -> None:
        """Close everything a participant has open, wherever. What can't be closed now is closed there as an orphan."""
        closing = (self.needs.media.close_participant(place, participant_id) for place in self.places())
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, DomainError):
                log.warning("media_not_closed", participant_id=str(participant_id), code=outcome.code)
            elif isinstance(outcome, BaseException):
                raise outcome

    def _replay(self) -> None:
        heard, self._recording = self._recording or [], None
        for event in heard:
            self.apply(event)

    @property
    def is_idle(self) -> bool:
        """Whether nobody here needs it."""
        return not self.connections and not self.ghosts and self.joining == 0

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run work that belongs to the session; cancelled with it."""
        _ = self.start(work)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """As `spawn`, for who wants to know when it is done."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Stop listening and all work of the session. May be called twice."""
        self.is_over = True
        for _, timer in self.ghosts.values():
            timer.cancel()
        self.ghosts.clear()
        unsubscribe, self._unsubscribe = self._unsubscribe, []
        for end in unsubscribe:
            await end()
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- events -------------------------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        if self._recording is not None:
            self._recording.append(event)
        if self._is_loaded and not self.is_over:
            self.apply(event)

    async def tell(self, event: Event) -> None:
        """Something happened here: apply it, and tell the other processes."""
        self._hear(event)
        await self.needs.bus.publish(session_topic(self.id), event)

    def apply(self, event: Event) -> None:
        """Take an event in, from here or elsewhere, and tell the sockets here what it changed."""
        match event:
            case events.FeedAppended():
                self.add_to_feed([event.event])
            case events.ParticipantReplaced():
                self._yield(event)
            case events.ParticipantRemoved():
                self._put_out(event.participant_id)
            case events.ParticipantRoleChanged():
                self.regrade(event.participant)
            case events.SessionEnded():
                self.end()
            case events.ParticipantLeft():
                for producer_id in self.roster.tracks_of(event.participant_id):
                    self.apply(
                        events.ProducerGone(
                            live_session_id=self.id, participant_id=event.participant_id, producer_id=producer_id
                        )
                    )
                self._apply_to_roster(event)
            case _:
                self._apply_to_roster(event)

    def _apply_to_roster(self, event: Event) -> None:
        was_here = self._is_here(event)
        if not self.roster.apply(event):
            if isinstance(event, events.ProducerOpened) and not was_here and self._is_here(event):
                # Known, and published at the new placement now.
                self.on_producer_opened(event.producer_id)
            return
        notification = notification_for(event, self.roster)
        if notification is None:
            return
        # A closed track is told to its owner too: the media plane may have closed it.
        hears_own = isinstance(event, events.ProducerGone)
        self.tell_all(notification, but=None if hears_own else owner_of(event))
        if isinstance(event, events.ProducerOpened):
            self.on_producer_opened(event.producer_id)
        elif isinstance(event, events.ProducerGone):
            self.on_producer_gone(event.producer_id)

    def _is_here(self, event: Event) -> bool:
        if not isinstance(event, events.ProducerOpened):
            return False
        track = self.roster.tracks.get(event.producer_id)
        return track is not None and self.roster.is_here(track)

    def tell_all(self, notification: m.NotificationBase, *, but: ParticipantId | None = None) -> None:
        """Push a notification to every socket here, encoded once."""
        message = encode_notification(notification)
        for participant_id, connection in self.connections.items():
            if participant_id != but:
                connection.socket.notify(message)

    # --- people -------------------------------------------------------------------------------------------------

    def enter(self, connection: Connection) -> None:
        """A socket is welcomed: it takes the place of an older one and of a ghost."""
        older = self.connections.get(connection.participant_id)
        self.connections[connection.participant_id] = connection
        self.lay_ghost(connection.participant_id)
        if older is not None:
            older.socket.close(m.CloseCode.REPLACED, "joined from elsewhere")

    def lay_ghost(self, participant_id: ParticipantId) -> Admission | None:
        """A lost person is back, or gone for good. Answers the ghost's admission."""
        ghost = self.ghosts.pop(participant_id, None)
        if ghost is None:
            return None
        ghost[1].cancel()
        return ghost[0]

    def _yield(self, event: events.ParticipantReplaced) -> None:
        connection = self.connections.get(event.participant_id)
        if connection is None:
            self.lay_ghost(event.participant_id)
            return
        if connection.id == event.connection_id:
            return
        age_s = asyncio.get_running_loop().time() - connection.welcomed_at_s
        if age_s < CONTEST_S and connection.id > event.connection_id:
            return
        del self.connections[event.participant_id]
        connection.socket.close(m.CloseCode.REPLACED, "joined from elsewhere")

    def _put_out(self, participant_id: ParticipantId) -> None:
        was_here = self.lay_ghost(participant_id) is not None or participant_id in self.connections
        connection = self.connections.pop(participant_id, None)
        self.apply(events.ParticipantLeft(live_session_id=self.id, participant_id=participant_id, reason="removed"))
        if connection is not None:
            connection.socket.close(m.CloseCode.REMOVED, "removed")
        if was_here:
            # Whoever ordered it may hold no link to the node (a membership ends by REST), or not know every place.
            self.spawn(self.close_media(participant_id))

    def regrade(self, participant: Participant) -> None:
        """Someone's role changed: from now on they may what it says, and what they publish without the right is closed."""
        # A ghost's admission stays as it is: who comes back is welcomed with the role of the rows.
        connection = self.connections.get(participant.id)
        if connection is not None:
            connection.admission = msgspec.structs.replace(connection.admission, participant=participant)
        if self.roster.regrade(participant):
            self.tell_all(
                m.ParticipantRoleChanged(participant_id=participant.id, role=participant.role, grant=participant.grant)
            )
        if connection is not None or participant.id in self.ghosts:
            self.take_back(participant)

    def take_back(self, participant: Participant) -> None:
        """Close what someone publishes who may not (any more)."""
        if participant.grant.can_publish:
            return
        for producer_id in self.roster.tracks_of(participant.id):
            self.spawn(self._close_producer(participant.id, producer_id))

    async def _close_producer(self, participant_id: ParticipantId, producer_id: str) -> None:
        try:
            await self.needs.media.close_producer(self.placement, participant_id, producer_id)
        except DomainError as error:
            # The sweep tries again.
            log.warning("producer_not_closed", participant_id=str(participant_id), code=error.code)
            return
        connection = self.connections.get(participant_id)
        if connection is not None:
            connection.producer_ids.discard(producer_id)
        await self.tell(
            events.ProducerGone(live_session_id=self.id, participant_id=participant_id, producer_id=producer_id)
        )

    def end(self) -> None:
        """It is over: tell and close every socket. May be called twice."""
        if self.is_over:
            return
        self.is_over = True
        self.tell_all(m.SessionEnded())
        for connection in list(self.connections.values()):
            connection.socket.close(m.CloseCode.SESSION_ENDED, "the session is over")
        self.connections.clear()
        self.on_ended()

    def match_people(self, people: Iterable[Participant], known: set[ParticipantId]) -> None:
        """Believe the rows about who is there; tell what was missed.

        Args:
            people: everyone the rows say is there.
            known: everyone who was known before the rows were read: who came or went since is newer than the rows.
        """
        listed = {person.id: person for person in people}
        for participant_id in (self.roster.people.keys() & known) - listed.keys():
            if participant_id in self.connections:
                # The push that they were put out was lost; whoever was not comes back by their resume token.
                self._put_out(participant_id)
                continue
            self.apply(events.ParticipantLeft(live_session_id=self.id, participant_id=participant_id, reason="left"))
        for participant_id in listed.keys() & known & self.roster.people.keys():
            self.regrade(listed[participant_id])
        for participant_id in listed.keys() - known - self.roster.people.keys():
            self.apply(events.ParticipantJoined(live_session_id=self.id, participant=listed[participant_id]))

    # --- feed ---------------------------------------------------------------------------------------------------

    def add_to_feed(self, entries: Iterable[FeedEvent]) -> None:
        """Take in feed entries; tell them in order; read what is missing."""
        self._tell_feed(entries)
        if self.feed.has_hole:
            self.repair_feed()

    def _tell_feed(self, entries: Iterable[FeedEvent]) -> None:
        """Push what is new of these to every socket here that may read the feed, encoded once."""
        for entry in self.feed.add(entries):
            message = encode_notification(m.FeedAppended(event=entry))
            for connection in self.connections.values():
                if connection.reads_feed:
                    connection.socket.notify(message)

    def note_last_seq(self, last_seq: int) -> None:
        """The rows say how far the feed is."""
        self.feed.note_last_seq(last_seq)
        if self.feed.has_hole:
            self.repair_feed()

    def repair_feed(self) -> None:
        """Fill the hole from the rows, soon."""
        if self._repairing is None or self._repairing.done():
            self._repairing = self.start(self._repair())

    async def _repair(self) -> None:
        await asyncio.sleep(HOLE_PATIENCE_S)
        while self.feed.has_hole:
            try:
                entries, last_seq = await self.needs.feed.read(
                    self.organization_id, self.room_id, after=self.feed.told_seq, limit=WINDOW
                )
            except DomainError as error:
                # The sweep tries again.
                log.warning("feed_repair_failed", live_session_id=str(self.id), reason=error.message)
                return
            self._tell_feed(entries)
            self.feed.note_last_seq(last_seq)
            if not entries:
                return
