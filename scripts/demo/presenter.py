"""`python -m scripts.demo.presenter --base-url … --credentials FILE`: the demo room's presenter and a few members.

Shares the chart and the quiet chords, posts alerts, talks. It never gives up: what is lost is taken again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import secrets
import signal
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec

from control_plane.signaling.messages import AlertPost, AlertStep, ParticipantView, Posted
from scripts.demo.attendee import LOST, Attendee, Place
from scripts.demo.desk import Happening, Position, open_desk
from scripts.demo.market import CANDLE_MINUTES
from scripts.demo.pad import PadTrack, encode_loop
from scripts.demo.screen import ChartTrack, Painter, use_sharp_encoder
from scripts.demo.script import Line, Script
from scripts.demo.steps import steps_of
from scripts.headless.client import Participant
from scripts.headless.signaling import SignalingError
from scripts.stack.console import say
from scripts.stack.seed import Demo, Person

_QUIET_S = (40.0, 80.0)
"""Small talk after so much silence, at least and at most, seconds."""
_GREET_PAUSE_S = 30.0
"""Who comes sooner after another is not greeted: a reload is not a guest."""
_MEMBERS = 2
_FILL_AFTER_S = 4.0
"""An idea is posted, and in the market so much later."""
_REFUSED = {
    "alert_already_filled",
    "alert_not_filled",
    "alert_over",
    "conflict",
    "invalid_input",
    "not_found",
    "target_already_hit",
}
"""A visitor who is the host may have closed the presenter's alert: then this step is not ours to tell any more."""


class Presenter:
    """The presenter, the members, the market, and what they say.

    Args:
        place: the room.
        people: the seeded people.
        seed: decides market and words.
    """

    def __init__(self, place: Place, people: Sequence[Person], *, seed: int) -> None:
        self._desk = open_desk(seed)
        self._script = Script(seed=seed)
        self._random = random.Random(seed)  # noqa: S311 - pauses, not secrets
        self._happenings: asyncio.Queue[Happening | ParticipantView] = asyncio.Queue()
        self._painter = Painter(self._desk, self._happenings.put_nowait)
        self._alert_ids: dict[int, uuid.UUID] = {}
        self._posted: set[int] = set()
        self._told: set[tuple[int, int]] = set()
        self._greeted_at = -_GREET_PAUSE_S
        self._host = Attendee(
            place,
            choose_presenters(people),
            starter=choose_starter(people),
            tracks={"microphone": PadTrack, "screen": lambda: ChartTrack(self._painter)},
            on_welcome=self._catch_up,
            on_guest=self._happenings.put_nowait,
        )
        self._members = [Attendee(place, [person]) for person in choose_members(people)]

    async def run(self) -> None:
        """Present until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (
                self._painter.run(),
                self._talk(),
                *(attendee.stay() for attendee in (self._host, *self._members)),
            ):
                group.create_task(work)

    # --- alerts

    async def _catch_up(self) -> None:
        """Post the ideas and steps the room does not know yet."""
        await self._post_open()
        await self._post_steps()

    async def _post_open(self) -> None:
        """Post the alerts of all open ideas that are not posted yet; the morning's too, so that cards and lines agree."""
        participant = self._host.participant
        if participant is None:
            return
        for position in self._desk.open_positions():
            if position.number not in self._posted:
                await participant.signaling.request(self._alert_of(position), Posted)
                self._posted.add(position.number)

    def _alert_of(self, position: Position) -> AlertPost:
        market = self._desk.markets[position.symbol]
        price = market.instrument.price
        note = self._script.note(position.side)
        age = market.candles_begun - position.opened
        if age > 1:
            minute = market.candles[-1].minute - age * CANDLE_MINUTES
            note = f"{note}. In since {minute // 60:02}:{minute % 60:02}"
        return AlertPost(
            id=0,
            # The same id for each try: posting twice after a loss is harmless.
            alert_id=self._alert_ids.setdefault(position.number, uuid.uuid4()),
            symbol=position.symbol,
            side=position.side,
            entry=price(position.entry),
            stop=price(position.first_stop),
            targets=[price(target) for target in position.targets],
            note=note,
        )

    async def _post_steps(self) -> None:
        """Tell what happened to the posted ideas, as far as it is not told yet."""
        participant = self._host.participant
        if participant is None:
            return
        for position in self._desk.positions:
            if position.number in self._posted:
                await self._post_steps_of(participant, position)

    async def _post_steps_of(self, participant: Participant, position: Position) -> None:
        alert_id = self._alert_ids[position.number]
        price = self._desk.markets[position.symbol].instrument.price
        for number, step in enumerate(steps_of(position)):
            if (position.number, number) in self._told:
                continue
            request = AlertStep(
                id=0,
                alert_id=alert_id,
                # The same id for each try, as for the alert.
                step_id=uuid.uuid5(alert_id, str(number)),
                kind=step.kind,
                price=price(step.ticks),
                fraction=step.fraction,
                target=step.target,
            )
            try:
                await participant.signaling.request(request, Posted)
            except SignalingError as error:
                if error.code not in _REFUSED:
                    raise
            self._told.add((position.number, number))

    # --- words

    @property
    def _has_audience(self) -> bool:
        """Whether anyone is in the room besides us."""
        ours = {
            attendee.participant.joined.participant_id
            for attendee in (self._host, *self._members)
            if attendee.participant
        }
        return bool(set(self._host.others) - ours)

    async def _talk(self) -> None:
        while True:
            self._desk.is_watched = self._has_audience
            try:
                async with asyncio.timeout(self._random.uniform(*_QUIET_S)):
                    news = await self._happenings.get()
            except TimeoutError:
                if self._has_audience:
                    await self._exchange(self._script.chat())
                continue
            if isinstance(news, ParticipantView):
                await self._greet(news)
            else:
                await self._follow(news)

    async def _follow(self, happening: Happening) -> None:
        with contextlib.suppress(*LOST):  # the next welcome tells what is missing
            if happening.kind == "idea":
                await self._post_open()
                await asyncio.sleep(_FILL_AFTER_S)
            if happening.position is not None:
                await self._post_steps()
        is_step = happening.position is not None and happening.kind != "idea"
        if is_step or self._has_audience:
            await self._exchange(self._script.talk_about(happening, self._desk.markets[happening.symbol].instrument))

    async def _greet(self, guest: ParticipantView) -> None:
        now = asyncio.get_running_loop().time()
        if (
            str(guest.id) not in self._host.others
            or not self._is_guest(guest)
            or now - self._greeted_at < _GREET_PAUSE_S
        ):
            return
        self._greeted_at = now
        await self._exchange(self._script.greet(guest.display_name.split()[0]))

    def _is_guest(self, person: ParticipantView) -> bool:
        return all(person.display_name != attendee.name for attendee in (self._host, *self._members))

    async def _exchange(self, lines: Sequence[Line]) -> None:
        """Say the lines one after the other; while nobody listens only the presenter's first one, for the record."""
        member = self._random.choice(self._members) if self._members else None
        for line in lines:
            await asyncio.sleep(line.wait_s)
            if line.speaker == "presenter":
                await self._host.talk(line.text)
            elif member is not None:
                await member.talk(line.text)
            if not self._has_audience:
                return


