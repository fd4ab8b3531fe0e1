"""A person's rights over their data: to have it, and to have it erased (GDPR, articles 15, 17 and 20)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, InvalidInput, Unauthenticated
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Role
from control_plane.services import audit, revocation
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.ports import Bus, Clock
from control_plane.stores import organizations as organization_store
from control_plane.stores import persons as store
from control_plane.stores.database import Database

EXPORT_PAGE = 500
"""Rows read at once while exporting: one short transaction each."""


@dataclass(frozen=True, slots=True)
class PersonService:
    """The use cases of one's own data."""

    db: Database
    bus: Bus
    clock: Clock

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

        Again goes on where it stopped: nothing is lost by a failure halfway.

        Args:
            caller: who, signed in as a person.
            email: their address, typed: so that nobody is erased by a slip.

        Raises:
            InvalidInput: the address is not theirs. Conflict: they own an organization (facts: organizations).
            Unavailable.
        """
        if email.strip().lower() != caller.email.lower():
            raise InvalidInput("Type your e-mail address to erase your account.", field="email")
        async with self.db.user(caller.user_id) as tx:
            own = await organization_store.list_own(tx, caller.user_id)
        owned = [str(organization.id) for organization, role in own if role is Role.OWNER]
        if owned:
            raise Conflict("Transfer or delete the organizations you own first.", reason="owner", organizations=owned)
        for organization, _ in own:
            await self._leave(caller, organization.id)
        async with self.db.user(caller.user_id) as tx:
            await store.forget_answers(tx)
        async with self.db.platform() as tx:
            await store.erase_content(tx, caller.user_id)
            await store.erase_login(tx, caller.user_id, self.clock.now())

    async def _leave(self, caller: Caller, organization_id: OrganizationId) -> None:
        async with self.db.tenant(organization_id) as tx:
            # Locked as a transfer locks it: nobody becomes the owner on the way out.
            await lock_entitlement(tx, organization_id)
            member = await organization_store.find_member(tx, organization_id, caller.user_id)
            if member is None:
                return
            if member.role is Role.OWNER:
                raise Conflict("Transfer or delete the organizations you own first.", reason="owner")
            await revocation.put_out(tx, self.bus, organization_id, caller.user_id, self.clock.now())
            await audit.note(tx, caller, organization_id, "member.erased", ("user", caller.user_id))
            await organization_store.delete_member(tx, organization_id, caller.user_id)


def _lines_of(section: str, organization_id: OrganizationId | None, rows: list[dict[str, Any]]) -> bytes:
    lines = ({"section": section, "organizationId": organization_id, "row": row} for row in rows)
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
