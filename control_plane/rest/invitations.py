"""Invitations, by link and by e-mail."""

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
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import Body, View


class NewInvitation(Body):
    """maxUses: null means no limit. expiresInS: seconds, 7 days when not given.

    email: it is sent there, is for that address only, and good once; null: whoever has the link.
    """

    role: Role
    max_uses: int | None = None
    expires_in_s: int | None = None
    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254)] | None = None


class InvitationView(View):
    """An invitation. maxUses: null means no limit. email: null: by link. declinedAt: they said no."""

    id: UUID
    role: Role
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    used_count: int
    email: str | None
    declined_at: datetime | None


class InvitationList(View):
    """A page of those not revoked."""

    items: list[InvitationView]
    next_cursor: str | None = None


class InvitationWithCode(InvitationView):
    """A new invitation. code: shown this once."""

    code: str


class AcceptInvitation(Body):
    """The code of an invitation."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OwnInvitationView(View):
    """An invitation to the caller's address."""

    id: UUID
    organization_id: UUID
    organization_name: str
    role: Role
    created_at: datetime
    expires_at: datetime


class OwnInvitationList(View):
    """All that can be accepted."""

    items: list[OwnInvitationView]
    next_cursor: str | None = None


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
        email=invitation.email,
        declined_at=invitation.declined_at,
    )


class InvitationController(Controller):
    """Letting people in."""

    tags = ("Invitations",)

    @get("/organizations/{organization_id:uuid}/invitations", operation_id="listInvitations", summary="Invitations")
    async def list_all(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> InvitationList:
        """All that are not revoked, newest first; without their codes."""
        rows = await platform.invitations.list_invitations(
            caller, OrganizationId(organization_id), before=after_id(cursor), limit=limit + 1
        )
        page = page_of(rows, limit, lambda invitation: (invitation.id,))
        return InvitationList(items=[_view(invitation) for invitation in page.rows], next_cursor=page.next_cursor)

    @post(
        "/organizations/{organization_id:uuid}/invitations",
        operation_id="createInvitation",
        summary="Invite by link or e-mail",
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
            email=data.email,
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

    @post(
        "/organizations/{organization_id:uuid}/invitations/{invitation_id:uuid}/resend",
        operation_id="resendInvitation",
        summary="Send an invitation again",
        status_code=200,
    )
    async def resend(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], invitation_id: FromPath[UUID]
    ) -> InvitationWithCode:
        """Send an invitation by e-mail again, good for another 7 days; the link sent before is void."""
        new = await platform.invitations.resend(caller, OrganizationId(organization_id), invitation_id)
        return InvitationWithCode(**msgspec.structs.asdict(_view(new.invitation)), code=new.code)

    @get("/me/invitations", operation_id="listMyInvitations", summary="Invitations to the caller")
    async def list_own(self, platform: PlatformDep, caller: CallerDep) -> OwnInvitationList:
        """Invitations to the caller's address that can be accepted now, newest first."""
        items = [
            OwnInvitationView(
                id=own.invitation.id,
                organization_id=own.organization_id,
                organization_name=own.organization_name,
                role=own.invitation.role,
                created_at=own.invitation.created_at,
                expires_at=own.invitation.expires_at,
            )
            for own in await platform.invitations.list_own(caller)
        ]
        return OwnInvitationList(items=items)

    @post(
        "/me/invitations/{invitation_id:uuid}/accept",
        operation_id="acceptMyInvitation",
        summary="Accept an invitation to the caller",
        status_code=200,
    )
    async def accept_own(
        self, platform: PlatformDep, caller: CallerDep, invitation_id: FromPath[UUID]
    ) -> AcceptedInvitation:
        """Become a member, without the code: the address is enough."""
        own = await platform.invitations.accept_own(caller, invitation_id)
        return AcceptedInvitation(organization=organization_view(own), role=own.role)

    @post(
        "/me/invitations/{invitation_id:uuid}/decline",
        operation_id="declineMyInvitation",
        summary="Decline an invitation to the caller",
        status_code=204,
    )
    async def decline_own(self, platform: PlatformDep, caller: CallerDep, invitation_id: FromPath[UUID]) -> None:
        """Say no; the invitation is over."""
        await platform.invitations.decline_own(caller, invitation_id)

    @post("/invitations/accept", operation_id="acceptInvitation", summary="Come in by an invitation", status_code=200)
    async def accept(
        self, platform: PlatformDep, caller: CallerDep, data: JSONBody[AcceptInvitation]
    ) -> AcceptedInvitation:
        """Become a member. Who is one already stays what they are."""
        own = await platform.invitations.accept(caller, data.code)
        return AcceptedInvitation(organization=organization_view(own), role=own.role)
