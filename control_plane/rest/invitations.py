"""Invitations by link."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.ids import OrganizationId
from control_plane.domain.organizations import Invitation
from control_plane.domain.roles import Role
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.organizations import OrganizationView, organization_view
from control_plane.rest.wire import Body, View


class NewInvitation(Body):
    """maxUses: null means no limit. expiresInS: seconds, 7 days when not given."""

    role: Role
    max_uses: int | None = None
    expires_in_s: int | None = None


class InvitationView(View):
    """An invitation. maxUses: null means no limit."""

    id: UUID
    role: Role
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    used_count: int


class InvitationList(View):
    """All that are not revoked."""

    items: list[InvitationView]
    next_cursor: str | None = None


class InvitationWithCode(InvitationView):
    """A new invitation. code: shown this once."""

    code: str


class AcceptInvitation(Body):
    """The code of an invitation."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AcceptedInvitation(View):
    """Where the caller is a member now, and as what."""

    organization: OrganizationView
    role: Role


def _view(invitation: Invitation) -> InvitationView:
    return InvitationView(
        id=invitation.id,
        role=invitation.role,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        max_uses=invitation.max_uses,
        used_count=invitation.used_count,
    )


class InvitationController(Controller):
    """Letting people in."""

    tags = ("Invitations",)

    @get("/organizations/{organization_id:uuid}/invitations", operation_id="listInvitations", summary="Invitations")
    async def list_all(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID]
    ) -> InvitationList:
        """All that are not revoked, newest first; without their codes."""
        found = await platform.invitations.list_invitations(caller, OrganizationId(organization_id))
        return InvitationList(items=[_view(invitation) for invitation in found])

    @post(
        "/organizations/{organization_id:uuid}/invitations", operation_id="createInvitation", summary="Invite by link"
    )
    async def create(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewInvitation]
    ) -> InvitationWithCode:
        """Make an invitation; its code is answered this once."""
        new = await platform.invitations.create(
            caller,
            OrganizationId(organization_id),
            role=data.role,
            max_uses=data.max_uses,
            expires_in_s=data.expires_in_s,
        )
        return InvitationWithCode(**msgspec.structs.asdict(_view(new.invitation)), code=new.code)

    @delete(
        "/organizations/{organization_id:uuid}/invitations/{invitation_id:uuid}",
        operation_id="revokeInvitation",
        summary="Revoke an invitation",
    )
    async def revoke(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], invitation_id: FromPath[UUID]
    ) -> None:
        """Make it good for nothing; those who came in by it stay."""
        await platform.invitations.revoke(caller, OrganizationId(organization_id), invitation_id)

    @post("/invitations/accept", operation_id="acceptInvitation", summary="Come in by an invitation", status_code=200)
    async def accept(
        self, platform: PlatformDep, caller: CallerDep, data: JSONBody[AcceptInvitation]
    ) -> AcceptedInvitation:
        """Become a member. Who is one already stays what they are."""
        own = await platform.invitations.accept(caller, data.code)
        return AcceptedInvitation(organization=organization_view(own), role=own.role)
