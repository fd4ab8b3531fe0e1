"""Pipes of one live session to the same one on other nodes: SRTP with GCM, lost packets asked for again.

An origin sends, an edge receives; one end serves both. What comes out of a pipe stands in the books as a producer like
any other, under the id it has at its origin, so consumers are made of it as usual. Wire: `contract/pipes.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
import structlog

from media_plane.agent.media_books import MediaBooks
from media_plane.agent.participants import ParticipantState, ProducerRecord
from media_plane.agent.router_seats import RouterSeat
from media_plane.agent.sealed import seal
from media_plane.channel.values.transport import ListenInfo, PortRange, SrtpParameters
from media_plane.contract import pipes as p
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.ortc.validate import decode_rtp_parameters
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.errors import MediaError, WorkerRejected
from media_plane.sfu.pipe_transport import PipeTransport

_srtp_decoder = msgspec.json.Decoder(SrtpParameters)
log = structlog.get_logger("node_pipes")


@dataclass(frozen=True, slots=True, kw_only=True)
class PipeAddress:
    """Where pipes of this node listen.

    Attributes:
        listen_ip: IP address they bind.
        announced_address: what other nodes are told instead; None: the listen IP.
        ports: lowest and highest UDP port, both included.
    """

    listen_ip: str
    announced_address: str | None
    ports: tuple[int, int]

    def listen_info(self) -> ListenInfo:
        """As the worker takes it."""
        low, high = self.ports
        return ListenInfo(
            protocol="udp",
            ip=self.listen_ip,
            announced_address=self.announced_address,
            port_range=PortRange(min=low, max=high),
        )


@dataclass(slots=True, eq=False)
class PipeEnd:
    """This node's end of the pipe to one other node. What comes out of it has it as its home.

    Attributes:
        participant: stands for everyone who publishes over there; it is nobody's on this node.
        producers: tracks that come out, by producer id. sent: tracks that go in, likewise.
        connected_with: the other end, as it was told; None before.
        unused_since_s: since when nothing goes in or comes out, by the node's clock; None while something does.
    """

    peer_node_id: str
    transport: PipeTransport
    opened: p.PipeOpened
    participant: ParticipantState
    unused_since_s: float | None
    producers: dict[str, ProducerRecord] = field(default_factory=dict)
    sent: dict[str, tuple[Consumer, p.PipedTrack]] = field(default_factory=dict)
    connected_with: bytes | None = None
    is_closed: bool = False


class NodePipes:
    """All pipes of one live session on this node.

    Args:
        live_session_id: whose.
        origin: the seat to which publishers here send.
        books: what is open in the live session.
        address: where pipes listen; None: this node takes part in none.
        now: monotonic seconds.
    """

    def __init__(
        self,
        *,
        live_session_id: str,
        origin: RouterSeat,
        books: MediaBooks,
        address: PipeAddress | None,
        now: Callable[[], float],
    ) -> None:
        self._live_session_id = live_session_id
        self._router = origin.router
        self._load = origin.load
        self._books = books
        self._address = address
        self._now = now
        self._ends: dict[str, PipeEnd] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._is_closed = False

    def __iter__(self) -> Iterator[PipeEnd]:
        yield from self._ends.values()

    @property
    def is_sending(self) -> bool:
        """Whether another node is fed from here."""
        return any(end.sent for end in self._ends.values())

    def sends(self, producer_id: str) -> bool:
        """Whether some other node gets this producer: who watches it there is not known here."""
        return any(producer_id in end.sent for end in self._ends.values())

    def incoming_ids(self) -> list[str]:
        """Producers that come from other nodes."""
        return [producer_id for end in self._ends.values() for producer_id in end.producers]

    # --- what links ask -----------------------------------------------------------------------------------------

    async def open(self, request: p.PipeOpen) -> p.PipeOpened:
        """Make the end towards a node; a repeat answers the same. Many may ask at once; one is made.

        Raises:
            LinkError: unsupported, room_not_open.
            MediaError: the worker refused or is gone.
        """
        peer = request.peer_node_id
        async with self._opening.setdefault(peer, asyncio.Lock()):
            end = self._ends.get(peer)
            if end is None:
                end = await self._make(peer)
            return end.opened

    async def connect(self, request: p.PipeConnect) -> None:
        """Tell an end where the other one is, once. Raises LinkError not_found, malformed, conflict; MediaError."""
        end = self._get(request)
        srtp = _decode_srtp(request.srtp_parameters)
        said = msgspec.json.encode((request.ip, request.port, srtp))
        if end.connected_with is not None:
            if end.connected_with != said:
                raise LinkError(LinkErrorCode.CONFLICT, "The pipe is connected with another end.")
            return
        # Written down first: a caller that gives up waiting repeats itself, and the worker takes it only once.
        end.connected_with = said
        try:
            await end.transport.connect(ip=request.ip, port=request.port, srtp_parameters=srtp)
        except WorkerRejected:
            end.connected_with = None
            raise

    async def send(self, request: p.PipeSend) -> p.PipeSent:
        """Let producers flow into a pipe; those that are gone, or come by a pipe themselves, are left out.

        Raises:
            LinkError: not_found, conflict.
            MediaError: the worker is gone. What was sent before that stays, and a repeat finds it.
        """
        end = self._get_connected(request)
        tracks = [await self._send(end, producer_id) for producer_id in dict.fromkeys(request.producer_ids)]
        return p.PipeSent(tracks=[track for track in tracks if track is not None])

    async def receive(self, request: p.PipeReceive) -> None:
        """Take tracks out of a pipe.

        Raises:
            LinkError: not_found, conflict.
            NegotiationError, MediaError: the parameters make no sense, or the worker refused.
        """
        end = self._get_connected(request)
        for track in request.tracks:
            await self._receive(end, track)

    def drop(self, request: p.PipeDrop) -> None:
        """Take producers out of a pipe, or close the whole end; what is gone already is skipped."""
        end = self._ends.get(request.peer_node_id)
        if end is None or request.pipe_id not in {"", end.opened.pipe_id}:
            return
        if not request.producer_ids:
            self._close(end)
            return
        for producer_id in request.producer_ids:
            if producer_id in end.sent:
                end.sent[producer_id][0].close()
            record = end.producers.get(producer_id)
            if record is not None:
                record.producer.close()
                self._books.strike_producer(record)
        self._note_use(end)

    # --- what happens to us -------------------------------------------------------------------------------------

    def close_unused(self, limit_s: float) -> None:
        """Close ends that carried nothing since `limit_s` (monotonic seconds) or longer."""
        for end in list(self._ends.values()):
            if end.unused_since_s is not None and end.unused_since_s <= limit_s:
                self._close(end)

    def close(self) -> None:
        """The live session is gone; its router takes the transports along. May be called twice."""
        self._is_closed = True
        for end in self._ends.values():
            end.is_closed = True
        self._ends.clear()

    # --- inside -------------------------------------------------------------------------------------------------

    async def _make(self, peer_node_id: str) -> PipeEnd:
        if self._address is None:
            raise LinkError(LinkErrorCode.UNSUPPORTED, "This node has no address for pipes.")
        transport = await self._router.create_pipe_transport(
            listen_info=self._address.listen_info(), enable_rtx=True, enable_srtp=True
        )
        if self._is_closed:
            transport.close()
            raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "The live session closed meanwhile.")
        opened = p.PipeOpened(
            pipe_id=transport.id,
            ip=transport.tuple.local_address,
            port=transport.tuple.local_port,
            srtp_parameters=seal(transport.srtp_parameters),
        )
        now_s = self._now()
        end = PipeEnd(
            peer_node_id=peer_node_id,
            transport=transport,
            opened=opened,
            participant=ParticipantState(self._live_session_id, peer_node_id, now_s),
            unused_since_s=now_s,
        )
        self._ends[peer_node_id] = end
        log.info("pipe_opened", live_session_id=self._live_session_id, peer_node_id=peer_node_id)
        return end

    def _get(self, request: p.PipeEndRequest) -> PipeEnd:
        end = self._ends.get(request.peer_node_id)
        if end is None or end.opened.pipe_id != request.pipe_id:
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such pipe.")
        return end

    def _get_connected(self, request: p.PipeEndRequest) -> PipeEnd:
        end = self._get(request)
        if end.connected_with is None:
            raise LinkError(LinkErrorCode.CONFLICT, "The pipe is not connected.")
        return end

    async def _send(self, end: PipeEnd, producer_id: str) -> p.PipedTrack | None:
        record = self._books.producers.get(producer_id)
        if record is None or isinstance(record.home, PipeEnd):
            return None
        known = end.sent.get(producer_id)
        if known is not None:
            return msgspec.structs.replace(known[1], producer=record.facts)
        try:
            consumer = await end.transport.consume(producer_id=producer_id)
        except MediaError:
            if record.is_closed:
                return None
            raise
        if record.is_closed or end.is_closed or producer_id in end.sent:
            # It closed while we waited, or another link was faster.
            consumer.close()
            again = end.sent.get(producer_id)
            return None if again is None else again[1]
        track = p.PipedTrack(producer=record.facts, rtp_parameters=seal(consumer.rtp_parameters))
        end.sent[producer_id] = (consumer, track)
        record.is_piped = True
        end.unused_since_s = None
        self._load.consumers += 1
        consumer.on_close(lambda _reason: self._sent_closed(end, producer_id))
        return track

    def _sent_closed(self, end: PipeEnd, producer_id: str) -> None:
        self._load.consumers -= 1
        end.sent.pop(producer_id, None)
        record = self._books.producers.get(producer_id)
        if record is not None:
            record.is_piped = self.sends(producer_id)
        self._note_use(end)

    async def _receive(self, end: PipeEnd, track: p.PipedTrack) -> None:
        facts = track.producer
        known = self._books.producers.get(facts.producer_id)
        if known is not None:
            if known.home is end:
                known.facts = facts
                return
            if not isinstance(known.home, PipeEnd):
                raise LinkError(LinkErrorCode.CONFLICT, "This producer id is taken.")
            # It comes from another node now: whoever takes it out of a pipe last knows best.
            known.producer.close()
            self._books.strike_producer(known)
            self._note_use(known.home)
        # Never paused here: a track that is paused at its origin sends nothing.
        producer = await end.transport.produce(
            kind=facts.kind,
            rtp_parameters=decode_rtp_parameters(track.rtp_parameters),
            producer_id=facts.producer_id,
        )
        if end.is_closed:
            producer.close()
            raise LinkError(LinkErrorCode.NOT_FOUND, "The pipe closed meanwhile.")
        self._books.add_producer(ProducerRecord(facts.producer_id, end, producer, facts))
        end.unused_since_s = None

    def _close(self, end: PipeEnd) -> None:
        if end.is_closed:
            return
        end.is_closed = True
        if self._ends.get(end.peer_node_id) is end:
            del self._ends[end.peer_node_id]
        end.transport.close()
        for record in list(end.producers.values()):
            self._books.strike_producer(record)
        log.info("pipe_closed", live_session_id=self._live_session_id, peer_node_id=end.peer_node_id)

    def _note_use(self, end: PipeEnd) -> None:
        if not end.sent and not end.producers:
            end.unused_since_s = self._now()


def _decode_srtp(raw: msgspec.Raw) -> SrtpParameters:
    try:
        return _srtp_decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise LinkError(LinkErrorCode.MALFORMED, "The SRTP parameters cannot be read.") from error
