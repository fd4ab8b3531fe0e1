"""Viewers that do all a browser does but look: ICE, DTLS and SRTP by aiortc, and every packet decrypted and counted.

Nothing is decoded, so that one process can hold many of them; the packets are counted as they come out of the socket, before
aiortc's queues and tasks, which would cost ten times more than all the rest.
"""

# ruff: noqa: SLF001 - aiortc and aioice have no public names for the socket, the roles and the keys.

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import aioice.ice
import pylibsrtp
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsFingerprint, RTCDtlsParameters, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceGatherer, RTCIceParameters, RTCIceTransport

from scripts.benches.packets import is_ours

HERE = next(iter(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=False)), "127.0.0.1")
"""The address both ends use. Janus offers every one of this machine but loopback, so loopback is for machines without any
other; either way the packets stay on this machine."""
RECEIVE_BUFFER_BYTES = 4 << 20
"""Of every viewer's socket: what comes while this process is not running must wait, not get lost."""
CONNECT_TIMEOUT_S = 10.0
_RTP_FIRST_BYTES = range(128, 192)
_RTCP_TYPES = range(192, 224)
"""First and second byte of what shares a port with STUN and DTLS (RFC 7983, RFC 5761)."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server as a viewer must know it: ICE credentials, DTLS fingerprint (algorithm and hex pairs), address."""

    username_fragment: str
    password: str
    fingerprint: tuple[str, str]
    port: int
    ip: str = HERE


class Viewer:
    """One viewer's connection. Make it with `prepare`.

    Attributes:
        received: packets of a `Sender` that arrived and were authentic.
        refused: RTP that was not.
        username_fragment, password, fingerprint (SHA-256): of this side, for the server to be shown.
    """

    def __init__(self, certificate: RTCCertificate) -> None:
        self.received = 0
        self.refused = 0
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [certificate])
        mine = self._gatherer.getLocalParameters()
        self.username_fragment = str(mine.usernameFragment)
        self.password = str(mine.password)
        proofs = self._dtls.getLocalParameters().fingerprints
        self.fingerprint = next(str(proof.value) for proof in proofs if proof.algorithm == "sha-256")

    @classmethod
    async def prepare(cls, count: int) -> list[Viewer]:
        """Viewers with sockets, not connected yet; they share a certificate."""
        certificate = RTCCertificate.generateCertificate()
        viewers = [cls(certificate) for _ in range(count)]
        with _only_here():
            for viewer in viewers:
                await viewer._gatherer.gather()
        return viewers

    async def connect(self, server: Endpoint) -> None:
        """Connect as the DTLS client, then count.

        Raises:
            TimeoutError: no connection within `CONNECT_TIMEOUT_S`.
            ConnectionError: the handshake failed.
        """
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self._ice.addRemoteCandidate(_host_candidate(server))
            await self._ice.addRemoteCandidate(None)
            self._ice._connection.ice_controlling = True
            self._dtls._set_role("client")
            await self._ice.start(RTCIceParameters(server.username_fragment, server.password, iceLite=True))
            proof = RTCDtlsFingerprint(algorithm=server.fingerprint[0], value=server.fingerprint[1])
            await self._dtls.start(RTCDtlsParameters(fingerprints=[proof], role="server"))
        if self._dtls.state != "connected":
            raise ConnectionError(f"DTLS {self._dtls.state}")
        for protocol in self._ice._connection._protocols:
            self._count_at(protocol)

    @property
    def srtp_profile(self) -> str:
        """What was negotiated, by OpenSSL's name."""
        return str(self._dtls._ssl.get_selected_srtp_profile().decode())

    async def close(self) -> None:
        """Leave. May be called twice."""
        await self._dtls.stop()
        await self._ice.stop()

    def _count_at(self, protocol: Any) -> None:
        """Take RTP at the socket; the rest goes on to aiortc."""
        protocol.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES
        )
        pass_on, unprotect = protocol.datagram_received, self._dtls._rx_srtp.unprotect

        def take(data: bytes, address: tuple[Any, ...]) -> None:
            if data[0] not in _RTP_FIRST_BYTES or data[1] in _RTCP_TYPES:
                pass_on(data, address)
                return
            try:
                packet = unprotect(data)
            except pylibsrtp.Error:
                self.refused += 1
            else:
                self.received += is_ours(packet)

        protocol.datagram_received = take


@contextlib.contextmanager
def _only_here() -> Iterator[None]:
    """One socket a viewer: aioice would open one for each of this machine's addresses, and none on loopback."""
    find_addresses = aioice.ice.get_host_addresses
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [HERE]  # noqa: ARG005 - aioice's signature
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = find_addresses


def _host_candidate(server: Endpoint) -> RTCIceCandidate:
    return RTCIceCandidate(
        component=1, foundation="1", ip=server.ip, port=server.port, priority=1, protocol="udp", type="host"
    )


def total_received(viewers: Sequence[Viewer]) -> int:
    """Packets of all of them."""
    return sum(viewer.received for viewer in viewers)
