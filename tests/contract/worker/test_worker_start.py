"""Starting a worker: it is ours and ready, or there is a clear error and nothing left behind."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from media_plane.channel.errors import describe_exit
from media_plane.channel.launch import find_recorded_version
from media_plane.channel.process import WorkerProcess
from media_plane.channel.values.worker import WorkerSettings
from media_plane.channel.version import WORKER_VERSION
from media_plane.sfu.errors import WorkerStartFailed
from media_plane.sfu.transport_types import PortRange
from media_plane.sfu.worker import Worker
from tests.contract.worker.stage import until

pytestmark = pytest.mark.worker


def script(folder: Path, text: str) -> Path:
    """A program that is no worker."""
    path = folder / "not-a-worker"
    path.write_text(text)
    path.chmod(0o755)
    return path


async def test_worker_starts_proves_its_version_and_dumps_nothing(worker: Worker) -> None:
    dump = await worker.dump()

    assert dump.pid == worker.pid
    assert dump.router_ids == []
    assert dump.web_rtc_server_ids == []
    assert dump.request_handler_ids == []


async def test_resource_usage_and_settings(worker: Worker) -> None:
    usage = await worker.get_resource_usage()
    await worker.update_settings(log_level="warn", log_tags=["ice", "dtls"])

    assert usage.ru_maxrss > 0


async def test_missing_binary_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartFailed, match=r"no-worker could not be started: No such file"):
        await Worker.create(binary=tmp_path / "no-worker")


async def test_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("not a program")

    with pytest.raises(WorkerStartFailed, match="Permission denied"):
        await Worker.create(binary=path)


async def test_wrong_settings_are_told_apart(worker_binary: Path) -> None:
    settings = WorkerSettings(rtc_ports=PortRange(min=2000, max=1000))

    with pytest.raises(WorkerStartFailed, match="wrong settings") as caught:
        await Worker.create(binary=worker_binary, settings=settings)

    assert caught.value.exit_status == 42


async def test_missing_certificate_is_a_wrong_setting(worker_binary: Path) -> None:
    settings = WorkerSettings(dtls_certificate_file="/nowhere/cert.pem", dtls_private_key_file="/nowhere/key.pem")

    with pytest.raises(WorkerStartFailed, match="wrong settings"):
        await Worker.create(binary=worker_binary, settings=settings)


async def test_worker_without_a_version_says_so_by_its_exit_code(worker_binary: Path) -> None:
    process = WorkerProcess.spawn(worker_binary, [], {})

    status = await asyncio.wait_for(process.exited, 5)

    process.requests.close()
    process.answers.close()
    assert status == 41
    assert "MEDIASOUP_VERSION" in describe_exit(status)


@pytest.mark.parametrize("code", [0, 1, 40])
async def test_program_that_ends_at_once_is_refused(tmp_path: Path, code: int) -> None:
    program = script(tmp_path, f"#!/bin/sh\nexit {code}\n")

    with pytest.raises(WorkerStartFailed, match="ended at once") as caught:
        await Worker.create(binary=program)

    assert caught.value.exit_status == code


async def test_program_that_says_nothing_is_given_up_and_killed(tmp_path: Path) -> None:
    program = script(tmp_path, f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")

    with pytest.raises(WorkerStartFailed, match="no sign of life"):
        await Worker.create(binary=program, start_deadline_s=0.5)

    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_program_that_talks_nonsense_is_refused(tmp_path: Path) -> None:
    program = script(tmp_path, "#!/bin/sh\nprintf '\\377\\377\\377\\377' >&4\nexec sleep 60\n")

    with pytest.raises(WorkerStartFailed, match=r"ended at once \(signal 9\)"):
        await Worker.create(binary=program)


async def test_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    program = script(tmp_path, f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    starting = asyncio.ensure_future(Worker.create(binary=program))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_binary_recorded_as_another_version_is_not_even_started(worker_binary: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mediasoup-worker-3.26.0-0123456789abcdef"
    folder.mkdir()
    binary = folder / "mediasoup-worker"
    await asyncio.to_thread(shutil.copy, worker_binary, binary)

    with pytest.raises(WorkerStartFailed, match=rf"version 3\.26\.0; this program needs {WORKER_VERSION}"):
        await Worker.create(binary=binary)


def test_version_is_found_in_an_npm_package(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "mediasoup", "version": "3.19.2"}')
    binary = tmp_path / "worker" / "out" / "Release" / "mediasoup-worker"

    assert find_recorded_version(binary) == "3.19.2"


async def test_two_closes_and_a_wait_end_the_process(worker_binary: Path) -> None:
    worker = await Worker.create(binary=worker_binary)
    reasons: list[str] = []
    worker.on_close(reasons.append)

    worker.close()
    worker.close()
    await asyncio.wait_for(worker.wait_closed(), 5)

    assert reasons == ["closed"]
    assert not worker.has_died
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)
