"""Publishing and consuming with pymediasoup and aiortc: what mediasoup-client does in a browser.

aiortc speaks VP8, H264 and Opus, no simulcast. pymediasoup takes pydantic models; the wire's sealed values become those.
"""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import Any

import aioice.ice
import msgspec
from aiortc import MediaStreamTrack, RTCIceServer
from aiortc.contrib.media import MediaRelay
from pymediasoup import AiortcHandler, Device
from pymediasoup.models.transport import DtlsParameters, IceCandidate, IceParameters
from pymediasoup.rtp_parameters import RtpCapabilities, RtpCodecCapability, RtpParameters

from control_plane.signaling.messages import (
    ConsumerResume,
    Empty,
    ProducerCreate,
    ProducerCreated,
    TransportConnect,
    TransportCreate,
    TransportCreated,
)
from media_plane.contract.messages import ConsumerOptions, Direction, Source, TransportOptions
from scripts.headless.rest import IceServer
from scripts.headless.signaling import SignalingClient

CONNECTED_TIMEOUT_S = 10.0
"""How long ICE and DTLS may take, seconds."""

_find_addresses = aioice.ice.get_host_addresses


def _host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:  # noqa: FBT001 - aioice's signature
    """Our addresses; loopback when there is no other (a machine without network), which aioice leaves out."""
    return _find_addresses(use_ipv4, use_ipv6) or ["127.0.0.1"]


aioice.ice.get_host_addresses = _host_addresses


class MediaFailed(Exception):
    """A transport did not connect, or a track could not be sent or received."""


@dataclass(frozen=True, slots=True)
class _Published:
    """A track of ours, and what it is published as."""

    track: MediaStreamTrack
    source: Source
    mime_type: str | None
    producer_id: str


