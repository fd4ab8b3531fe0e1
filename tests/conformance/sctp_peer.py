"""An SCTP client over plain UDP: aiortc's association without the DTLS it usually runs in."""

import asyncio
from typing import Any

from aiortc.rtcsctptransport import RTCSctpCapabilities, RTCSctpTransport
from typing_extensions import override

from media_plane.sfu.plain_transport import PlainTransport

SCTP_PORT = 5000


class _Association(RTCSctpTransport):  # type: ignore[misc]  # aiortc has no types here
    """Hands out messages as they come instead of making data channels of them."""

    def __init__(self, transport: Any) -> None:
        super().__init__(transport, port=SCTP_PORT)
        self.messages: list[tuple[int, int, bytes]] = []

    @override
    async def _receive(self, stream_id: int, pp_id: int, data: bytes) -> None:
        self.messages.append((stream_id, pp_id, data))


class _Link(asyncio.DatagramProtocol):
    """What the association needs of a DTLS transport, on a connected UDP socket."""

    state = "connected"
    _role = "client"

    def __init__(self) -> None:
        self._socket: asyncio.DatagramTransport | None = None
        self._receiver: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()

    @override
    def connection_made(self, transport: Any) -> None:
        self._socket = transport

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        task = asyncio.ensure_future(self._hand_on(data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        assert self._socket is not None
        self._socket.close()
        for task in self._tasks:
            task.cancel()

    async def _hand_on(self, data: bytes) -> None:
        async with self._order:
            if self._receiver is not None:
                await self._receiver._handle_data(data)

    def _register_data_receiver(self, receiver: Any) -> None:
        self._receiver = receiver

    def _unregister_data_receiver(self, _receiver: Any) -> None:
        self._receiver = None

    async def _send_data(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.sendto(data)


class SctpPeer:
    """One association with a plain transport.

    Attributes:
        messages: stream id, payload protocol identifier and bytes of each message received.
    """

    def __init__(self, link: _Link, association: _Association) -> None:
        self._link = link
        self._association = association
        self.messages = association.messages

    @classmethod
    async def connect(cls, transport: PlainTransport) -> "SctpPeer":
        address = (transport.tuple.local_address, transport.tuple.local_port)
        _, link = await asyncio.get_running_loop().create_datagram_endpoint(_Link, remote_addr=address)
        association = _Association(link)
        await association.start(RTCSctpCapabilities(maxMessageSize=262_144), SCTP_PORT)
        return cls(link, association)

    @property
    def is_established(self) -> bool:
        return bool(self._association._association_state == RTCSctpTransport.State.ESTABLISHED)

    async def send(self, stream_id: int, ppid: int, data: bytes) -> None:
        await self._association._send(stream_id, ppid, data)

    async def close(self) -> None:
        await self._association.stop()
        self._link.close()
