"""Pipes between the routers of one live session, on real workers: media and data, shared, undone, cancelled, dead."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from media_plane.agent.router_seats import RouterSeat, WorkerLoad
from media_plane.agent.seat_pipes import SeatPipes
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.ortc.rtp import RtpParameters
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.errors import InvalidState, MediaError
from media_plane.sfu.producer import Producer
from media_plane.sfu.transport_types import ListenInfo
from media_plane.sfu.worker import Worker
from tests.contract.node_link.crowd import until
from tests.contract.worker.rtp import opus_parameters, vp8_parameters

pytestmark = pytest.mark.worker


async def make_seat(index: int) -> RouterSeat:
    """A worker of its own with a router."""
    worker = await Worker.create(binary=Path(os.environ["MEDIASOUP_WORKER_BIN"]))
    server = await worker.create_webrtc_server(listen_infos=[ListenInfo(ip="127.0.0.1")])
    router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
    return RouterSeat(index, worker, server, router, WorkerLoad())


@dataclass
class Stage:
    """An origin that publishes, and edges."""

    origin: RouterSeat
    edges: list[RouterSeat]
    pipes: SeatPipes
    tracks: list[Producer]
    data: DataProducer

    async def left_in(self, seat: RouterSeat) -> int:
        """Producers, consumers and their data kin in a router's worker, as the worker sees them."""
        dump = await seat.router.dump()
        return sum(
            len(ids)
            for ids in (
                dump.map_producer_id_consumer_ids,
                dump.map_consumer_id_producer_id,
                dump.map_data_producer_id_data_consumer_ids,
                dump.map_data_consumer_id_data_producer_id,
            )
        )


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """An origin with a camera, a screen, a microphone and a data producer; two edges; pipes that end at once."""
    if not os.environ.get("MEDIASOUP_WORKER_BIN"):
        pytest.skip("MEDIASOUP_WORKER_BIN is not set")
    seats = await asyncio.gather(*(make_seat(index) for index in range(3)))
    origin = seats[0]
    plain = await origin.router.create_plain_transport(listen_info=ListenInfo(ip="127.0.0.1"))
    published: list[tuple[str, RtpParameters]] = [
        ("audio", opus_parameters()),
        ("video", vp8_parameters(ssrc=2000)),
        ("video", vp8_parameters(ssrc=3000, layers=3)),
    ]
    tracks = [
        await plain.produce(kind="audio" if kind == "audio" else "video", rtp_parameters=parameters)
        for kind, parameters in published
    ]
    data = await (await origin.router.create_direct_transport()).produce_data(label="prices")
    stage = Stage(origin, list(seats[1:]), SeatPipes(origin, linger_s=0.0), tracks, data)
    yield stage
    stage.pipes.close()
    for seat in seats:
        seat.worker.close()
    await asyncio.gather(*(seat.worker.wait_closed() for seat in seats))


async def test_the_origin_needs_no_pipe(stage: Stage) -> None:
    feed = await stage.pipes.feed(stage.origin, stage.tracks[0])

    assert feed.producer is stage.tracks[0]
    feed.release()
    assert (len(stage.pipes), stage.origin.load.consumers) == (0, 0)


async def test_everything_is_piped_once_per_edge_over_one_pair_of_transports(stage: Stage) -> None:
    sources = [*stage.tracks, *stage.tracks]

    feeds = await asyncio.gather(*(stage.pipes.feed(edge, one) for edge in stage.edges for one in sources))
    data = await asyncio.gather(*(stage.pipes.feed_data(edge, stage.data) for edge in stage.edges for _ in range(3)))

    assert len({feed.producer for feed in feeds}) == 6
    assert len({feed.producer for feed in data}) == 2
    assert stage.origin.load.consumers == 8
    for edge in stage.edges:
        assert len((await edge.router.dump()).transport_ids) == 1
        assert await stage.left_in(edge) == 4


async def test_data_comes_out_of_the_pipe(stage: Stage) -> None:
    edge = stage.edges[0]
    feed = await stage.pipes.feed_data(edge, stage.data)
    reader = await (await edge.router.create_direct_transport()).consume_data(data_producer_id=feed.producer.id)
    received: list[bytes] = []
    reader.on_message(lambda message, _ppid: received.append(message))

    async with asyncio.timeout(30):
        while not received:  # The association between the ends takes a moment, and what is sent before is lost.
            stage.data.send("EUR/USD 1.0842")
            await asyncio.sleep(0.05)

    assert received[0] == b"EUR/USD 1.0842"


