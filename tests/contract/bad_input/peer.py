"""A WebRTC peer without manners: it does ICE and DTLS as it should, then sends whatever bytes it is given."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import pylibsrtp
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters

from media_plane.contract.messages import TransportOptions
from media_plane.sfu.transport_types import DtlsFingerprint, DtlsParameters, IceCandidate, IceParameters
from media_plane.sfu.webrtc_transport import WebRtcTransport


class RawPeer:
    """The browser's side of one transport: ICE controlling over UDP, DTLS as client.

    Args:
        certificate: what it shows in DTLS; None makes one.
    """

    def __init__(self, certificate: RTCCertificate | None = None) -> None:
        self._certificate = certificate or RTCCertificate.generateCertificate()
        self._ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
        self._ice._connection.ice_controlling = True  # The worker is ICE Lite, so it never is.
        self._dtls = RTCDtlsTransport(self._ice, [self._certificate])

    @classmethod
    async def join(cls, transport: WebRtcTransport) -> RawPeer:
        """Connect to a transport of ours, on both sides. Raises ConnectionError."""
        peer = cls()
        await transport.connect(dtls_parameters=peer.dtls_parameters)
        await peer.reach(transport)
        await peer.shake_hands(transport)
        return peer

    @property
    def dtls_parameters(self) -> DtlsParameters:
        """What it announces of the certificate it has."""
        hashes = self._certificate.getFingerprints()
        known = [
            DtlsFingerprint(algorithm=one.algorithm, value=one.value) for one in hashes if one.algorithm == "sha-256"
        ]
        return DtlsParameters(role="client", fingerprints=known)

    @property
    def dtls_state(self) -> str:
        """new, connecting, connected, closed or failed."""
        return str(self._dtls.state)

    async def reach(self, transport: WebRtcTransport | TransportOptions) -> None:
        """Do ICE with a transport's first UDP candidate. Raises ConnectionError."""
        ice, candidates, _ = _opened(transport)
        await self._ice.iceGatherer.gather()
        candidate = next(one for one in candidates if one.protocol == "udp")
        await self._ice.addRemoteCandidate(
            RTCIceCandidate(
                component=1,
                foundation=candidate.foundation,
                ip=candidate.address,
                port=candidate.port,
                priority=candidate.priority,
                protocol="udp",
                type="host",
            )
        )
        await self._ice.addRemoteCandidate(None)
        await self._ice.start(
            RTCIceParameters(usernameFragment=ice.username_fragment, password=ice.password, iceLite=True)
        )

    async def shake_hands(self, transport: WebRtcTransport | TransportOptions) -> None:
        """Do DTLS with it; look at `dtls_state` for how it ended."""
        _, _, dtls = _opened(transport)
        hashes = [RTCDtlsFingerprint(algorithm=one.algorithm, value=one.value) for one in dtls.fingerprints]
        self._dtls._set_role("client")
        await self._dtls.start(RTCDtlsParameters(fingerprints=hashes, role="server"))

    async def send_encrypted(self, packet: bytes) -> bytes:
        """Encrypt any bytes as RTP or RTCP (by their second byte) and send them; answers what went out.

        Packets that libsrtp itself can't encrypt go out as they are.
        """
        protect: Any = self._dtls._tx_srtp.protect_rtcp if _is_rtcp(packet) else self._dtls._tx_srtp.protect
        with contextlib.suppress(pylibsrtp.Error, ValueError):
            packet = protect(packet)
        await self.send(packet)
        return packet

    async def send(self, data: bytes) -> None:
        """Send bytes as they are, from the tuple the worker knows."""
        await self._ice._send(data)

    async def send_data(self, data: bytes) -> None:
        """Send bytes as DTLS application data, where SCTP would be."""
        await self._dtls._send_data(data)

    async def close(self) -> None:
        """Say goodbye in DTLS and stop."""
        async with asyncio.timeout(20):
            await self._dtls.stop()
            await self._ice.stop()


def _opened(
    transport: WebRtcTransport | TransportOptions,
) -> tuple[IceParameters, list[IceCandidate], DtlsParameters]:
    """What a browser is told of a transport, by the object itself or sealed."""
    if isinstance(transport, WebRtcTransport):
        return transport.ice_parameters, transport.ice_candidates, transport.dtls_parameters
    return (
        msgspec.json.decode(transport.ice_parameters, type=IceParameters),
        msgspec.json.decode(transport.ice_candidates, type=list[IceCandidate]),
        msgspec.json.decode(transport.dtls_parameters, type=DtlsParameters),
    )


def _is_rtcp(packet: bytes) -> bool:
    """As RFC 5761 section 4 tells them apart."""
    return len(packet) >= 2 and 192 <= packet[1] <= 223
