"""What has no tenant: the media nodes."""

from __future__ import annotations

from piccolo.columns import UUID, Boolean, Integer, Real, Text, Timestamptz, Varchar
from piccolo.table import Table


class MediaNodes(Table, tablename="media_nodes"):
    """A machine that runs the agent, as last told. rtp_capabilities: sealed JSON, never read here."""

    id = UUID(primary_key=True, default=None)
    link_url = Text(default=None)
    region = Varchar(length=64, default=None)
    contract_version = Integer(default=None)
    worker_version = Varchar(length=64, default=None)
    rtp_capabilities = Text(default=None)
    capacity_consumers = Integer(default=None)
    cpu = Real(default=0.0)
    rooms = Integer(default=0)
    transports = Integer(default=0)
    producers = Integer(default=0)
    consumers = Integer(default=0)
    is_draining = Boolean(default=False)
    enrolled_at = Timestamptz(default=None)
    last_seen_at = Timestamptz(default=None)
