"""What browsers would send: RTP and DTLS parameters for the room's codecs, and a participant that uses them."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import Any

import msgspec

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient

SSRCS = itertools.count(100_000)


def new_id() -> str:
    """A fresh id, as the control plane makes them."""
    return str(uuid.uuid4())


def raw(value: object) -> msgspec.Raw:
    """A sealed value."""
    return msgspec.Raw(msgspec.json.encode(value))


def opus(**changes: Any) -> dict[str, Any]:
    """RTP parameters of a microphone."""
    parameters: dict[str, Any] = {
        "mid": "0",
        "codecs": [
            {
                "mimeType": "audio/opus",
                "payloadType": 111,
                "clockRate": 48000,
                "channels": 2,
                "parameters": {"useinbandfec": 1},
                "rtcpFeedback": [{"type": "transport-cc", "parameter": ""}],
            }
        ],
        "headerExtensions": [],
        "encodings": [{"ssrc": next(SSRCS), "dtx": False}],
        "rtcp": {"cname": "abc", "reducedSize": True, "mux": True},
    }
    return parameters | changes


def vp8(layers: int = 1, **changes: Any) -> dict[str, Any]:
    """RTP parameters of a camera, with simulcast when `layers` > 1."""
    encodings: list[dict[str, Any]] = [
        {"ssrc": next(SSRCS), "rtx": {"ssrc": next(SSRCS)}, "scalabilityMode": "L1T3"} for _ in range(layers)
    ]
    parameters: dict[str, Any] = {
        "mid": "1",
        "codecs": [
            {
                "mimeType": "video/VP8",
                "payloadType": 96,
                "clockRate": 90000,
                "parameters": {},
                "rtcpFeedback": [
                    {"type": "nack", "parameter": ""},
                    {"type": "nack", "parameter": "pli"},
                    {"type": "ccm", "parameter": "fir"},
                ],
            },
            {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}},
        ],
        "headerExtensions": [],
        "encodings": encodings,
        "rtcp": {"cname": "abc"},
    }
    return parameters | changes


def fingerprint(byte: str = "ab", algorithm: str = "sha-256", count: int = 32) -> dict[str, str]:
    """A certificate's hash."""
    return {"algorithm": algorithm, "value": ":".join([byte] * count)}


DTLS = {"role": "client", "fingerprints": [fingerprint()]}


@dataclass
class Person:
    """A participant seen from a link: makes its requests."""

    link: LinkClient
    room_id: str
    epoch: int = 1
    id: str = field(default_factory=new_id)
    send_id: str = field(default_factory=new_id)
    recv_id: str = field(default_factory=new_id)

    @property
    def _who(self) -> dict[str, Any]:
        return {
            "id": self.link.number(),
            "live_session_id": self.room_id,
            "epoch": self.epoch,
            "participant_id": self.id,
        }

    async def open(self) -> m.RoomOpenAnswer:
        request = m.RoomOpen(id=self.link.number(), live_session_id=self.room_id, epoch=self.epoch)
        return await self.link.request(request, m.RoomOpenAnswer)

    async def adopt(self) -> m.ParticipantMedia:
        return await self.link.request(m.ParticipantAdopt(**self._who), m.ParticipantMedia)

    async def leave(self) -> None:
        await self.link.request(m.ParticipantClose(**self._who), m.Empty)

    async def transport(self, direction: m.Direction, **changes: Any) -> m.TransportOptions:
        wanted = {"transport_id": self.send_id if direction == "send" else self.recv_id, "direction": direction}
        return await self.link.request(m.TransportCreate(**self._who | wanted | changes), m.TransportOptions)

    async def connect(self, transport_id: str, dtls: object = None) -> None:
        parameters = dtls if isinstance(dtls, msgspec.Raw) else raw(dtls or DTLS)
        request = m.TransportConnect(**self._who, transport_id=transport_id, dtls_parameters=parameters)
        await self.link.request(request, m.Empty)

    async def restart_ice(self, transport_id: str) -> m.IceRestarted:
        return await self.link.request(m.TransportRestartIce(**self._who, transport_id=transport_id), m.IceRestarted)

    async def produce(
        self, source: m.Source, parameters: object = None, producer_id: str | None = None, **changes: Any
    ) -> m.ProducerFacts:
        kind: m.MediaKind = "audio" if source == "microphone" else "video"
        if parameters is None:
            parameters = opus() if kind == "audio" else vp8()
        wanted: dict[str, Any] = {
            "transport_id": self.send_id,
            "producer_id": producer_id or new_id(),
            "kind": kind,
            "source": source,
            "rtp_parameters": parameters if isinstance(parameters, msgspec.Raw) else raw(parameters),
        }
        answer = await self.link.request(m.ProducerCreate(**self._who | wanted | changes), m.ProducerCreated)
        return answer.producer

    async def pause_producer(self, producer_id: str) -> None:
        await self.link.request(m.ProducerPause(**self._who, producer_id=producer_id), m.Empty)

    async def resume_producer(self, producer_id: str) -> None:
        await self.link.request(m.ProducerResume(**self._who, producer_id=producer_id), m.Empty)

    async def close_producer(self, producer_id: str) -> None:
        await self.link.request(m.ProducerClose(**self._who, producer_id=producer_id), m.Empty)

    async def consume(self, capabilities: object, wishes: dict[str, str], **changes: Any) -> m.ConsumersCreated:
        """`wishes`: producer id by consumer id."""
        wanted: dict[str, Any] = {
            "transport_id": self.recv_id,
            "rtp_capabilities": capabilities if isinstance(capabilities, msgspec.Raw) else raw(capabilities),
            "wishes": [m.ConsumerWish(producer_id=p, consumer_id=c) for c, p in wishes.items()],
        }
        return await self.link.request(m.ConsumerCreate(**self._who | wanted | changes), m.ConsumersCreated)

    async def resume(self, *consumer_ids: str) -> None:
        await self.link.request(m.ConsumerResume(**self._who, consumer_ids=list(consumer_ids)), m.Empty)

    async def pause(self, *consumer_ids: str) -> None:
        await self.link.request(m.ConsumerPause(**self._who, consumer_ids=list(consumer_ids)), m.Empty)

    async def close_consumers(self, *consumer_ids: str) -> None:
        await self.link.request(m.ConsumerClose(**self._who, consumer_ids=list(consumer_ids)), m.Empty)

    async def prefer(self, consumer_id: str, spatial: int, temporal: int | None = None) -> None:
        request = m.ConsumerSetPreferredLayers(
            **self._who, consumer_id=consumer_id, spatial_layer=spatial, temporal_layer=temporal
        )
        await self.link.request(request, m.Empty)

    async def prioritize(self, consumer_id: str, priority: int) -> None:
        request = m.ConsumerSetPriority(**self._who, consumer_id=consumer_id, priority=priority)
        await self.link.request(request, m.Empty)
