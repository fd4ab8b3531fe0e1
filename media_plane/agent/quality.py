"""How well media reaches and leaves one participant: the worker's statistics as the contract's few numbers.

Where each comes from (mediasoup 3.27.1): bitrates and losses from the transports, counted by transport-wide congestion
control where the browser speaks it; round trip and jitter from the reports about one stream, the heaviest kind there is
(a screen, then a camera, then a voice); scores are pushed by the worker and cost no request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

from media_plane.agent.participants import ConsumerRecord, ParticipantState, ProducerRecord, TransportRecord
from media_plane.channel.values.media import RtpStreamStats
from media_plane.channel.values.transport_reports import WebRtcTransportStats
from media_plane.contract.messages import Direction, ParticipantQuality, Source

_Asked = Awaitable[list[RtpStreamStats]]
_HEAVIEST: dict[Source, int] = {"screen": 0, "camera": 1, "microphone": 2}
_CLOCKS_HZ = {"audio": 48_000, "video": 90_000}
"""Clock rates of all codecs a room takes (decisions.md 1), hertz."""
STARTING_S = 3.0
"""How long a track may take to flow once somebody watches it (again), seconds: until then its score says nothing."""
_FRACTION = 256
"""`fraction_lost` counts in this part of one (RFC 3550 section 6.4.1)."""


async def measure(participant: ParticipantState, now_s: float) -> ParticipantQuality | None:
    """Ask the worker about one participant; at most four requests, sent together.

    Args:
        participant: whom.
        now_s: by the node's clock.

    Returns:
        None while nothing of them is connected.

    Raises:
        MediaError: something closed meanwhile, or the worker is gone.
    """
    send, recv = _connected(participant, "send"), _connected(participant, "recv")
    if send is None and recv is None:
        return None
    published, watched = _published(participant, now_s), _watched(participant)
    sent, received, inbound, outbound = await asyncio.gather(
        _transport_stats(recv),
        _transport_stats(send),
        _stream_stats(published[0].producer.get_stats() if published else None, "inbound-rtp"),
        _stream_stats(watched[0].consumer.get_stats() if watched else None, "outbound-rtp"),
    )
    return ParticipantQuality(
        participant_id=participant.participant_id,
        score=score_of(published, watched),
        rtt_ms=_round_trip(outbound) or _round_trip(inbound),
        sent_loss=_loss(sent.rtp_packet_loss_sent if sent else None, outbound),
        received_loss=_loss(received.rtp_packet_loss_received if received else None, inbound),
        jitter_ms=_jitter(inbound),
        sent_bps=sent.send_bitrate if sent else None,
        received_bps=received.recv_bitrate if received else None,
    )


def cost_of(participant: ParticipantState) -> int:
    """Requests that measuring this participant takes at most, 0-4."""
    sends, receives = _connected(participant, "send") is not None, _connected(participant, "recv") is not None
    if not (sends or receives):
        return 0
    return sends + receives + bool(participant.producers) + bool(participant.consumers)


def worker_of(participant: ParticipantState) -> int:
    """The worker that is asked most about this participant, by its place in the fleet: the one it watches from."""
    seats = {record.direction: record.seat.index for record in participant.transports.values()}
    return seats.get("recv", seats.get("send", 0))


def score_of(published: Iterable[ProducerRecord], watched: Iterable[ConsumerRecord]) -> int | None:
    """The poorest stream's score, 0-10: of a publisher's track its best encoding, since the others may be switched off.

    None: nothing has been scored.
    """
    scores = [max(score.score for score in one.producer.score) for one in published if one.producer.score]
    # A consumer whose producer sends nothing has no score of its own to show.
    scores += [one.consumer.score.score for one in watched if one.consumer.score.producer_score > 0]
    return min(scores, default=None)


def _connected(participant: ParticipantState, direction: Direction) -> TransportRecord | None:
    """The transport of a direction, if its DTLS stands."""
    for record in participant.transports.values():
        if record.direction == direction and record.transport.dtls_state == "connected":
            return record
    return None


def _published(participant: ParticipantState, now_s: float) -> list[ProducerRecord]:
    """Tracks that should flow from the participant, the heaviest first.

    One that nobody watches is not sent, which is no trouble of its sender's.
    """
    flowing = [
        record
        for record in participant.producers.values()
        if not record.facts.paused and record.wanted_since_s is not None and now_s - record.wanted_since_s >= STARTING_S
    ]
    return sorted(flowing, key=lambda record: _HEAVIEST[record.facts.source])


def _watched(participant: ParticipantState) -> list[ConsumerRecord]:
    """Tracks that should flow to the participant, the heaviest first."""
    flowing = [
        record
        for record in participant.consumers.values()
        if not record.consumer.paused and not record.source.facts.paused
    ]
    return sorted(flowing, key=lambda record: _HEAVIEST[record.source.facts.source])


async def _transport_stats(record: TransportRecord | None) -> WebRtcTransportStats | None:
    return None if record is None else await record.transport.get_stats()


async def _stream_stats(asked: _Asked | None, wanted: str) -> RtpStreamStats | None:
    """The busiest of a track's streams in one direction; None when there is none."""
    if asked is None:
        return None
    streams = [stream for stream in await asked if stream.type == wanted]
    return max(streams, key=lambda stream: stream.bitrate, default=None)


def _round_trip(stream: RtpStreamStats | None) -> float | None:
    """Milliseconds; the worker says 0 for not known."""
    return round(stream.round_trip_time, 1) if stream is not None and stream.round_trip_time > 0 else None


def _loss(of_transport: float | None, stream: RtpStreamStats | None) -> float | None:
    """A share, 0.0-1.0: of the whole transport, or else what the one stream's report says."""
    if of_transport is not None:
        return round(of_transport, 4)
    return None if stream is None else round(stream.fraction_lost / _FRACTION, 4)


def _jitter(stream: RtpStreamStats | None) -> float | None:
    return None if stream is None else round(stream.jitter * 1000 / _CLOCKS_HZ[stream.kind], 1)
