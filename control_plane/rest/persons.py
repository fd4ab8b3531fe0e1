"""One's own data: to have it, and to have it erased."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import JSONBody
from litestar.response import Stream

from control_plane.domain.roles import ROLE_PERMISSIONS, Permission, Role
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import Body, View


class Erasure(Body):
    """email: one's own address, typed, so that nobody is erased by a slip."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]


class RoleView(View):
    """A role and what it may do."""

    role: Role
    permissions: list[Permission]


class PermissionTable(View):
    """All roles, highest first."""

    items: list[RoleView]


class PersonController(Controller):
    """The caller's own data."""

    path = "/me"
    tags = ("Me",)

    @get("/export", operation_id="exportMe", summary="Everything kept about the caller")
    async def export(self, platform: PlatformDep, caller: CallerDep) -> Stream:
        """One JSON object a line: {section, organizationId, row}."""
        lines = await platform.persons.export(caller)
        return Stream(
            lines,
            media_type="application/x-ndjson",
            headers={"Content-Disposition": 'attachment; filename="my-data.ndjson"'},
        )

    @post("/erasure", operation_id="eraseMe", summary="Erase the caller", status_code=204)
    async def erase(self, platform: PlatformDep, caller: CallerDep, data: JSONBody[Erasure]) -> None:
        """Memberships, sign-ins, names and free text go, for good; ledgers stay, with "Former member". Owners can't."""
        await platform.persons.erase(caller, data.email)


@get(
    "/permissions",
    operation_id="listPermissions",
    summary="What each role may do",
    tags=["Organizations"],
    security=[{}],
)
async def list_permissions() -> PermissionTable:
    """The one table of roles and permissions."""
    rows = [RoleView(role=role, permissions=sorted(ROLE_PERMISSIONS[role])) for role in Role]
    return PermissionTable(items=rows)
