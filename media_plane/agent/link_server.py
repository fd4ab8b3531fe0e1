"""The node link's port: WebSockets of the control plane, and plain answers about the node's health."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog
from picows import WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener, ws_create_server

from media_plane.agent.health import HealthReport
from media_plane.agent.link import HELLO_TIMEOUT_S, NodeLink
from media_plane.agent.link_tokens import LinkTokens, TokenRefused
from media_plane.agent.metrics import CONTENT_TYPE, NodeMetrics
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import (
    CONTRACT_VERSION,
    MAX_MESSAGE_BYTES,
    Hello,
    HelloAnswer,
    NodeLoad,
    Notification,
    Request,
    Wire,
)

MAX_LINKS = 256
"""Sockets open at once, greeted or not; one signaling process needs one."""
PING_AFTER_S = 5.0
"""A link silent this long is pinged, and cut when no answer comes within the same time."""
STOP_PATIENCE_S = 1.0
"""How long running requests may finish when the server stops, seconds."""

log = structlog.get_logger("node_link")


class NodeFacts(Protocol):
    """What the server asks the node about itself."""

    node_id: str
    worker_version: str

    def load(self) -> NodeLoad:
        """What the node carries now."""

    def health(self) -> HealthReport:
        """Whether it is ready."""

    def keys_wanted(self) -> None:
        """A link was signed with a key we do not know: ask for newer ones."""


class LinkServer:
    """Listens for node links; knows all that are open.

    Args:
        facts: the node.
        tokens: who may open a link.
        metrics: counts requests and renders `/metrics`.
        dispatch: does what a request asks; raises LinkError.
        on_link_closed: told once for every greeted link that is gone.
        hello_timeout_s: see `link.HELLO_TIMEOUT_S`.
    """

    def __init__(
        self,
        *,
        facts: NodeFacts,
        tokens: LinkTokens,
        metrics: NodeMetrics,
        dispatch: Callable[[NodeLink, Request], Awaitable[Wire]],
        on_link_closed: Callable[[NodeLink], None],
        hello_timeout_s: float = HELLO_TIMEOUT_S,
    ) -> None:
        self._facts = facts
        self._tokens = tokens
        self._metrics = metrics
        self._dispatch = dispatch
        self._on_link_closed = on_link_closed
        self._hello_timeout_s = hello_timeout_s
        self._sockets: set[NodeLink] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """Open the port.

        Args:
            host: IP address.
            port: TCP port; 0 lets the system choose.

        Returns:
            The port in use.

        Raises:
            OSError: it can't be bound.
        """
        self._server = await ws_create_server(
            self._welcome,
            host,
            port,
            # picows cuts larger frames with close code 1009 before we ever see them.
            max_frame_size=MAX_MESSAGE_BYTES,
            enable_auto_ping=True,
            auto_ping_idle_timeout=PING_AFTER_S,
            auto_ping_reply_timeout=PING_AFTER_S,
        )
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def links(self) -> list[NodeLink]:
        """Links that said a good hello and are still open."""
        return [link for link in self._sockets if link.is_greeted and not link.is_closed]

    def tell_all(self, notification: Notification, *, but: object = None) -> None:
        """Notify every greeted link, except `but`."""
        for link in self.links:
            if link is not but:
                link.notify(notification)

    async def close(self) -> None:
        """Close the port and every link; let running requests finish for a moment. May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for link in list(self._sockets):
            link.close(reason="node stops")
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_PATIENCE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    # --- LinkOwner ----------------------------------------------------------------------------------------------

    def greet(self, hello: Hello) -> HelloAnswer:
        """Check contract version and token.

        Raises:
            LinkError: version_mismatch or unauthenticated.
        """
        if hello.contract_version != CONTRACT_VERSION:
            raise LinkError(
                LinkErrorCode.VERSION_MISMATCH,
                f"This node speaks contract version {CONTRACT_VERSION}.",
                contract_version=CONTRACT_VERSION,
            )
        try:
            self._tokens.verify(hello.token)
        except TokenRefused as refusal:
            log.warning("link_refused", reason=str(refusal))
            if refusal.unknown_key:
                self._facts.keys_wanted()
            raise LinkError(LinkErrorCode.UNAUTHENTICATED, "The link's token is not accepted.") from refusal
        return HelloAnswer(
            contract_version=CONTRACT_VERSION,
            node_id=self._facts.node_id,
            worker_version=self._facts.worker_version,
            load=self._facts.load(),
        )

    def dispatch(self, link: NodeLink, request: Request) -> Awaitable[Wire]:
        """Hand a request to its handler."""
        return self._dispatch(link, request)

    def link_connected(self, link: NodeLink) -> None:
        """Keep the socket, so that it can be closed with the server."""
        self._sockets.add(link)

    def link_opened(self, link: NodeLink) -> None:  # noqa: ARG002 - LinkOwner's signature
        """Say so in the log."""
        log.info("link_opened", links=len(self.links))

    def link_closed(self, link: NodeLink) -> None:
        """Forget the link; its participants become orphans."""
        self._sockets.discard(link)
        if link.is_greeted:
            log.info("link_closed", links=len(self.links))
            self._on_link_closed(link)

    def count_request(self, method: str, outcome: str) -> None:
        """Count an answer in the metrics."""
        self._metrics.count_request(method, outcome)

    def start(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run work in a task of the server's own."""

        async def run() -> None:
            await work()

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- HTTP ---------------------------------------------------------------------------------------------------

    def _welcome(self, request: WSUpgradeRequest) -> NodeLink | WSUpgradeResponseWithListener | None:
        path = request.path.partition(b"?")[0]
        if path in {b"/health", b"/ready", b"/metrics"}:
            return WSUpgradeResponseWithListener(self._tell(path), None)
        if path != b"/" or "upgrade" not in request.headers:
            return None
        if "origin" in request.headers:  # Only browsers send it, and no page has business here.
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(403), None)
        if self._server is None or len(self._sockets) >= MAX_LINKS:
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_error_response(503), None)
        # picows checks the upgrade's headers after this; the link counts from `link_connected`.
        return NodeLink(self, self._hello_timeout_s)

    def _tell(self, path: bytes) -> WSUpgradeResponse:
        json = {"Content-Type": "application/json"}
        if path == b"/metrics":
            text = self._metrics.render()
            return _typed(WSUpgradeResponse.create_ok_response(text, {"Content-Type": CONTENT_TYPE}))
        if path == b"/health":
            return _typed(WSUpgradeResponse.create_ok_response(b'{"status":"ok"}', json))
        report = self._facts.health()
        body = report.to_json()
        if report.is_ready:
            return _typed(WSUpgradeResponse.create_ok_response(body, json))
        return _typed(WSUpgradeResponse.create_error_response(503, body, json))


def _typed(response: object) -> WSUpgradeResponse:
    """Picows' factories say they return Any."""
    if not isinstance(response, WSUpgradeResponse):
        raise TypeError(type(response))
    return response
