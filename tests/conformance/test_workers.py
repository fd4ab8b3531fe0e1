"""Workers: starting, settings, asking, ending."""

import datetime as dt
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from media_plane.channel.values.transport import PortRange
from media_plane.channel.values.worker import WorkerSettings
from media_plane.sfu.errors import ChannelClosed, InvalidState, InvalidValue, WorkerRejected, WorkerStartFailed
from media_plane.sfu.worker import Worker, on_new_worker
from scripts.worker.obtain import obtain
from tests.conformance.stage import CODECS, LOOPBACK, until

pytestmark = pytest.mark.worker


def write_certificate(folder: Path) -> tuple[str, str]:
    """A new self-signed certificate and its key in PEM; paths of the two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "conformance")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(paths[0]), str(paths[1])


def test_named_binary_is_the_one_taken(worker_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIASOUP_WORKER_BIN", str(worker_binary))

    assert obtain() == worker_binary


async def test_worker_starts_with_and_without_settings(worker_binary: Path, tmp_path: Path) -> None:
    announced: list[Worker] = []
    stop_listening = on_new_worker(announced.append)
    certificate, key = write_certificate(tmp_path)
    settings = WorkerSettings(
        log_level="debug",
        log_tags=("info",),
        rtc_ports=PortRange(min=0, max=9999),
        dtls_certificate_file=certificate,
        dtls_private_key_file=key,
        libwebrtc_field_trials="WebRTC-Bwe-AlrLimitedBackoff/Disabled/",
    )

    for wanted in (None, settings):
        worker = await Worker.create(binary=worker_binary, settings=wanted, app_data="a")
        assert announced[-1] is worker
        assert (worker.pid > 0, worker.closed, worker.has_ended, worker.has_died) == (True, False, False, False)
        assert worker.app_data == "a"
        worker.close()
        await worker.wait_closed()
        assert (worker.closed, worker.has_ended, worker.has_died) == (True, True, False)
    stop_listening()
    assert len(announced) == 2


@pytest.mark.parametrize(
    "settings",
    [
        WorkerSettings(log_level="chicken"),  # type: ignore[arg-type]  # the point
        WorkerSettings(rtc_ports=PortRange(min=1000, max=999)),
        WorkerSettings(rtc_ports=PortRange(min=1000, max=65_536)),
        WorkerSettings(dtls_certificate_file="/notfound/cert.pem"),
        WorkerSettings(dtls_private_key_file="/notfound/key.pem"),
    ],
    ids=["log level", "range", "port", "certificate", "key"],
)
async def test_worker_does_not_start_with_wrong_settings(worker_binary: Path, settings: WorkerSettings) -> None:
    with pytest.raises(WorkerStartFailed):
        await Worker.create(binary=worker_binary, settings=settings)


async def test_missing_binary_is_told(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartFailed):
        await Worker.create(binary=tmp_path / "mediasoup-worker")


async def test_log_settings_are_changed(worker: Worker) -> None:
    await worker.update_settings(log_level="debug", log_tags=["ice"])
    await worker.update_settings()

    assert (await worker.dump()).pid == worker.pid


async def test_log_level_that_is_none_is_refused(worker: Worker) -> None:
    wrong: Any = "chicken"

    with pytest.raises((WorkerRejected, InvalidValue)):
        await worker.update_settings(log_level=wrong)


async def test_closed_worker_changes_no_settings(worker: Worker) -> None:
    worker.close()
    await worker.wait_closed()

    with pytest.raises(ChannelClosed):
        await worker.update_settings(log_level="error")


async def test_dump_is_the_empty_worker(worker: Worker) -> None:
    dump = await worker.dump()

    assert (dump.pid, dump.web_rtc_server_ids, dump.router_ids) == (worker.pid, [], [])
    assert (dump.request_handler_ids, dump.notification_handler_ids) == ([], [])


async def test_closed_worker_is_not_dumped(worker: Worker) -> None:
    worker.close()
    await worker.wait_closed()

    with pytest.raises(ChannelClosed):
        await worker.dump()


async def test_resource_usage_is_told(worker: Worker) -> None:
    usage = await worker.get_resource_usage()

    assert usage.ru_maxrss > 1024
    assert usage.ru_utime + usage.ru_stime >= 0


async def test_closed_worker_ends_without_dying(worker: Worker) -> None:
    told: list[object] = []
    worker.on_close(told.append)
    worker.on_died(told.append)

    worker.close()
    await worker.wait_closed()

    assert told == ["closed"]
    assert (worker.closed, worker.has_ended, worker.has_died) == (True, True, False)
    with pytest.raises(InvalidState):
        await worker.died()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_killed_worker_is_told_once_after_everything_in_it_closed(
    worker_binary: Path, number: signal.Signals
) -> None:
    worker = await Worker.create(binary=worker_binary)
    server = await worker.create_webrtc_server(listen_infos=[LOOPBACK])
    router = await worker.create_router(media_codecs=CODECS)
    transport = await router.create_webrtc_transport(webrtc_server=server)
    told: list[tuple[str, bool]] = []
    worker.on_close(lambda reason: told.append((reason, transport.closed)))
    worker.on_died(lambda error: told.append((f"died {error.pid}", worker.closed)))

    os.kill(worker.pid, number)
    error = await worker.died()

    assert error.pid == worker.pid
    await until(lambda: len(told) == 2)
    assert told == [("worker_died", True), (f"died {worker.pid}", True)]
    assert (worker.closed, worker.has_ended, worker.has_died) == (True, True, True)
    assert (router.close_reason, transport.close_reason, server.close_reason) == (
        "worker_died",
        "router_closed",
        "worker_died",
    )


async def test_worker_lives_on_through_signals_that_are_not_for_it(worker: Worker) -> None:
    for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2):
        os.kill(worker.pid, number)
        # The kernel hands a signal over before the process reads what was written after it.
        assert (await worker.dump()).pid == worker.pid

    assert (worker.closed, worker.has_ended, worker.has_died) == (False, False, False)
