"""A fresh tenant with a live room, its owner and some viewers: what each test, smoke run and measurement begins with."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

from control_plane.domain.alerts import Side
from scripts.headless.client import Participant
from scripts.headless.reader import PictureReader, SoundReader
from scripts.headless.rest import Rest
from scripts.headless.tracks import CounterTrack, ToneTrack

FLOW_TIMEOUT_S = 20.0
"""How long media may take to arrive in the wanted amount, seconds."""


class NotArrived(Exception):
    """Something did not truly arrive; the message says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """People signed in, and the room they may enter.

    Attributes:
        host: the owner, who publishes.
        viewers: members of another account each, by invitation.
    """

    host: Rest
    viewers: list[Rest]
    organization_id: str
    room_id: str

    async def enter(self, person: Rest, *, watch: bool = True) -> Participant:
        """Join the room as this person. Raises RestError, SocketClosed."""
        return await Participant.join(person, self.organization_id, self.room_id, watch=watch)


async def sign_up_someone(base_url: str, name: str) -> Rest:
    """A new account with a random address, signed in; close it when done. Raises RestError."""
    rest = Rest(base_url)
    try:
        await rest.sign_up(f"{name.lower()}-{secrets.token_hex(8)}@example.com", secrets.token_urlsafe(16), name)
    except BaseException:
        await rest.close()
        raise
    return rest


@contextlib.asynccontextmanager
async def open_scene(base_url: str, *, viewers: int = 1) -> AsyncIterator[Scene]:
    """Make a tenant of its own and go live in its room; at the end the session is ended.

    Args:
        base_url: of a running stack.
        viewers: how many members with the role viewer.

    Raises:
        RestError: the API refused.
    """
    async with contextlib.AsyncExitStack() as people:
        host = await people.enter_async_context(await sign_up_someone(base_url, "Host"))
        organization = await host.create_organization(f"Scene {secrets.token_hex(4)}")
        room = await host.create_room(organization.id, "Opening Drive")
        watchers = []
        if viewers:
            code = await host.invite(organization.id, "viewer", max_uses=viewers)
        for number in range(viewers):
            watcher = await people.enter_async_context(await sign_up_someone(base_url, f"Viewer{number + 1}"))
            await watcher.accept_invitation(code)
            watchers.append(watcher)
        await host.start_session(organization.id, room.id)
        yield Scene(host=host, viewers=watchers, organization_id=organization.id, room_id=room.id)
        await host.end_session(organization.id, room.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a viewer truly decoded.

    Attributes:
        first_frame_at: event loop time of the first picture, seconds.
        frames: pictures decoded. counter_advanced_by: last counter read minus the first.
        audio_packets: RTP packets received. tone_windows: tenths of a second in which the tone was heard.
    """

    first_frame_at: float
    frames: int
    counter_advanced_by: int
    audio_packets: int
    tone_windows: int


async def publish_test_card(host: Participant) -> None:
    """Publish the counter picture as camera and the tone as microphone. Raises MediaFailed, SignalingError."""
    await host.publish(ToneTrack(), "microphone")
    await host.publish(CounterTrack(), "camera")


async def watch_test_card(viewer: Participant, *, counters: int = 45, tone_windows: int = 10) -> Seen:
    """Watch and listen until enough arrived.

    Args:
        viewer: who joined with `watch`.
        counters: how far the picture's counter must move; half of them must be read.
        tone_windows: tenths of a second in which the tone must be heard.

    Raises:
        NotArrived: it did not, within FLOW_TIMEOUT_S.
        TimeoutError: nothing was offered.
    """
    picture_id, sound_id = await viewer.wait_consumer("video"), await viewer.wait_consumer("audio")
    picture, sound = viewer.pictures[picture_id], viewer.sounds[sound_id]
    await asyncio.gather(
        picture.wait_for(lambda one: one.advanced_by >= counters, timeout_s=FLOW_TIMEOUT_S),
        sound.wait_for(lambda one: one.tone_windows >= tone_windows, timeout_s=FLOW_TIMEOUT_S),
    )
    _require(picture, sound, counters, tone_windows)
    assert picture.first_frame_at is not None
    return Seen(
        first_frame_at=picture.first_frame_at,
        frames=picture.frames,
        counter_advanced_by=picture.advanced_by,
        audio_packets=await viewer.media.packets_received(sound_id),
        tone_windows=sound.tone_windows,
    )


def _require(picture: PictureReader, sound: SoundReader, counters: int, tone_windows: int) -> None:
    if picture.frames == 0:
        raise NotArrived("no picture was decoded")
    if picture.advanced_by < counters or picture.counters_read < counters // 2:
        raise NotArrived(f"{picture.frames} pictures came, but the counter moved by {picture.advanced_by} only")
    if sound.frames == 0:
        raise NotArrived("no sound was decoded")
    if sound.tone_windows < tone_windows:
        raise NotArrived(
            f"the tone was heard {sound.tone_windows} times only, something else {sound.other_windows} times"
        )


async def exchange_words(host: Participant, viewer: Participant) -> tuple[float, float]:
    """A chat line from viewer to host, then an alert from host to viewer.

    Returns:
        Milliseconds from posting to arrival at the other: of the line, of the alert.

    Raises:
        NotArrived: what arrived is not what was posted.
        TimeoutError, SignalingError: it was refused or did not come.
    """
    loop = asyncio.get_running_loop()
    text = f"Is the open at {secrets.token_hex(3)}?"
    began = loop.time()
    line = await host.expect_feed(await viewer.say(text))
    chat_ms = (loop.time() - began) * 1000
    if text.encode() not in bytes(line.body):
        raise NotArrived("another chat line arrived than was posted")
    began = loop.time()
    alert = await viewer.expect_feed(await host.alert("ES", Side.LONG, Decimal("5312.25")))
    alert_ms = (loop.time() - began) * 1000
    if b"5312.25" not in bytes(alert.body):
        raise NotArrived("another alert arrived than was posted")
    return chat_ms, alert_ms
