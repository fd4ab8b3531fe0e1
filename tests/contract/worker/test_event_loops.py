"""The channel under both event loops the agent may run on."""

import asyncio
from pathlib import Path

import pytest
import uvloop

from media_plane.sfu.errors import WorkerDied
from media_plane.sfu.worker import Worker
from tests.contract.worker.rtp import vp8_parameters
from tests.contract.worker.stage import CODECS, LOOPBACK, until

pytestmark = pytest.mark.worker


async def live_and_die(binary: Path) -> None:
    """A life with a router, a transport and a consumer; then one that ends by a kill."""
    worker = await Worker.create(binary=binary)
    router = await worker.create_router(media_codecs=CODECS)
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    producer = await transport.produce(kind="video", rtp_parameters=vp8_parameters())
    consumers = await asyncio.gather(
        *(
            transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities, paused=True)
            for _ in range(50)
        )
    )
    producer.close()
    await until(lambda: all(consumer.closed for consumer in consumers))
    worker.close()
    await worker.wait_closed()

    worker = await Worker.create(binary=binary)
    worker._process.kill()
    died = await asyncio.wait_for(worker.died(), 5)
    assert isinstance(died, WorkerDied)


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_whole_life_on_either_loop(worker_binary: Path, loop_factory: object) -> None:
    with asyncio.Runner(loop_factory=loop_factory) as runner:  # type: ignore[arg-type]  # a parameter is an object
        runner.run(live_and_die(worker_binary))
