"""Who is put out of an organization gets no more media from a real worker, two seconds later (I6 of targets.md)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.signaling.needs import Times
from scripts.headless.reader import PictureReader
from tests.contract.bad_input.stage import Someone, Stage, open_stage

pytestmark = pytest.mark.worker

AT_ONCE_S = 2.0
"""What a removed person may still have of a room, seconds (I6 of targets.md)."""


@pytest.fixture
async def unswept(platform: Platform) -> AsyncIterator[Stage]:
    """As `stage`, but what finds a lost push comes too late to help."""
    if not os.environ.get("MEDIASOUP_WORKER_BIN"):
        pytest.skip("MEDIASOUP_WORKER_BIN is not set")
    async with open_stage(platform, Times(sweep_s=600.0)) as opened:
        yield opened


async def _watch_too(stage: Stage) -> Someone:
    """One more viewer of what is shown in the attacked tenant's room."""
    viewer = await stage.enter_as(stage.attacked, Role.VIEWER)
    await viewer.media.open_receive(viewer.welcome.recv_transport)
    (options,) = viewer.welcome.consumers
    viewer.picture = PictureReader(await viewer.media.consume(options))
    stage.stack.push_async_callback(viewer.picture.close)
    assert await viewer.sees_on()
    return viewer


async def test_a_removed_member_decodes_no_picture_after_two_seconds_and_others_see_on(
    api: httpx.AsyncClient, unswept: Stage
) -> None:
    tenant = unswept.attacked
    removed = await unswept.show(tenant)
    staying = await _watch_too(unswept)
    loop = asyncio.get_running_loop()
    assert await removed.sees_on()

    began = loop.time()
    answer = await api.delete(f"{tenant.path}/members/{removed.person.caller.user_id}", headers=tenant.owner.headers)
    await asyncio.sleep(began + AT_ONCE_S - loop.time())  # the promise itself: what comes later is too much
    until_then = removed.frames

    assert answer.status_code == 204
    assert await staying.sees_on()
    assert removed.frames == until_then
