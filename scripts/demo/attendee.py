"""One demo person's place in the room: taken, kept, taken again after every loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import httpx
import msgspec
from aiortc import MediaStreamTrack

from control_plane.signaling.messages import (
    CloseCode,
    Hello,
    MediaReset,
    Notification,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantView,
    ProducerClosed,
    SessionEnded,
    TransportClosed,
    Welcome,
)
from media_plane.contract.messages import Source
from scripts.headless.client import Participant
from scripts.headless.media import MediaFailed
from scripts.headless.rest import Rest, RestError
from scripts.headless.signaling import SignalingClient, SignalingError, SocketClosed
from scripts.stack.console import say
from scripts.stack.seed import Person

LOST = (
    RestError,
    SignalingError,
    SocketClosed,
    MediaFailed,
    httpx.HTTPError,
    msgspec.MsgspecError,
    OSError,
    TimeoutError,
)
"""What a stack that restarts makes of requests."""
_RETRY_FIRST_S, _RETRY_LONGEST_S = 0.25, 4.0
_RESUME_FOR_S = 12.0
"""The server keeps a lost person's place, and their media, for 15 s (`needs.Times.grace_s`)."""
_SILENCE_S = 6.0
"""A socket that says nothing for this long is lost; the server pings every 2 s."""
_LOOK_S = 0.2
AFTER_END_S = 10.0
"""Someone ended the session: wait so long before a new one."""
AFTER_REPLACED_S = 600.0
"""Someone signed in as this person and sits here now: leave them alone for so long."""
AFTER_REMOVED_S = 60.0
_GOODBYE_S = 1.0


class _Trouble(Enum):
    SOCKET = "the socket is lost"
    MEDIA = "the media is lost"
    ENDED = "the session was ended"
    REPLACED = "someone else signed in as this person"
    REMOVED = "a moderator removed this person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The room all of this is about. base_url: of the REST door."""

    base_url: str
    organization_id: str
    room_id: str


