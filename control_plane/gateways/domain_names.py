"""The DNS, asked for the records that prove a domain."""

from __future__ import annotations

from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver

from control_plane.domain.errors import Unavailable

TIMEOUT_S = 5.0
"""For one question, all servers and repeats together."""
RECORDS_MAX = 100
"""Of one name."""


class DomainNames:
    """Fills `services.ports.DomainNames`.

    Args:
        servers: addresses to ask, each with its port; empty: those of the machine.
    """

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        self._servers = servers

    async def txt(self, name: str) -> list[str]:
        """The TXT records of a name, each one's strings put together; empty: there are none. Raises Unavailable."""
        try:
            # The machine's servers may change while we run.
            answer = await self._resolver().resolve(f"{name}.", dns.rdatatype.TXT, lifetime=TIMEOUT_S)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise Unavailable("The DNS does not answer. Try again in a moment.", retry_after_s=5) from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in list(answer)[:RECORDS_MAX]]

    def _resolver(self) -> dns.asyncresolver.Resolver:
        if not self._servers:
            return dns.asyncresolver.Resolver()
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver(address, port) for address, port in self._servers]
        return resolver
