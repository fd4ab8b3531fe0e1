"""Media nodes: enrolling, and what they carry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from control_plane.domain.errors import InvalidInput, NotFound
from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import MediaNode
from control_plane.services.ports import Clock
from control_plane.stores import nodes as store
from control_plane.stores.database import Database
from media_plane.contract.messages import CONTRACT_VERSION, NodeEnrolled, NodeEnrolment, NodeLoad

INT_MAX = 2**31 - 1
"""Largest count a column holds."""


@dataclass(frozen=True, slots=True)
class NodeService:
    """The registry of media nodes. link_jwks: the public keys whose tokens open node links, as JSON."""

    db: Database
    clock: Clock
    link_jwks: Callable[[], Awaitable[bytes]]

    async def enrol(self, enrolment: NodeEnrolment) -> NodeEnrolled:
        """Register a node that has just booted; idempotent by its id. The door has checked the enrolment token.

        Raises:
            InvalidInput: another contract version, or a field out of range. Unavailable.
        """
        node_id = _check_enrolment(enrolment)
        jwks = await self.link_jwks()
        async with self.db.platform() as tx:
            await store.upsert_node(
                tx,
                node_id=node_id,
                link_url=enrolment.link_url,
                region=enrolment.region,
                contract_version=enrolment.contract_version,
                worker_version=enrolment.worker_version,
                rtp_capabilities=bytes(enrolment.rtp_capabilities).decode(),
                capacity_consumers=enrolment.capacity_consumers,
                now=self.clock.now(),
            )
        return NodeEnrolled(link_jwks=msgspec.Raw(jwks))

    async def note_load(self, node_id: NodeId, load: NodeLoad) -> None:
        """Keep what a node told of itself; that it spoke also says it is there. Raises NotFound, Unavailable."""
        async with self.db.platform() as tx:
            is_known = await store.write_load(
                tx,
                node_id,
                cpu=min(max(load.cpu, 0.0), 1.0),
                rooms=_count(load.rooms),
                transports=_count(load.transports),
                producers=_count(load.producers),
                consumers=_count(load.consumers),
                is_draining=load.draining,
                now=self.clock.now(),
            )
        if not is_known:
            raise NotFound("There is no such media node.")

    async def list_nodes(self) -> list[MediaNode]:
        """All nodes, by id; also silent and full ones. Raises Unavailable."""
        async with self.db.platform() as tx:
            return await store.list_nodes(tx)

    async def rtp_capabilities(self, node_id: NodeId) -> msgspec.Raw:
        """A node's router capabilities, sealed. Raises NotFound, Unavailable."""
        async with self.db.platform() as tx:
            text = await store.read_rtp_capabilities(tx, node_id)
        if text is None:
            raise NotFound("There is no such media node.")
        return msgspec.Raw(text.encode())


def _count(number: int) -> int:
    return min(max(number, 0), INT_MAX)


def _check_enrolment(enrolment: NodeEnrolment) -> UUID:
    if enrolment.contract_version != CONTRACT_VERSION:
        raise InvalidInput(
            "This node speaks another version of the node link.",
            field="contractVersion",
            expected=CONTRACT_VERSION,
        )
    if not 0 < enrolment.capacity_consumers <= INT_MAX:
        raise InvalidInput("A node carries at least one consumer.", field="capacityConsumers")
    if not enrolment.link_url.startswith(("ws://", "wss://")) or not enrolment.link_url.isprintable():
        raise InvalidInput("The link address is a ws:// or wss:// URL.", field="linkUrl")
    for field, text in (("region", enrolment.region), ("workerVersion", enrolment.worker_version)):
        if not 1 <= len(text) <= 64 or not text.isprintable():
            raise InvalidInput("This has 1 to 64 printable characters.", field=field)
    try:
        return UUID(enrolment.node_id)
    except ValueError as error:
        raise InvalidInput("A node's id is a UUID.", field="nodeId") from error
