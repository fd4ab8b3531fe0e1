"""What one participant of a live session has open on this node. Bookkeeping only: no waiting, no worker.

Lifetime: a `ParticipantState` exists from the first transport to `participant.close`, the end of its orphan grace, or the
end of the live session.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from media_plane.agent.router_seats import RouterSeat
from media_plane.agent.seat_pipes import Feed
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import (
    ConsumerOptions,
    Direction,
    Notification,
    ParticipantMedia,
    ProducerFacts,
    TransportOptions,
)
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.producer import Producer
from media_plane.sfu.webrtc_transport import WebRtcTransport


class LinkEnd(Protocol):
    """A link as the media sees it: somewhere to send notifications."""

    is_closed: bool

    def notify(self, notification: Notification) -> None:
        """Tell the control plane something; dropped when the link is closed."""


@dataclass(slots=True, eq=False)
class TransportRecord:
    """One transport and the answer its creation got.

    Attributes:
        seat: the router it is on.
        expected: consumers it will soon ask for; 0 once it asked for the first.
        connected_with: the DTLS parameters it was connected with, as they came; None before.
    """

    id: str
    participant: ParticipantState
    direction: Direction
    seat: RouterSeat
    transport: WebRtcTransport
    options: TransportOptions
    expected: int = 0
    connected_with: bytes | None = None
    producers: dict[str, ProducerRecord] = field(default_factory=dict)
    consumers: dict[str, ConsumerRecord] = field(default_factory=dict)
    is_closed: bool = False


class ProducerHome(Protocol):
    """What a producer came in by: its publisher's transport, or a pipe from another node."""

    participant: ParticipantState
    producers: dict[str, ProducerRecord]
    is_closed: bool


@dataclass(slots=True, eq=False)
class ProducerRecord:
    """One published track. `facts` is what others are told; `consumers` are those fed by it, by id.

    is_piped: another node is fed by it too; who watches it there is not known here.
    wanted_since_s: since when somebody watches, by the node's clock; None: nobody does, and its sender was told.
    """

    id: str
    home: ProducerHome
    producer: Producer
    facts: ProducerFacts
    consumers: dict[str, ConsumerRecord] = field(default_factory=dict)
    is_piped: bool = False
    wanted_since_s: float | None = float("-inf")
    is_closed: bool = False

    def set_paused(self, *, paused: bool) -> None:
        """Remember the new state for whoever asks next."""
        self.facts = msgspec.structs.replace(self.facts, paused=paused)


@dataclass(slots=True, eq=False)
class ConsumerRecord:
    """One track sent to a participant, and the answer its creation got.

    Attributes:
        feed: its claim to the source as the router of `home` has it.
        is_held: the viewer paused it; one that was made and not resumed yet is not held.
    """

    id: str
    home: TransportRecord
    source: ProducerRecord
    consumer: Consumer
    options: ConsumerOptions
    feed: Feed[Producer]
    is_held: bool = False
    is_closed: bool = False


class ParticipantState:
    """A participant's transports, producers and consumers, and the link that adopted it last.

    Attributes:
        lock: requests about the participant take it in order of arrival, which keeps them in order.
        link: None while nobody holds the participant.
        orphaned_at_s: since when it has no link, by the node's monotonic clock; None while it has one.

    Args:
        now_s: time of its making: it is an orphan until a link adopts it.
    """

    def __init__(self, live_session_id: str, participant_id: str, now_s: float) -> None:
        self.live_session_id = live_session_id
        self.participant_id = participant_id
        self.lock = asyncio.Lock()
        self.link: LinkEnd | None = None
        self.orphaned_at_s: float | None = now_s
        self.is_closed = False
        self.is_leaving = False
        """Whether it shall go once nobody needs what it publishes: its person publishes elsewhere by now."""
        self.transports: dict[str, TransportRecord] = {}
        self.producers: dict[str, ProducerRecord] = {}
        self.consumers: dict[str, ConsumerRecord] = {}

    def adopt(self, link: LinkEnd) -> None:
        """From now on this link hears about the participant."""
        self.link = link
        self.orphaned_at_s = None

    def orphan(self, now_s: float) -> None:
        """Its link dropped."""
        self.link = None
        self.orphaned_at_s = now_s

    def is_orphaned_since(self, limit_s: float) -> bool:
        """Whether nobody has held it since `limit_s` (monotonic seconds) or longer."""
        return self.orphaned_at_s is not None and self.orphaned_at_s <= limit_s

    def notify(self, notification: Notification) -> None:
        """Tell whoever holds the participant; nobody does: nobody hears it."""
        if self.link is not None:
            self.link.notify(notification)

    def media(self) -> ParticipantMedia:
        """What is open, in the contract's words."""
        by_direction = {record.direction: record.id for record in self.transports.values()}
        return ParticipantMedia(
            participant_id=self.participant_id,
            send_transport_id=by_direction.get("send"),
            recv_transport_id=by_direction.get("recv"),
            producers=[record.facts for record in self.producers.values()],
            consumer_ids=list(self.consumers),
        )

    def get_transport(self, transport_id: str, direction: Direction | None = None) -> TransportRecord:
        """A transport of the participant.

        Args:
            transport_id: which.
            direction: what it must be for; None takes either.

        Raises:
            LinkError: not_found, or conflict when it points the other way.
        """
        record = self.transports.get(transport_id)
        if record is None:
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such transport.")
        if direction is not None and record.direction != direction:
            raise LinkError(LinkErrorCode.CONFLICT, f"This needs a {direction} transport.")
        return record

    def get_producer(self, producer_id: str) -> ProducerRecord:
        """A producer of the participant. Raises LinkError not_found."""
        record = self.producers.get(producer_id)
        if record is None:
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such producer.")
        return record

    def get_consumer(self, consumer_id: str) -> ConsumerRecord:
        """A consumer of the participant. Raises LinkError not_found."""
        record = self.consumers.get(consumer_id)
        if record is None:
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such consumer.")
        return record
