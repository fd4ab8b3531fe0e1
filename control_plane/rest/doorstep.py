"""Before anything is believed: who is really calling, by which name, and from which page.

X-Forwarded-For and -Proto count only from the proxies we trust, and of the addresses in them the rightmost that is no such
proxy: everything left of it is the caller's own word. X-Forwarded-Host never counts. The Host must be one of ours
(RFC 9110, 7.4: 421), and a browser's page that changes something must be one of ours too.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.domain.errors import DomainError, Forbidden, NotFound
from control_plane.rest.answers import Answer, send_answer
from control_plane.rest.heads import headers_of
from control_plane.rest.problems import HttpRefusal, problem_of, send_problem
from control_plane.settings import Settings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
ANY_HOST = frozenset({"/health", "/ready", "/metrics"})
"""Asked by machines that know only an address."""
POSTED_FROM_ELSEWHERE = frozenset({"/auth/v1/sso/saml/acs", "/auth/v1/refuse"})
"""Forms whose origin says nothing: those that identity providers have a browser post, and our own page's, whose origin is
`null` because no page of ours sends a referrer. What is in them is signed or secret, and no cookie counts."""
INTERNAL = "/internal/"
"""Asked by media nodes, by the address they were told; a token protects it."""
log = structlog.get_logger(__name__)


class Doorstep:
    """The outermost ASGI app but for the log.

    Args:
        app: what answers.
        settings: trusted proxies, hosts and origins.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._proxies = settings.trusted_proxies
        self._hosts = settings.allowed_hosts
        self._origins = settings.allowed_origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what was sent to or from somewhere else."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        refusal = self.look(scope)
        if refusal is not None:
            await send_problem(scope, send, refusal)
        else:
            await self._answer(scope, receive, send)

    def look(self, scope: Any) -> DomainError | HttpRefusal | None:
        """Write down who is really calling; why an HTTP request is refused, None when it may come in."""
        headers = headers_of(scope)
        if self._proxies:
            self._believe_proxy(scope, headers)
        path = scope["path"]
        if "//" in path:
            # The router would find the same handlers there, and limits, locks and tenants' paths would not.
            return NotFound("There is nothing at this address.")
        if path in ANY_HOST or path.startswith(INTERNAL):
            return None
        if headers.get(b"host", b"").decode("latin-1").lower() not in self._hosts:
            return HttpRefusal(421, "This address answers only for its own name.")
        origin = headers.get(b"origin")
        is_asking = scope["method"] in SAFE or path in POSTED_FROM_ELSEWHERE
        if origin is not None and not is_asking and origin.decode("latin-1") not in self._origins:
            return Forbidden("This page may not call the API.", reason="origin")
        return None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; a fault of what stands between here and the framework is a problem, too."""
        is_begun = False

        async def send_noted(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            log.exception("unhandled error", exc_info=error)
            if not is_begun:
                await send_answer(send, fault_of(scope))

    def _believe_proxy(self, scope: Any, headers: dict[bytes, bytes]) -> None:
        client = scope.get("client")
        address = _address(client[0] if client else "")
        if address is None or not self._is_proxy(address):
            return
        for text in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            found = _address(text.strip())
            if found is None:
                break
            address = found
            if not self._is_proxy(found):
                break
        scope["client"] = (address.compressed, 0)
        if headers.get(b"x-forwarded-proto") in {b"http", b"https"}:
            scope["scheme"] = headers[b"x-forwarded-proto"].decode()

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)


def fault_of(scope: Any) -> Answer:
    """The answer to a fault of ours that nobody answered, told without detail."""
    return problem_of(scope, HttpRefusal(500, "Something went wrong on our side."))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it; IPv4 inside IPv6 as IPv4; None for anything else."""
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