class HeadlessMedia:
    """One participant's media: a loaded Device, at most one send and one receive transport, and those it moves away from.

    Make it with `load`. The signaling client is set with `use` once the socket is welcomed.
    """

    def __init__(self, device: Device, ice_servers: list[IceServer]) -> None:
        self._device = device
        # An empty list, never None: aiortc's default is a public STUN server.
        self._ice_servers = [RTCIceServer(one.urls, one.username, one.credential) for one in ice_servers]
        self._signaling: SignalingClient | None = None
        self._send: Any = None
        self._recv: Any = None
        self._consumers: dict[str, Any] = {}
        self._published: list[_Published] = []
        # While media moves, one track is sent on two transports: each gets every frame.
        self._relay = MediaRelay()
        self._left: list[Any] = []
        """Transports that still stand while their media moves to newer ones."""
        self._failure: Exception | None = None
        self._receiving = asyncio.Lock()

    @classmethod
    async def load(cls, router_capabilities: msgspec.Raw, ice_servers: list[IceServer]) -> HeadlessMedia:
        """Load a Device with the router's capabilities, from the join answer."""
        device = Device(handlerFactory=AiortcHandler.createFactory(tracks=[]))
        await device.load(RtpCapabilities.model_validate_json(bytes(router_capabilities)))
        return cls(device, ice_servers)

    @property
    def rtp_capabilities(self) -> msgspec.Raw:
        """What this device can receive, for the hello."""
        return _sealed(self._device.rtpCapabilities)

    def use(self, signaling: SignalingClient) -> None:
        """Send this media's requests over that socket."""
        self._signaling = signaling

    # --- sending

    async def publish(self, track: MediaStreamTrack, source: Source, *, mime_type: str | None = None) -> str:
        """Publish a track; the first one makes the send transport.

        Args:
            track: audio or video; stopped by `close`.
            source: what it shows.
            mime_type: video codec to send, "video/VP8" or "video/H264"; None takes the routers' first.

        Returns:
            The producer's id.

        Raises:
            MediaFailed: the transport did not connect.
            SignalingError: refused, for example to a viewer.
        """
        published = _Published(track, source, mime_type, str(uuid.uuid4()))
        self._published.append(published)
        await self._produce_on_transport(published)
        return published.producer_id

    async def _produce_on_transport(self, published: _Published) -> None:
        if self._send is None:
            self._send = await self._open_transport("send")
        try:
            await self._send.produce(
                # Pictures that can't be sent in time are left out; sound has no frames to spare.
                track=self._relay.subscribe(published.track, buffered=published.track.kind == "audio"),
                stopTracks=False,
                appData={"source": published.source, "producer_id": published.producer_id},
                codec=_video_codec(published.mime_type),
            )
        except IndexError:  # pymediasoup found no answer to "produce": the reason went to "error"
            raise self._reason("the track was not published") from self._failure
        await self._wait_connected(self._send)

    async def move_send(self) -> None:
        """Publish the same tracks under the same ids on a new transport; the old one stands until `drop`.

        Raises MediaFailed, SignalingError.
        """
        if self._send is None:
            return
        self._left.append(self._send)
        self._send = None
        for published in self._published:
            await self._produce_on_transport(published)

    # --- receiving

    async def rebuild_send(self) -> None:
        """Publish the same tracks anew, under new ids, on a new transport; the old one goes at once.

        Raises MediaFailed, SignalingError.
        """
        if self._send is None:
            return
        await self._send.close()
        self._send = None
        self._published = [replace(published, producer_id=str(uuid.uuid4())) for published in self._published]
        for published in self._published:
            await self._produce_on_transport(published)

    async def open_receive(self, options: TransportOptions | None = None) -> None:
        """Make the receive transport: of the welcome's options, or a new one. Raises SignalingError."""
        self._recv = await self._open_transport("recv", options)

    async def move_receive(self, *, keep: bool = True) -> str:
        """A new receive transport; the old one stands until `drop`, or goes at once without `keep`.

        Returns:
            Its id. Raises SignalingError.
        """
        async with self._receiving:
            if self._recv is not None:
                self._left.append(self._recv)
                if not keep:
                    await self.drop(str(self._recv.id))
            self._recv = await self._open_transport("recv")
            return str(self._recv.id)

    async def drop(self, transport_id: str) -> None:
        """Close a transport that is moved away from; one that is in use, or unknown, stays."""
        for transport in [one for one in self._left if one.id == transport_id]:
            self._left.remove(transport)
            await transport.close()

    @property
    def left_recv_ids(self) -> list[str]:
        """Receive transports that are moved away from."""
        return [str(one.id) for one in self._left if one.direction == "recv"]

    async def consume(self, options: ConsumerOptions) -> MediaStreamTrack:
        """Attach a consumer and let it flow.

        Returns:
            The track; `PictureReader` and `SoundReader` take it.

        Raises:
            MediaFailed: no receive transport, or it did not connect.
        """
        if self._recv is None or self._signaling is None:
            raise MediaFailed("There is no receive transport.")
        async with self._receiving:  # every consumer renegotiates the same peer connection
            consumer = await self._recv.consume(
                id=options.id,
                producerId=options.producer_id,
                kind=options.kind,
                rtpParameters=RtpParameters.model_validate_json(bytes(options.rtp_parameters)),
            )
        self._consumers[options.id] = consumer
        await self._wait_connected(self._recv)
        await self._signaling.request(ConsumerResume(id=0, consumer_ids=[uuid.UUID(options.id)]), Empty)
        return consumer.track

    async def packets_received(self, consumer_id: str) -> int:
        """RTP packets a consumer has received so far, >= 0 (W3C webrtc-stats, packetsReceived)."""
        report = await self._recv.handler.getReceiverStats(self._consumers[consumer_id].localId)
        return sum(int(one.packetsReceived) for one in report.values() if one.type == "inbound-rtp")

    # --- transports

    async def _open_transport(self, direction: Direction, options: TransportOptions | None = None) -> Any:
        if self._signaling is None:
            raise MediaFailed("Say hello first.")
        if options is None:
            request = TransportCreate(id=0, transport_id=uuid.uuid4(), direction=direction)
            options = (await self._signaling.request(request, TransportCreated)).transport
        make = self._device.createSendTransport if direction == "send" else self._device.createRecvTransport
        transport = make(
            id=options.id,
            iceParameters=IceParameters.model_validate_json(bytes(options.ice_parameters)),
            iceCandidates=[IceCandidate.model_validate(one) for one in msgspec.json.decode(options.ice_candidates)],
            dtlsParameters=DtlsParameters.model_validate_json(bytes(options.dtls_parameters)),
            sctpParameters=None,
            iceServers=self._ice_servers,
        )
        transport.on("connect", lambda dtls_parameters: self._connect(transport.id, dtls_parameters))
        transport.on(
            "produce", lambda kind, rtp_parameters, facts: self._produce(transport.id, kind, rtp_parameters, facts)
        )
        transport.on("error", self._fail)
        return transport

    async def _connect(self, transport_id: str, dtls_parameters: Any) -> None:
        assert self._signaling is not None
        request = TransportConnect(id=0, transport_id=uuid.UUID(transport_id), dtls_parameters=_sealed(dtls_parameters))
        await self._signaling.request(request, Empty)

    async def _produce(self, transport_id: str, kind: Any, rtp_parameters: Any, facts: dict[str, Any]) -> str:
        assert self._signaling is not None
        request = ProducerCreate(
            id=0,
            transport_id=uuid.UUID(transport_id),
            producer_id=uuid.UUID(facts["producer_id"]),
            kind=kind,
            source=facts["source"],
            rtp_parameters=_sealed(rtp_parameters),
        )
        return (await self._signaling.request(request, ProducerCreated)).producer_id

    def _fail(self, error: Exception) -> None:
        self._failure = error

    def _reason(self, what: str) -> MediaFailed:
        return MediaFailed(f"{what}: {self._failure or 'no reason was given'}")

    async def _wait_connected(self, transport: Any) -> None:
        connection = transport.handler.pc
        try:
            async with asyncio.timeout(CONNECTED_TIMEOUT_S):
                while connection.connectionState != "connected":
                    if self._failure is not None or connection.connectionState in {"failed", "closed"}:
                        raise self._reason(f"transport {transport.direction} {connection.connectionState}")
                    await asyncio.sleep(0.005)
        except TimeoutError as error:
            raise self._reason(f"transport {transport.direction} stays {connection.connectionState}") from error

    async def close(self) -> None:
        """Stop the published tracks and close both transports. May be called twice."""
        for published in self._published:
            published.track.stop()
        for transport in (self._send, self._recv, *self._left):
            if transport is not None:
                await transport.close()
        self._send = self._recv = None
        self._published.clear()
        self._left.clear()


def _video_codec(mime_type: str | None) -> RtpCodecCapability | None:
    """What pymediasoup matches codecs by; a clock of 90 kHz is every video codec's (RFC 3551, section 5)."""
    if mime_type is None:
        return None
    return RtpCodecCapability(kind="video", mimeType=mime_type, clockRate=90_000)


def _sealed(model: Any) -> msgspec.Raw:
    """A pydantic model as sealed JSON, fields that are None left out: the wire knows no null."""
    return msgspec.Raw(model.model_dump_json(exclude_none=True).encode())
