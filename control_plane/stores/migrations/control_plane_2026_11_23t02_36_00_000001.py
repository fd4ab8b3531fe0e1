"""Erasure finds what is left by indexes in the order it takes it: an estimate can't lead it through what is done already."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.table import Table

ID = "2026-11-23T02:36:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "erasure: indexes in order"

STATEMENTS = """
drop index chat_messages_author;
create index chat_messages_author on chat_messages (author_id, organization_id, created_at) where text <> '[removed]';
drop index room_events_author;
create index room_events_author on room_events (author_id, organization_id, at)
    where (author_name <> 'Former member' or (kind = 'chat.posted' and body ->> 'text' <> '[removed]')
        or (kind = 'alert.posted' and body ->> 'note' <> ''));
drop index alerts_author;
create index alerts_author on alerts (author_id, organization_id, created_at) where note <> '';
drop index audit_log_person;
create index audit_log_person on audit_log (actor_id, organization_id, at) where ip is not null or user_agent is not null;
drop index webhook_deliveries_actor;
create index webhook_deliveries_actor on webhook_deliveries (actor_id, organization_id, created_at)
    where body not like '%"erased" : true%';
grant select (created_at) on alerts to tradingroom_platform;
grant select (created_at) on participants to tradingroom_platform
"""


class RawSql(Table):
    """Never made: Piccolo runs raw statements through a table."""


async def forwards() -> MigrationManager:
    """Each index anew, with a column more."""
    manager = MigrationManager(migration_id=ID, app_name="control_plane", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS.split(";"):
            await RawSql.raw(statement.strip())

    manager.add_raw(run)
    return manager
