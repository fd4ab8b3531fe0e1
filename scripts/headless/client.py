"""Participant: a person in a live room, joined by the real REST join and hello."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from types import TracebackType
from typing import Self

from aiortc import MediaStreamTrack

from control_plane.domain.alerts import Side
from control_plane.domain.events import FeedEvent
from control_plane.signaling.messages import (
    AlertPost,
    ChatPost,
    ConsumerOffered,
    FeedAppended,
    Notification,
    Posted,
    Welcome,
)
from media_plane.contract.messages import ConsumerOptions, MediaKind, Source
from scripts.headless.media import HeadlessMedia
from scripts.headless.moving import Mover
from scripts.headless.reader import PictureReader, SoundReader
from scripts.headless.rest import Joined, Rest
from scripts.headless.signaling import SignalingClient


class Participant:
    """One person in one live session. Make it with `join`, end it with `close` or `async with`.

    Attributes:
        joined: the REST answer.
        welcome: the socket's.
        signaling: the socket, for anything not wrapped here.
        media: transports and tracks.
        pictures: readers of consumed video, by consumer id.
        sounds: readers of consumed audio, by consumer id.
        shown: the newest reader of each track of others, by producer id; older ones still read while media moves.
        mover: follows the room's media when it moves.
    """

    def __init__(self, joined: Joined, welcome: Welcome, signaling: SignalingClient, media: HeadlessMedia) -> None:
        self.joined = joined
        self.welcome = welcome
        self.signaling = signaling
        self.media = media
        self.pictures: dict[str, PictureReader] = {}
        self.sounds: dict[str, SoundReader] = {}
        self.shown: dict[str, PictureReader | SoundReader] = {}
        self.mover = Mover(
            welcome,
            signaling,
            media,
            offer=self._offer,
            has_frame=self._is_fresh,
            forget_offers=self._forget_offers,
            forget_shown=self.shown.clear,
        )
        self._stale: set[str] = set()
        self._offered: asyncio.Queue[ConsumerOptions] = asyncio.Queue()
        self._watching: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()

    @classmethod
    async def join(cls, rest: Rest, organization_id: str, room_id: str, *, watch: bool = True) -> Self:
        """Join by REST, say hello, and (with `watch`) consume everything there is and comes.

        Args:
            rest: of someone signed in.
            organization_id: whose room.
            room_id: a room that is live.
            watch: False leaves the receive transport untouched.

        Raises:
            RestError: the join is refused.
            SocketClosed: the hello is refused.
        """
        joined = await rest.join(organization_id, room_id)
        media = await HeadlessMedia.load(joined.rtp_capabilities, joined.ice_servers)
        signaling = await SignalingClient.connect(joined.signaling_url, origin=rest.base_url)
        try:
            welcome = await signaling.hello(token=joined.token, rtp_capabilities=media.rtp_capabilities)
        except BaseException:
            await signaling.close()
            raise
        participant = cls(joined, welcome, signaling, media)
        media.use(signaling)
        signaling.on_notification = participant._notice
        if watch:
            await participant.watch()
        return participant

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # --- media

    async def watch(self) -> None:
        """Consume every live producer of others, and those that are offered later. Raises SignalingError."""
        await self.media.open_receive(self.welcome.recv_transport)
        for options in self.welcome.consumers:
            self._offered.put_nowait(options)
        self._watching = asyncio.create_task(self._watch(), name="headless-watch")

    async def _watch(self) -> None:
        while True:
            options = await self._offered.get()
            track = await self.media.consume(options)
            if options.kind == "video":
                self.shown[options.producer_id] = self.pictures[options.id] = PictureReader(track)
            else:
                self.shown[options.producer_id] = self.sounds[options.id] = SoundReader(track)
            self._stale.discard(options.producer_id)
            self._arrived.set()

    def _offer(self, options: ConsumerOptions) -> None:
        self._offered.put_nowait(options)

    def _forget_offers(self) -> None:
        """Offers that wait are of a transport that is left, and so is whatever is shown now."""
        while not self._offered.empty():
            self._offered.get_nowait()
        self._stale = set(self.shown)

    def _is_fresh(self, producer_id: str) -> bool:
        reader = self.shown.get(producer_id)
        return reader is not None and producer_id not in self._stale and reader.frames > 0

    async def wait_consumer(self, kind: MediaKind, *, timeout_s: float = 10.0) -> str:
        """Id of the first consumer of that kind, once its track is attached.

        Raises:
            TimeoutError: none came.
            MediaFailed: the media does not connect.
        """
        readers: dict[str, PictureReader] | dict[str, SoundReader] = self.pictures if kind == "video" else self.sounds
        try:
            async with asyncio.timeout(timeout_s):
                while not readers:
                    if self._watching is not None and self._watching.done():
                        self._watching.result()
                    self._arrived.clear()
                    arrived = asyncio.ensure_future(self._arrived.wait())
                    await asyncio.wait(
                        {arrived, *([self._watching] if self._watching else [])}, return_when="FIRST_COMPLETED"
                    )
                    arrived.cancel()
        except TimeoutError as error:
            raise TimeoutError(f"no {kind} was offered in {timeout_s} s") from error
        return next(iter(readers))

    async def publish(self, track: MediaStreamTrack, source: Source, *, mime_type: str | None = None) -> str:
        """Publish a track, as a certain video codec if one is named, and return its producer id.

        Raises MediaFailed, SignalingError.
        """
        return await self.media.publish(track, source, mime_type=mime_type)

    # --- words

    async def say(self, text: str) -> uuid.UUID:
        """Post one chat line; the answer is its id, committed. Raises SignalingError."""
        message_id = uuid.uuid4()
        await self.signaling.request(ChatPost(id=0, message_id=message_id, text=text), Posted)
        return message_id

    async def alert(self, symbol: str, side: Side, entry: Decimal) -> uuid.UUID:
        """Post one alert; the answer is its id, committed. Raises SignalingError (viewers are refused)."""
        alert_id = uuid.uuid4()
        await self.signaling.request(AlertPost(id=0, alert_id=alert_id, symbol=symbol, side=side, entry=entry), Posted)
        return alert_id

    async def expect_feed(self, subject_id: uuid.UUID, *, timeout_s: float = 10.0) -> FeedEvent:
        """Wait for the push of one feed entry. Raises TimeoutError, SocketClosed."""
        pushed = await self.signaling.expect(
            FeedAppended, lambda one: one.event.subject_id == subject_id, timeout_s=timeout_s
        )
        return pushed.event

    def _notice(self, notification: Notification) -> None:
        if isinstance(notification, ConsumerOffered):
            self._offered.put_nowait(notification.consumer)
        else:
            self.mover.hear(notification, is_watching=self._watching is not None)

    # --- closing

    async def close(self) -> None:
        """Stop reading, close the media, then the socket. May be called twice."""
        await self.mover.close()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for reader in (*self.pictures.values(), *self.sounds.values()):
            await reader.close()
        await self.media.close()
        await self.signaling.close()
