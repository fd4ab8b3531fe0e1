import asyncio
import logging
import socket
from collections.abc import AsyncIterator

import pytest

from media_plane.channel.channel import Channel
from media_plane.channel.codec import producer as codec
from media_plane.channel.codec import worker as worker_codec
from media_plane.channel.codec.message import Notification, RequestMessage
from media_plane.channel.errors import (
    BrokenMessage,
    ChannelClosed,
    ChannelTimeout,
    MediaError,
    WorkerDied,
    WorkerRejected,
    WorkerStartFailed,
)
from media_plane.channel.framing import LENGTH, frame
from media_plane.channel.launch import prove
from tests.unit.media_plane.channel.far_end import FarEnd, answer, dump_answer, log_line, notification, until


class Pair:
    def __init__(self, far: FarEnd, channel: Channel) -> None:
        self.far = far
        self.channel = channel


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    far, channel = await FarEnd.open()
    yield Pair(far, channel)
    channel.close()
    far.close()
    await asyncio.sleep(0)


def undo(object_id: str) -> RequestMessage[None]:
    return codec.close_producer("t", object_id)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_answers_find_their_requests_in_any_order(pair: Pair) -> None:
    first = asyncio.ensure_future(pair.channel.request(codec.pause("p")))
    second = asyncio.ensure_future(pair.channel.request(codec.resume("p")))
    asked = [await pair.far.asked(), await pair.far.asked()]

    await pair.far.say(answer(asked[1].request_id, reason="no", error="TypeError"), answer(asked[0].request_id))

    await first
    with pytest.raises(WorkerRejected, match="PRODUCER_RESUME: no") as caught:
        await second
    assert (caught.value.error, caught.value.reason) == ("TypeError", "no")
    assert [(one.method, one.handler_id) for one in asked] == [("PRODUCER_PAUSE", "p"), ("PRODUCER_RESUME", "p")]
    assert pair.channel.pending_count == 0


async def test_requests_of_one_turn_travel_in_one_write(pair: Pair) -> None:
    tasks = [asyncio.ensure_future(pair.channel.request(codec.pause(f"p{number}"))) for number in range(20)]

    data = await pair.far.read()

    sizes = []
    while data:
        (size,) = LENGTH.unpack_from(data)
        sizes.append(size)
        data = data[4 + size :]
    assert len(sizes) == 20
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_request_without_an_answer_times_out_and_is_forgotten() -> None:
    far, channel = await FarEnd.open(deadline_s=0.02)

    with pytest.raises(ChannelTimeout, match=r"PRODUCER_PAUSE within 0\.02 s"):
        await channel.request(codec.pause("p"))

    assert channel.pending_count == 0
    asked = await far.asked()
    await far.say(answer(asked.request_id))
    with pytest.raises(ChannelTimeout):
        await channel.request(codec.resume("p"), deadline_s=0.01)
    channel.close()
    far.close()
    await settle()


async def test_notification_ahead_of_the_answer_reaches_the_object_made_by_it(pair: Pair) -> None:
    heard: list[int] = []

    async def create() -> None:
        await pair.channel.request(codec.pause("new"), creates="new")
        pair.channel.subscribe("new", lambda it: heard.append(it.event))

    creating = asyncio.ensure_future(create())
    asked = await pair.far.asked()

    await pair.far.say(notification("new", 1))
    await asyncio.sleep(0.01)
    await pair.far.say(notification("new", 2), answer(asked.request_id), notification("new", 3))
    await creating
    await settle()

    assert heard == [1, 2, 3]


async def test_notifications_for_an_object_never_made_are_dropped(pair: Pair) -> None:
    creating = asyncio.ensure_future(pair.channel.request(codec.pause("new"), creates="new"))
    asked = await pair.far.asked()

    await pair.far.say(notification("new", 1), answer(asked.request_id, reason="no"))

    with pytest.raises(WorkerRejected):
        await creating
    await settle()
    assert pair.channel.handler_count == 0


async def test_answer_nobody_subscribes_after_holds_nothing(pair: Pair) -> None:
    creating = asyncio.ensure_future(pair.channel.request(codec.pause("new"), creates="new"))
    asked = await pair.far.asked()

    await pair.far.say(answer(asked.request_id))
    await creating
    await settle()

    assert pair.channel.handler_count == 0


