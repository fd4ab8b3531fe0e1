"""`scripts/run --smoke`: proves the whole path on this machine and prints one JSON line.

Everything is real: sign-up, organization, invitation, room, join, hello, DTLS, decoding. The host publishes a picture with a
frame counter and a tone, the viewer decodes both; a chat line goes from viewer to host, an alert from host to viewer.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import httpx
import msgspec

from scripts.headless.media import MediaFailed
from scripts.headless.rest import RestError
from scripts.headless.scene import NotArrived, Seen, exchange_words, open_scene, publish_test_card, watch_test_card
from scripts.headless.signaling import SignalingError, SocketClosed
from scripts.stack.console import say, show
from scripts.stack.layout import MEDIA_OFFSET, choose_ports, count_workers
from scripts.stack.ports import free_block
from scripts.stack.processes import StackError
from scripts.stack.supervisor import Stack

DEADLINE_S = 60.0
"""For starting and proving, seconds; stopping takes at most 10 more."""
_EXPECTED = (
    StackError,
    RestError,
    NotArrived,
    MediaFailed,
    SignalingError,
    SocketClosed,
    httpx.HTTPError,
    TimeoutError,
)
"""What can go wrong without being a mistake of this program: told as one sentence."""


class SmokeResult(msgspec.Struct, kw_only=True):
    """The JSON line. Times in milliseconds.

    first_frame_ms: from the viewer's POST …/join to the first decoded frame.
    frames_decoded: by the viewer. counter_advanced_by: last counter read minus the first.
    audio_packets: RTP packets the viewer received.
    chat_ms, alert_ms: from posting to arrival at the other person.
    """

    first_frame_ms: float
    frames_decoded: int
    counter_advanced_by: int
    audio_packets: int
    chat_ms: float
    alert_ms: float


async def run_smoke(*, data_dir: Path | None, port: int | None) -> int:
    """Run it: one JSON line on standard output when all truly arrived, everything else on standard error.

    Args:
        data_dir: kept afterwards; None means a temporary folder, whose logs are kept after a failure only.
        port: first port; None means free ones.

    Returns:
        Exit code: 0 when all truly arrived, 130 when interrupted, 1 otherwise.
    """
    workers = count_workers()
    ports = choose_ports(free_block(MEDIA_OFFSET + workers) if port is None else port, workers)
    folder = data_dir or Path(tempfile.mkdtemp(prefix="tradingroom-smoke-"))
    stack = Stack(folder, ports, is_throw_away=data_dir is None)
    work = asyncio.ensure_future(_start_and_prove(stack))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        result = await work
    except asyncio.CancelledError:
        show("smoke: interrupted")
        _remove(folder, data_dir)
        return 130
    except _EXPECTED as error:
        show(f"\nsmoke FAILED: {str(error) or repr(error)}\nlogs: {stack.data_dir / 'logs'}")
        return 1
    _remove(folder, data_dir)
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
    sys.stdout.flush()
    return 0


def _remove(folder: Path, chosen: Path | None) -> None:
    """Delete the throw-away folder; one that was chosen stays."""
    if chosen is None:
        shutil.rmtree(folder, ignore_errors=True)


async def _start_and_prove(stack: Stack) -> SmokeResult:
    say(f"smoke: starting everything in {stack.data_dir}, ports from {stack.ports.rest}")
    try:
        async with asyncio.timeout(DEADLINE_S):
            await stack.start()
            say("smoke: ready; a host goes live, a viewer watches")
            result = await prove(stack.layout.base_url)
            say("smoke: all arrived; stopping")
            return result
    except TimeoutError as error:
        raise NotArrived(str(error) or f"not done after {DEADLINE_S:g} s") from error
    finally:
        await stack.stop()


async def prove(base_url: str) -> SmokeResult:
    """Prove a running stack with a host and a viewer of a fresh tenant.

    Args:
        base_url: of the REST door.

    Raises:
        NotArrived: something was not truly decoded or delivered.
        RestError, SignalingError, SocketClosed, MediaFailed, TimeoutError, httpx.HTTPError: on the way there.
    """
    async with open_scene(base_url) as scene, await scene.enter(scene.host, watch=False) as host:
        await publish_test_card(host)
        began = asyncio.get_running_loop().time()
        async with await scene.enter(scene.viewers[0]) as viewer:
            seen = await watch_test_card(viewer)
            chat_ms, alert_ms = await exchange_words(host, viewer)
        return _result(seen, (seen.first_frame_at - began) * 1000, chat_ms, alert_ms)


def _result(seen: Seen, first_frame_ms: float, chat_ms: float, alert_ms: float) -> SmokeResult:
    return SmokeResult(
        first_frame_ms=round(first_frame_ms, 1),
        frames_decoded=seen.frames,
        counter_advanced_by=seen.counter_advanced_by,
        audio_packets=seen.audio_packets,
        chat_ms=round(chat_ms, 1),
        alert_ms=round(alert_ms, 1),
    )
