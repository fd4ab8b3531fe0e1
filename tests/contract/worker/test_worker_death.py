"""Workers that die, hang, or lose their agent; callers that are cancelled."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from media_plane.sfu.errors import ChannelTimeout, InvalidState, WorkerDied, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.worker import Worker
from tests.contract.worker.rtp import vp8_parameters
from tests.contract.worker.stage import CODECS, LOOPBACK, until

pytestmark = pytest.mark.worker

AGENT = """
import asyncio, sys
from pathlib import Path
from media_plane.sfu.worker import Worker

async def main():
    worker = await Worker.create(binary=Path(sys.argv[1]))
    print(worker.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_killed_worker_closes_everything_and_says_so_once(worker: Worker, router: Router) -> None:
    server = await worker.create_webrtc_server(listen_infos=[LOOPBACK])
    transport = await router.create_webrtc_transport(webrtc_server=server)
    producer = await transport.produce(kind="video", rtp_parameters=vp8_parameters())
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    told: list[str] = []

    def note(name: str, reason: str) -> None:
        told.append(f"{name} {reason}")

    for thing in (worker, router, server, transport, producer, consumer):
        thing.on_close(partial(note, type(thing).__name__))
    deaths: list[WorkerDied] = []
    worker.on_died(deaths.append)

    os.kill(worker.pid, signal.SIGKILL)
    died = await asyncio.wait_for(worker.died(), 5)

    await until(lambda: deaths)
    assert died.exit_status == -signal.SIGKILL
    assert sorted(told) == [
        "Consumer transport_closed",
        "Producer transport_closed",
        "Router worker_died",
        "WebRtcServer worker_died",
        "WebRtcTransport router_closed",
        "Worker worker_died",
    ]
    assert len(deaths) == 1
    assert transport.ice_state == "closed"
    with pytest.raises(WorkerDied):
        await worker.dump()
    with pytest.raises(WorkerDied):
        await worker.create_router(media_codecs=CODECS)
    with pytest.raises(InvalidState):
        await transport.get_stats()
    for thing in (consumer, producer, transport, server, router, worker):
        thing.close()
    assert len(told) == 6


async def test_pending_requests_fail_when_the_worker_dies(worker: Worker) -> None:
    os.kill(worker.pid, signal.SIGSTOP)
    waiting = [asyncio.ensure_future(worker.dump()) for _ in range(20)]
    await asyncio.sleep(0)

    os.kill(worker.pid, signal.SIGKILL)
    outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)

    assert {type(outcome) for outcome in outcomes} == {WorkerDied}
    assert worker._channel.pending_count == 0


async def test_hung_worker_is_a_timeout_and_works_again_when_it_wakes(worker_binary: Path) -> None:
    worker = await Worker.create(binary=worker_binary, request_deadline_s=0.2)
    os.kill(worker.pid, signal.SIGSTOP)

    with pytest.raises(ChannelTimeout, match=r"WORKER_DUMP within 0\.2 s"):
        await worker.dump()

    os.kill(worker.pid, signal.SIGCONT)
    assert (await worker.dump()).pid == worker.pid
    assert worker._channel.pending_count == 0
    worker.close()
    await worker.wait_closed()


async def test_hung_worker_is_killed_when_closed(worker: Worker) -> None:
    os.kill(worker.pid, signal.SIGSTOP)

    worker.close()

    await asyncio.wait_for(worker.wait_closed(), 5)


async def test_a_hung_worker_that_is_killed_is_dead_at_once_for_all_who_wait(worker: Worker, router: Router) -> None:
    deaths: list[WorkerDied] = []
    worker.on_died(deaths.append)
    os.kill(worker.pid, signal.SIGSTOP)
    waiting = [asyncio.ensure_future(worker.dump()) for _ in range(20)]
    await asyncio.sleep(0)

    worker.kill()
    worker.kill()
    done, _ = await asyncio.wait(waiting, timeout=0)

    assert [type(task.exception()) for task in done] == [WorkerDied] * 20
    assert (router.close_reason, worker.close_reason) == ("worker_died", "worker_died")
    assert [death.exit_status for death in deaths] == [-signal.SIGKILL]
    await asyncio.wait_for(worker.wait_closed(), 5)
    assert len(deaths) == 1


