"""A real peer on the media port: ICE and DTLS as the worker sees them, and what the owner is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aioice.ice
import msgspec
import pytest
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.media import Person, fingerprint, new_id

pytestmark = pytest.mark.worker


class Peer:
    """The browser's side of one transport: ICE over UDP, DTLS as client."""

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()
        self._ice = RTCIceTransport(RTCIceGatherer(iceServers=[]))
        self._ice._connection.ice_controlling = True  # The node is ICE Lite, so it never is.
        self._dtls = RTCDtlsTransport(self._ice, [self._certificate])

    @property
    def dtls_parameters(self) -> dict[str, Any]:
        """What the peer's transport.connect carries."""
        hashes = [{"algorithm": f.algorithm, "value": f.value} for f in self._certificate.getFingerprints()]
        return {"role": "client", "fingerprints": [one for one in hashes if one["algorithm"].startswith("sha-")]}

    async def connect(self, options: m.TransportOptions) -> None:
        """Do ICE and DTLS with the node. Raises ConnectionError when DTLS fails."""
        ice = msgspec.json.decode(options.ice_parameters)
        await self._ice.iceGatherer.gather()
        for candidate in msgspec.json.decode(options.ice_candidates):
            if candidate["protocol"] == "udp":
                await self._ice.addRemoteCandidate(
                    RTCIceCandidate(
                        component=1,
                        foundation=candidate["foundation"],
                        ip=candidate["address"],
                        port=candidate["port"],
                        priority=candidate["priority"],
                        protocol="udp",
                        type="host",
                    )
                )
        await self._ice.addRemoteCandidate(None)
        await self._ice.start(
            RTCIceParameters(usernameFragment=ice["usernameFragment"], password=ice["password"], iceLite=True)
        )
        dtls = msgspec.json.decode(options.dtls_parameters)
        hashes = [RTCDtlsFingerprint(algorithm=f["algorithm"], value=f["value"]) for f in dtls["fingerprints"]]
        self._dtls._set_role("client")
        await self._dtls.start(RTCDtlsParameters(fingerprints=hashes, role="server"))

    async def close(self) -> None:
        """Say goodbye in DTLS and stop."""
        await self._dtls.stop()
        await self._ice.stop()


@pytest.fixture
async def peer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Peer]:
    """A peer on loopback, which aioice leaves out by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    async with AsyncExitStack() as stack:
        peer = Peer()
        stack.push_async_callback(peer.close)
        yield peer


async def until_dtls(link: LinkClient, state: str) -> m.TransportChanged:
    """The notification that DTLS reached a state."""
    while True:
        changed = await link.until(m.TransportChanged)
        if changed.dtls_state == state:
            return changed


async def test_the_owner_hears_of_ice_and_dtls_and_of_the_end(link: LinkClient, peer: Peer) -> None:
    host, viewer = Person(link, new_id()), Person(link, new_id())
    viewer.room_id = host.room_id
    capabilities = (await host.open()).rtp_capabilities
    options = await host.transport("send")
    camera = await host.produce("camera")
    await viewer.transport("recv")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await host.connect(host.send_id, peer.dtls_parameters)
    await peer.connect(options)
    connected = await until_dtls(link, "connected")
    await peer.close()
    closed = await link.until(m.TransportClosed)

    assert (connected.transport_id, connected.ice_state) == (host.send_id, "completed")
    assert (closed.participant_id, closed.transport_id, closed.reason) == (host.id, host.send_id, "dtls_closed")
    assert (await link.until(m.ProducerClosed)).producer_id == camera.producer_id
    assert (await link.until(m.ConsumerClosed)).consumer_id == consumer_id
    with pytest.raises(Refused, match="not_found"):
        await host.produce("camera")
    with pytest.raises(Refused, match="not_found"):
        await host.adopt()


async def test_a_certificate_that_is_not_the_announced_one_ends_the_transport(link: LinkClient, peer: Peer) -> None:
    host = Person(link, new_id())
    await host.open()
    options = await host.transport("send")

    await host.connect(host.send_id, {"role": "client", "fingerprints": [fingerprint("cd")]})
    await peer.connect(options)

    closed = await link.until(m.TransportClosed)
    assert (closed.transport_id, closed.reason) == (host.send_id, "dtls_failed")
