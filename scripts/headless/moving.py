"""What a participant does when the room's media moves, or is lost: new transports, and nothing shown is let go too early."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from control_plane.signaling.messages import (
    ConsumerCreate,
    ConsumersCreated,
    Empty,
    MediaMoved,
    MediaMoving,
    MediaReset,
    Notification,
    ProducerClosed,
    ProducerOpened,
    TransportClosed,
    Welcome,
)
from media_plane.contract.messages import ConsumerOptions
from scripts.headless.media import HeadlessMedia
from scripts.headless.signaling import SignalingClient, SocketClosed

SWAP_TIMEOUT_S = 20.0
"""How long a track may take to show its first frame on its new transport, seconds; then the old one is let go."""


class Mover:
    """Follows `media.moving`, `media.reset` and `transport.closed` for one participant.

    Args:
        welcome: tells what is published.
        signaling: the socket.
        media: the transports.
        offer: hands a consumer on, to be attached and read.
        has_frame: whether the newest consumer of a producer has shown its first frame.
        forget_offers: drops offers that wait: they are of a transport that is left.
        forget_shown: what is shown has ended.

    Attributes:
        moves: finished so far. resets: times everything was built anew.
    """

    def __init__(
        self,
        welcome: Welcome,
        signaling: SignalingClient,
        media: HeadlessMedia,
        *,
        offer: Callable[[ConsumerOptions], None],
        has_frame: Callable[[str], bool],
        forget_offers: Callable[[], None],
        forget_shown: Callable[[], None],
    ) -> None:
        self._signaling = signaling
        self._media = media
        self._offer = offer
        self._has_frame = has_frame
        self._forget_offers = forget_offers
        self._forget_shown = forget_shown
        self._others = {
            producer.id
            for person in welcome.participants
            if person.id != welcome.participant_id
            for producer in person.producers
        }
        self._me = welcome.participant_id
        self.moves = 0
        self.resets = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def hear(self, notification: Notification, *, is_watching: bool) -> None:
        """Take a notification in.

        Args:
            notification: any; others are skipped.
            is_watching: whether there is a receive transport to move.
        """
        match notification:
            case ProducerOpened() if notification.participant_id != self._me:
                self._others.add(notification.producer.id)
            case ProducerClosed():
                self._others.discard(notification.producer_id)
            case MediaMoving():
                self._forget_offers()
                self._start(self._move(notification.epoch, is_watching=is_watching))
            case MediaReset():
                self.resets += 1
                self._forget_offers()
                self._forget_shown()
                self._others = {producer.id for producer in notification.producers}
                self._start(self._build_anew(is_watching=is_watching))
            case TransportClosed():
                self._start(self._media.drop(notification.transport_id))
            case _:
                pass

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="headless-move")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _move(self, epoch: int, *, is_watching: bool) -> None:
        await asyncio.gather(self._media.move_send(), *([self._move_receive()] if is_watching else []))
        await self._signaling.request(MediaMoved(id=0, epoch=epoch), Empty)
        for transport_id in self._media.left_recv_ids:
            await self._media.drop(transport_id)
        self.moves += 1

    async def _move_receive(self) -> None:
        await self._consume_on(await self._media.move_receive())
        deadline_s = asyncio.get_running_loop().time() + SWAP_TIMEOUT_S
        while not all(self._has_frame(known) for known in self._others):
            if asyncio.get_running_loop().time() > deadline_s:
                return
            await asyncio.sleep(0.02)

    async def _build_anew(self, *, is_watching: bool) -> None:
        await self._media.rebuild_send()
        if is_watching:
            await self._consume_on(await self._media.move_receive(keep=False))

    async def _consume_on(self, transport_id: str) -> None:
        wanted = [uuid.UUID(known) for known in self._others]
        if not wanted:
            return
        try:
            made = await self._signaling.request(
                ConsumerCreate(id=0, transport_id=uuid.UUID(transport_id), producer_ids=wanted), ConsumersCreated
            )
        except SocketClosed:
            return
        for options in made.consumers:
            self._offer(options)
