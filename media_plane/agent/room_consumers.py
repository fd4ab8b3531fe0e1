"""Who watches what in one live session: making, holding and closing consumers.

Methods that wait are called with the participant's lock held; what they waited for may be gone when they wake, so they
look again before they write the books.
"""

from __future__ import annotations

import asyncio

from media_plane.agent.layer_wants import LayerWants
from media_plane.agent.media_books import MediaBooks
from media_plane.agent.media_notices import MediaNotices
from media_plane.agent.participants import ConsumerRecord, ParticipantState, ProducerRecord, TransportRecord
from media_plane.agent.sealed import seal
from media_plane.agent.seat_pipes import Feed, SeatPipes
from media_plane.contract import messages as m
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.ortc.errors import UnsupportedError
from media_plane.ortc.rtp import RtpCapabilities
from media_plane.ortc.validate import decode_rtp_capabilities
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.errors import InvalidState, MediaError
from media_plane.sfu.producer import Producer

MAX_WISHES = 64
"""Consumers per request: their answers fit in one message."""
SCREEN_PRIORITY, CAMERA_PRIORITY = 255, 100
"""Who gets bits first when there are few: the chart."""
PRIORITIES = range(1, 256)
"""mediasoup's scale; a higher one is served first."""


class RoomConsumers:
    """The consumers of a live session.

    Args:
        books: what is open.
        notices: tells owners what changes.
        pipes: bring what is published to the router a viewer is on.
        wants: told when a viewer may want more of a track.
    """

    def __init__(self, books: MediaBooks, notices: MediaNotices, pipes: SeatPipes, wants: LayerWants) -> None:
        self._books = books
        self._notices = notices
        self._pipes = pipes
        self._wants = wants

    async def create(self, participant: ParticipantState, request: m.ConsumerCreate) -> m.ConsumersCreated:
        """Consume several producers at once, each consumer paused.

        Raises:
            LinkError: not_found (the transport), conflict (an id is taken), too_large (too many wishes).
            NegotiationError: the capabilities make no sense.
            MediaError: the worker is gone. What was made before that stays, and a repeat finds it.
        """
        home = participant.get_transport(request.transport_id, "recv")
        self._check_wishes(home, request.wishes)
        caps = decode_rtp_capabilities(request.rtp_capabilities)
        outcomes = await asyncio.gather(
            *(self._consume(home, wish, caps) for wish in request.wishes),
            return_exceptions=True,
        )
        consumers: list[m.ConsumerOptions] = []
        refused: list[m.ConsumerRefused] = []
        for wish, outcome in zip(request.wishes, outcomes, strict=True):
            if isinstance(outcome, m.ConsumerOptions):
                consumers.append(outcome)
            elif isinstance(outcome, LinkError):
                refused.append(m.ConsumerRefused(producer_id=wish.producer_id, code=outcome.code))
            else:
                raise outcome
        return m.ConsumersCreated(consumers=consumers, refused=refused)

    def _check_wishes(self, home: TransportRecord, wishes: list[m.ConsumerWish]) -> None:
        if len(wishes) > MAX_WISHES:
            raise LinkError(LinkErrorCode.TOO_LARGE, f"At most {MAX_WISHES} consumers per request.", allowed=MAX_WISHES)
        if len({wish.consumer_id for wish in wishes}) < len(wishes):
            raise LinkError(LinkErrorCode.MALFORMED, "wishes name the same consumer twice.")
        for wish in wishes:
            known = self._books.consumers.get(wish.consumer_id)
            if known is not None and (known.home is not home or known.source.id != wish.producer_id):
                raise LinkError(LinkErrorCode.CONFLICT, "A consumer id is taken.")

    async def _consume(self, home: TransportRecord, wish: m.ConsumerWish, caps: RtpCapabilities) -> m.ConsumerOptions:
        """One consumer. Raises LinkError not_found or unsupported for this wish alone; MediaError for all."""
        known = self._books.consumers.get(wish.consumer_id)
        if known is not None:
            return known.options
        source = self._books.producers.get(wish.producer_id)
        if source is None:
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such producer.")
        consumer, feed = await self._make(home, source, wish.consumer_id, caps)
        options = m.ConsumerOptions(
            id=wish.consumer_id,
            producer_id=source.id,
            participant_id=source.facts.participant_id,
            kind=source.facts.kind,
            source=source.facts.source,
            rtp_parameters=seal(consumer.rtp_parameters),
            producer_paused=source.facts.paused,
        )
        record = ConsumerRecord(wish.consumer_id, home, source, consumer, options, feed)
        self._books.add_consumer(record)
        self._notices.watch_consumer(record)
        # Before the viewer is ready: the sender starts what it had switched off while DTLS is still on its way.
        self._wants.look_at(source)
        return options

    async def _make(
        self, home: TransportRecord, source: ProducerRecord, consumer_id: str, caps: RtpCapabilities
    ) -> tuple[Consumer, Feed[Producer]]:
        """A paused consumer in the worker, its priority set, and its feed. Whatever goes wrong, none is left."""
        consumer: Consumer | None = None
        feed: Feed[Producer] | None = None
        try:
            feed = await self._pipes.feed(home.seat, source.producer)
            consumer = await home.transport.consume(
                producer_id=feed.producer.id,
                rtp_capabilities=caps,
                consumer_id=consumer_id,
                paused=True,
            )
            if source.facts.kind == "video":
                await consumer.set_priority(SCREEN_PRIORITY if source.facts.source == "screen" else CAMERA_PRIORITY)
            if _is_gone(home, source) or consumer.closed:
                raise InvalidState("It closed meanwhile.")  # noqa: TRY301 - the same end as when the worker notices
        except BaseException as error:
            if consumer is not None:
                consumer.close()
            if feed is not None:
                feed.release()
            if isinstance(error, UnsupportedError):
                raise LinkError(LinkErrorCode.UNSUPPORTED, "This browser can't decode the producer.") from error
            if isinstance(error, MediaError) and _is_gone(home, source):
                raise LinkError(LinkErrorCode.NOT_FOUND, "The producer or the transport closed meanwhile.") from error
            raise
        return consumer, feed

    async def set_paused(self, participant: ParticipantState, ids: list[str], *, paused: bool) -> None:
        """Pause or resume consumers; ids already gone are skipped."""
        records = [participant.consumers[consumer_id] for consumer_id in ids if consumer_id in participant.consumers]
        for record in records:
            record.is_held = paused
            if not paused:
                self._wants.look_at(record.source)
        calls = (record.consumer.pause() if paused else record.consumer.resume() for record in records)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        for record, outcome in zip(records, outcomes, strict=True):
            if isinstance(outcome, BaseException) and not record.is_closed:
                raise outcome

    def close(self, participant: ParticipantState, ids: list[str]) -> None:
        """Close consumers; ids already gone are skipped."""
        for consumer_id in ids:
            record = participant.consumers.get(consumer_id)
            if record is not None:
                record.consumer.close()
                self._books.strike_consumer(record)

    async def set_preferred_layers(
        self,
        participant: ParticipantState,
        request: m.ConsumerSetPreferredLayers,
    ) -> None:
        """Cap a consumer's layers. Raises LinkError not_found or malformed."""
        record = participant.get_consumer(request.consumer_id)
        temporal = request.temporal_layer
        if not 0 <= request.spatial_layer <= 7 or not (temporal is None or 0 <= temporal <= 7):
            raise LinkError(LinkErrorCode.MALFORMED, "Layers go from 0 to 7.")
        await record.consumer.set_preferred_layers(spatial_layer=request.spatial_layer, temporal_layer=temporal)
        self._wants.look_at(record.source)

    async def set_priority(self, participant: ParticipantState, request: m.ConsumerSetPriority) -> None:
        """Say who gets bits first. Raises LinkError not_found or malformed."""
        record = participant.get_consumer(request.consumer_id)
        if request.priority not in PRIORITIES:
            raise LinkError(LinkErrorCode.MALFORMED, "A priority goes from 1 to 255.")
        await record.consumer.set_priority(request.priority)


def _is_gone(home: TransportRecord, source: ProducerRecord) -> bool:
    """Whether a viewer's transport or what it wanted is closed; the former also before its worker's death is told."""
    return source.is_closed or home.is_closed or home.transport.closed
