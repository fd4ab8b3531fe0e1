"""What the library says about itself: version, logs, codecs, scalability modes."""

import logging
from pathlib import Path

import pytest

from media_plane.channel.launch import find_recorded_version
from media_plane.channel.values.worker import WorkerSettings
from media_plane.channel.version import WORKER_VERSION
from media_plane.ortc.capabilities import SUPPORTED_CODECS
from media_plane.ortc.scalability import ScalabilityMode, parse_scalability_mode
from media_plane.sfu.worker import Worker
from scripts.worker.recipe import NPM_PACKAGE
from tests.conformance.stage import until

pytestmark = pytest.mark.worker


def test_version_is_the_one_that_is_built_and_spoken(worker_binary: Path) -> None:
    assert f"mediasoup@{WORKER_VERSION}" == NPM_PACKAGE
    assert find_recorded_version(worker_binary) in {None, WORKER_VERSION}


async def test_debug_lines_of_the_worker_reach_our_logs(worker_binary: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="media_plane")

    worker = await Worker.create(
        binary=worker_binary, settings=WorkerSettings(log_level="debug", log_tags=("info", "message"))
    )
    await worker.create_router()
    worker.close()
    await worker.wait_closed()

    await until(lambda: any(record.name == "media_plane.worker" for record in caplog.records))


def test_supported_codecs_can_not_be_changed_by_those_who_read_them() -> None:
    names = [codec.mime_type for codec in SUPPORTED_CODECS]
    assert {"audio/opus", "audio/multiopus", "video/VP8", "video/VP9", "video/H264", "video/AV1"} <= set(names)

    with pytest.raises(AttributeError):
        SUPPORTED_CODECS[0].mime_type = "bar"  # type: ignore[misc]  # the point
    with pytest.raises(TypeError):
        SUPPORTED_CODECS[0] = SUPPORTED_CODECS[1]  # type: ignore[index]  # the point

    assert [codec.mime_type for codec in SUPPORTED_CODECS] == names


@pytest.mark.parametrize(
    ("text", "spatial", "temporal", "ksvc"),
    [
        ("L1T3", 1, 3, False),
        ("L3T2_KEY", 3, 2, True),
        ("S2T3", 2, 3, False),
        ("foo", 1, 1, False),
        (None, 1, 1, False),
        ("S0T3", 1, 1, False),
        ("S1T0", 1, 1, False),
        ("L20T3", 20, 3, False),
        ("S200T3", 1, 1, False),
        ("L4T7_KEY_SHIFT", 4, 7, True),
    ],
)
def test_scalability_mode_is_read_by_its_beginning(
    text: str | None, spatial: int, temporal: int, *, ksvc: bool
) -> None:
    assert parse_scalability_mode(text) == ScalabilityMode(spatial, temporal, ksvc)