async def test_what_nobody_uses_is_taken_out_at_both_ends_and_can_be_piped_again(stage: Stage) -> None:
    edge, track = stage.edges[0], stage.tracks[1]
    before = await stage.left_in(stage.origin)
    for _ in range(3):
        feed = await stage.pipes.feed(edge, track)
        data = await stage.pipes.feed_data(edge, stage.data)
        assert await stage.left_in(edge) == 2

        feed.release()
        data.release()
        await until(lambda: len(stage.pipes) == 0)

        assert (feed.producer.closed, data.producer.closed) == (True, True)
        assert await stage.left_in(edge) == 0
        assert await stage.left_in(stage.origin) == before
        assert stage.origin.load.consumers == 0


async def test_pausing_reaches_what_comes_out(stage: Stage) -> None:
    feed = await stage.pipes.feed(stage.edges[0], stage.tracks[1])

    await stage.tracks[1].pause()
    await until(lambda: feed.producer.paused)
    assert (await feed.producer.dump()).paused
    await stage.tracks[1].resume()
    await until(lambda: not feed.producer.paused)

    assert not (await feed.producer.dump()).paused


async def test_a_source_that_closes_takes_its_pipes_with_it(stage: Stage) -> None:
    feeds = [await stage.pipes.feed(edge, stage.tracks[0]) for edge in stage.edges]

    stage.tracks[0].close()
    await until(lambda: all(feed.producer.closed for feed in feeds))

    assert len(stage.pipes) == 0
    with pytest.raises(InvalidState):
        await stage.pipes.feed(stage.edges[0], stage.tracks[0])
    assert len(stage.pipes) == 0


async def test_a_pipe_whose_far_end_died_is_not_given_to_the_next_one(stage: Stage) -> None:
    track = stage.tracks[1]
    dead, other = stage.edges
    lost = await stage.pipes.feed(dead, track)
    kept = await stage.pipes.feed(other, track)

    dead.worker.kill()

    assert lost.producer.closed
    assert not kept.producer.closed
    with pytest.raises(MediaError):
        await stage.pipes.feed(dead, track)
    lost.release()
    await until(lambda: stage.origin.load.consumers == 1)
    fresh = await make_seat(1)
    try:
        again = await stage.pipes.feed(fresh, track)
        assert (again.producer.id, again.producer.closed) == (track.id, False)
    finally:
        fresh.worker.close()
        await fresh.worker.wait_closed()


@pytest.mark.parametrize("seed", range(12))
async def test_giving_up_at_any_moment_leaves_nothing(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    before = await stage.left_in(stage.origin)
    edge = stage.edges[0]

    for _ in range(8):
        asking = [
            asyncio.ensure_future(chance.choice([feed_track, feed_data])(stage, edge, chance.randrange(3)))
            for _ in range(4)
        ]
        await asyncio.sleep(chance.choice([0, 0.0002, 0.001, 0.003]))
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    await until(lambda: len(stage.pipes) == 0)

    assert await stage.left_in(edge) == 0
    assert await stage.left_in(stage.origin) == before
    assert stage.origin.load.consumers == 0
    assert len((await edge.router.dump()).transport_ids) <= 1
    feed = await stage.pipes.feed(edge, stage.tracks[0])
    assert not feed.producer.closed


async def feed_track(stage: Stage, edge: RouterSeat, index: int) -> None:
    """Use a track for no time at all."""
    (await stage.pipes.feed(edge, stage.tracks[index])).release()


async def feed_data(stage: Stage, edge: RouterSeat, _index: int) -> None:
    """Use the data for no time at all."""
    (await stage.pipes.feed_data(edge, stage.data)).release()


async def test_closing_ends_all_pipes_and_refuses_new_ones(stage: Stage) -> None:
    feeds = [await stage.pipes.feed(edge, stage.tracks[0]) for edge in stage.edges]

    stage.pipes.close()
    stage.pipes.close()

    assert all(feed.producer.closed for feed in feeds)
    with pytest.raises(InvalidState):
        await stage.pipes.feed(stage.edges[0], stage.tracks[0])
