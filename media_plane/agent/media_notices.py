"""What the owner of a participant's media is told: events of the SFU's objects as the contract's notifications."""

from __future__ import annotations

from collections.abc import Callable

from media_plane.agent.participants import ConsumerRecord, ProducerRecord, TransportRecord
from media_plane.channel.values.media import ConsumerLayers
from media_plane.channel.values.transport import DtlsState
from media_plane.contract import messages as m


class MediaNotices:
    """Speaks for one live session.

    Args:
        live_session_id: named in every notification.
    """

    def __init__(self, live_session_id: str) -> None:
        self._live_session_id = live_session_id

    def watch_transport(self, record: TransportRecord, lost: Callable[[TransportRecord, str], None]) -> None:
        """Tell when ICE or DTLS moves.

        Args:
            record: the transport.
            lost: called when DTLS ended, with a word for why: `dtls_closed` or `dtls_failed`.
        """
        transport = record.transport

        def tell(_state: object = None) -> None:
            if record.is_closed:
                return
            record.participant.notify(
                m.TransportChanged(
                    live_session_id=self._live_session_id,
                    participant_id=record.participant.participant_id,
                    transport_id=record.id,
                    ice_state=transport.ice_state,
                    dtls_state=transport.dtls_state,
                ),
            )

        def follow_dtls(state: DtlsState) -> None:
            tell()
            if state in {"failed", "closed"}:
                lost(record, f"dtls_{state}")

        transport.on_ice_state_change(tell)
        transport.on_dtls_state_change(follow_dtls)

    def watch_consumer(self, record: ConsumerRecord) -> None:
        """Tell when the layers sent change."""

        def follow_layers(layers: ConsumerLayers | None) -> None:
            if record.is_closed:
                return
            record.home.participant.notify(
                m.ConsumerLayersChanged(
                    live_session_id=self._live_session_id,
                    participant_id=record.home.participant.participant_id,
                    consumer_id=record.id,
                    spatial_layer=None if layers is None else layers.spatial_layer,
                    temporal_layer=None if layers is None else layers.temporal_layer,
                ),
            )

        record.consumer.on_layers_change(follow_layers)

    def transport_closed(self, record: TransportRecord, reason: str) -> None:
        """A transport closed without being asked to."""
        record.participant.notify(
            m.TransportClosed(
                live_session_id=self._live_session_id,
                participant_id=record.participant.participant_id,
                transport_id=record.id,
                reason=reason,
            ),
        )

    def producer_closed(self, record: ProducerRecord) -> None:
        """A producer closed without being asked to."""
        participant = record.home.participant
        participant.notify(
            m.ProducerClosed(
                live_session_id=self._live_session_id,
                participant_id=participant.participant_id,
                producer_id=record.id,
            ),
        )

    def consumer_closed(self, record: ConsumerRecord) -> None:
        """A consumer closed because its producer or transport did."""
        participant = record.home.participant
        participant.notify(
            m.ConsumerClosed(
                live_session_id=self._live_session_id,
                participant_id=participant.participant_id,
                consumer_id=record.id,
            ),
        )

    def producer_paused(self, record: ConsumerRecord, *, paused: bool) -> None:
        """The producer behind a consumer was paused, or flows again."""
        notice = m.ConsumerPaused if paused else m.ConsumerResumed
        participant = record.home.participant
        participant.notify(
            notice(
                live_session_id=self._live_session_id,
                participant_id=participant.participant_id,
                consumer_id=record.id,
            ),
        )
