"""What is kept for a time only: chat and audit entries, each for as long as their organization says. For the jobs door."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.stores import audit as audit_store
from control_plane.stores import persons as person_store
from control_plane.stores.database import Database


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Applies retention."""

    db: Database

    async def apply(self) -> tuple[int, int]:
        """Take out what is too old. Answers how many chat and audit entries. Raises Unavailable."""
        async with self.db.platform() as tx:
            chat = await person_store.expire_chat(tx)
        async with self.db.platform() as tx:
            entries = await audit_store.expire(tx)
        return chat, entries
