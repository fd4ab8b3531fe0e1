"""What `ortc` lets through must not end the worker: RTP parameters nearly right, and then packets that follow them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest

from media_plane.ortc.errors import NegotiationError
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.ortc.rtp import MediaKind, RtpCapabilities, RtpParameters
from media_plane.ortc.validate import decode_rtp_capabilities, decode_rtp_parameters
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.errors import InvalidState, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import ListenInfo
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker
from tests import hostile
from tests.contract.bad_input import packets
from tests.contract.worker.rtp import opus_parameters

T = TypeVar("T")
pytestmark = pytest.mark.worker

TRACKS = 400
PACKETS = 30
"""Of RTP and of RTCP, per track."""


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = await Worker.create(binary=Path(os.environ["MEDIASOUP_WORKER_BIN"]))
    yield worker
    worker.close()
    await worker.wait_closed()


async def test_parameters_let_through_and_their_packets_leave_the_worker_alive(worker: Worker, draw: Random) -> None:
    router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
    server = await worker.create_webrtc_server(listen_infos=[ListenInfo(ip="127.0.0.1")])
    produced = consumed = 0

    for _ in range(TRACKS):
        found = _let_through(draw)
        if found is not None:
            watched = await _try(draw, router, server, *found)
            produced += watched is not None
            consumed += watched or 0

    assert (await worker.dump()).pid == worker.pid
    assert (await router.dump()).transport_ids == []
    assert min(produced, consumed) > TRACKS // 20, "hardly anything was let through, so hardly anything was tried"


def _let_through(draw: Random) -> tuple[MediaKind, RtpParameters] | None:
    kind, parameters = hostile.likely_parameters(draw)
    spoiled = hostile.spoil(draw, parameters, times=draw.choice((0, 0, 1, 1, 2, 3)))
    try:
        return kind, decode_rtp_parameters(hostile.encode(spoiled))
    except NegotiationError:
        return None


async def _try(
    draw: Random, router: Router, server: WebRtcServer, kind: MediaKind, params: RtpParameters
) -> int | None:
    """Produce, consume in every way, send packets; answers how many consumers there were, None: it was refused."""
    direct = await router.create_direct_transport()
    browser = await router.create_webrtc_transport(webrtc_server=server)
    try:
        producer = await direct.produce(kind=kind, rtp_parameters=params)
        await _refusable(browser.produce(kind=kind, rtp_parameters=params))
        consumers: list[Consumer] = []
        for transport in (direct, browser):
            for is_pipe in (False, True):
                made = await _refusable(
                    transport.consume(
                        producer_id=producer.id,
                        rtp_capabilities=_capabilities(draw, router),
                        paused=False,
                        pipe=is_pipe,
                    )
                )
                consumers += [made] if made is not None else []
        for consumer in consumers:
            layers = consumer.set_preferred_layers(
                spatial_layer=draw.randrange(8), temporal_layer=draw.choice((None, 0, 7))
            )
            await _refusable(layers)
        known = _known(params, consumers)
        for _ in range(PACKETS):
            producer.send(packets.rtp(draw, known))
            direct.send_rtcp(packets.rtcp(draw, known))
        await producer.dump()
        for consumer in consumers:
            await consumer.get_stats()
            await consumer.dump()
    except (NegotiationError, WorkerRejected):
        return None
    else:
        return len(consumers)
    finally:
        direct.close()
        browser.close()


async def _refusable(work: Awaitable[T]) -> T | None:
    """What comes of it, None when it is refused. A dead worker is another error, and passes."""
    try:
        return await work
    except (NegotiationError, WorkerRejected):
        return None


def _capabilities(draw: Random, router: Router) -> RtpCapabilities:
    if draw.random() < 0.6:
        return router.rtp_capabilities
    spoiled = hostile.spoil(draw, hostile.likely_capabilities(draw), times=draw.randrange(3))
    try:
        return decode_rtp_capabilities(hostile.encode(spoiled))
    except NegotiationError:
        return router.rtp_capabilities


def _known(params: RtpParameters, consumers: list[Consumer]) -> packets.Known:
    encodings = [*params.encodings, *(one for consumer in consumers for one in consumer.rtp_parameters.encodings)]
    ssrcs = [one.ssrc for one in encodings if one.ssrc] + [one.rtx.ssrc for one in encodings if one.rtx]
    return packets.Known(
        ssrcs=ssrcs or [1],
        payload_types=[codec.payload_type for codec in params.codecs],
        extension_ids=[extension.id for extension in params.header_extensions] or [1],
        names=[params.mid or "0", *(one.rid for one in params.encodings if one.rid)],
    )


async def test_an_id_that_is_anybodys_is_refused_before_the_worker_hears_of_it(worker: Worker) -> None:
    """A transport under an id in use elsewhere, and one more: that ended the worker, with a viewer's rights."""
    server = await worker.create_webrtc_server(listen_infos=[ListenInfo(ip="127.0.0.1")])
    quiet, attacked = [await worker.create_router(media_codecs=ROOM_MEDIA_CODECS) for _ in range(2)]
    transport = await quiet.create_webrtc_transport(webrtc_server=server)
    producer = await transport.produce(kind="audio", rtp_parameters=opus_parameters())

    for _ in range(7):
        for taken in (transport.id, producer.id):
            with pytest.raises(InvalidState, match="taken"):
                await attacked.create_webrtc_transport(webrtc_server=server, transport_id=taken)
        await attacked.create_webrtc_transport(webrtc_server=server)

    assert (await worker.dump()).pid == worker.pid
    assert len((await server.dump()).web_rtc_transport_ids) == 8
