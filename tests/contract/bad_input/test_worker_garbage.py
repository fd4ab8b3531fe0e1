"""A worker whose answers are damaged: whoever asked gets the answer or a MediaError, and the process is gone in the end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.sfu.errors import MediaError
from media_plane.sfu.transport_types import ListenInfo
from media_plane.sfu.worker import Worker
from tests.contract.bad_input import talking_nonsense
from tests.contract.worker.rtp import opus_parameters

pytestmark = pytest.mark.worker

LIARS = 10
DEADLINE_S = 0.4
"""Of a request to a liar: many answers never come."""


def _program(folder: Path, seed: int, share: float) -> Path:
    """A program that may be started in the worker's place."""
    script = Path(talking_nonsense.__file__)
    path = folder / f"liar-{seed}"
    real = os.environ["MEDIASOUP_WORKER_BIN"]
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {script} {real} {seed} {share} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


async def _use(worker: Worker) -> None:
    """What an agent asks of a worker, as far as it gets."""
    router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
    server = await worker.create_webrtc_server(listen_infos=[ListenInfo(ip="127.0.0.1")])
    transport = await router.create_webrtc_transport(webrtc_server=server)
    producer = await transport.produce(kind="audio", rtp_parameters=opus_parameters())
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    questions: list[Awaitable[Any]] = []
    for thing in (router, transport, producer, consumer):
        questions += [thing.dump() for _ in range(5)]
    for reporting in (transport, producer, consumer):
        questions += [reporting.get_stats() for _ in range(5)]
    outcomes = await asyncio.gather(*questions, return_exceptions=True)
    assert [one for one in outcomes if isinstance(one, BaseException) and not isinstance(one, MediaError)] == []


async def test_damaged_answers_are_media_errors_and_nothing_else(
    tmp_path: Path, draw: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(LIARS):
        lie = tmp_path / f"lie-{number}"
        program = _program(tmp_path, draw.getrandbits(32), draw.choice((0.1, 0.3, 1.0)))
        worker = await Worker.create(
            binary=program, environment={"TR_LIE_FILE": str(lie)}, request_deadline_s=DEADLINE_S
        )
        lie.write_text("now", encoding="utf-8")

        with suppress(MediaError):
            await _use(worker)

        worker.close()
        await asyncio.wait_for(worker.wait_closed(), 10)
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)


async def test_a_liar_from_the_start_is_refused_and_leaves_no_process(tmp_path: Path, draw: Random) -> None:
    lie = tmp_path / "lie"
    lie.write_text("now", encoding="utf-8")
    program = _program(tmp_path, draw.getrandbits(32), 1.0)

    with pytest.raises(MediaError):
        await Worker.create(binary=program, environment={"TR_LIE_FILE": str(lie)}, start_deadline_s=2.0)
