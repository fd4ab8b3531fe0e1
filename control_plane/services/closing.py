"""The end of an organization: asked for by its owner, 30 days to think again, then erased by the jobs door."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import msgspec
import structlog

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, InvalidInput, Unavailable
from control_plane.domain.events import SessionEnded, session_topic
from control_plane.domain.ids import OrganizationId
from control_plane.domain.organizations import DELETION_GRACE
from control_plane.domain.roles import Permission
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.organizations import OwnOrganization
from control_plane.services.ports import Bus, Clock
from control_plane.services.retention import BATCH, LOCK_MS, STATEMENT_MS, in_batches
from control_plane.stores import live_sessions
from control_plane.stores import organizations as store
from control_plane.stores import retention as retention_store
from control_plane.stores import rooms as room_store
from control_plane.stores.database import Database, Transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClosingService:
    """The use cases of an organization's end. batch: rows one transaction erases."""

    db: Database
    bus: Bus
    clock: Clock
    batch: int = BATCH

    async def close(self, caller: Caller, organization_id: OrganizationId, name: str) -> OwnOrganization:
        """Ask for the deletion: live sessions end, nothing new is made or said, and in 30 days it is erased.

        Args:
            caller: its owner.
            organization_id: which.
            name: its name, typed: so that nobody deletes the wrong one.

        Raises:
            NotFound, Forbidden. InvalidInput: the name is not its name. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            await lock_entitlement(tx, organization_id)
            found = await store.find_organization(tx, organization_id)
            if found is None:
                raise access.no_organization()
            if name.strip() != found.name:
                raise InvalidInput("Type the organization's name to delete it.", field="name")
            if found.deletes_at is None:
                found = msgspec.structs.replace(found, deletes_at=self.clock.now() + DELETION_GRACE)
                await store.update_organization(tx, found)
                await self._end_sessions(tx, organization_id)
                after = {"deletesAt": str(found.deletes_at)}
                await audit.note(
                    tx, caller, organization_id, "organization.closed", ("organization", organization_id), after=after
                )
        return OwnOrganization(organization=found, role=member.role)

    async def _end_sessions(self, tx: Transaction, organization_id: OrganizationId) -> None:
        for room in await room_store.list_rooms(tx, organization_id):
            if room.live is None:
                continue
            await live_sessions.end_live(tx, organization_id, room.room.id, self.clock.now())
            ended = SessionEnded(live_session_id=room.live.id, organization_id=organization_id, room_id=room.room.id)
            tx.after_commit(partial(self.bus.publish, session_topic(room.live.id), ended))

    async def reopen(self, caller: Caller, organization_id: OrganizationId) -> OwnOrganization:
        """Take the deletion back, within the grace. Again is harmless.

        Raises:
            NotFound, Forbidden. Conflict: the grace is over, and its rows may be going already. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, Permission.OWN_ORGANIZATION)
            await lock_entitlement(tx, organization_id)
            found = await store.find_organization(tx, organization_id)
            if found is None:
                raise access.no_organization()
            if found.deletes_at is not None:
                if found.deletes_at <= self.clock.now():
                    raise Conflict("This organization is being erased.", reason="erasing")
                before = {"deletesAt": str(found.deletes_at)}
                found = msgspec.structs.replace(found, deletes_at=None)
                await store.update_organization(tx, found)
                await audit.note(
                    tx,
                    caller,
                    organization_id,
                    "organization.reopened",
                    ("organization", organization_id),
                    before=before,
                )
        return OwnOrganization(organization=found, role=member.role)

    async def erase_due(self) -> int:
        """Erase organizations whose grace is over, with all their rows; for the jobs door. Answers how many.

        In batches, as `services.retention`: an interruption leaves the rest to the next run.

        Raises:
            Unavailable: some batch did not commit; the other organizations were erased.
        """
        async with self.db.platform() as tx:
            due = await retention_store.list_due(tx)
        erased, failed = 0, None
        for organization_id in due:
            try:
                erased += await self._erase(organization_id)
            except Unavailable as error:
                log.warning("erasure_stopped", organization_id=str(organization_id))
                failed = error
        if failed is not None:
            raise failed
        return erased

    async def _erase(self, organization_id: OrganizationId) -> bool:
        for table in retention_store.CLEARED:

            async def step(tx: Transaction, limit: int, table: str = table) -> int:
                return await retention_store.clear(tx, table, organization_id, limit)

            if await in_batches(self.db, organization_id, table, step, self.batch) is None:
                return False
        async with self.db.platform() as tx:
            await tx.allow(statement_ms=STATEMENT_MS, lock_ms=LOCK_MS)
            is_gone = await retention_store.delete_organization(tx, organization_id)
        if is_gone:
            log.info("organization_erased", organization_id=str(organization_id))
        return is_gone
