"""Start a worker and prove that it is the one we were built for.

A worker of another version hangs without any error, because the numbers of its requests and notifications are shifted.
A binary doesn't know its version, so three things are compared before anybody relies on it:

1. The version recorded where the binary lies, if any: our cache's folder name, or npm's package.json above it.
2. That it says WORKER_RUNNING by our number, in time, and answers a dump with its own pid.
3. What it calls each request number: asked about an object that isn't there, it names the request it understood.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from media_plane.channel.channel import DEFAULT_DEADLINE_S, Channel
from media_plane.channel.codec import worker as codec
from media_plane.channel.codec.message import (
    METHOD_NAMES,
    Notification,
    RequestMessage,
    encode_request,
    read_nothing,
)
from media_plane.channel.errors import MediaError, WorkerDied, WorkerRejected, WorkerStartFailed, describe_exit
from media_plane.channel.process import WorkerProcess
from media_plane.channel.values.worker import WorkerSettings
from media_plane.channel.version import WORKER_VERSION

log = logging.getLogger(__name__)

START_DEADLINE_S = 10.0
"""From spawn to proven. Measured 2026-11-22: 20 ms on an idle machine; the rest is for busy ones."""
_LOST_GRACE_S = 1.0
"""How long a worker that closed its channel may take to exit before it is killed."""
_KILL_WAIT_S = 2.0
_CACHE_FOLDER = re.compile(r"mediasoup-worker-(\d+\.\d+\.\d+)-")
_NAMED_METHOD = re.compile(r"\[method:([A-Za-z.]+)\]")
_NOBODY = "nobody"
"""A handler id no object has."""


async def launch(
    binary: Path,
    settings: WorkerSettings,
    *,
    environment: Mapping[str, str] | None = None,
    start_deadline_s: float = START_DEADLINE_S,
    request_deadline_s: float = DEFAULT_DEADLINE_S,
) -> tuple[WorkerProcess, Channel]:
    """Start a worker that is ready and proven.

    The channel closes with `WorkerDied` when the process ends, and a worker that loses its channel is killed.

    Args:
        binary: the worker's executable.
        settings: what it is started with.
        environment: more environment variables for it, such as LD_LIBRARY_PATH.
        start_deadline_s: seconds it may take until proven, > 0.
        request_deadline_s: seconds each later request may take, > 0.

    Raises:
        WorkerStartFailed: missing binary, wrong settings, another version, or no sign of life. Nothing is left behind.
    """
    check_recorded_version(binary)
    process = WorkerProcess.spawn(
        binary, _arguments(settings), {**(environment or {}), "MEDIASOUP_VERSION": WORKER_VERSION}
    )
    channel = Channel(deadline_s=request_deadline_s)
    try:
        async with asyncio.timeout(start_deadline_s):
            await _bring_up(process, channel, settings)
    except BaseException as error:
        channel.close()
        process.kill()
        await asyncio.wait({process.exited}, timeout=_KILL_WAIT_S)
        if isinstance(error, TimeoutError):
            raise WorkerStartFailed(f"The worker {binary} gave no sign of life in {start_deadline_s:g} s.") from error
        if isinstance(error, MediaError) and not isinstance(error, WorkerStartFailed):
            raise WorkerStartFailed(f"The worker {binary} did not start: {error}") from error
        raise
    return process, channel


def check_recorded_version(binary: Path) -> None:
    """Refuse a binary that lies where another version was put.

    Raises:
        WorkerStartFailed: the recorded version is not `WORKER_VERSION`.
    """
    recorded = find_recorded_version(binary)
    if recorded not in {None, WORKER_VERSION}:
        raise WorkerStartFailed(f"The worker {binary} is version {recorded}; this program needs {WORKER_VERSION}.")


def find_recorded_version(binary: Path) -> str | None:
    """The version written down where a worker lies, None where nothing is.

    Known places: a folder `mediasoup-worker-<version>-<recipe>` (scripts/worker), and the npm package, whose binary is
    `worker/out/Release/mediasoup-worker` below its package.json.
    """
    real = binary.resolve()
    for folder in real.parents[:4]:
        match = _CACHE_FOLDER.match(folder.name)
        if match:
            return match.group(1)
        package = folder / "package.json"
        if package.is_file():
            facts = msgspec.json.decode(package.read_bytes(), type=dict[str, object])
            return str(facts["version"]) if facts.get("name") == "mediasoup" and "version" in facts else None
    return None


def _arguments(settings: WorkerSettings) -> list[str]:
    # The log level is set after the proof, which makes the worker log its refusals.
    arguments = ["--logLevel=none"]
    if settings.rtc_ports is not None:
        arguments += [f"--rtcMinPort={settings.rtc_ports.min}", f"--rtcMaxPort={settings.rtc_ports.max}"]
    if settings.dtls_certificate_file is not None:
        arguments.append(f"--dtlsCertificateFile={settings.dtls_certificate_file}")
    if settings.dtls_private_key_file is not None:
        arguments.append(f"--dtlsPrivateKeyFile={settings.dtls_private_key_file}")
    if settings.libwebrtc_field_trials is not None:
        arguments.append(f"--libwebrtcFieldTrials={settings.libwebrtc_field_trials}")
    return arguments


async def _bring_up(process: WorkerProcess, channel: Channel, settings: WorkerSettings) -> None:
    loop = asyncio.get_running_loop()
    running: asyncio.Future[None] = loop.create_future()

    def hear(notification: Notification) -> None:
        if notification.event == codec.WORKER_RUNNING and not running.done():
            running.set_result(None)

    channel.subscribe(str(process.pid), hear)
    await channel.connect(
        process.requests,
        process.answers,
        on_lost=lambda: _end_soon(loop, process),
    )
    process.on_exit(lambda status: channel.close(lambda: WorkerDied(process.pid, status)))
    either: set[asyncio.Future[Any]] = {running, process.exited}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if process.exited.done():
        status = process.exited.result()
        raise WorkerStartFailed(f"The worker ended at once ({describe_exit(status)}).", status)
    channel.unsubscribe(str(process.pid))
    await prove(channel, process.pid)
    await channel.request(codec.update_settings(settings.log_level, settings.log_tags))


def _end_soon(loop: asyncio.AbstractEventLoop, process: WorkerProcess) -> None:
    timer = loop.call_later(_LOST_GRACE_S, process.kill)
    process.on_exit(lambda _status: timer.cancel())


async def prove(channel: Channel, pid: int) -> None:
    """Check that a worker speaks our schema.

    Args:
        channel: to a worker that is running and logs nothing.
        pid: of its process.

    Raises:
        WorkerStartFailed: it understands our numbers differently.
        ChannelTimeout, WorkerDied: it didn't survive the question, as a worker of another version may.
    """
    dump = await channel.request(codec.dump())
    if dump.pid != pid:
        raise WorkerStartFailed(f"The worker {pid} says its pid is {dump.pid}: it has another schema.")
    questions = _questions()
    answers = await asyncio.gather(*(channel.request(question) for question in questions), return_exceptions=True)
    for question, answer in zip(questions, answers, strict=True):
        if not isinstance(answer, WorkerRejected):
            if isinstance(answer, MediaError):
                raise answer
            raise WorkerStartFailed(f"The worker did {question.method} for an object that isn't there.")
        named = _NAMED_METHOD.search(answer.reason)
        if named is None or _letters(named.group(1)) != _letters(question.method):
            raise WorkerStartFailed(
                f"The worker has another schema than {WORKER_VERSION}: asked {question.method}, it said {answer.reason}"
            )


@cache
def _questions() -> Sequence[RequestMessage[None]]:
    # Requests to the worker itself would be carried out; all others first look for their object.
    return [
        encode_request(number, _NOBODY, read_nothing)
        for number, name in sorted(METHOD_NAMES.items())
        if not name.startswith("WORKER_")
    ]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