def choose_presenters(people: Sequence[Person]) -> list[Person]:
    """Who presents: a co-host, so that a visitor may be the host; the host only when someone else sits there."""
    order = {"co_host": 0, "host": 1, "owner": 2}
    return sorted((one for one in people if one.role in order), key=lambda one: order[one.role])


def choose_starter(people: Sequence[Person]) -> Person:
    """Who may start a session."""
    return next(one for one in people if one.role in {"owner", "admin", "host"})


def choose_members(people: Sequence[Person]) -> list[Person]:
    """Who talks along: a moderator and the last viewers; the first viewer is left to visitors."""
    moderators = [one for one in people if one.role == "moderator"]
    viewers = [one for one in people if one.role == "viewer"][1:]
    return [*moderators[:1], *reversed(viewers)][:_MEMBERS]


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code, 2 when the credentials are not complete."""
    parser = argparse.ArgumentParser(prog="python -m scripts.demo.presenter", description="The demo room's presenter.")
    parser.add_argument("--base-url", required=True, help="of the running stack")
    parser.add_argument("--credentials", type=Path, required=True, help="demo.json of the stack's data folder")
    parser.add_argument("--seed", type=int, help="of the market; another one each time by default")
    options = parser.parse_args(arguments)
    demo = msgspec.json.decode(options.credentials.read_bytes(), type=Demo)
    if demo.organization_id is None or demo.room_id is None:
        say(f"{options.credentials} has no room yet")
        return 2
    place = Place(base_url=options.base_url, organization_id=demo.organization_id, room_id=demo.room_id)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    say(f"the market's seed is {seed}")
    asyncio.run(_run(place, demo.people, seed))
    return 0


async def _run(place: Place, people: Sequence[Person], seed: int) -> None:
    use_sharp_encoder()
    await asyncio.to_thread(encode_loop)
    work = asyncio.ensure_future(Presenter(place, people, seed=seed).run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    sys.exit(main())