class Attendee:
    """A place for one person at a time: the first of `people` who is not in use by somebody else.

    Args:
        place: the room.
        people: who may sit here, best first.
        starter: who starts the session when none runs; None: wait until one does.
        tracks: made anew for each join and published, by source.
        on_welcome: called after each join or resume, once everything is published.
        on_guest: called with everyone who comes in while we are there.

    Attributes:
        participant: who sits here now, None in between.
        others: people in the room by participant id, ourselves included.
    """

    def __init__(
        self,
        place: Place,
        people: Sequence[Person],
        *,
        starter: Person | None = None,
        tracks: Mapping[Source, Callable[[], MediaStreamTrack]] | None = None,
        on_welcome: Callable[[], Awaitable[None]] | None = None,
        on_guest: Callable[[ParticipantView], None] | None = None,
    ) -> None:
        self.participant: Participant | None = None
        self.others: dict[str, ParticipantView] = {}
        self._place = place
        self._people = people
        self._starter = starter
        self._tracks = tracks or {}
        self._on_welcome = on_welcome
        self._on_guest = on_guest
        self._rests: dict[str, Rest] = {}
        self._in_use_until: dict[str, float] = {}
        self._person = people[0]
        self._published: list[MediaStreamTrack] = []
        self._trouble: _Trouble | None = None
        self._heard_at = 0.0
        self._said = ""

    @property
    def name(self) -> str:
        """Who sits here, or tries to."""
        return self._person.name

    async def stay(self) -> None:
        """Come in and stay until cancelled; come back after every loss."""
        wait_s = _RETRY_FIRST_S
        try:
            while True:
                try:
                    await self._enter()
                    wait_s = _RETRY_FIRST_S
                    await asyncio.sleep(await self._remain())
                except LOST as error:
                    self._complain(str(error) or type(error).__name__)
                    await self._go()
                    await asyncio.sleep(wait_s)
                    wait_s = min(_RETRY_LONGEST_S, wait_s * 2)
        finally:
            await self._say_goodbye()
            for rest in self._rests.values():
                await rest.close()

    def _complain(self, reason: str) -> None:
        """Say why we are not in, once per reason: waiting for a session may take an hour."""
        if reason != self._said:
            say(f"{self.name} is not in: {reason}")
        self._said = reason

    # --- coming in

    async def _enter(self) -> None:
        self._person = self._choose_person()
        rest = await self._sign_in(self._person)
        try:
            participant = await self._join(rest)
        except RestError as error:
            if error.code != "room_not_live" or self._starter is None:
                raise
            await self._start_session(self._starter)
            participant = await self._join(rest)
        self.participant = participant
        self._listen(participant)
        self._published = []
        for source, make in self._tracks.items():
            track = make()
            self._published.append(track)
            # The chart's encoder is a VP8 one, which every browser decodes; the routers would rather have H264.
            await participant.publish(track, source, mime_type="video/VP8" if track.kind == "video" else None)
        say(f"{self.name} is in the room")
        self._said = ""
        await self._tell_welcome()

    def _choose_person(self) -> Person:
        now = asyncio.get_running_loop().time()
        return min(self._people, key=lambda one: max(now, self._in_use_until.get(one.email, now)))

    async def _sign_in(self, person: Person) -> Rest:
        rest = self._rests.setdefault(person.email, Rest(self._place.base_url))
        if rest.access_token is None:
            await rest.sign_in(person.email, person.password)
        return rest

    async def _join(self, rest: Rest) -> Participant:
        try:
            return await Participant.join(rest, self._place.organization_id, self._place.room_id, watch=False)
        except RestError as error:
            if error.status == 401:
                rest.access_token = None  # expired, or of an older database: sign in next time
            raise

    async def _start_session(self, starter: Person) -> None:
        rest = await self._sign_in(starter)
        try:
            await rest.start_session(self._place.organization_id, self._place.room_id)
            say(f"{starter.name} started the session")
        except RestError as error:
            if error.status == 401:
                rest.access_token = None
            if error.code != "room_already_live":
                raise

    def _listen(self, participant: Participant) -> None:
        self._trouble = None
        self._heard_at = asyncio.get_running_loop().time()
        self.others = {str(one.id): one for one in participant.welcome.participants}
        participant.signaling.on_notification = self._notice

    async def _tell_welcome(self) -> None:
        if self._on_welcome is not None:
            await self._on_welcome()

    # --- staying

    async def _remain(self) -> float:
        """Stay until it is over; the answer is how long to stay away, seconds."""
        while True:
            trouble = await self._wait_for_trouble()
            if trouble is _Trouble.SOCKET and await self._resume():
                continue
            break
        say(f"{self.name} is out: {trouble.value}")
        await self._go()
        if trouble is _Trouble.REPLACED:
            self._in_use_until[self._person.email] = asyncio.get_running_loop().time() + AFTER_REPLACED_S
            return 0.0 if len(self._people) > len(self._in_use()) else AFTER_REPLACED_S
        return {_Trouble.ENDED: AFTER_END_S, _Trouble.REMOVED: AFTER_REMOVED_S}.get(trouble, 0.0)

    def _in_use(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        return [email for email, until in self._in_use_until.items() if until > now]

    async def _wait_for_trouble(self) -> _Trouble:
        participant = self.participant
        assert participant is not None
        while True:
            close_code = participant.signaling.close_code
            if close_code is not None:
                return _read_close(close_code)
            if self._trouble is not None:
                return self._trouble
            if any(track.readyState != "live" for track in self._published):
                return _Trouble.MEDIA
            if asyncio.get_running_loop().time() - self._heard_at > _SILENCE_S:
                participant.signaling.abort()
                return _Trouble.SOCKET
            await asyncio.sleep(_LOOK_S)

    async def _resume(self) -> bool:
        """A new socket for the same person; the media flows on meanwhile. False: join anew."""
        participant = self.participant
        assert participant is not None
        deadline, wait_s = asyncio.get_running_loop().time() + _RESUME_FOR_S, _RETRY_FIRST_S
        while asyncio.get_running_loop().time() < deadline:
            try:
                return await self._resume_once(participant)
            except SocketClosed as error:
                if error.close_code in {CloseCode.BAD_TOKEN, CloseCode.SESSION_ENDED}:
                    return False
            except LOST:
                pass
            await asyncio.sleep(wait_s)
            wait_s = min(1.0, wait_s * 2)
        return False

    async def _resume_once(self, participant: Participant) -> bool:
        signaling = await SignalingClient.connect(participant.joined.signaling_url, origin=self._place.base_url)
        hello = Hello(
            id=0,
            resume_token=participant.welcome.resume_token,
            keep_media=True,
            rtp_capabilities=participant.media.rtp_capabilities,
        )
        try:
            welcome = await signaling.request(hello, Welcome)
        except BaseException:
            await signaling.close()
            raise
        await participant.signaling.close()
        participant.signaling, participant.welcome = signaling, welcome
        participant.media.use(signaling)
        self._listen(participant)
        if self._tracks and not welcome.media_kept:
            return False
        say(f"{self.name} is back")
        await self._tell_welcome()
        return True

    def _notice(self, notification: Notification) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        match notification:
            case SessionEnded():
                self._trouble = _Trouble.ENDED
            case MediaReset() | TransportClosed() if self._tracks:
                self._trouble = self._trouble or _Trouble.MEDIA
            case ProducerClosed() if str(notification.participant_id) == self._own_id():
                self._trouble = self._trouble or _Trouble.MEDIA
            case ParticipantJoined():
                self._take_guest(notification.participant)
            case ParticipantLeft():
                self.others.pop(str(notification.participant_id), None)

    def _take_guest(self, person: ParticipantView) -> None:
        is_new = str(person.id) not in self.others
        self.others[str(person.id)] = person
        if is_new and self._on_guest is not None:
            self._on_guest(person)

    def _own_id(self) -> str | None:
        return None if self.participant is None else str(self.participant.welcome.participant_id)

    # --- talking and going

    async def talk(self, text: str) -> None:
        """Say something, if we are in the room."""
        if self.participant is not None:
            with contextlib.suppress(*LOST):
                await self.participant.say(text)

    async def _go(self) -> None:
        participant, self.participant = self.participant, None
        self.others = {}
        if participant is not None:
            with contextlib.suppress(*LOST):
                await participant.close()

    async def _say_goodbye(self) -> None:
        """Leave in order, so that nobody waits for us to come back."""
        if self.participant is not None:
            with contextlib.suppress(*LOST):
                async with asyncio.timeout(_GOODBYE_S):
                    await self.participant.signaling.leave()
        await self._go()


def _read_close(code: int) -> _Trouble:
    match code:
        case CloseCode.SESSION_ENDED:
            return _Trouble.ENDED
        case CloseCode.REPLACED:
            return _Trouble.REPLACED
        case CloseCode.REMOVED:
            return _Trouble.REMOVED
    return _Trouble.SOCKET
