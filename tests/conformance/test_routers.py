"""Routers against the real worker."""

import pytest

from media_plane.ortc.errors import InvalidParametersError, UnsupportedError
from media_plane.ortc.rtp import RtpCodecCapability
from media_plane.sfu.errors import ChannelClosed, InvalidState
from media_plane.sfu.router import Router
from media_plane.sfu.worker import Worker
from tests.conformance.stage import CODECS, made, shown

pytestmark = pytest.mark.worker


async def test_router_is_made_and_announced(worker: Worker) -> None:
    announced: list[Router] = []
    worker.on_new_router(announced.append)

    router = await worker.create_router(media_codecs=CODECS, app_data="a")

    assert (announced, worker.routers) == ([router], [router])
    assert (router.closed, router.app_data) == (False, "a")
    # Three codecs and RTX for two of them.
    assert len(router.rtp_capabilities.codecs) == 5
    assert router.rtp_capabilities.header_extensions
    router.app_data = {"another": "thing"}
    dump = await worker.dump()
    assert (dump.pid, dump.web_rtc_server_ids, dump.router_ids) == (worker.pid, [], [router.id])
    assert (dump.request_handler_ids, dump.notification_handler_ids) == ([router.id], [])
    assert shown(await router.dump()) == {
        "id": router.id,
        "transportIds": [],
        "rtpObserverIds": [],
        "mapProducerIdConsumerIds": {},
        "mapConsumerIdProducerId": {},
        "mapProducerIdObserverIds": {},
        "mapDataProducerIdDataConsumerIds": {},
        "mapDataConsumerIdDataProducerId": {},
    }
    worker.close()
    assert router.closed
    assert worker.routers == []


async def test_codecs_the_worker_does_not_have_are_refused(worker: Worker) -> None:
    odd = [
        made(RtpCodecCapability, kind="audio", mimeType="audio/x-aiff", clockRate=8000, channels=1),
        made(RtpCodecCapability, kind="video", mimeType="video/3gpp", clockRate=90000),
    ]

    for codec in odd:
        with pytest.raises(UnsupportedError):
            await worker.create_router(media_codecs=[codec])

    assert (await worker.dump()).router_ids == []


async def test_malformed_codecs_are_refused(worker: Worker) -> None:
    malformed = RtpCodecCapability(kind="audio", mime_type=5, clock_rate=48000)  # type: ignore[arg-type]  # the point

    with pytest.raises(InvalidParametersError):
        await worker.create_router(media_codecs=[malformed])


async def test_closed_worker_makes_no_router(worker: Worker) -> None:
    worker.close()

    with pytest.raises(InvalidState):
        await worker.create_router(media_codecs=CODECS)


async def test_capabilities_can_not_be_changed_by_those_who_read_them(router: Router) -> None:
    before = shown(router.rtp_capabilities)

    with pytest.raises(AttributeError):
        router.rtp_capabilities.header_extensions = []  # type: ignore[misc]  # the point

    assert shown(router.rtp_capabilities) == before


async def test_codecs_are_replaced(router: Router) -> None:
    assert len(router.rtp_capabilities.codecs) == 5

    router.update_media_codecs([])

    assert router.rtp_capabilities.codecs == []
    assert router.rtp_capabilities.header_extensions
    router.update_media_codecs(CODECS[:1])
    transport = await router.create_direct_transport()
    assert len(router.rtp_capabilities.codecs) == 1
    assert transport.producers == []


async def test_closed_router_refuses_everything(worker: Worker, router: Router) -> None:
    told: list[str] = []
    router.on_close(told.append)

    router.close()

    assert told == ["closed"]
    with pytest.raises(InvalidState):
        await router.dump()
    assert (await worker.dump()).router_ids == []


async def test_worker_closes_its_routers(worker: Worker, router: Router) -> None:
    told: list[str] = []
    router.on_close(told.append)

    worker.close()

    assert told == ["worker_closed"]
    with pytest.raises(InvalidState):
        await router.dump()
    with pytest.raises(ChannelClosed):
        await worker.dump()
