"""A person's rights over their data: to have it, and to have it erased (GDPR, articles 15, 17 and 20)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.audit import ActorKind
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, InvalidInput, Unauthenticated, Unavailable
from control_plane.domain.events import SignInsEnded
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.outbox import GiveUp, OutboxMessage, OutboxPolicy
from control_plane.domain.roles import Role
from control_plane.domain.sign_ins import SIGN_INS_TOPIC
from control_plane.services import audit, revocation
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.outbox import OutboxService
from control_plane.services.ports import Bus, Clock
from control_plane.services.retention import BATCH, LOCK_MS, STATEMENT_MS
from control_plane.stores import organizations as organization_store
from control_plane.stores import persons as store
from control_plane.stores import sign_ins as sign_in_store
from control_plane.stores.database import Database, Transaction

EXPORT_PAGE = 500
"""Rows read at once while exporting: one short transaction each."""
ERASE_KIND = "person.erase"
"""The outbox's kind of an erasure that is to be finished."""
ERASE_POLICY = OutboxPolicy(max_attempts=100, first_s=2.0, longest_s=300.0)
"""An attempt that runs into its time has still erased whole batches: the next goes on, for hours if need be."""
FINISH_AFTER = timedelta(seconds=60)
"""When the jobs door looks after a request that erases."""


