"""RouterGroup: all routers of one live session on this node, and what its participants have open.

Here are the live session's life, its transports and producers; consumers are in `room_consumers`, routers in
`router_seats`, what is open in `media_books`.

Methods that wait are called with the participant's lock held; what they waited for may be gone when they wake, so they
look again before they write the books.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from media_plane.agent.layer_wants import LayerWants
from media_plane.agent.media_books import MediaBooks
from media_plane.agent.media_notices import MediaNotices
from media_plane.agent.node_pipes import NodePipes, PipeAddress
from media_plane.agent.participants import LinkEnd, ParticipantState, ProducerRecord, TransportRecord
from media_plane.agent.room_consumers import RoomConsumers
from media_plane.agent.router_seats import RouterSeat, RouterSeats, SeatRules, Workers
from media_plane.agent.sealed import decode_dtls_parameters, seal
from media_plane.agent.seat_pipes import SeatPipes
from media_plane.contract import messages as m
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.ortc.validate import decode_rtp_parameters
from media_plane.sfu.errors import MediaError, WorkerRejected
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker

INITIAL_OUTGOING_BITRATE_BPS = 1_000_000
"""Where the bandwidth estimate starts. A proposal: enough for a readable first picture, little enough for a phone."""
MIN_OUTGOING_BITRATE_BPS = 100_000
"""What is never estimated lower where there is an upper limit: voices and the lowest layer of one camera."""
USUAL_CONSUMERS = 3
"""What a viewer who waits for something to be published will watch: screen, camera and microphone."""
BITRATE_RANGE_BPS = range(30_000, 1_000_000_001)
"""Bitrates a caller may ask for. The lower end keeps audio alive."""


class RouterGroup:
    """The media of one live session.

    Args:
        live_session_id, epoch: which placement of which live session this is.
        origin: the router publishers send to.
        workers: where more routers can stand.
        rules: when there are more.
        now: monotonic seconds.
        pipe_address: where pipes from other nodes come in; None: there are none.
    """

    def __init__(
        self,
        *,
        live_session_id: str,
        epoch: int,
        origin: RouterSeat,
        workers: Workers,
        rules: SeatRules,
        now: Callable[[], float],
        pipe_address: PipeAddress | None = None,
    ) -> None:
        self.live_session_id = live_session_id
        self.epoch = epoch
        self.rtp_capabilities = seal(origin.router.rtp_capabilities)
        self.is_closed = False
        self._seats = RouterSeats(live_session_id, origin, workers=workers, rules=rules, now=now)
        self._seat_pipes = SeatPipes(origin, linger_s=rules.unpipe_after_s)
        self._now = now
        self._notices = MediaNotices(live_session_id)
        self._participants: dict[str, ParticipantState] = {}
        self._books = MediaBooks(self._notices)
        self.wants = LayerWants(live_session_id, self._books, now)
        self.consumers = RoomConsumers(self._books, self._notices, self._seat_pipes, self.wants)
        self.pipes = NodePipes(
            live_session_id=live_session_id,
            origin=origin,
            books=self._books,
            address=pipe_address,
            now=now,
        )
        self._holders: set[LinkEnd] = set()
        self._unheld_since_s: float | None = now()

    # --- whose it is --------------------------------------------------------------------------------------------

    def hold(self, link: LinkEnd) -> None:
        """This link cares about the live session, until it drops."""
        if not link.is_closed:
            self._holders.add(link)
            self._unheld_since_s = None

    def release(self, link: LinkEnd) -> None:
        """A link dropped: its participants are orphans from now on."""
        now_s = self._now()
        for participant in self._participants.values():
            if participant.link is link:
                participant.orphan(now_s)
        self._holders.discard(link)
        if not self._holders and self._unheld_since_s is None:
            self._unheld_since_s = now_s

    def people(self) -> list[ParticipantState]:
        """Everyone who has something open here."""
        return list(self._participants.values())

    def tell_holders(self, notification: m.Notification) -> None:
        """Notify every link that cares about the live session."""
        for link in self._holders:
            link.notify(notification)

    def orphans(self, limit_s: float) -> list[ParticipantState]:
        """Participants nobody has held since `limit_s` (monotonic seconds) or longer, and that no request is about."""
        return [p for p in self._participants.values() if p.is_orphaned_since(limit_s) and not p.lock.locked()]

    def is_abandoned_since(self, limit_s: float) -> bool:
        """Whether nothing is open and no link has cared since `limit_s` (monotonic seconds) or longer."""
        since_s = self._unheld_since_s
        return not self._participants and since_s is not None and since_s <= limit_s

    @asynccontextmanager
    async def locked(self, participant_id: str, *, create: bool = False) -> AsyncIterator[ParticipantState | None]:
        """A participant with its lock held; callers get it in the order in which they asked.

        Args:
            participant_id: who.
            create: make the participant if there is none; otherwise None is handed out.

        Raises:
            LinkError: room_not_open, when the live session closed while we waited.
        """
        while True:
            participant = self._participants.get(participant_id)
            if participant is None and not create:
                yield None
                return
            if participant is None:
                participant = ParticipantState(self.live_session_id, participant_id, self._now())
                self._participants[participant_id] = participant
            async with participant.lock:
                self._require_open()
                if participant.is_closed:
                    continue  # It closed while we waited; look again.
                yield participant
                return

    # --- transports ---------------------------------------------------------------------------------------------

    async def create_transport(self, participant: ParticipantState, request: m.TransportCreate) -> m.TransportOptions:
        """Make a transport in place of the participant's older one of that direction; a repeat answers what the first did.

        Raises:
            LinkError: conflict, malformed (bitrates), room_not_open, overloaded.
            MediaError: the worker refused or is gone.
        """
        known = self._books.transports.get(request.transport_id)
        if known is not None:
            if known.participant is participant and known.direction == request.direction:
                return known.options
            raise LinkError(LinkErrorCode.CONFLICT, "This transport id is taken.")
        _check_bitrates(
            request.initial_outgoing_bitrate_bps, request.max_incoming_bitrate_bps, request.max_outgoing_bitrate_bps
        )
        record = await self._place_transport(participant, request)
        self._notices.watch_transport(record, self._transport_lost)
        for older in list(participant.transports.values()):
            if older.direction == record.direction and older is not record:
                older.transport.close()
                self._books.strike_transport(older, tell_owner=False)
        return record.options

    async def _place_transport(self, participant: ParticipantState, request: m.TransportCreate) -> TransportRecord:
        """A transport where there is room, in the books. An edge that dies under it is nobody's fault: another is found."""
        expected = 0 if request.direction == "send" else self.producer_count or USUAL_CONSUMERS
        while True:
            async with self._seats.place(request.direction, expected=expected) as seat:
                try:
                    transport = await self._make_transport(participant, request, seat)
                except MediaError:
                    if seat.router.closed and seat is not self._seats.origin and not self.is_closed:
                        continue
                    raise
                options = m.TransportOptions(
                    id=request.transport_id,
                    ice_parameters=seal(transport.ice_parameters),
                    ice_candidates=seal(transport.ice_candidates),
                    dtls_parameters=seal(transport.dtls_parameters),
                )
                record = TransportRecord(
                    request.transport_id, participant, request.direction, seat, transport, options, expected
                )
                self._books.add_transport(record)
                return record

    async def _make_transport(
        self, participant: ParticipantState, request: m.TransportCreate, seat: RouterSeat
    ) -> WebRtcTransport:
        """A transport in the worker, its bitrates set. Whatever goes wrong, none is left."""
        transport = await seat.router.create_webrtc_transport(
            webrtc_server=seat.webrtc_server,
            transport_id=request.transport_id,
            enable_udp=True,
            enable_tcp=True,
            prefer_udp=True,
            initial_available_outgoing_bitrate=request.initial_outgoing_bitrate_bps or INITIAL_OUTGOING_BITRATE_BPS,
        )
        try:
            await _limit_bitrates(transport, request.max_incoming_bitrate_bps, request.max_outgoing_bitrate_bps)
            self._require_open(participant)
            transport.require_open()
        except BaseException:
            transport.close()
            raise
        return transport

    async def connect_transport(self, participant: ParticipantState, transport_id: str, raw: msgspec.Raw) -> None:
        """Hand over the browser's DTLS parameters, once.

        Raises:
            LinkError: not_found, malformed, conflict.
        """
        record = participant.get_transport(transport_id)
        parameters = decode_dtls_parameters(raw)
        said = msgspec.json.encode(parameters)
        if record.connected_with is not None:
            if record.connected_with != said:
                raise LinkError(LinkErrorCode.CONFLICT, "The transport is connected with other parameters.")
            return
        # Written down first: a caller that gives up waiting repeats itself, and the worker takes parameters only once.
        record.connected_with = said
        try:
            await record.transport.connect(dtls_parameters=parameters)
        except WorkerRejected:
            record.connected_with = None
            raise

    async def restart_ice(self, participant: ParticipantState, transport_id: str) -> msgspec.Raw:
        """New ICE credentials, sealed. Raises LinkError not_found."""
        record = participant.get_transport(transport_id)
        sealed = seal(await record.transport.restart_ice())
        record.options = msgspec.structs.replace(record.options, ice_parameters=sealed)
        return sealed

    # --- producers ----------------------------------------------------------------------------------------------

    async def create_producer(self, participant: ParticipantState, request: m.ProducerCreate) -> m.ProducerFacts:
        """Publish a track; a repeat answers what stands.

        Raises:
            LinkError: not_found, conflict, unsupported.
            NegotiationError, MediaError: the parameters make no sense, or the worker refused.
        """
        home = participant.get_transport(request.transport_id, "send")
        known = self._books.producers.get(request.producer_id)
        if known is not None:
            if known.home is home and known.facts.source == request.source and known.facts.kind == request.kind:
                return known.facts
            raise LinkError(LinkErrorCode.CONFLICT, "This producer id is taken.")
        if (request.source == "microphone") is not (request.kind == "audio"):
            raise LinkError(LinkErrorCode.MALFORMED, f"A {request.source} does not send {request.kind}.")
        try:
            producer = await home.transport.produce(
                kind=request.kind,
                rtp_parameters=decode_rtp_parameters(request.rtp_parameters),
                producer_id=request.producer_id,
                paused=request.paused,
            )
        except MediaError as error:
            if home.is_closed and not self.is_closed:
                raise LinkError(LinkErrorCode.NOT_FOUND, "The transport closed meanwhile.") from error
            raise
        facts = m.ProducerFacts(
            producer_id=request.producer_id,
            participant_id=participant.participant_id,
            kind=request.kind,
            source=request.source,
            paused=request.paused,
        )
        record = ProducerRecord(request.producer_id, home, producer, facts)
        self._books.add_producer(record)
        return facts

    async def set_producer_paused(self, participant: ParticipantState, producer_id: str, *, paused: bool) -> None:
        """Pause or resume a producer; whoever consumes it is told. Raises LinkError not_found."""
        record = participant.get_producer(producer_id)
        if record.facts.paused == paused:
            return
        await (record.producer.pause() if paused else record.producer.resume())
        record.set_paused(paused=paused)
        for consumer in record.consumers.values():
            consumer.options = msgspec.structs.replace(consumer.options, producer_paused=paused)
            self._notices.producer_paused(consumer, paused=paused)

    def close_producer(self, participant: ParticipantState, producer_id: str) -> None:
        """Close a producer if it is there; its consumers' owners are told."""
        record = participant.producers.get(producer_id)
        if record is not None:
            record.producer.close()
            self._books.strike_producer(record)

    # --- closing ------------------------------------------------------------------------------------------------

    def close_participant(self, participant: ParticipantState) -> None:
        """Close all of a participant's transports; whoever consumed from it is told. May be called twice."""
        participant.is_closed = True
        if self._participants.get(participant.participant_id) is participant:
            del self._participants[participant.participant_id]
        for record in list(participant.transports.values()):
            record.transport.close()
            self._books.strike_transport(record, tell_owner=False)

    def close_leaving(self) -> None:
        """Close participants who shall go once nobody needs what they publish, and nobody does now."""
        for participant in list(self._participants.values()):
            if participant.is_leaving and not participant.lock.locked() and not self._is_watched(participant):
                self.close_participant(participant)

    def _is_watched(self, participant: ParticipantState) -> bool:
        return any(record.consumers or self.pipes.sends(record.id) for record in participant.producers.values())

    def close(self) -> None:
        """Close every router, silently: `room.lost` says it all. May be called twice."""
        if self.is_closed:
            return
        self.is_closed = True
        self.pipes.close()
        self._seat_pipes.close()
        for participant in self._participants.values():
            participant.is_closed = True
        self._books.close()
        self._seats.close()

    def lose_edges(self, worker: Worker) -> None:
        """Edges that stood on this worker are gone. Whoever had a transport there is told and asks for another."""
        for seat in self._seats.lose(worker):
            for record in [record for record in self._books.transports.values() if record.seat is seat]:
                self._transport_lost(record, "worker_died")

    def close_idle_edges(self) -> None:
        """Close edges that have been empty for a while. Called about once a second."""
        self._seats.close_idle()

    def _transport_lost(self, record: TransportRecord, reason: str) -> None:
        """A transport's DTLS ended (the peer left, or what came was not from it), or its worker did."""
        if self.is_closed or record.is_closed:
            return
        record.transport.close()
        self._notices.transport_closed(record, reason)
        self._books.strike_transport(record, tell_owner=True)

    # --- where things stand -------------------------------------------------------------------------------------

    def stands_on(self, worker: Worker) -> bool:
        """Whether the live session dies with this worker."""
        return self._seats.stands_on(worker)

    def _require_open(self, participant: ParticipantState | None = None) -> None:
        if self.is_closed:
            raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "The live session closed meanwhile.")
        if participant is not None and participant.is_closed:
            raise LinkError(LinkErrorCode.NOT_FOUND, "The participant closed meanwhile.")

    # --- what is here -------------------------------------------------------------------------------------------

    def publishers(self) -> list[m.ParticipantMedia]:
        """What every participant who publishes has open, without their consumers: it must fit in one message."""
        return [
            msgspec.structs.replace(participant.media(), consumer_ids=[])
            for participant in self._participants.values()
            if participant.producers
        ]

    @property
    def participant_count(self) -> int:
        """Participants with anything open, or that a request is about, >= 0.

        Who lost their last transport, or whose first one failed, is known here a while longer and holds no drain.
        """
        return sum(bool(known.transports) or known.lock.locked() for known in self._participants.values())

    @property
    def transport_count(self) -> int:
        """Transports open, >= 0."""
        return len(self._books.transports)

    @property
    def producer_count(self) -> int:
        """Producers open, >= 0."""
        return len(self._books.producers)

    @property
    def consumer_count(self) -> int:
        """Consumers open, >= 0."""
        return len(self._books.consumers)


async def _limit_bitrates(transport: WebRtcTransport, incoming_bps: int | None, outgoing_bps: int | None) -> None:
    """Hold the peer to what it may send, and ourselves to what it is sent, all in one flight. None: no limit."""
    limits = []
    if incoming_bps is not None:
        limits.append(transport.set_max_incoming_bitrate(incoming_bps))
    if outgoing_bps is not None:
        limits.append(transport.set_max_outgoing_bitrate(outgoing_bps))
        limits.append(transport.set_min_outgoing_bitrate(min(outgoing_bps, MIN_OUTGOING_BITRATE_BPS)))
    await asyncio.gather(*limits)


def _check_bitrates(*asked_bps: int | None) -> None:
    """Refuse bitrates out of range; None asks for nothing. Raises LinkError malformed."""
    for bitrate_bps in asked_bps:
        if bitrate_bps is not None and bitrate_bps not in BITRATE_RANGE_BPS:
            limits = f"{BITRATE_RANGE_BPS.start} to {BITRATE_RANGE_BPS.stop - 1}"
            raise LinkError(LinkErrorCode.MALFORMED, f"A bitrate must be {limits} bits per second.")
