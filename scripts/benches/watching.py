"""A worker that forwards one video to viewers: the side of ours that the forwarding benches share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from media_plane.ortc.rtp import (
    RtcpFeedback,
    RtpCapabilities,
    RtpCodecCapability,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtension,
    RtpParameters,
)
from media_plane.sfu import DtlsParameters, ListenInfo, PlainTransport, Producer, Router, WebRtcServer, Worker
from media_plane.sfu.transport_types import DtlsFingerprint
from scripts.benches.packets import CLOCK_RATE, PAYLOAD_TYPE
from scripts.benches.viewers import HERE, Endpoint, Viewer

_FEEDBACK = [RtcpFeedback(type="nack"), RtcpFeedback(type="nack", parameter="pli"), RtcpFeedback(type="goog-remb")]
AIORTC_CAPABILITIES = RtpCapabilities(
    codecs=[
        RtpCodecCapability(
            kind="video",
            mime_type="video/VP8",
            clock_rate=CLOCK_RATE,
            preferred_payload_type=PAYLOAD_TYPE,
            rtcp_feedback=_FEEDBACK,
        )
    ],
    header_extensions=[
        RtpHeaderExtension(kind="video", uri="urn:ietf:params:rtp-hdrext:sdes:mid", preferred_id=1),
        RtpHeaderExtension(
            kind="video", uri="http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time", preferred_id=4
        ),
    ],
)
"""What aiortc 1.16 says of video, in the ids of our routers."""


class Stage:
    """A worker with a router, a WebRTC server and one video that comes in by plain RTP.

    Attributes:
        source: where the video's packets go.
        producer: the video.
    """

    def __init__(
        self, worker: Worker, router: Router, server: WebRtcServer, source: PlainTransport, producer: Producer
    ) -> None:
        self.worker = worker
        self.router = router
        self.source = source
        self.producer = producer
        self._server = server

    @classmethod
    @asynccontextmanager
    async def open(cls, binary: Path, *, ssrc: int, buffer_bytes: int = 0) -> AsyncIterator[Stage]:
        """Start a worker; it ends with the block.

        Args:
            binary: the worker's executable.
            ssrc: of the video.
            buffer_bytes: SO_SNDBUF and SO_RCVBUF of its sockets, 0 leaves the kernel's.
        """
        listen = ListenInfo(ip=HERE, send_buffer_size=buffer_bytes, recv_buffer_size=buffer_bytes)
        worker = await Worker.create(binary=binary)
        try:
            server = await worker.create_webrtc_server(listen_infos=[listen])
            router = await worker.create_router(media_codecs=ROOM_MEDIA_CODECS)
            source = await router.create_plain_transport(listen_info=listen, rtcp_mux=True, comedia=True)
            producer = await source.produce(kind="video", rtp_parameters=video(ssrc))
            yield cls(worker, router, server, source, producer)
        finally:
            worker.close()
            await worker.wait_closed()

    @property
    def pid(self) -> int:
        """Of the worker."""
        return self.worker.pid

    async def seat(self, viewer: Viewer, producer_id: str) -> None:
        """Connect a viewer and let it watch."""
        transport = await self.router.create_webrtc_transport(webrtc_server=self._server, prefer_udp=True)
        proof = next(one for one in transport.dtls_parameters.fingerprints if one.algorithm == "sha-256")
        shown = DtlsFingerprint(algorithm="sha-256", value=viewer.fingerprint)
        await transport.connect(dtls_parameters=DtlsParameters(fingerprints=[shown], role="client"))
        await viewer.connect(
            Endpoint(
                username_fragment=transport.ice_parameters.username_fragment,
                password=transport.ice_parameters.password,
                fingerprint=(proof.algorithm, proof.value),
                port=transport.ice_candidates[0].port,
            )
        )
        await transport.consume(producer_id=producer_id, rtp_capabilities=AIORTC_CAPABILITIES, paused=False)


def video(ssrc: int) -> RtpParameters:
    """The sender's stream."""
    return RtpParameters(
        mid="0",
        codecs=[RtpCodecParameters(mime_type="video/VP8", payload_type=PAYLOAD_TYPE, clock_rate=CLOCK_RATE)],
        encodings=[RtpEncodingParameters(ssrc=ssrc)],
    )
