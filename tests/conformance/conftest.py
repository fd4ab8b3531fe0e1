"""What the conformance tests share: the binary, a running worker, transports, and the parts most of them start from."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media_plane.sfu.router import Router
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from scripts.worker.obtain import obtain
from tests.conformance.stage import CODECS, LOOPBACK, SCTP, Pipes


@pytest.fixture(scope="session")
def worker_binary() -> Path:
    return obtain()


@pytest.fixture
async def worker(worker_binary: Path) -> AsyncIterator[Worker]:
    worker = await Worker.create(binary=worker_binary)
    yield worker
    worker.close()
    await worker.wait_closed()


@pytest.fixture
async def second_worker(worker_binary: Path) -> AsyncIterator[Worker]:
    worker = await Worker.create(binary=worker_binary)
    yield worker
    worker.close()
    await worker.wait_closed()


@pytest.fixture
async def router(worker: Worker) -> Router:
    return await worker.create_router(media_codecs=CODECS)


@pytest.fixture
async def sender(router: Router) -> WebRtcTransport:
    return await router.create_webrtc_transport(listen_infos=[LOOPBACK], sctp=SCTP)


@pytest.fixture
async def receiver(router: Router) -> WebRtcTransport:
    return await router.create_webrtc_transport(listen_infos=[LOOPBACK], sctp=SCTP)


@pytest.fixture
async def pipes(worker: Worker, second_worker: Worker) -> Pipes:
    return await Pipes.build(worker, second_worker)
