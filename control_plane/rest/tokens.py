"""API tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, delete, get, post
from litestar.params import FromPath, JSONBody

from control_plane.domain.api_tokens import ApiToken
from control_plane.domain.ids import OrganizationId
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of
from control_plane.rest.wire import Body, Name, View

Ability = Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["rooms:read"])]


class ApiTokenView(View):
    """A token, without its text. hint: its last characters. lastUsedAt: to five minutes. null: never."""

    id: UUID
    name: str
    hint: str
    abilities: list[str]
    created_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiTokenList(View):
    """A page of them."""

    items: list[ApiTokenView]
    next_cursor: str | None = None


class NewApiToken(Body):
    """abilities: at least one; `docs/api.md` lists them. expiresAt: null: never. id: made by the caller."""

    name: Name
    abilities: Annotated[list[Ability], msgspec.Meta(min_length=1, max_length=50)]
    expires_at: datetime | None = None
    id: UUID | None = None


class ApiTokenWithText(ApiTokenView):
    """A new token. token: its text, shown this once."""

    token: str


def _view(token: ApiToken) -> ApiTokenView:
    return ApiTokenView(
        id=token.id,
        name=token.name,
        hint=token.hint,
        abilities=token.abilities,
        created_by=token.created_by,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


class ApiTokenController(Controller):
    """Keys for programs."""

    path = "/organizations/{organization_id:uuid}/api-tokens"
    tags = ("API tokens",)

    @get(operation_id="listApiTokens", summary="API tokens")
    async def list_all(
        self,
        *,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> ApiTokenList:
        """Tokens that are not revoked, oldest first; without their text."""
        rows = await platform.api_tokens.list_tokens(
            caller, OrganizationId(organization_id), after=after_id(cursor), limit=limit + 1
        )
        page = page_of(rows, limit, lambda token: (token.id,))
        return ApiTokenList(items=[_view(token) for token in page.rows], next_cursor=page.next_cursor)

    @post(operation_id="createApiToken", summary="Make an API token")
    async def create(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], data: JSONBody[NewApiToken]
    ) -> ApiTokenWithText:
        """Make a token that acts as the caller, with some abilities. Its text is answered this once. Needs API access."""
        new = await platform.api_tokens.create(
            caller,
            OrganizationId(organization_id),
            name=data.name,
            abilities=data.abilities,
            expires_at=data.expires_at,
            token_id=data.id,
        )
        return ApiTokenWithText(**msgspec.structs.asdict(_view(new.token)), token=new.text)

    @get("/{token_id:uuid}", operation_id="getApiToken", summary="One API token")
    async def get_one(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], token_id: FromPath[UUID]
    ) -> ApiTokenView:
        """One token, without its text."""
        return _view(await platform.api_tokens.get(caller, OrganizationId(organization_id), token_id))

    @delete("/{token_id:uuid}", operation_id="revokeApiToken", summary="Revoke an API token")
    async def revoke(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], token_id: FromPath[UUID]
    ) -> None:
        """Make it good for nothing, from the next request on."""
        await platform.api_tokens.revoke(caller, OrganizationId(organization_id), token_id)
