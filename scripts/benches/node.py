"""A media node in a process of its own, as the control plane sees it: enrolled at a stub, driven over a node link.

The link is the signaling door's own (`control_plane.gateways.node_link`); only enrolment is played by a stub.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from control_plane.gateways.node_link import NodeLink
from media_plane.contract import messages as m
from scripts.benches.machine import children
from scripts.benches.viewers import Endpoint, Viewer
from scripts.stack.ports import free_block

START_TIMEOUT_S = 20.0
_TOKEN = "bench-enrolment"  # noqa: S105 - opens nothing but the node of this run
_KEY_NAME = "bench"


class _Enrolment:
    """The control plane's `POST /internal/media-nodes`, for one node."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.node_id: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def link_token(self, node_id: str) -> str:
        """What opens one link."""
        now = int(time.time())
        claims = {"iss": "tradingroom", "aud": node_id, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
        return jwt.encode(claims, self._key, algorithm="ES256", headers={"kid": _KEY_NAME})

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand out the key, whoever asks."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        enrolment = msgspec.json.decode(await reader.readexactly(length), type=m.NodeEnrolment)
        jwk: dict[str, Any] = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = msgspec.json.encode({"keys": [jwk | {"kid": _KEY_NAME, "use": "sig", "alg": "ES256"}]})
        body = msgspec.json.encode(m.NodeEnrolled(link_jwks=msgspec.Raw(keys)))
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        if not self.node_id.done():
            self.node_id.set_result(enrolment.node_id)


@dataclass(frozen=True)
class MediaNode:
    """A running node with one worker. Make it with `running`.

    Attributes:
        pid: of the agent.
        worker_pid: of its worker.
        link: greeted.
        port: of the link; the node's metrics are there too.
    """

    pid: int
    worker_pid: int
    link: NodeLink
    port: int

    @classmethod
    @asynccontextmanager
    async def running(cls, binary: Path) -> AsyncIterator[MediaNode]:
        """Start a node; it ends with the block.

        Args:
            binary: the worker's executable.

        Raises:
            TimeoutError: it did not enrol in time; what it said is on standard error.
        """
        enrolment = _Enrolment()
        server = await asyncio.start_server(enrolment.answer, "127.0.0.1", 0)
        port = free_block(2)
        with tempfile.TemporaryDirectory(prefix="tradingroom-node-") as folder:
            environment = {
                **os.environ,
                "MEDIASOUP_WORKER_BIN": str(binary),
                "TR_NODE_LINK_PORT": str(port),
                "TR_MEDIA_BASE_PORT": str(port + 1),
                "TR_WORKERS": "1",
                "TR_MAX_CONSUMERS_PER_WORKER": "100000",
                "TR_CONTROL_URL": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
                "TR_NODE_ENROLMENT_TOKEN": _TOKEN,
                "TR_NODE_DATA_DIR": folder,
            }
            command = [sys.executable, "-m", "media_plane"]
            agent = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)
            try:
                async with asyncio.timeout(START_TIMEOUT_S):
                    node_id = await enrolment.node_id
                    link, _ = await NodeLink.open(
                        f"ws://127.0.0.1:{port}/",
                        enrolment.link_token(node_id),
                        on_notification=lambda _notification: None,
                        on_closed=lambda _link: None,
                    )
                yield cls(agent.pid, children(agent.pid)[0], link, port)
                link.close()
            finally:
                agent.terminate()
                await agent.wait()
                server.close()

    async def gauges(self) -> dict[str, float]:
        """What the node carries now, by the names of its metrics, such as `tr_node_consumers`."""
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(f"http://127.0.0.1:{self.port}/metrics")).text
        pairs = (line.split() for line in text.splitlines() if line.startswith("tr_node_") and "{" not in line)
        return {name: float(value) for name, value in pairs}


def new_id() -> str:
    """A fresh id."""
    return str(uuid.uuid4())