async def test_notifications_are_heard_after_the_answers_of_the_same_read(pair: Pair) -> None:
    order: list[str] = []
    pair.channel.subscribe("p", lambda _: order.append("notification"))

    async def ask() -> None:
        await pair.channel.request(codec.pause("p"))
        order.append("answer")

    asking = asyncio.ensure_future(ask())
    asked = await pair.far.asked()
    await pair.far.say(notification("p", 1), answer(asked.request_id))
    await asking
    await settle()

    assert order == ["answer", "notification"]


async def test_failing_handler_does_not_keep_others_from_hearing(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Notification] = []

    def fail(_: Notification) -> None:
        raise RuntimeError("handler")

    pair.channel.subscribe("a", fail)
    pair.channel.subscribe("b", heard.append)

    with caplog.at_level(logging.ERROR, "media_plane.channel.channel"):
        await pair.far.say(notification("a", 1), notification("b", 1))
        await until(lambda: heard)

    assert "Handling a notification of a failed" in caplog.text


async def test_cancelled_request_is_undone_on_the_same_wire(pair: Pair) -> None:
    creating = asyncio.ensure_future(pair.channel.request(codec.pause("new"), creates="new", undo=lambda: undo("new")))
    await pair.far.asked()

    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating

    undone = await pair.far.asked()
    assert (undone.method, undone.handler_id) == ("TRANSPORT_CLOSE_PRODUCER", "t")
    assert pair.channel.pending_count == 0
    assert pair.channel.handler_count == 0


async def test_caller_cancelled_in_the_turn_of_its_answer_is_undone_too(pair: Pair) -> None:
    creating = asyncio.ensure_future(pair.channel.request(codec.pause("new"), creates="new", undo=lambda: undo("new")))
    asked = await pair.far.asked()
    pair.channel._read(answer(asked.request_id))

    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating

    assert (await pair.far.asked()).method == "TRANSPORT_CLOSE_PRODUCER"


async def test_refused_request_is_not_undone(pair: Pair) -> None:
    creating = asyncio.ensure_future(pair.channel.request(codec.pause("new"), undo=lambda: undo("new")))
    asked = await pair.far.asked()

    await pair.far.say(answer(asked.request_id, reason="taken"))
    with pytest.raises(WorkerRejected):
        await creating

    follow = asyncio.ensure_future(pair.channel.request(codec.resume("x")))
    assert (await pair.far.asked()).method == "PRODUCER_RESUME"
    follow.cancel()


async def test_answer_without_its_body_is_an_error_and_undone(pair: Pair) -> None:
    asking = asyncio.ensure_future(pair.channel.request(worker_codec.dump(), undo=lambda: undo("new")))
    asked = await pair.far.asked()

    await pair.far.say(answer(asked.request_id))

    with pytest.raises(BrokenMessage, match="DumpResponse"):
        await asking
    assert (await pair.far.asked()).method == "TRANSPORT_CLOSE_PRODUCER"


async def test_close_fails_what_waits_and_what_comes_later(pair: Pair) -> None:
    waiting = [asyncio.ensure_future(pair.channel.request(codec.pause("p"))) for _ in range(3)]
    await pair.far.asked()

    pair.channel.close(lambda: WorkerDied(7, -9))
    pair.channel.close()

    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["Worker 7 died (signal 9)."] * 3
    with pytest.raises(WorkerDied):
        await pair.channel.request(codec.pause("p"))
    pair.channel.post(codec.pause("p"))
    pair.channel.notify(worker_codec.close())
    assert pair.channel.is_closed


async def test_what_was_said_before_a_close_still_goes_out(pair: Pair) -> None:
    pair.channel.post(codec.pause("last"))

    pair.channel.close()

    assert (await pair.far.asked()).handler_id == "last"
    assert await pair.far.read() == b""


@pytest.mark.parametrize("nonsense", [LENGTH.pack(2**31), frame(b"\xff" * 32), frame(b"x"), frame(bytes(64))])
async def test_nonsense_harms_nobody_else_or_ends_the_channel(pair: Pair, nonsense: bytes) -> None:
    asking = asyncio.ensure_future(pair.channel.request(codec.pause("p")))
    asked = await pair.far.asked()

    await pair.far.say(nonsense, answer(asked.request_id))

    try:
        await asking
    except ChannelClosed:
        assert pair.channel.is_closed


async def test_far_end_that_hangs_up_is_reported_once() -> None:
    lost: list[bool] = []
    far, channel = await FarEnd.open(on_lost=lambda: lost.append(True))
    asking = asyncio.ensure_future(channel.request(codec.pause("p")))
    await far.asked()

    far.close()
    await until(lambda: lost)
    await settle()

    assert lost == [True]
    assert not asking.done()
    channel.close()
    with pytest.raises(ChannelClosed):
        await asking


