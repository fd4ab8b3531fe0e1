"""Debian's Janus gateway as the peer: its streaming plugin passes one video on to viewers.

A private instance with a configuration of its own, with two event loops: by default Janus gives every viewer a thread,
which costs it twice the CPU.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from scripts.benches.packets import PAYLOAD_TYPE
from scripts.benches.viewers import HERE, Endpoint, Viewer
from scripts.stack.layout import ROOT
from scripts.stack.ports import free_block
from scripts.stack.processes import StackError

PROGRAM = Path("/usr/bin/janus")
VERSION = "Janus 1.1.2"
MOUNTPOINT = 1
ANSWER_TIMEOUT_S = 10.0
START_TIMEOUT_S = 10.0
_LIBRARIES = "/usr/lib/x86_64-linux-gnu/janus"
_UNUSED = "audiobridge sip nosip recordplay textroom videocall voicemail echotest duktape lua"
_CONFIGURATION = {
    "janus.jcfg": """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{libraries}/plugins"
  transports_folder = "{libraries}/transports"
  interface = "127.0.0.1"
  debug_level = 2
  event_loops = 2
  session_timeout = 0
}}
media: {{ rtp_port_range = "20000-30000" }}
nat: {{ ice_lite = true, full_trickle = false, ignore_mdns = true }}
plugins: {{ disable = "{unused}" }}
transports: {{ disable = "libjanus_pfunix.so,libjanus_websockets.so,libjanus_mqtt.so,libjanus_nanomsg.so" }}
""",
    "janus.transport.http.jcfg": """
general: {{ http = true, port = {http}, ip = "127.0.0.1", base_path = "/janus" }}
""",
    "janus.plugin.streaming.jcfg": """
bench: {{
  type = "rtp"
  id = {mountpoint}
  video = true
  videoport = {video}
  videopt = {payload_type}
  videocodec = "vp8"
  videoiface = "127.0.0.1"
  threads = 0
}}
""",
    "janus.plugin.videoroom.jcfg": "general: {{ }}\n",
}


class Janus:
    """A running Janus with one session. Make it with `running`.

    Attributes:
        pid: of the process.
        video_port: where the streaming mountpoint takes RTP.
    """

    def __init__(self, http: httpx.AsyncClient, pid: int, video_port: int) -> None:
        self.pid = pid
        self.video_port = video_port
        self._http = http
        self._session = ""
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Janus]:
        """Install Janus where it is missing and start it; it ends with the block.

        Raises:
            StackError: not installed, or it does not answer.
        """
        _need_janus()
        port = free_block(2)
        with tempfile.TemporaryDirectory(prefix="tradingroom-janus-") as name:
            folder = Path(name)
            for file, text in _CONFIGURATION.items():
                filled = text.format(
                    folder=folder,
                    libraries=_LIBRARIES,
                    http=port,
                    video=port + 1,
                    mountpoint=MOUNTPOINT,
                    payload_type=PAYLOAD_TYPE,
                    unused=",".join(f"libjanus_{name}.so" for name in _UNUSED.split()),
                )
                (folder / file).write_text(filled)
            with (folder / "log").open("w") as log:
                process = await asyncio.create_subprocess_exec(
                    PROGRAM, "-C", str(folder / "janus.jcfg"), "-F", str(folder), stdout=log, stderr=log
                )
            try:
                async with httpx.AsyncClient(
                    base_url=f"http://127.0.0.1:{port}/janus", timeout=60, trust_env=False
                ) as http:
                    janus = cls(http, process.pid, port + 1)
                    await janus._begin(folder / "log")
                    polling = asyncio.create_task(janus._poll(), name="janus-poll")
                    try:
                        yield janus
                    finally:
                        polling.cancel()
                        await asyncio.gather(polling, return_exceptions=True)
            finally:
                process.terminate()
                await process.wait()

    async def seat(self, viewer: Viewer) -> None:
        """Connect a viewer to the mountpoint and let it watch."""
        handle = await self.attach("janus.plugin.streaming")
        watching = await self.ask(handle, {"request": "watch", "id": MOUNTPOINT})
        offer = watching["jsep"]["sdp"]
        answer = {"type": "answer", "sdp": _answer(offer, viewer)}
        await self.ask(handle, {"request": "start"}, jsep=answer)
        await viewer.connect(_endpoint(offer))

    async def attach(self, plugin: str) -> str:
        """A handle of a plugin, as the path below the API's."""
        answer = await self._post(self._session, {"janus": "attach", "plugin": plugin})
        return f"{self._session}/{answer['data']['id']}"

    async def ask(self, handle: str, body: dict[str, Any], jsep: dict[str, str] | None = None) -> dict[str, Any]:
        """Send a plugin a message.

        Returns:
            Its answer, or where it answers later, its event: both with `plugindata`, the event with `jsep` where one comes.

        Raises:
            TimeoutError: no event came.
            StackError: refused.
        """
        message: dict[str, Any] = {"janus": "message", "body": body}
        if jsep is not None:
            message["jsep"] = jsep
        transaction = secrets.token_hex(8)
        event = self._waiting[transaction] = asyncio.get_running_loop().create_future()
        answer = await self._post(handle, message, transaction)
        if answer["janus"] == "ack":
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer = await event
        self._waiting.pop(transaction, None)
        told = answer.get("plugindata", {}).get("data", {})
        if "error" in told:
            raise StackError(f"Janus refused {body}: {told['error']}")
        return answer

    async def _begin(self, log: Path) -> None:
        """Wait until it answers, and open the session."""
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while True:
            try:
                created = await self._post("", {"janus": "create"})
            except httpx.TransportError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StackError(f"Janus does not answer; it said {_end_of(log)}") from error
                await asyncio.sleep(0.05)
            else:
                self._session = f"/{created['data']['id']}"
                return

    async def _poll(self) -> None:
        """Hand on what the plugins say later (long polls)."""
        while True:
            said = (await self._http.get(self._session)).json()
            waiting = self._waiting.get(said.get("transaction", ""))
            if waiting is not None and not waiting.done():
                waiting.set_result(said)

    async def _post(self, path: str, message: dict[str, Any], transaction: str = "") -> dict[str, Any]:
        content = json.dumps({"transaction": transaction or secrets.token_hex(8), **message})
        answer: dict[str, Any] = (await self._http.post(path, content=content)).json()
        if answer["janus"] == "error":
            raise StackError(f"Janus refused {message['janus']}: {answer['error']['reason']}")
        return answer


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _need_janus() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "setup" / "apt", "janus"], stdin=subprocess.DEVNULL, stdout=2, check=False
    )
    if done.returncode != 0 or not PROGRAM.exists():
        raise StackError("Janus is the peer of this bench and is not installed; the command is above.")


