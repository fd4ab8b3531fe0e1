"""The headless client's media against a real node, without the control plane between."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from control_plane.signaling import messages as s
from media_plane.contract import messages as m
from scripts.headless.media import HeadlessMedia
from scripts.headless.reader import PictureReader, SoundReader
from scripts.headless.tracks import CounterTrack, ToneTrack
from tests.contract.node_link.client import LinkClient
from tests.contract.node_link.conftest import control_plane, link, make_node, node

__all__ = ["control_plane", "link", "make_node", "node"]

pytestmark = pytest.mark.worker


class DirectSignaling:
    """Answers the headless media's requests from a node link, as the signaling server would."""

    def __init__(self, link: LinkClient, room: str, capabilities: msgspec.Raw) -> None:
        self._link = link
        self._facts: dict[str, Any] = {"live_session_id": room, "epoch": 1, "participant_id": str(uuid.uuid4())}
        self.capabilities = capabilities
        self.producers: list[str] = []

    async def ask(self, shape: type[Any], answer: type[Any], **fields: Any) -> Any:
        return await self._link.request(shape(id=self._link.number(), **self._facts, **fields), answer)

    async def request(self, request: Any, answer: type[Any]) -> Any:  # noqa: ARG002 - SignalingClient's shape
        match request:
            case s.TransportCreate():
                options = await self.ask(
                    m.TransportCreate,
                    m.TransportOptions,
                    transport_id=str(request.transport_id),
                    direction=request.direction,
                )
                return s.TransportCreated(transport=options)
            case s.TransportConnect():
                await self.ask(
                    m.TransportConnect,
                    m.Empty,
                    transport_id=str(request.transport_id),
                    dtls_parameters=request.dtls_parameters,
                )
                return s.Empty()
            case s.ProducerCreate():
                self.producers.append(str(request.producer_id))
                await self.ask(
                    m.ProducerCreate,
                    m.ProducerCreated,
                    transport_id=str(request.transport_id),
                    producer_id=str(request.producer_id),
                    kind=request.kind,
                    source=request.source,
                    rtp_parameters=request.rtp_parameters,
                )
                return s.ProducerCreated(producer_id=str(request.producer_id))
            case s.ConsumerResume():
                await self.ask(m.ConsumerResume, m.Empty, consumer_ids=[str(one) for one in request.consumer_ids])
                return s.Empty()
        raise AssertionError(request)

    async def consume(self, transport_id: str, producers: list[str]) -> list[m.ConsumerOptions]:
        wishes = [m.ConsumerWish(producer_id=one, consumer_id=str(uuid.uuid4())) for one in producers]
        created: m.ConsumersCreated = await self.ask(
            m.ConsumerCreate,
            m.ConsumersCreated,
            transport_id=transport_id,
            rtp_capabilities=self.capabilities,
            wishes=wishes,
        )
        return created.consumers


async def test_what_one_headless_client_publishes_another_decodes(link: LinkClient) -> None:
    room = str(uuid.uuid4())
    opened = await link.request(m.RoomOpen(id=link.number(), live_session_id=room, epoch=1), m.RoomOpenAnswer)
    host = await HeadlessMedia.load(opened.rtp_capabilities, [])
    viewer = await HeadlessMedia.load(opened.rtp_capabilities, [])
    host_wire = DirectSignaling(link, room, host.rtp_capabilities)
    viewer_wire = DirectSignaling(link, room, viewer.rtp_capabilities)
    host.use(host_wire)  # type: ignore[arg-type]  # only `request` is used
    viewer.use(viewer_wire)  # type: ignore[arg-type]  # as above

    try:
        await host.publish(ToneTrack(), "microphone")
        await host.publish(CounterTrack(), "camera")
        options = await viewer_wire.ask(
            m.TransportCreate, m.TransportOptions, transport_id=str(uuid.uuid4()), direction="recv"
        )
        await viewer.open_receive(options)
        consumers = await viewer_wire.consume(options.id, host_wire.producers)
        tracks = {one.kind: await viewer.consume(one) for one in consumers}
        picture, sound = PictureReader(tracks["video"]), SoundReader(tracks["audio"])

        assert await picture.wait_for(lambda one: one.advanced_by >= 30, timeout_s=40)
        assert await sound.wait_for(lambda one: one.tone_windows >= 10, timeout_s=40)
        audio_id = next(one.id for one in consumers if one.kind == "audio")
        assert await viewer.packets_received(audio_id) >= 50
    finally:
        await viewer.close()
        await host.close()