@dataclass(frozen=True, slots=True)
class PersonService:
    """The use cases of one's own data. batch: rows one transaction erases."""

    db: Database
    bus: Bus
    clock: Clock
    outbox: OutboxService
    batch: int = BATCH

    async def export(self, caller: Caller) -> AsyncIterator[bytes]:
        """Everything kept about the caller, as NDJSON: one object a line, {section, organizationId, row}.

        Of organizations they left, what they said there stays the organization's; ask its owner.

        Raises:
            Unauthenticated: the login is gone. Unavailable.
        """
        async with self.db.platform() as tx:
            profile = await store.read_profile(tx, caller.user_id)
        if profile is None:
            raise Unauthenticated("This account no longer exists.")
        async with self.db.user(caller.user_id) as tx:
            own = await organization_store.list_own(tx, caller.user_id)
        return self._lines(caller, profile, [organization.id for organization, _ in own])

    async def _lines(
        self, caller: Caller, profile: dict[str, Any], organization_ids: list[OrganizationId]
    ) -> AsyncIterator[bytes]:
        yield _lines_of("profile", None, [profile])
        for organization_id in organization_ids:
            for section in store.EXPORTED:
                rows: list[dict[str, Any]] = []
                while not rows or len(rows) == EXPORT_PAGE:
                    after = rows[-1]["id"] if rows else None
                    async with self.db.tenant(organization_id) as tx:
                        rows = await store.export_page(
                            tx, organization_id, caller.user_id, section, after=after, limit=EXPORT_PAGE
                        )
                    if not rows:
                        break
                    yield _lines_of(section, organization_id, rows)

    async def erase(self, caller: Caller, email: str) -> None:
        """Erase the caller: memberships, sign-ins, names and free text. Ledgers and counts stay, with a tombstone.

        Once they have left their organizations an effect of the outbox stands for the rest: what ends this request in its
        middle is finished by the jobs door.

        Args:
            caller: who, signed in as a person.
            email: their address, typed: so that nobody is erased by a slip.

        Raises:
            InvalidInput: the address is not theirs. Conflict: they own an organization (facts: organizations).
            Unavailable: not all is gone yet; the rest goes without them.
        """
        if email.strip().lower() != caller.email.lower():
            raise InvalidInput("Type your e-mail address to erase your account.", field="email")
        await self._leave_all(caller, caller.user_id)
        async with self.db.user(caller.user_id) as tx:
            await store.forget_answers(tx)
        async with self.db.platform() as tx:
            body, later = {"userId": str(caller.user_id)}, self.clock.now() + FINISH_AFTER
            await self.outbox.put(tx, ERASE_KIND, body, not_before=later)
            # Before any words are taken out, so that no browser of theirs writes new ones.
            ended = await sign_in_store.revoke_sign_ins(tx, caller.user_id, self.clock.now())
            event = SignInsEnded(user_id=caller.user_id, sign_in_ids=ended)
            tx.after_commit(partial(self.bus.publish, SIGN_INS_TOPIC, event))
        await self._take_out(caller.user_id)

    async def finish(self, message: OutboxMessage) -> None:
        """The handler of ERASE_KIND: what is left of an erasure; nothing, if the request had it all.

        Raises:
            GiveUp: they own an organization that was made meanwhile. Unavailable: later again.
        """
        try:
            await self._take_out(UserId(UUID(message.body["userId"])))
        except Conflict as error:
            raise GiveUp(error.message) from error

    async def _take_out(self, user_id: UserId) -> None:
        """Everything but memberships, a batch of one organization in a transaction; the login last, so that it can go on."""
        while True:
            for table in store.ERASED:
                while await self._take_out_part(user_id, table):
                    pass
            if await self._take_out_login(user_id):
                return
            # Whoever joined another organization meanwhile leaves it too, and what they wrote goes.
            await self._leave_all(audit.SYSTEM, user_id)

    async def _take_out_login(self, user_id: UserId) -> bool:
        """Take the login out, unless they are a member again or wrote meanwhile: then False, and all begins again.

        No membership begins until commit. What a request on its way writes after that, the jobs door finds: FINISH_AFTER.
        """
        async with self.db.platform() as tx:
            if await organization_store.hold_memberships(tx, user_id) != "none":
                return False
            await self._open(tx, user_id)
            for table in store.ERASED:
                if await store.erase_part(tx, table, user_id, self.batch):
                    return False
            await store.erase_ways_in(tx, user_id)
            await store.erase_login(tx, user_id, self.clock.now())
        return True

    async def _take_out_part(self, user_id: UserId, table: str) -> int:
        async with self.db.platform() as tx:
            await self._open(tx, user_id)
            return await store.erase_part(tx, table, user_id, self.batch)

    async def _open(self, tx: Transaction, user_id: UserId) -> None:
        await tx.allow(statement_ms=STATEMENT_MS, lock_ms=LOCK_MS)
        if not await store.open_to(tx, user_id):
            raise Unavailable("This person is being erased already.", retry_after_s=5)

    async def _leave_all(self, by: Caller | ActorKind, user_id: UserId) -> None:
        async with self.db.user(user_id) as tx:
            own = await organization_store.list_own(tx, user_id)
        owned = [str(organization.id) for organization, role in own if role is Role.OWNER]
        if owned:
            raise _owner(owned)
        for organization, _ in own:
            await self._leave(by, user_id, organization.id)

    async def _leave(self, by: Caller | ActorKind, user_id: UserId, organization_id: OrganizationId) -> None:
        async with self.db.tenant(organization_id) as tx:
            # Locked as a transfer locks it: nobody becomes the owner on the way out.
            await lock_entitlement(tx, organization_id)
            member = await organization_store.find_member(tx, organization_id, user_id)
            if member is None:
                return
            if member.role is Role.OWNER:
                raise _owner([str(organization_id)])
            await revocation.put_out(tx, self.bus, organization_id, user_id, self.clock.now())
            await revocation.end_tokens(tx, by, organization_id, user_id, self.clock.now())
            await audit.note(tx, by, organization_id, "member.erased", ("user", user_id))
            await organization_store.delete_member(tx, organization_id, user_id)


def _owner(organizations: list[str]) -> Conflict:
    words = "Transfer or delete the organizations you own first."
    return Conflict(words, reason="owner", organizations=organizations)


def _lines_of(section: str, organization_id: OrganizationId | None, rows: list[dict[str, Any]]) -> bytes:
    lines = ({"section": section, "organizationId": organization_id, "row": row} for row in rows)
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
