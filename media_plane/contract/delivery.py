"""Node link: what each viewer is sent and how well it arrives (adaptive delivery)."""

from __future__ import annotations

from media_plane.contract.base import NotificationBase, ParticipantNotification, ParticipantRequest, Wire

QUALITY_INTERVAL_S = 2.0
"""How often a node tells a live session's quality at most, seconds."""


class ConsumerSetPriority(ParticipantRequest, tag="consumer.setPriority"):
    """Who gets bits first when a viewer's link is short. Answer: `Empty`. Errors: not_found, malformed.

    priority: 1 (last) to 255 (first). A consumer begins with its source's: the screen before the camera.
    """

    consumer_id: str
    priority: int


class ProducerLayersWanted(ParticipantNotification, tag="producer.layersWanted"):
    """How much of a video producer anyone watches has changed; its sender may stop encoding the rest.

    participant_id: who publishes. spatial_layer: the highest that is wanted, 0 the lowest; None: nobody watches at all.
    More is told at once, less only after it lasted a while.
    """

    producer_id: str
    spatial_layer: int | None = None


class ParticipantQuality(Wire):
    """How media reaches and leaves one participant, over the last few seconds. None: not known (yet).

    score: 0 (worst) to 10, the poorest of its video and audio streams; None: nothing flows.
    rtt_ms: round trip of the browser's own path, ms. sent_loss, received_loss: share of packets lost on the way to and
    from the browser, 0.0-1.0. jitter_ms: of what the browser sends, ms. sent_bps, received_bps: to and from the browser.
    """

    participant_id: str
    score: int | None = None
    rtt_ms: float | None = None
    sent_loss: float | None = None
    received_loss: float | None = None
    jitter_ms: float | None = None
    sent_bps: int | None = None
    received_bps: int | None = None


class QualityTold(NotificationBase, tag="room.quality"):
    """Participants whose quality was measured since the last time, to every link that holds the live session.

    Every signaling process has viewers who shall know how the publishers' media leaves, whoever adopted these. At most
    every `QUALITY_INTERVAL_S` per live session and link, and never over the link's size limit.
    """

    live_session_id: str
    participants: list[ParticipantQuality]