async def test_full_socket_makes_requests_wait_and_cancelled_ones_leave_nothing() -> None:
    ours, requests = socket.socketpair()
    their_answers, answers = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    for end in (requests, answers):
        end.settimeout(0)
    channel = Channel(deadline_s=5)
    await channel.connect(ours, their_answers)
    far = FarEnd(requests, answers)
    flood = [asyncio.ensure_future(channel.request(codec.pause("x" * 200))) for _ in range(1000)]
    await settle()
    assert not channel._writable.is_set()
    late = asyncio.ensure_future(channel.request(codec.resume("late"), undo=lambda: undo("late")))
    dropped = asyncio.ensure_future(channel.request(codec.resume("dropped"), undo=lambda: undo("dropped")))
    impatient = asyncio.ensure_future(channel.request(codec.resume("impatient"), deadline_s=0.01))
    await settle()

    dropped.cancel()
    with pytest.raises(ChannelTimeout):
        await impatient
    assert channel.pending_count == 1000
    came = [await far.asked() for _ in range(1001)]

    assert [one.handler_id for one in came[1000:]] == ["late"]
    await far.say(answer(came[1000].request_id))
    await late
    channel.close()
    outcomes = await asyncio.gather(*flood, dropped, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ChannelClosed, asyncio.CancelledError}
    far.close()
    await settle()


async def test_request_ids_start_again_and_skip_those_waiting(pair: Pair) -> None:
    waiting = asyncio.ensure_future(pair.channel.request(codec.pause("p")))
    first = await pair.far.asked()
    pair.channel._last_id = 2**32 - 1

    another = asyncio.ensure_future(pair.channel.request(codec.resume("p")))
    second = await pair.far.asked()

    assert (first.request_id, second.request_id) == (1, 2)
    await pair.far.say(answer(1), answer(2))
    await asyncio.gather(waiting, another)


@pytest.mark.parametrize(
    ("letter", "level"), [("D", logging.DEBUG), ("W", logging.WARNING), ("E", logging.ERROR), ("X", logging.INFO)]
)
async def test_log_lines_are_logged_at_their_level(
    pair: Pair, caplog: pytest.LogCaptureFixture, letter: str, level: int
) -> None:
    with caplog.at_level(logging.DEBUG, "media_plane.worker"):
        await pair.far.say(log_line(f"{letter}Worker::Worker() | hello"))
        await until(lambda: caplog.records)

    assert caplog.record_tuples == [("media_plane.worker", level, "Worker::Worker() | hello")]


async def serve_proof(far: FarEnd, *, pid: int, name_of: dict[str, str], refuses: bool) -> None:
    """Answer the questions of `prove` as a worker would that knows methods by these names."""
    while True:
        asked = await far.asked()
        if asked.method == "WORKER_DUMP":
            await far.say(dump_answer(asked.request_id, pid))
            continue
        name = name_of.get(asked.method, asked.method.lower().replace("_", "."))
        reason = f"Channel request handler with ID nobody not found [method:{name}]"
        await far.say(answer(asked.request_id, reason=reason if refuses else None, error="NotFoundError"))


@pytest.mark.parametrize(
    ("pid", "name_of", "refuses", "says"),
    [
        (7, {"TRANSPORT_DUMP": "transport.getStats"}, True, "another schema"),
        (7, {"RTPOBSERVER_REMOVE_PRODUCER": ""}, True, "another schema"),
        (7, {}, False, "isn't there"),
        (8, {}, True, "says its pid is 8"),
    ],
)
async def test_worker_that_understands_our_numbers_otherwise_is_refused(
    pair: Pair,
    pid: int,
    name_of: dict[str, str],
    refuses: bool,  # noqa: FBT001 - a parameter of the table
    says: str,
) -> None:
    serving = asyncio.ensure_future(serve_proof(pair.far, pid=pid, name_of=name_of, refuses=refuses))

    with pytest.raises(WorkerStartFailed, match=says):
        await prove(pair.channel, 7)

    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_worker_that_knows_every_number_is_taken(pair: Pair) -> None:
    serving = asyncio.ensure_future(serve_proof(pair.far, pid=7, name_of={}, refuses=True))

    await prove(pair.channel, 7)

    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def test_every_error_is_a_media_error() -> None:
    for error in (ChannelClosed, ChannelTimeout, WorkerDied, WorkerRejected, WorkerStartFailed, BrokenMessage):
        assert issubclass(error, MediaError)
