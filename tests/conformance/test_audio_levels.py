"""Audio level observers against the real worker."""

from typing import Any

import pytest

from media_plane.sfu.audio_levels import Volume
from media_plane.sfu.errors import ChannelClosed, InvalidState, InvalidValue
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.rtp_observer import RtpObserver
from media_plane.sfu.worker import Worker
from tests.conformance.rtp import opus_packet
from tests.conformance.stage import AUDIO, until

pytestmark = pytest.mark.worker


async def test_observer_is_made_and_announced(router: Router) -> None:
    announced: list[RtpObserver] = []
    router.on_new_rtp_observer(announced.append)

    observer = await router.create_audio_level_observer()

    assert announced == [observer]
    assert (observer.type, observer.closed, observer.paused, observer.app_data) == ("audiolevel", False, False, None)
    assert (await router.dump()).rtp_observer_ids == [observer.id]


@pytest.mark.parametrize(
    "wrong",
    [{"max_entries": 0}, {"max_entries": -10}, {"threshold": 1}, {"threshold": -128}, {"interval_ms": "often"}],
    ids=str,
)
async def test_wrong_settings_are_refused(router: Router, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        await router.create_audio_level_observer(**wrong)

    assert (await router.dump()).rtp_observer_ids == []


async def test_observer_pauses_and_resumes(router: Router) -> None:
    observer = await router.create_audio_level_observer()

    await observer.pause()
    assert observer.paused
    await observer.resume()

    assert not observer.paused


async def test_closed_observer_is_gone_and_refuses_everything(router: Router) -> None:
    observer = await router.create_audio_level_observer(max_entries=8)
    assert len((await router.dump()).rtp_observer_ids) == 1

    observer.close()

    assert observer.closed
    assert (await router.dump()).rtp_observer_ids == []
    with pytest.raises(InvalidState):
        await observer.pause()


async def test_router_closes_its_audio_level_observers(router: Router) -> None:
    observer = await router.create_audio_level_observer()

    router.close()

    assert observer.close_reason == "router_closed"
    with pytest.raises(InvalidState):
        await observer.pause()


async def test_worker_closes_audio_level_observers(worker: Worker, router: Router) -> None:
    observer = await router.create_audio_level_observer()

    worker.close()

    assert observer.close_reason == "router_closed"
    with pytest.raises(InvalidState):
        await observer.pause()
    with pytest.raises(ChannelClosed):
        await worker.dump()


async def test_observers_tell_who_speaks_how_loud_and_silence(router: Router) -> None:
    """Beyond mediasoup's suite: the three notifications themselves."""
    transport = await router.create_direct_transport()
    producer = await transport.produce(kind="audio", rtp_parameters=AUDIO)
    levels = await router.create_audio_level_observer(interval_ms=250)
    speaker = await router.create_active_speaker_observer(interval_ms=100)
    for observer in (levels, speaker):
        await observer.add_producer(producer_id=producer.id)
    volumes: list[list[Volume]] = []
    speakers: list[Producer] = []
    silences: list[bool] = []
    levels.on_volumes(volumes.append)
    levels.on_silence(lambda: silences.append(True))
    speaker.on_dominant_speaker(speakers.append)

    # At least ten packets an interval, or the observer does not count them.
    for number in range(30):
        producer.send(opus_packet(AUDIO, number, level=20))

    await until(lambda: volumes and speakers and silences)
    assert volumes[0] == [Volume(producer, -20)]
    assert speakers == [producer]
