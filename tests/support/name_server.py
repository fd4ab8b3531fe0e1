"""A real name server on loopback: answers TXT questions over UDP from a table that tests write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from typing_extensions import override


@dataclass
class NameServer:
    """records: TXT by name, without the root's dot. asked: names, in order. is_broken: answers SERVFAIL."""

    port: int = 0
    records: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_broken: bool = False

    def answer(self, wire: bytes) -> bytes:
        """The answer to a question (RFC 1035, 4)."""
        question = dns.message.from_wire(wire)
        name = question.question[0].name
        text = name.to_text(omit_final_dot=True)
        self.asked.append(text)
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.AA
        found = self.records.get(text)
        if self.is_broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            rows = [f'"{one}"' for one in found]
            answer.answer.append(dns.rrset.from_text(name, 1, dns.rdataclass.IN, dns.rdatatype.TXT, *rows))
        return answer.to_wire()


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @override
    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(self._server.answer(data), addr)


@asynccontextmanager
async def running_name_server() -> AsyncIterator[NameServer]:
    """On a free port of loopback, until the end of the block."""
    server = NameServer()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(server), local_addr=("127.0.0.1", 0))
    server.port = transport.get_extra_info("sockname")[1]
    yield server
    transport.close()
