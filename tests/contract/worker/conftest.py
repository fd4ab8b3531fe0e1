"""What the tests against the real worker share: the binary, a running worker, a router with VP8 and Opus."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from media_plane.sfu.router import Router
from media_plane.sfu.worker import Worker
from scripts.worker.obtain import obtain
from tests.contract.worker.stage import CODECS


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
async def router(worker: Worker) -> Router:
    return await worker.create_router(media_codecs=CODECS)
