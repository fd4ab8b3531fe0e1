"""What an operator does with media nodes: list them, let one drain, call that off."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.errors import InvalidInput, NotFound, Unavailable
from control_plane.domain.ids import NodeId
from control_plane.domain.keys import KeyPurpose
from control_plane.domain.nodes import SILENT_AFTER, MediaNode
from control_plane.gateways.clock import SystemClock
from control_plane.gateways.node_link import NodeLink
from control_plane.gateways.tokens import EcTokens
from control_plane.services.keys import KeyService
from control_plane.services.nodes import NodeService
from control_plane.settings import Settings
from control_plane.stores.database import Database, open_database
from media_plane.contract.errors import LinkError
from media_plane.contract.messages import Empty, NodeDrain


async def describe_nodes(settings: Settings) -> list[str]:
    """One line per node: id, region, state, load. Raises Unavailable."""
    db = await open_database(settings.database_url, pool_size=1)
    try:
        nodes = await _service(db, settings).list_nodes()
    finally:
        await db.close()
    return [_describe(node) for node in nodes]


async def drain_node(settings: Settings, node: str, *, is_draining: bool) -> NodeId:
    """Ask a node itself, by a link of our own, to take no new live sessions, or to take them again.

    Raises:
        InvalidInput: not an id. NotFound: no such node. Unavailable: it does not answer.
    """
    db = await open_database(settings.database_url, pool_size=1)
    try:
        found = next((one for one in await _service(db, settings).list_nodes() if one.id == _node_id(node)), None)
        if found is None:
            raise NotFound("There is no such media node.")
        keys = KeyService(db, SystemClock(), settings.secret_key)
        token = await EcTokens(keys, f"{settings.public_url}/auth/v1", SystemClock().now).issue_node_link(found.id)
    finally:
        await db.close()
    try:
        link, _ = await NodeLink.open(
            found.link_url, token, on_notification=lambda _told: None, on_closed=lambda _link: None
        )
        try:
            await link.call(NodeDrain(id=0, is_draining=is_draining), Empty)
        finally:
            link.close()
    except LinkError as error:
        raise Unavailable(f"The node refused: {error.message}") from error
    return found.id


def _service(db: Database, settings: Settings) -> NodeService:
    keys = KeyService(db, SystemClock(), settings.secret_key)
    return NodeService(db, SystemClock(), lambda: keys.jwks(KeyPurpose.PLATFORM))


def _node_id(text: str) -> NodeId:
    try:
        return NodeId(UUID(text))
    except ValueError as error:
        raise InvalidInput("A node's id is a UUID; `nodes` lists them.", field="node") from error


def _describe(node: MediaNode) -> str:
    is_silent = SystemClock().now() - node.last_seen_at > SILENT_AFTER
    state = "silent" if is_silent else "draining" if node.is_draining else "up"
    load = f"{node.consumers}/{node.capacity_consumers} consumers, {node.cpu:.0%} CPU"
    return f"{node.id} {node.region} {state} {load}"
