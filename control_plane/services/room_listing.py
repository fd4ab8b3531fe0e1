"""The rooms page as it is sent: one round trip, and its JSON is made where the rows are (`tenant_rooms` in the migrations).

It is the page that every visit begins with. The same checks as everywhere: the membership is read with the rows, in the
tenant's scope, for every request.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import msgspec

from control_plane.domain.callers import Caller
from control_plane.domain.ids import OrganizationId
from control_plane.domain.plans import SSO_TIERS
from control_plane.domain.roles import Permission, Role
from control_plane.domain.roles import require as require_permission
from control_plane.services.access import no_organization, sso_required
from control_plane.services.sessions import require_standing
from control_plane.stores.database import Database

_PAGE = (
    "select standing, member_role, items, last_id, has_more, needs_sso from tenant_rooms($1, $2, $3, $4, $5, "  # noqa: S608 - our own words
    f"'{{{','.join(SSO_TIERS)}}}')"
)
"""The tiers are written out: every array among the values takes asyncpg as long as all the others together."""


class RoomsPage(msgspec.Struct, frozen=True, kw_only=True):
    """items: a JSON array of rooms, oldest first. last_id: of the last one when there are more; None: there are none."""

    items: str
    last_id: UUID | None


@dataclass(frozen=True, slots=True)
class RoomListing:
    """The rooms in use of a tenant, page by page."""

    db: Database

    async def page(
        self, caller: Caller, organization_id: OrganizationId, *, after: UUID | None, limit: int
    ) -> RoomsPage:
        """One page.

        Args:
            caller: by a verified token; of a person whose sign-in is ours, the sign-in is looked at here.
            organization_id: the tenant.
            after: id of the last room of the page before; None: the first page.
            limit: rooms, > 0.

        Raises:
            Unauthenticated: the sign-in has ended. NotFound: the caller is no member. Forbidden, Unavailable.
        """
        if caller.organization_id is not None and caller.organization_id != organization_id:
            raise no_organization()
        row = await self.db.call(
            _PAGE,
            organization_id,
            caller.user_id,
            caller.session_id,
            after,
            limit,
        )
        if row is None:
            raise no_organization()
        require_standing(row["standing"])
        if row["needs_sso"] is not None:
            raise sso_required(organization_id, row["needs_sso"])
        require_permission(Role(row["member_role"]), Permission.VIEW_ROOMS)
        return RoomsPage(items=row["items"], last_id=row["last_id"] if row["has_more"] else None)
