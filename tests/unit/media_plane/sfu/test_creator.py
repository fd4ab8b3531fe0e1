import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from typing_extensions import override

from media_plane.channel.codec import producer as codec
from media_plane.channel.codec.message import RequestMessage
from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.creator import Creator, choose_id
from media_plane.sfu.errors import InvalidState, InvalidValue, WorkerRejected
from tests.unit.media_plane.channel.far_end import FarEnd, answer


class Parent(Closable):
    @override
    def _shut(self, reason: CloseReason) -> None:
        pass


class Scene:
    """A creator, its parent, and the far end of its channel."""

    def __init__(self, far: FarEnd, creator: Creator) -> None:
        self.far = far
        self.creator = creator
        self.parent = Parent()

    def create(self, object_id: str) -> "asyncio.Task[None]":
        def undo() -> RequestMessage[None]:
            return codec.close_producer("t", object_id)

        return asyncio.ensure_future(self.creator.create(object_id, codec.pause(object_id), undo, self.parent))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    far, channel = await FarEnd.open()
    yield Scene(far, Creator(channel))
    channel.close()
    far.close()
    await asyncio.sleep(0)


async def test_id_is_taken_from_the_request_on_until_released(scene: Scene) -> None:
    making = scene.create("a")
    asked = await scene.far.asked()

    with pytest.raises(InvalidState, match="taken"):
        await scene.create("a")
    await scene.far.say(answer(asked.request_id))
    await making
    with pytest.raises(InvalidState, match="taken"):
        await scene.create("a")

    scene.creator.release("a")
    again = scene.create("a")
    await scene.far.say(answer((await scene.far.asked()).request_id))
    await again


async def test_refused_or_cancelled_creation_frees_the_id(scene: Scene) -> None:
    refused = scene.create("a")
    await scene.far.say(answer((await scene.far.asked()).request_id, reason="no"))
    with pytest.raises(WorkerRejected):
        await refused

    cancelled = scene.create("a")
    await scene.far.asked()
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert (await scene.far.asked()).method == "TRANSPORT_CLOSE_PRODUCER"

    made = scene.create("a")
    await scene.far.say(answer((await scene.far.asked()).request_id))
    await made


async def test_nothing_is_asked_for_below_a_closed_parent(scene: Scene) -> None:
    scene.parent.close()

    with pytest.raises(InvalidState, match="Parent is closed"):
        await scene.create("a")


async def test_parent_closed_meanwhile_is_no_success(scene: Scene) -> None:
    making = scene.create("a")
    asked = await scene.far.asked()

    scene.parent.close()
    await scene.far.say(answer(asked.request_id))

    with pytest.raises(InvalidState, match="Parent is closed"):
        await making


def test_id_is_the_callers_or_a_uuid() -> None:
    assert choose_id("mine") == "mine"
    assert uuid.UUID(choose_id(None)).version == 4
    for wrong in ("", "x" * 256):
        with pytest.raises(InvalidValue):
            choose_id(wrong)
