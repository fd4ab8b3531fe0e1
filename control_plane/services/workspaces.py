"""Workspaces: groups of rooms."""

from __future__ import annotations

from dataclasses import dataclass

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound
from control_plane.domain.ids import OrganizationId, WorkspaceId
from control_plane.domain.organizations import Workspace
from control_plane.domain.plans import require_room_for_one
from control_plane.domain.roles import Permission
from control_plane.domain.rooms import clean_name
from control_plane.services import access, audit
from control_plane.services.entitlements import lock_entitlement
from control_plane.services.organizations import slugs
from control_plane.services.ports import Clock, Ids
from control_plane.stores import organizations as store
from control_plane.stores.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class WorkspaceService:
    """The use cases of workspaces."""

    db: Database
    clock: Clock
    ids: Ids

    async def list_workspaces(
        self,
        caller: Caller,
        organization_id: OrganizationId,
        *,
        after: WorkspaceId | None = None,
        limit: int | None = None,
    ) -> list[Workspace]:
        """Workspaces, oldest first. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            return await store.list_workspaces(tx, organization_id, after=after, limit=limit)

    async def get(self, caller: Caller, organization_id: OrganizationId, workspace_id: WorkspaceId) -> Workspace:
        """One workspace. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.VIEW_ROOMS)
            return await require_workspace(tx, organization_id, workspace_id)

    async def create(
        self, caller: Caller, organization_id: OrganizationId, name: str, workspace_id: WorkspaceId | None
    ) -> Workspace:
        """Make a workspace, within the plan.

        Raises:
            NotFound, Forbidden. InvalidInput: the name. LimitExceeded. Conflict: the id is taken. Unavailable.
        """
        cleaned = clean_name(name)
        new_id = workspace_id or WorkspaceId(self.ids.new())
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            entitlement = await lock_entitlement(tx, organization_id)
            if workspace_id is not None:
                first = await store.find_workspace(tx, organization_id, workspace_id)
                if first is not None:
                    return first
            used = await store.count_workspaces(tx, organization_id)
            require_room_for_one("workspaces", entitlement.max_workspaces, used)
            for slug in slugs(cleaned, "workspace", new_id):
                workspace = Workspace(
                    id=new_id, organization_id=organization_id, name=cleaned, slug=slug, created_at=self.clock.now()
                )
                if await store.insert_workspace(tx, workspace):
                    after = {"name": cleaned, "slug": slug}
                    await audit.note(
                        tx, caller, organization_id, "workspace.created", ("workspace", new_id), after=after
                    )
                    return workspace
        raise Conflict("This id is taken.", field="id")

    async def rename(
        self, caller: Caller, organization_id: OrganizationId, workspace_id: WorkspaceId, name: str
    ) -> Workspace:
        """Rename a workspace; its slug stays. Raises NotFound, Forbidden, InvalidInput, Unavailable."""
        cleaned = clean_name(name)
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            before = await require_workspace(tx, organization_id, workspace_id)
            await store.rename_workspace(tx, organization_id, workspace_id, cleaned)
            await audit.note(
                tx,
                caller,
                organization_id,
                "workspace.changed",
                ("workspace", workspace_id),
                before={"name": before.name},
                after={"name": cleaned},
            )
            return await require_workspace(tx, organization_id, workspace_id)

    async def delete(self, caller: Caller, organization_id: OrganizationId, workspace_id: WorkspaceId) -> None:
        """Delete an empty workspace.

        Raises:
            NotFound, Forbidden. Conflict: there are rooms in it, or it is the last one. Unavailable.
        """
        async with self.db.tenant(organization_id) as tx:
            await access.require(tx, caller, organization_id, Permission.MANAGE_ROOMS)
            await lock_entitlement(tx, organization_id)
            before = await require_workspace(tx, organization_id, workspace_id)
            if not await store.delete_workspace(tx, organization_id, workspace_id):
                raise Conflict("Only an empty workspace that is not the last one can be deleted.", reason="in_use")
            await audit.note(
                tx,
                caller,
                organization_id,
                "workspace.deleted",
                ("workspace", workspace_id),
                before={"name": before.name},
            )


async def require_workspace(
    tx: Transaction, organization_id: OrganizationId, workspace_id: WorkspaceId | None
) -> Workspace:
    """A workspace, or the oldest one when no id is given. Raises NotFound."""
    found = await store.find_workspace(tx, organization_id, workspace_id)
    if found is None:
        raise NotFound("There is no such workspace.")
    return found