async def test_killing_a_closed_worker_changes_nothing(worker: Worker) -> None:
    worker.close()

    worker.kill()

    assert worker.close_reason == "closed"
    await asyncio.wait_for(worker.wait_closed(), 5)


async def test_what_a_cancelled_caller_asked_for_is_closed_again(worker: Worker, router: Router) -> None:
    os.kill(worker.pid, signal.SIGSTOP)
    transport = asyncio.ensure_future(router.create_plain_transport(listen_info=LOOPBACK, transport_id="t"))
    another = asyncio.ensure_future(worker.create_router(media_codecs=CODECS, router_id="r"))
    server = asyncio.ensure_future(worker.create_webrtc_server(listen_infos=[LOOPBACK], webrtc_server_id="s"))
    await asyncio.sleep(0.05)

    for task in (transport, another, server):
        task.cancel()
    os.kill(worker.pid, signal.SIGCONT)
    await asyncio.gather(transport, another, server, return_exceptions=True)

    dump = await worker.dump()
    assert dump.router_ids == [router.id]
    assert dump.web_rtc_server_ids == []
    assert dump.request_handler_ids == [router.id]
    assert worker._channel.handler_count == 0
    assert (await router.create_plain_transport(listen_info=LOOPBACK, transport_id="t")).id == "t"


async def test_producers_and_consumers_of_cancelled_callers_are_closed_again(worker: Worker, router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    kept = await transport.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=1111))
    os.kill(worker.pid, signal.SIGSTOP)
    produce = asyncio.ensure_future(transport.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=2222)))
    consume = asyncio.ensure_future(transport.consume(producer_id=kept.id, rtp_capabilities=router.rtp_capabilities))
    await asyncio.sleep(0.05)

    produce.cancel()
    consume.cancel()
    os.kill(worker.pid, signal.SIGCONT)
    await asyncio.gather(produce, consume, return_exceptions=True)

    dump = await transport.dump()
    assert dump.producer_ids == [kept.id]
    assert dump.consumer_ids == []
    assert transport.consumers == []


async def test_timed_out_creation_is_closed_again_when_the_worker_wakes(worker_binary: Path) -> None:
    worker = await Worker.create(binary=worker_binary, request_deadline_s=0.2)
    os.kill(worker.pid, signal.SIGSTOP)

    with pytest.raises(ChannelTimeout):
        await worker.create_router(media_codecs=CODECS)

    os.kill(worker.pid, signal.SIGCONT)
    assert (await worker.dump()).router_ids == []
    worker.close()
    await worker.wait_closed()


async def test_cancelling_a_repeat_never_closes_the_original(router: Router) -> None:
    original = await router.create_plain_transport(listen_info=LOOPBACK, transport_id="t")

    with pytest.raises(InvalidState):
        await router.create_plain_transport(listen_info=LOOPBACK, transport_id="t")

    assert (await original.dump()).id == "t"


async def test_router_closed_while_a_transport_is_made_leaves_nothing(worker: Worker, router: Router) -> None:
    making = asyncio.ensure_future(router.create_plain_transport(listen_info=LOOPBACK))
    await asyncio.sleep(0)

    router.close()

    with pytest.raises((InvalidState, WorkerRejected)):
        await making
    assert (await worker.dump()).request_handler_ids == []
    assert router.transports == []
    assert worker._channel.handler_count == 0


@pytest.mark.parametrize("signal_first", [signal.SIGCONT, signal.SIGSTOP])
def test_worker_dies_with_its_killed_agent(worker_binary: Path, signal_first: signal.Signals) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, str(worker_binary)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert agent.stdout is not None
    pid = int(agent.stdout.readline())
    pidfd = os.pidfd_open(pid)
    os.kill(pid, signal_first)

    agent.kill()
    agent.wait()
    agent.stdout.close()

    ended, _, _ = select.select([pidfd], [], [], 5)
    if not ended:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    assert ended
