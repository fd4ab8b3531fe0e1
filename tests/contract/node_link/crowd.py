"""People in a live session whose media truly flows: aiortc against a node's real workers, every packet counted."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from typing_extensions import override

from media_plane.contract import messages as m
from scripts.headless.media import HeadlessMedia
from scripts.headless.reader import PictureReader, SoundReader
from scripts.headless.tracks import CounterTrack, ToneTrack
from tests.contract.headless.test_headless_media import DirectSignaling
from tests.contract.node_link.client import LinkClient
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import new_id

PATIENCE_S = 20.0


async def until(holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition nobody tells us about."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)


class Packets:
    """Every RTP packet a viewer was sent, by SSRC."""

    def __init__(self) -> None:
        self.sequence_numbers: dict[int, list[int]] = defaultdict(list)

    def watch(self, receiver: Any) -> None:
        """Note what an aiortc receiver is handed, before it looks at it."""
        handle = receiver._handle_rtp_packet

        async def note(packet: Any, arrival_time_ms: int) -> None:
            self.sequence_numbers[packet.ssrc].append(packet.sequence_number)
            await handle(packet, arrival_time_ms=arrival_time_ms)

        receiver._handle_rtp_packet = note

    @property
    def count(self) -> int:
        """Packets so far, >= 0."""
        return sum(map(len, self.sequence_numbers.values()))

    def missing(self) -> dict[int, int]:
        """SSRC -> sequence numbers left out between its first and last packet; only where there are some."""
        holes = {ssrc: _holes(numbers) for ssrc, numbers in self.sequence_numbers.items()}
        return {ssrc: count for ssrc, count in holes.items() if count}


def _holes(numbers: list[int]) -> int:
    # Unrolled over the wrap at 2**16; packets that overtake each other by less than half of that stay in order.
    unrolled = [numbers[0]]
    for number in numbers[1:]:
        step = (number - unrolled[-1] + 0x8000) % 0x10000 - 0x8000
        unrolled.append(unrolled[-1] + step)
    return max(unrolled) - min(unrolled) + 1 - len(set(unrolled))


class Pictures(PictureReader):
    """A picture reader that remembers every counter."""

    def __init__(self, track: Any) -> None:
        self.counters: set[int] = set()
        super().__init__(track)

    @override
    def _take(self, frame: Any) -> None:
        super()._take(frame)
        if self.last_counter is not None:
            self.counters.add(self.last_counter)


class Member:
    """Somebody in the live session, on a link of their own."""

    def __init__(self, link: LinkClient, room_id: str, media: HeadlessMedia) -> None:
        self.link = link
        self.media = media
        self.wire = DirectSignaling(link, room_id, media.rtp_capabilities)
        media.use(self.wire)  # type: ignore[arg-type]  # only `request` is used
        self.transport_id = ""
        self.consumer_ids: dict[str, str] = {}
        self.pictures: Pictures
        self.sound: SoundReader
        self.packets = Packets()

    @property
    def id(self) -> str:
        """The participant's id."""
        return str(self.wire._facts["participant_id"])

    async def publish(self) -> None:
        """Send a microphone and a camera."""
        await self.media.publish(ToneTrack(), "microphone")
        await self.media.publish(CounterTrack(width=320, height=180, frames_per_s=15), "camera")

    async def arrive(self) -> None:
        """Make a receive transport, in place of an older one."""
        if self.media._recv is not None:
            await self.media._recv.close()
        self.transport_id = new_id()
        options = await self.wire.ask(
            m.TransportCreate, m.TransportOptions, transport_id=self.transport_id, direction="recv"
        )
        await self.media.open_receive(options)

    async def consume(self, producer_ids: list[str]) -> None:
        """Watch and listen."""
        consumers = await self.wire.consume(self.transport_id, producer_ids)
        assert len(consumers) == len(producer_ids)
        for options in consumers:
            track = await self.media.consume(options)
            self.consumer_ids[options.kind] = options.id
            if options.kind == "video":
                self.pictures = Pictures(track)
            else:
                self.sound = SoundReader(track)
        for receiver in self.media._recv.handler.pc.getReceivers():
            self.packets.watch(receiver)

    async def close_consumers(self) -> None:
        """Stop watching."""
        await self.wire.ask(m.ConsumerClose, m.Empty, consumer_ids=list(self.consumer_ids.values()))

    async def sees(self, frames: int = 15) -> bool:
        """Whether so many more pictures come."""
        goal = len(self.pictures.counters) + frames
        return await self.pictures.wait_for(lambda one: len(one.counters) >= goal, timeout_s=PATIENCE_S)

    async def hears(self) -> bool:
        """Whether the tone comes, for half a second more."""
        goal = self.sound.tone_windows + 5
        return await self.sound.wait_for(lambda one: one.tone_windows >= goal, timeout_s=PATIENCE_S)

    async def packets_lost(self) -> int:
        """What aiortc counts as lost over all its streams (W3C webrtc-stats, packetsLost)."""
        report = [await receiver.getStats() for receiver in self.media._recv.handler.pc.getReceivers()]
        return sum(int(one.packetsLost) for stats in report for one in stats.values() if one.type == "inbound-rtp")


class Crowd:
    """One live session on a node.

    Args:
        node: where.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.room_id = new_id()
        self.epoch = 1
        self.members: list[Member] = []

    async def member(self) -> Member:
        """Somebody new, without media yet."""
        link = await self.node.link()
        opening = m.RoomOpen(id=link.number(), live_session_id=self.room_id, epoch=self.epoch)
        opened = await link.request(opening, m.RoomOpenAnswer)
        member = Member(link, self.room_id, await HeadlessMedia.load(opened.rtp_capabilities, []))
        member.wire._facts["epoch"] = self.epoch
        self.members.append(member)
        return member

    async def host(self) -> Member:
        """Somebody who publishes a microphone and a camera."""
        host = await self.member()
        await host.publish()
        return host

    async def viewer(self, host: Member) -> Member:
        """Somebody who watches a host."""
        viewer = await self.member()
        await viewer.arrive()
        await viewer.consume(host.wire.producers)
        return viewer

    def seat_of(self, member: Member) -> int:
        """The worker a member's receive transport is on."""
        group = next(one for one in self.node.agent.rooms.groups() if one.live_session_id == self.room_id)
        return group._books.transports[member.transport_id].seat.index

    async def close(self) -> None:
        """End everybody's media."""
        for member in reversed(self.members):
            await member.media.close()


MakeCrowd = Callable[[Node], Crowd]


@pytest.fixture
async def make_crowd() -> AsyncIterator[MakeCrowd]:
    """Makes live sessions with people whose media flows; all of it is ended after the test."""
    made: list[Crowd] = []

    def make(node: Node) -> Crowd:
        made.append(Crowd(node))
        return made[-1]

    yield make
    for crowd in made:
        await crowd.close()
