"""Active speaker observers against the real worker."""

from typing import Any

import pytest

from media_plane.sfu.errors import ChannelClosed, InvalidState, InvalidValue
from media_plane.sfu.router import Router
from media_plane.sfu.rtp_observer import RtpObserver
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.stage import AUDIO, UNKNOWN

pytestmark = pytest.mark.worker


async def test_observer_is_made_and_announced(router: Router) -> None:
    announced: list[RtpObserver] = []
    router.on_new_rtp_observer(announced.append)

    observer = await router.create_active_speaker_observer()

    assert announced == [observer]
    assert router.rtp_observers == [observer]
    assert (observer.type, observer.closed, observer.paused, observer.app_data) == ("activespeaker", False, False, None)
    assert (await router.dump()).rtp_observer_ids == [observer.id]


@pytest.mark.parametrize("interval", ["often", -1, 65_536])
async def test_wrong_interval_is_refused(router: Router, interval: Any) -> None:
    with pytest.raises(InvalidValue):
        await router.create_active_speaker_observer(interval_ms=interval)

    assert (await router.dump()).rtp_observer_ids == []


async def test_observer_pauses_and_resumes_and_hears_whom_it_is_told(router: Router, sender: WebRtcTransport) -> None:
    observer = await router.create_active_speaker_observer()
    producer = await sender.produce(kind="audio", rtp_parameters=AUDIO)
    told: list[str] = []
    observer.on_pause(lambda: told.append("pause"))
    observer.on_resume(lambda: told.append("resume"))
    observer.on_add_producer(lambda added: told.append(f"add {added.kind}"))
    observer.on_remove_producer(lambda removed: told.append(f"remove {removed.kind}"))

    await observer.pause()
    assert observer.paused
    await observer.resume()
    assert not observer.paused
    await observer.add_producer(producer_id=producer.id)
    assert (await router.dump()).map_producer_id_observer_ids == {producer.id: [observer.id]}
    await observer.remove_producer(producer_id=producer.id)

    assert (await router.dump()).map_producer_id_observer_ids == {producer.id: []}
    assert told == ["pause", "resume", "add audio", "remove audio"]
    with pytest.raises(InvalidState, match="no such producer"):
        await observer.add_producer(producer_id=UNKNOWN)


async def test_closed_observer_is_gone_and_refuses_everything(router: Router) -> None:
    observer = await router.create_active_speaker_observer(interval_ms=500)
    assert len((await router.dump()).rtp_observer_ids) == 1

    observer.close()

    assert observer.closed
    assert (await router.dump()).rtp_observer_ids == []
    assert router.rtp_observers == []
    with pytest.raises(InvalidState):
        await observer.pause()


async def test_router_closes_its_active_speaker_observers(router: Router) -> None:
    observer = await router.create_active_speaker_observer()

    router.close()

    assert observer.close_reason == "router_closed"
    with pytest.raises(InvalidState):
        await observer.pause()


async def test_worker_closes_active_speaker_observers(worker: Worker, router: Router) -> None:
    observer = await router.create_active_speaker_observer()

    worker.close()

    assert observer.close_reason == "router_closed"
    assert router.close_reason == "worker_closed"
    with pytest.raises(InvalidState):
        await observer.pause()
    with pytest.raises(ChannelClosed):
        await worker.dump()