def _endpoint(offer: str) -> Endpoint:
    """What an SDP offer says of the server."""
    candidate = _line(offer, rf"a=candidate:\S+ 1 udp \d+ {re.escape(HERE)} (?P<port>\d+) typ host")
    return Endpoint(
        username_fragment=_line(offer, r"a=ice-ufrag:(?P<it>\S+)")["it"],
        password=_line(offer, r"a=ice-pwd:(?P<it>\S+)")["it"],
        fingerprint=("sha-256", _line(offer, r"a=fingerprint:sha-256 (?P<it>\S+)")["it"]),
        port=int(candidate["port"]),
    )


def _answer(offer: str, viewer: Viewer) -> str:
    """An SDP answer that receives the one video of the offer."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "m=video 9 UDP/TLS/RTP/SAVPF " + str(PAYLOAD_TYPE),
        "c=IN IP4 127.0.0.1",
        f"a=mid:{_line(offer, r'a=mid:(?P<it>.+)')['it'].strip()}",
        "a=recvonly",
        "a=rtcp-mux",
        f"a=ice-ufrag:{viewer.username_fragment}",
        f"a=ice-pwd:{viewer.password}",
        f"a=fingerprint:sha-256 {viewer.fingerprint}",
        "a=setup:active",
        f"a=rtpmap:{PAYLOAD_TYPE} VP8/90000",
        f"a=rtcp-fb:{PAYLOAD_TYPE} nack",
        f"a=rtcp-fb:{PAYLOAD_TYPE} nack pli",
        f"a=rtcp-fb:{PAYLOAD_TYPE} goog-remb",
    ]
    return "\r\n".join(lines) + "\r\n"


def _line(offer: str, pattern: str) -> re.Match[str]:
    found = re.search(pattern, offer)
    if found is None:
        raise StackError(f"Janus's offer has no {pattern}:\n{offer}")
    return found
