"""The book of pipes: made once, shared, ended when unused. Pipes here are paper; `test_seat_pipes` has real ones."""

from __future__ import annotations

import asyncio
import random

import pytest
from typing_extensions import override

from media_plane.agent.seat_pipes import Feed, PipeBook
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.errors import InvalidState, WorkerDied


class End(Closable):
    """A far end on paper."""

    @override
    def _shut(self, reason: CloseReason) -> None:
        """Nothing below."""


class Maker:
    """Makes ends when told to, and knows of each."""

    def __init__(self, *, is_ready: bool = True) -> None:
        self.ends: list[End] = []
        self.calls = 0
        self.cancelled = 0
        self.error: Exception | None = None
        self.ready = asyncio.Event()
        if is_ready:
            self.ready.set()

    async def __call__(self) -> End:
        self.calls += 1
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.ends.append(End())
        return self.ends[-1]

    @property
    def open_count(self) -> int:
        return sum(not end.closed for end in self.ends)


async def turns(count: int = 5) -> None:
    """Let everybody who can run do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def lingered(book: PipeBook[End]) -> None:
    """Wait until the book is empty."""
    async with asyncio.timeout(20):
        while len(book):  # noqa: ASYNC110 - a book tells nobody
            await asyncio.sleep(0.005)


async def test_many_at_once_share_one_pipe() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make = Maker(is_ready=False)
    taking = [asyncio.ensure_future(book.take("a", make)) for _ in range(10)]
    await turns()

    make.ready.set()
    feeds = await asyncio.gather(*taking)

    assert make.calls == 1
    assert {feed.producer for feed in feeds} == set(make.ends)


async def test_each_key_has_a_pipe_of_its_own() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make = Maker()

    first, second = await book.take("a", make), await book.take("b", make)

    assert first.producer is not second.producer
    assert len(book) == 2


async def test_a_pipe_ends_some_time_after_its_last_user_left_and_not_before() -> None:
    book: PipeBook[End] = PipeBook(0.02)
    make = Maker()
    first, second = await book.take("a", make), await book.take("a", make)

    first.release()
    first.release()
    await asyncio.sleep(0.05)
    assert make.open_count == 1
    second.release()
    assert make.open_count == 1

    await lingered(book)
    assert make.open_count == 0


async def test_who_comes_back_soon_finds_the_same_pipe() -> None:
    book: PipeBook[End] = PipeBook(0.02)
    make = Maker()
    (await book.take("a", make)).release()

    again = await book.take("a", make)
    await asyncio.sleep(0.05)

    assert make.calls == 1
    assert not again.producer.closed


async def test_what_could_not_be_made_is_told_to_all_and_tried_anew() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make = Maker(is_ready=False)
    make.error = WorkerDied(1, 9)
    taking = [asyncio.ensure_future(book.take("a", make)) for _ in range(3)]
    await turns()
    make.ready.set()

    outcomes = await asyncio.gather(*taking, return_exceptions=True)
    make.error = None
    feed = await book.take("a", make)

    assert [type(outcome) for outcome in outcomes] == [WorkerDied] * 3
    assert (make.calls, feed.producer.closed) == (2, False)


async def test_a_dead_pipe_is_not_given_to_the_next_one() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make = Maker()
    dead = await book.take("a", make)
    dead.producer.closed_by("transport_closed")

    feed = await book.take("a", make)
    dead.release()

    assert feed.producer is not dead.producer
    assert not feed.producer.closed
    assert len(book) == 1


async def test_a_pipe_that_dies_as_it_is_made_is_refused() -> None:
    book: PipeBook[End] = PipeBook(60.0)

    async def make() -> End:
        end = End()
        end.closed_by("transport_closed")
        return end

    with pytest.raises(InvalidState):
        await book.take("a", make)

    assert len(book) == 0


async def test_one_who_gives_up_does_not_take_it_from_the_others() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make = Maker(is_ready=False)
    patient, hasty = [asyncio.ensure_future(book.take("a", make)) for _ in range(2)]
    await turns()

    hasty.cancel()
    await turns()
    make.ready.set()

    assert not (await patient).producer.closed
    assert hasty.cancelled()


async def test_when_all_give_up_it_is_not_made() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make = Maker(is_ready=False)
    taking = [asyncio.ensure_future(book.take("a", make)) for _ in range(3)]
    await turns()

    for task in taking:
        task.cancel()
    await turns()

    assert (make.cancelled, len(book), make.ends) == (1, 0, [])


async def test_closing_the_book_closes_what_stands_and_what_is_being_made() -> None:
    book: PipeBook[End] = PipeBook(60.0)
    make, slow = Maker(), Maker(is_ready=False)
    feed = await book.take("a", make)
    waiting = asyncio.ensure_future(book.take("b", slow))
    await turns()

    book.close()
    book.close()
    feed.release()

    assert feed.producer.closed
    with pytest.raises(InvalidState):
        await waiting
    assert slow.cancelled == 1
    with pytest.raises(InvalidState):
        await book.take("a", make)


@pytest.mark.parametrize("seed", range(40))
async def test_whatever_users_do_nothing_stays_open_and_nobody_is_given_what_is_closed(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    book: PipeBook[End] = PipeBook(0.0)
    make = Maker(is_ready=False)
    taking: list[asyncio.Task[Feed[End]]] = []
    held: list[Feed[End]] = []
    for _ in range(60):
        match chance.randrange(6):
            case 0 | 1:
                taking.append(asyncio.ensure_future(book.take(chance.choice("abc"), make)))
            case 2 if taking:
                chance.choice(taking).cancel()
            case 3 if held:
                held.pop(chance.randrange(len(held))).release()
            case 4 if make.open_count:
                chance.choice([end for end in make.ends if not end.closed]).closed_by("worker_died")
            case _:
                (make.ready.clear if make.ready.is_set() else make.ready.set)()
        await turns(chance.randrange(4))
        for task in [task for task in taking if task.done()]:
            taking.remove(task)
            if not task.cancelled() and task.exception() is None:
                held.append(task.result())
    make.ready.set()
    held += [one for one in await asyncio.gather(*taking, return_exceptions=True) if isinstance(one, Feed)]

    standing = {feed.producer for feed in held if not feed.producer.closed}
    assert len(book) >= len(standing)
    for feed in held:
        feed.release()
    await lingered(book)
    assert make.open_count == 0
