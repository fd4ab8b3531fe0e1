"""The books of one live session: what is open, by id, and what closes with what. No waiting, no worker.

They are the truth the node answers from. A late or lost event of the worker changes nothing: cascades (a transport's
producers, a producer's consumers) are followed here, at once, and their owners told. What each router carries is counted
here too, and a consumer's claim to its producer ends here.
"""

from __future__ import annotations

from media_plane.agent.media_notices import MediaNotices
from media_plane.agent.participants import ConsumerRecord, ProducerRecord, TransportRecord


class MediaBooks:
    """Transports, producers and consumers of a live session.

    Args:
        notices: tells owners what closed without being asked to.
    """

    def __init__(self, notices: MediaNotices) -> None:
        self._notices = notices
        self.transports: dict[str, TransportRecord] = {}
        self.producers: dict[str, ProducerRecord] = {}
        self.consumers: dict[str, ConsumerRecord] = {}

    def add_transport(self, record: TransportRecord) -> None:
        """Enter a transport."""
        self.transports[record.id] = record.participant.transports[record.id] = record
        record.seat.count_transport(1, expected=record.expected)

    def add_producer(self, record: ProducerRecord) -> None:
        """Enter a producer under its transport and its owner."""
        home = record.home
        self.producers[record.id] = home.participant.producers[record.id] = home.producers[record.id] = record

    def add_consumer(self, record: ConsumerRecord) -> None:
        """Enter a consumer under its transport, its owner and its producer."""
        home = record.home
        self.consumers[record.id] = home.participant.consumers[record.id] = home.consumers[record.id] = record
        record.source.consumers[record.id] = record
        load = home.seat.load
        load.consumers += 1
        load.expected -= home.expected
        home.expected = 0

    def strike_transport(self, record: TransportRecord, *, tell_owner: bool) -> None:
        """Strike a closed transport and all on it.

        Args:
            record: the transport.
            tell_owner: whether its owner hears about each producer and consumer; others always do of theirs.
        """
        record.is_closed = True
        del self.transports[record.id], record.participant.transports[record.id]
        record.seat.count_transport(-1, expected=record.expected)
        for producer in list(record.producers.values()):
            self.strike_producer(producer)
            if tell_owner:
                self._notices.producer_closed(producer)
        for consumer in list(record.consumers.values()):
            self.strike_consumer(consumer)
            if tell_owner:
                self._notices.consumer_closed(consumer)

    def strike_producer(self, record: ProducerRecord) -> None:
        """Strike a closed producer and its consumers, whose owners are told. The worker closes those by itself."""
        record.is_closed = True
        home = record.home
        del self.producers[record.id], home.participant.producers[record.id], home.producers[record.id]
        for consumer in list(record.consumers.values()):
            self.strike_consumer(consumer)
            self._notices.consumer_closed(consumer)

    def strike_consumer(self, record: ConsumerRecord) -> None:
        """Strike a closed consumer."""
        record.is_closed = True
        home = record.home
        del self.consumers[record.id], home.participant.consumers[record.id], home.consumers[record.id]
        del record.source.consumers[record.id]
        home.seat.load.consumers -= 1
        record.feed.release()

    def close(self) -> None:
        """Mark everything closed, silently; the live session is gone."""
        for record in self.transports.values():
            record.is_closed = True
            record.seat.count_transport(-1, expected=record.expected)
        for producer in self.producers.values():
            producer.is_closed = True
        for consumer in self.consumers.values():
            consumer.is_closed = True
            consumer.home.seat.load.consumers -= 1
            consumer.feed.release()
