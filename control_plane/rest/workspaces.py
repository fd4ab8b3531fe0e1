"""Workspaces."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId, WorkspaceId
from control_plane.domain.organizations import Workspace
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import Body, Name, View, maybe_id


class WorkspaceView(View):
    """A group of rooms."""

    id: UUID
    organization_id: UUID
    name: str
    slug: str
    created_at: datetime


class WorkspaceList(View):
    """A page of them."""

    items: list[WorkspaceView]
    next_cursor: str | None = None


class NewWorkspace(Body):
    """id: a UUID made by the caller, so that a repeat is harmless."""

    name: Name
    id: UUID | None = None


class WorkspaceChanges(Body):
    """Its new name; its slug stays."""

    name: Name


def _view(workspace: Workspace) -> WorkspaceView:
    return WorkspaceView(
        id=workspace.id,
        organization_id=workspace.organization_id,
        name=workspace.name,
        slug=workspace.slug,
        created_at=workspace.created_at,
    )


class WorkspaceController(Controller):
    """Groups of rooms."""

    path = "/organizations/{organization_id:uuid}/workspaces"
    tags = ("Workspaces",)

    @get(operation_id="listWorkspaces", summary="All workspaces")
    async def list_all(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> WorkspaceList:
        """Workspaces, oldest first."""
        after = maybe_id(WorkspaceId, after_id(cursor))
        rows = await platform.workspaces.list_workspaces(
            caller, OrganizationId(organization_id), after=after, limit=limit + 1
        )
        page = page_of(rows, limit, lambda row: (row.id,))
        return WorkspaceList(items=[_view(row) for row in page.rows], next_cursor=page.next_cursor)

    @post(operation_id="createWorkspace", summary="Make a workspace")
    async def create(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewWorkspace]
    ) -> WorkspaceView:
        """Make a workspace, within the plan's limit."""
        workspace = await platform.workspaces.create(
            caller, OrganizationId(organization_id), data.name, maybe_id(WorkspaceId, data.id)
        )
        return _view(workspace)

    @get("/{workspace_id:uuid}", operation_id="getWorkspace", summary="One workspace")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], workspace_id: FromPath[UUID]
    ) -> WorkspaceView:
        """One workspace."""
        return _view(await platform.workspaces.get(caller, OrganizationId(organization_id), WorkspaceId(workspace_id)))

    @patch("/{workspace_id:uuid}", operation_id="changeWorkspace", summary="Rename a workspace")
    async def change(
        self,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        workspace_id: FromPath[UUID],
        data: JSONBody[WorkspaceChanges],
    ) -> WorkspaceView:
        """Rename a workspace; its slug stays."""
        workspace = await platform.workspaces.rename(
            caller, OrganizationId(organization_id), WorkspaceId(workspace_id), data.name
        )
        return _view(workspace)

    @delete("/{workspace_id:uuid}", operation_id="deleteWorkspace", summary="Delete an empty workspace")
    async def delete_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], workspace_id: FromPath[UUID]
    ) -> None:
        """Delete a workspace without rooms that is not the last one."""
        await platform.workspaces.delete(caller, OrganizationId(organization_id), WorkspaceId(workspace_id))
