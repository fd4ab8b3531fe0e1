"""Media nodes: who they are and what they last told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import SILENT_AFTER, MediaNode
from control_plane.stores.database import Rows, Transaction


def _node(row: Rows) -> MediaNode:
    return MediaNode(
        id=NodeId(row["id"]),
        link_url=row["link_url"],
        region=row["region"],
        cpu=row["cpu"],
        consumers=row["consumers"],
        capacity_consumers=row["capacity_consumers"],
        is_draining=row["is_draining"],
        last_seen_at=row["last_seen_at"],
    )


async def list_nodes(tx: Transaction) -> list[MediaNode]:
    """All nodes ever enrolled and not forgotten, by id; tenant or platform scope."""
    rows = await tx.fetch(
        "select id, link_url, region, cpu, consumers, capacity_consumers, is_draining, last_seen_at "
        "from media_nodes order by id"
    )
    return [_node(row) for row in rows]


async def upsert_node(
    tx: Transaction,
    *,
    node_id: UUID,
    link_url: str,
    region: str,
    contract_version: int,
    worker_version: str,
    rtp_capabilities: str,
    capacity_consumers: int,
    now: datetime,
) -> None:
    """Enrol a node, or enrol it again; platform scope. rtp_capabilities: sealed JSON.

    A node enrols again every half minute: what it told within `SILENT_AFTER` still stands, also that it drains. One that was
    silent for longer begins with nothing on it.
    """
    was_silent = "media_nodes.last_seen_at < $8 - make_interval(secs => $9)"
    kept = ", ".join(
        f"{column} = case when {was_silent} then {empty} else media_nodes.{column} end"
        for column, empty in (
            *((count, "0") for count in ("cpu", "rooms", "transports", "producers", "consumers")),
            ("is_draining", "false"),
        )
    )
    await tx.execute(
        f"""
        insert into media_nodes (id, link_url, region, contract_version, worker_version, rtp_capabilities,
            capacity_consumers, enrolled_at, last_seen_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        on conflict (id) do update set link_url = excluded.link_url, region = excluded.region,
            contract_version = excluded.contract_version, worker_version = excluded.worker_version,
            rtp_capabilities = excluded.rtp_capabilities, capacity_consumers = excluded.capacity_consumers,
            enrolled_at = excluded.enrolled_at, last_seen_at = excluded.last_seen_at, {kept}
        """,  # noqa: S608 - columns of ours, named above
        node_id,
        link_url,
        region,
        contract_version,
        worker_version,
        rtp_capabilities,
        capacity_consumers,
        now,
        SILENT_AFTER.total_seconds(),
    )


async def write_load(
    tx: Transaction,
    node_id: NodeId,
    *,
    cpu: float,
    rooms: int,
    transports: int,
    producers: int,
    consumers: int,
    is_draining: bool,
    now: datetime,
) -> bool:
    """Keep what a node told; platform scope. False when it is not enrolled."""
    count = await tx.execute(
        "update media_nodes set cpu = $2, rooms = $3, transports = $4, producers = $5, consumers = $6, "
        "is_draining = $7, last_seen_at = greatest(last_seen_at, $8) where id = $1",
        node_id,
        cpu,
        rooms,
        transports,
        producers,
        consumers,
        is_draining,
        now,
    )
    return count == 1


async def read_rtp_capabilities(tx: Transaction, node_id: NodeId) -> str | None:
    """The sealed JSON of a node's routers; tenant or platform scope."""
    text: str | None = await tx.fetchval("select rtp_capabilities from media_nodes where id = $1", node_id)
    return text
