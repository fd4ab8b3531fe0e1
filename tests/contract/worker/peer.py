"""A WebRTC client whose signaling is a function call: pymediasoup and aiortc against our objects."""

import asyncio
from typing import Any

import msgspec
from aiortc import MediaStreamTrack
from pymediasoup import AiortcHandler, Device
from pymediasoup.models.transport import DtlsParameters as ClientDtlsParameters
from pymediasoup.models.transport import IceCandidate as ClientIceCandidate
from pymediasoup.models.transport import IceParameters as ClientIceParameters
from pymediasoup.rtp_parameters import RtpCapabilities as ClientRtpCapabilities
from pymediasoup.rtp_parameters import RtpParameters as ClientRtpParameters

from media_plane.ortc.rtp import RtpCapabilities, RtpParameters
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import DtlsParameters
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.webrtc_transport import WebRtcTransport


def ours(model: Any, struct: type[Any]) -> Any:
    """A client's pydantic model as one of our structs, by the JSON a browser would send."""
    return msgspec.json.decode(model.model_dump_json(exclude_none=True), type=struct)


def theirs(value: Any, model: Any) -> Any:
    """One of our structs as a client's pydantic model, by the JSON a browser would be sent."""
    return model.model_validate_json(msgspec.json.encode(value))


class Peer:
    """One client with one transport. Make it with `join`, end it with `close`."""

    def __init__(self, device: Device, near: Any, far: WebRtcTransport) -> None:
        self._device = device
        self._near = near
        self.transport = far
        self._failure: Exception | None = None
        near.on("connect", self._connect)
        near.on("produce", self._produce)
        near.on("error", self._fail)

    @classmethod
    async def join(cls, router: Router, server: WebRtcServer, *, is_sender: bool) -> "Peer":
        device = Device(handlerFactory=AiortcHandler.createFactory(tracks=[]))
        await device.load(theirs(router.rtp_capabilities, ClientRtpCapabilities))
        far = await router.create_webrtc_transport(webrtc_server=server, prefer_udp=True)
        make = device.createSendTransport if is_sender else device.createRecvTransport
        near = make(
            id=far.id,
            iceParameters=theirs(far.ice_parameters, ClientIceParameters),
            iceCandidates=[theirs(candidate, ClientIceCandidate) for candidate in far.ice_candidates],
            dtlsParameters=theirs(far.dtls_parameters, ClientDtlsParameters),
            sctpParameters=None,
            iceServers=[],
        )
        return cls(device, near, far)

    @property
    def rtp_capabilities(self) -> RtpCapabilities:
        capabilities: RtpCapabilities = ours(self._device.rtpCapabilities, RtpCapabilities)
        return capabilities

    async def send(self, track: MediaStreamTrack) -> Producer:
        produced = await self._near.produce(track=track, stopTracks=False)
        await self._wait_connected()
        return next(producer for producer in self.transport.producers if producer.id == produced.id)

    async def watch(self, producer: Producer) -> tuple[Consumer, MediaStreamTrack]:
        """Consume a producer: created paused, resumed once the client is ready."""
        consumer = await self.transport.consume(producer_id=producer.id, rtp_capabilities=self.rtp_capabilities)
        near = await self._near.consume(
            id=consumer.id,
            producerId=producer.id,
            kind=consumer.kind,
            rtpParameters=theirs(consumer.rtp_parameters, ClientRtpParameters),
        )
        await self._wait_connected()
        await consumer.resume()
        return consumer, near.track

    async def close(self) -> None:
        await self._near.close()
        self.transport.close()

    async def _connect(self, dtls_parameters: Any) -> None:
        await self.transport.connect(dtls_parameters=ours(dtls_parameters, DtlsParameters))

    async def _produce(self, kind: Any, rtp_parameters: Any, _app_data: Any) -> str:
        return (await self.transport.produce(kind=kind, rtp_parameters=ours(rtp_parameters, RtpParameters))).id

    def _fail(self, error: Exception) -> None:
        self._failure = error

    async def _wait_connected(self) -> None:
        async with asyncio.timeout(30):
            while self._near.handler.pc.connectionState != "connected":
                if self._failure is not None:
                    raise self._failure
                await asyncio.sleep(0.005)
