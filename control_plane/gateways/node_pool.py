"""The pool of node links: one to every node in the registry, dialled again whenever it is lost."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import structlog

from control_plane.domain.errors import DomainError, Unavailable
from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import MediaNode
from control_plane.gateways.node_link import NodeLink
from media_plane.contract.errors import LinkError
from media_plane.contract.messages import LOAD_INTERVAL_S, LoadTold, NodeLoad, Notification, RequestBase, Wire

REFRESH_S = 2.0
"""How often the list of nodes is read, seconds."""
BACKOFF_S = (0.1, 2.0)
"""First and longest pause between two attempts to dial a node, seconds."""
WAIT_FOR_LINK_S = 1.0
"""How long a request waits for a link that is being dialled, seconds."""

AnswerT = TypeVar("AnswerT", bound=Wire)
log = structlog.get_logger("node_pool")


class NodeLinkPool:
    """Links to all nodes; fills `services.ports.MediaNodes`.

    Args:
        list_nodes: the registry, for example `NodeService.list_nodes`; may raise, then the last list stands.
        issue_token: a token for one hello to a node.
        on_load: told a node's load, at most every LOAD_INTERVAL_S each.
    """

    def __init__(
        self,
        *,
        list_nodes: Callable[[], Awaitable[list[MediaNode]]],
        issue_token: Callable[[NodeId], Awaitable[str]],
        on_load: Callable[[NodeId, NodeLoad], Awaitable[None]],
    ) -> None:
        self._list_nodes = list_nodes
        self._issue_token = issue_token
        self._on_load = on_load
        self._on_notification: Callable[[NodeId, Notification], None] = lambda _node, _notification: None
        self._on_up: Callable[[NodeId], None] = lambda _node: None
        self._on_lost: Callable[[NodeId], None] = lambda _node: None
        self._on_draining: Callable[[NodeId], None] = lambda _node: None
        self._links: dict[NodeId, NodeLink] = {}
        self._urls: dict[NodeId, str] = {}
        self._nodes: dict[NodeId, MediaNode] = {}
        self._dialers: dict[NodeId, asyncio.Task[None]] = {}
        self._changed = asyncio.Condition()
        self._loads_noted_at: dict[NodeId, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self.has_fresh_list = False
        """Whether the registry could be read the last time."""

    # --- what services ask --------------------------------------------------------------------------------------

    async def call(self, node_id: NodeId, request: RequestBase, answer: type[AnswerT]) -> AnswerT:
        """Send one contract request and decode the answer.

        Raises:
            LinkError: the node refused.
            Unavailable: no link to that node now, or no answer within REQUEST_TIMEOUT_S.
        """
        link = self._links.get(node_id)
        if link is None:
            link = await self._wait_for(node_id)
        return await link.call(request, answer)

    def is_up(self, node_id: NodeId) -> bool:
        """Whether a link to the node stands."""
        return node_id in self._links

    def nodes_up(self) -> list[MediaNode]:
        """Nodes whose link stands, with what they told last."""
        return [node for node_id, node in self._nodes.items() if node_id in self._links]

    @property
    def up_count(self) -> int:
        """How many links stand."""
        return len(self._links)

    async def _wait_for(self, node_id: NodeId) -> NodeLink:
        try:
            async with asyncio.timeout(WAIT_FOR_LINK_S), self._changed:
                await self._changed.wait_for(lambda: node_id in self._links)
                return self._links[node_id]
        except TimeoutError as error:
            raise Unavailable("The media node is away. Try again in a moment.", retry_after_s=2) from error

    # --- life ---------------------------------------------------------------------------------------------------

    def start(
        self,
        *,
        on_notification: Callable[[NodeId, Notification], None],
        on_up: Callable[[NodeId], None],
        on_lost: Callable[[NodeId], None],
        on_draining: Callable[[NodeId], None] = lambda _node: None,
    ) -> None:
        """Begin to read the registry and to dial.

        Args:
            on_notification: told what nodes tell, but their load; in order per node.
            on_up: a link to the node stands (again).
            on_lost: the link to the node is gone; it is dialled again.
            on_draining: the node told that it drains; again with every load while it does.
        """
        self._on_notification, self._on_up, self._on_lost = on_notification, on_up, on_lost
        self._on_draining = on_draining
        self._spawn(self._refresh_forever())

    async def close(self) -> None:
        """Close all links; nobody is told of it. May be called twice."""
        self._is_closed = True
        tasks = [*self._tasks, *self._dialers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for link in list(self._links.values()):
            link.close()
        self._links.clear()

    async def _refresh_forever(self) -> None:
        while True:
            try:
                async with asyncio.timeout(2 * REFRESH_S):
                    nodes = await self._list_nodes()
            except Exception as error:  # noqa: BLE001 - the registry may be away in any way; the last list stands
                log.warning("node_list_failed", error=type(error).__name__)
                self.has_fresh_list = False
            else:
                self.has_fresh_list = True
                self._follow(nodes)
            await asyncio.sleep(REFRESH_S)

    def _follow(self, nodes: list[MediaNode]) -> None:
        self._urls = {node.id: node.link_url for node in nodes}
        self._nodes = {node.id: node for node in nodes}
        for node_id in self._urls.keys() - self._dialers.keys():
            self._dialers[node_id] = asyncio.create_task(self._dial_forever(node_id))
        for node_id in self._dialers.keys() - self._urls.keys():
            self._dialers.pop(node_id).cancel()
            link = self._links.get(node_id)
            if link is not None:
                link.close()

    async def _dial_forever(self, node_id: NodeId) -> None:
        pause_s = BACKOFF_S[0]
        while True:
            gone = asyncio.Event()
            try:
                await self._dial(node_id, gone)
            except (DomainError, LinkError, ValueError) as error:
                log.warning("node_dial_failed", node_id=str(node_id), error=type(error).__name__, reason=str(error))
            except Exception:
                log.exception("node_dial_failed", node_id=str(node_id))
            else:
                await gone.wait()
                pause_s = BACKOFF_S[0]
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause_s = min(pause_s * 2, BACKOFF_S[1])

    async def _dial(self, node_id: NodeId, gone: asyncio.Event) -> None:
        def closed(link: NodeLink) -> None:
            gone.set()
            self._forget(node_id, link)

        link, hello = await NodeLink.open(
            self._urls[node_id],
            await self._issue_token(node_id),
            on_notification=lambda notification: self._hear(node_id, notification),
            on_closed=closed,
        )
        if hello.node_id != str(node_id):
            link.close()
            raise Unavailable("Another node answers at this address.")
        if link.is_closed or self._is_closed:
            link.close()
            return
        self._links[node_id] = link
        log.info("node_link_up", node_id=str(node_id), worker_version=hello.worker_version)
        self._note_load(node_id, hello.load)
        self._on_up(node_id)
        async with self._changed:
            self._changed.notify_all()

    def _forget(self, node_id: NodeId, link: NodeLink) -> None:
        if self._links.get(node_id) is link:
            del self._links[node_id]
            if not self._is_closed:
                log.warning("node_link_lost", node_id=str(node_id))
                self._on_lost(node_id)

    # --- what nodes tell ----------------------------------------------------------------------------------------

    def _hear(self, node_id: NodeId, notification: Notification) -> None:
        if isinstance(notification, LoadTold):
            self._note_load(node_id, notification.load)
        else:
            self._on_notification(node_id, notification)

    def _note_load(self, node_id: NodeId, load: NodeLoad) -> None:
        node = self._nodes.get(node_id)
        if node is not None:
            self._nodes[node_id] = msgspec.structs.replace(
                node, cpu=load.cpu, consumers=load.consumers, is_draining=load.draining
            )
        if load.draining and node_id in self._links:
            self._on_draining(node_id)
        now = asyncio.get_running_loop().time()
        # A tenth less than the interval, so that a punctual node is not skipped every other time.
        if now - self._loads_noted_at.get(node_id, -LOAD_INTERVAL_S) < 0.9 * LOAD_INTERVAL_S:
            return
        self._loads_noted_at[node_id] = now
        self._spawn(self._tell_load(node_id, load))

    async def _tell_load(self, node_id: NodeId, load: NodeLoad) -> None:
        try:
            async with asyncio.timeout(2 * LOAD_INTERVAL_S):
                await self._on_load(node_id, load)
        except Exception as error:  # noqa: BLE001 - the next load comes in 2 s; the row just grows older
            log.warning("node_load_not_noted", node_id=str(node_id), error=type(error).__name__)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
