"""A real sender held to a bitrate, and what a node tells of how media flows: aiortc on both ends of a real worker."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc import MediaStreamTrack
from av import VideoFrame
from typing_extensions import override

from media_plane.agent import layer_wants
from media_plane.agent.participants import ParticipantState
from media_plane.contract import messages as m
from scripts.headless.media import HeadlessMedia
from scripts.headless.tracks import ToneTrack
from tests.contract.headless.test_headless_media import DirectSignaling
from tests.contract.node_link.client import LinkClient
from tests.contract.node_link.conftest import Node, control_plane, link, make_node, node

__all__ = ["control_plane", "link", "make_node", "node"]

pytestmark = [pytest.mark.worker, pytest.mark.timeout(400)]

CAP_BPS = 300_000


class NoiseTrack(MediaStreamTrack):  # type: ignore[misc]  # aiortc is not followed by mypy
    """Coarse noise: it takes every bit it is allowed, and can be coded with few."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._random = np.random.default_rng(7)
        self._count = 0

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 15)
        coarse = self._random.integers(0, 255, (15, 20, 3), dtype=np.uint8)
        frame = VideoFrame.from_ndarray(coarse.repeat(16, axis=0).repeat(16, axis=1), format="rgb24")
        frame.pts, frame.time_base = self._count * 6000, Fraction(1, 90_000)
        self._count += 1
        return frame


class CappedSignaling(DirectSignaling):
    """Gives its transports these limits."""

    limits: dict[str, int]

    @override
    async def ask(self, shape: type[Any], answer: type[Any], **fields: Any) -> Any:
        if shape is m.TransportCreate:
            fields |= self.limits
        return await super().ask(shape, answer, **fields)


@dataclass
class Stage:
    """An open room on a node, and its people made as asked for."""

    node: Node
    link: LinkClient
    room: str
    opened: m.RoomOpenAnswer
    everyone: list[HeadlessMedia]

    async def person(self, **limits: int) -> tuple[HeadlessMedia, CappedSignaling]:
        media = await HeadlessMedia.load(self.opened.rtp_capabilities, [])
        wire = CappedSignaling(self.link, self.room, media.rtp_capabilities)
        wire.limits = limits
        media.use(wire)  # type: ignore[arg-type]  # only `request` is used
        self.everyone.append(media)
        return media, wire

    def state(self, wire: DirectSignaling) -> ParticipantState:
        """The node's books about a person."""
        people = self.node.agent.rooms.groups()[0].people()
        return next(one for one in people if one.participant_id == wire._facts["participant_id"])

    async def quality(self, wire: DirectSignaling, is_it: Callable[[m.ParticipantQuality], bool]) -> None:
        """Wait until the node tells of a person what is waited for."""
        async with asyncio.timeout(60):
            while True:
                told = await self.link.until(m.QualityTold, 20)
                mine = [one for one in told.participants if one.participant_id == wire._facts["participant_id"]]
                if any(is_it(one) for one in mine):
                    return


@pytest.fixture
async def stage(node: Node, link: LinkClient) -> AsyncIterator[Stage]:
    room = str(uuid.uuid4())
    opened = await link.request(m.RoomOpen(id=link.number(), live_session_id=room, epoch=1), m.RoomOpenAnswer)
    stage = Stage(node, link, room, opened, [])
    yield stage
    for media in reversed(stage.everyone):
        await media.close()


async def rate_of(stage: Stage, wire: DirectSignaling) -> int:
    """What a publisher sends now, bits per second; 0 before the first packet."""
    stats = await next(iter(stage.state(wire).producers.values())).producer.get_stats()
    return stats[0].bitrate if stats else 0


async def until_rate(stage: Stage, wire: DirectSignaling, is_it: Callable[[int], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_it(await rate_of(stage, wire)):  # noqa: ASYNC110 - the worker tells no changes of rates
            await asyncio.sleep(0.2)


async def test_a_sender_is_held_to_what_it_may_send(stage: Stage) -> None:
    free, free_wire = await stage.person()
    held, held_wire = await stage.person(max_incoming_bitrate_bps=CAP_BPS)
    await free.publish(NoiseTrack(), "camera", mime_type="video/VP8")
    await held.publish(NoiseTrack(), "camera", mime_type="video/VP8")

    await until_rate(stage, free_wire, lambda bps: bps > 1.5 * CAP_BPS)
    await until_rate(stage, held_wire, lambda bps: 0 < bps < 1.2 * CAP_BPS)

    # Both draw the same; a busy machine may slow either for a moment.
    await until_rate(stage, free_wire, lambda bps: bps > 1.2 * CAP_BPS)


async def test_a_receiver_is_sent_no_more_than_its_plan_allows(stage: Stage) -> None:
    viewer, wire = await stage.person(max_outgoing_bitrate_bps=CAP_BPS, initial_outgoing_bitrate_bps=CAP_BPS)
    await viewer.open_receive()

    stats = await next(iter(stage.state(wire).transports.values())).transport.get_stats()

    assert (stats.max_outgoing_bitrate, stats.min_outgoing_bitrate) == (CAP_BPS, 100_000)


async def test_a_node_tells_how_media_flows(stage: Stage) -> None:
    host, host_wire = await stage.person()
    viewer, viewer_wire = await stage.person()
    await host.publish(ToneTrack(), "microphone")
    await host.publish(NoiseTrack(), "camera", mime_type="video/VP8")
    options = await viewer_wire.ask(
        m.TransportCreate, m.TransportOptions, transport_id=str(uuid.uuid4()), direction="recv"
    )
    await viewer.open_receive(options)
    for one in await viewer_wire.consume(options.id, host_wire.producers):
        await viewer.consume(one)

    await stage.quality(
        host_wire, lambda one: one.score == 10 and (one.received_bps or 0) > 100_000 and one.jitter_ms is not None
    )
    await stage.quality(
        viewer_wire, lambda one: one.score == 10 and (one.sent_bps or 0) > 100_000 and one.sent_loss == 0.0
    )
    await stage.quality(viewer_wire, lambda one: one.rtt_ms is not None)
    text = stage.node.agent._metrics.render().decode()
    for name in ("rtt_seconds", "jitter_seconds", "packet_loss_ratio", "bitrate_bps"):
        lines = [line for line in text.splitlines() if line.startswith(f"tr_node_{name}_count")]
        assert sum(float(line.rpartition(" ")[2]) for line in lines) > 0, name


async def test_a_sender_whom_nobody_watches_is_not_called_poor(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_wants, "LOWER_AFTER_S", 0.5)
    host, wire = await stage.person()
    await host.publish(NoiseTrack(), "camera", mime_type="video/VP8")
    await stage.link.until(m.ProducerLayersWanted)

    await stage.quality(wire, lambda one: one.score is None)
