"""Who is linked to an organization's identity provider, and unlinking them. One's own links are `auth_sso`'s."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import Controller, delete, get
from litestar.params import FromPath

from control_plane.domain.ids import OrganizationId
from control_plane.domain.sso import SsoPerson
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import View


class SsoPersonView(View):
    """Somebody who came by a connection. subject, email: as the provider told them; displayName: of members, else null."""

    id: UUID
    user_id: UUID
    subject: str
    email: str
    display_name: str | None
    linked_at: datetime
    last_sign_in_at: datetime


class SsoPersonList(View):
    """A page of them."""

    items: list[SsoPersonView]
    next_cursor: str | None = None


def _person_view(person: SsoPerson) -> SsoPersonView:
    return SsoPersonView(
        id=person.id,
        user_id=person.user_id,
        subject=person.subject,
        email=person.email,
        display_name=person.display_name,
        linked_at=person.created_at,
        last_sign_in_at=person.used_at,
    )


class SsoPeopleController(Controller):
    """`…/sso/connections/{id}/people`. Admins read, the owner unlinks."""

    path = "/organizations/{organization_id:uuid}/sso/connections/{connection_id:uuid}/people"
    tags = ("Single sign-on",)

    @get(operation_id="listSsoPeople", summary="Who is linked to it")
    async def list_people(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        connection_id: FromPath[UUID],
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> SsoPersonList:
        """Who came by it, in the order of their first coming."""
        rows = await platform.sso_identities.list_people(
            caller, OrganizationId(organization_id), connection_id, after=after_id(cursor), limit=limit + 1
        )
        page = page_of(rows, limit, lambda person: (person.id,))
        return SsoPersonList(items=[_person_view(one) for one in page.rows], next_cursor=page.next_cursor)

    @delete(
        "/{identity_id:uuid}",
        operation_id="unlinkSsoPerson",
        summary="Unlink somebody from it",
    )
    async def unlink_person(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        connection_id: FromPath[UUID],
        identity_id: FromPath[UUID],
    ) -> None:
        """Their sign-ins by it end; account and membership stay. Signing in by it again links them again. Owner only."""
        organization = OrganizationId(organization_id)
        await platform.sso_identities.unlink(caller, organization, connection_id, identity_id)