@dataclass
class Guest:
    """One participant, by the link's requests.

    Attributes:
        room_id: of the live session.
    """

    link: NodeLink
    room_id: str
    id: str = field(default_factory=new_id)
    transport_id: str = field(default_factory=new_id)

    @property
    def _who(self) -> dict[str, Any]:
        return {"id": 0, "live_session_id": self.room_id, "epoch": 1, "participant_id": self.id}

    async def open_room(self) -> msgspec.Raw:
        """The live session's routers, made if missing; returns their capabilities."""
        request = m.RoomOpen(id=0, live_session_id=self.room_id, epoch=1)
        return (await self.link.call(request, m.RoomOpenAnswer)).rtp_capabilities

    async def close_room(self) -> None:
        """End the live session."""
        await self.link.call(m.RoomClose(id=0, live_session_id=self.room_id, epoch=1), m.Empty)

    async def arrive(self, direction: m.Direction) -> Endpoint:
        """Have a transport; returns where it listens."""
        request = m.TransportCreate(**self._who, transport_id=self.transport_id, direction=direction)
        return _endpoint(await self.link.call(request, m.TransportOptions))

    async def publish(self, source: m.Source, rtp_parameters: object) -> str:
        """Publish a track that never sends; returns its id."""
        producer_id = new_id()
        request = m.ProducerCreate(
            **self._who,
            transport_id=self.transport_id,
            producer_id=producer_id,
            kind="audio" if source == "microphone" else "video",
            source=source,
            rtp_parameters=msgspec.Raw(msgspec.json.encode(rtp_parameters)),
        )
        await self.link.call(request, m.ProducerCreated)
        return producer_id

    async def consume(self, producer_ids: list[str], capabilities: msgspec.Raw) -> list[str]:
        """Paused consumers of these; returns their ids."""
        wishes = [m.ConsumerWish(producer_id=producer_id, consumer_id=new_id()) for producer_id in producer_ids]
        request = m.ConsumerCreate(
            **self._who, transport_id=self.transport_id, rtp_capabilities=capabilities, wishes=wishes
        )
        return [one.id for one in (await self.link.call(request, m.ConsumersCreated)).consumers]

    async def resume(self, consumer_ids: list[str]) -> None:
        """Let them flow."""
        await self.link.call(m.ConsumerResume(**self._who, consumer_ids=consumer_ids), m.Empty)

    async def connect(self, viewer: Viewer, server: Endpoint) -> None:
        """Connect the transport with real ICE and DTLS."""
        proof = {"algorithm": "sha-256", "value": viewer.fingerprint}
        parameters = msgspec.Raw(msgspec.json.encode({"role": "client", "fingerprints": [proof]}))
        request = m.TransportConnect(**self._who, transport_id=self.transport_id, dtls_parameters=parameters)
        await self.link.call(request, m.Empty)
        await viewer.connect(server)

    async def leave(self) -> None:
        """Close all of this participant's media."""
        await self.link.call(m.ParticipantClose(**self._who), m.Empty)


def _endpoint(options: m.TransportOptions) -> Endpoint:
    ice = msgspec.json.decode(options.ice_parameters)
    candidate = next(one for one in msgspec.json.decode(options.ice_candidates) if one["protocol"] == "udp")
    proofs = msgspec.json.decode(options.dtls_parameters)["fingerprints"]
    value = next(one["value"] for one in proofs if one["algorithm"] == "sha-256")
    return Endpoint(
        username_fragment=ice["usernameFragment"],
        password=ice["password"],
        fingerprint=("sha-256", value),
        ip=candidate["ip"],
        port=candidate["port"],
    )


MICROPHONE = {
    "mid": "0",
    "codecs": [{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2}],
    "encodings": [{"ssrc": 1111}],
    "rtcp": {"cname": "host"},
}
CAMERA = {
    "mid": "1",
    "codecs": [
        {
            "mimeType": "video/VP8",
            "payloadType": 96,
            "clockRate": 90000,
            "rtcpFeedback": [{"type": "nack"}, {"type": "nack", "parameter": "pli"}, {"type": "transport-cc"}],
        },
        {"mimeType": "video/rtx", "payloadType": 97, "clockRate": 90000, "parameters": {"apt": 96}},
    ],
    "encodings": [
        {"ssrc": 2000 + 2 * layer, "rtx": {"ssrc": 2001 + 2 * layer}, "scalabilityMode": "L1T3"} for layer in range(3)
    ],
    "rtcp": {"cname": "host"},
}
"""RTP parameters as a browser would send them, the camera in three layers."""
