"""`/auth/v1/admin`, `/invite`: what the bearer of the service key may do."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from control_plane.domain.errors import Forbidden, InvalidInput, Unauthenticated
from control_plane.domain.ids import UserId
from control_plane.rest.auth_limits import limit_guesses
from control_plane.rest.auth_not_offered import refuse_phone
from control_plane.rest.auth_wire import AuthRefusal, UserView, factor_view, read_body, user_view
from control_plane.rest.callers import AnyRequest, PlatformDep, bearer_token
from control_plane.services.account_admin import AdminChanges, LinkType, parse_ban

DEFAULT_PER_PAGE = 50


class AdminUser(msgspec.Struct):
    """Body of creating and updating a user. Unknown fields are ignored, as GoTrue does."""

    id: UUID | None = None
    email: str | None = None
    password: str | None = None
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    email_confirm: bool = False
    ban_duration: str | None = None
    phone: str | None = None
    role: str | None = None
    aud: str | None = None
    password_hash: str | None = None


class Deletion(msgspec.Struct):
    """Body of deleting a user; there may be none."""

    should_soft_delete: bool = False


class Invite(msgspec.Struct):
    """Body of invite."""

    email: str
    data: dict[str, Any] | None = None


class GenerateLink(msgspec.Struct):
    """Body of generate_link."""

    type: LinkType
    email: str
    password: str | None = None
    new_email: str | None = None
    data: dict[str, Any] | None = None
    redirect_to: str | None = None


async def require_service_key(request: AnyRequest, platform: PlatformDep) -> None:
    """Refuse who does not bear the service key. Raises Unauthenticated, Forbidden, RateLimited."""
    try:
        token = bearer_token(request)
    except Unauthenticated as error:
        raise Unauthenticated("This endpoint requires a Bearer token", reason="no_authorization") from error
    if platform.account_admin.is_key(token):
        return
    await limit_guesses(request, platform)
    # Somebody signed in is told that this is not theirs; anything else is no token.
    await platform.tokens.verify_access(token)
    raise Forbidden("User not allowed", reason="not_admin")


def _changes(body: AdminUser) -> AdminChanges:
    """What a body asks for. Raises AuthRefusal, InvalidInput: something that is not kept of a person."""
    refuse_phone(body.phone, "Phone logins are disabled")
    for name, value in (("role", body.role), ("aud", body.aud)):
        if value and value != "authenticated":
            raise InvalidInput(f"Everybody's {name} is authenticated here", field=name)
    if body.password_hash:
        raise InvalidInput("Password hashes are not taken over: set a password", field="password_hash")
    return AdminChanges(
        email=body.email,
        password=body.password,
        user_metadata=body.user_metadata,
        app_metadata=body.app_metadata,
        email_confirm=body.email_confirm,
        ban=None if body.ban_duration is None else parse_ban(body.ban_duration),
    )


@get("/admin/users")
async def list_users(request: AnyRequest, platform: PlatformDep) -> Response[dict[str, Any]]:
    """One page of logins: page from 1, per_page up to 1000; headers say how many there are and where the next page is.

    filter: part of an address, or of user_metadata's full_name.
    """
    await require_service_key(request, platform)
    page, per_page = _number(request, "page", 1), _number(request, "per_page", DEFAULT_PER_PAGE)
    wanted = request.query_params.get("filter", "")
    accounts, total = await platform.account_admin.list_accounts(page, per_page, wanted)
    last = max(1, -(-total // per_page))
    more = {"per_page": per_page, **({"filter": wanted} if wanted else {})}
    links = [f'<{request.url.path}?{urlencode({"page": last, **more})}>; rel="last"']
    if page < last:
        links.insert(0, f'<{request.url.path}?{urlencode({"page": page + 1, **more})}>; rel="next"')
    body = {"users": [user_view(account) for account in accounts], "aud": "authenticated"}
    return Response(body, headers={"X-Total-Count": str(total), "Link": ", ".join(links)})


def _number(request: AnyRequest, name: str, default: int) -> int:
    text = request.query_params.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 10**6:
        raise InvalidInput(f"Bad Pagination Parameters: {name}", field=name)
    return int(text[:9])


@post("/admin/users", status_code=200)
async def create_user(request: AnyRequest, platform: PlatformDep) -> UserView:
    """Make a login."""
    await require_service_key(request, platform)
    body = await read_body(request, AdminUser)
    return user_view(await platform.account_admin.create(_changes(body), body.id))


@get("/admin/users/{user_id:uuid}")
async def read_user(request: AnyRequest, platform: PlatformDep, user_id: FromPath[UUID]) -> UserView:
    """A login."""
    await require_service_key(request, platform)
    return user_view(*await platform.account_admin.read(UserId(user_id)))


@put("/admin/users/{user_id:uuid}")
async def update_user(request: AnyRequest, platform: PlatformDep, user_id: FromPath[UUID]) -> UserView:
    """Change a login."""
    await require_service_key(request, platform)
    body = await read_body(request, AdminUser)
    return user_view(*await platform.account_admin.update(UserId(user_id), _changes(body)))


@delete("/admin/users/{user_id:uuid}", status_code=200)
async def delete_user(request: AnyRequest, platform: PlatformDep, user_id: FromPath[UUID]) -> dict[str, Any]:
    """Delete a login, for good."""
    await require_service_key(request, platform)
    if await request.body() and (await read_body(request, Deletion)).should_soft_delete:
        raise AuthRefusal(422, "validation_failed", "A login is deleted for good here: ban it to keep it")
    await platform.account_admin.delete(UserId(user_id))
    return {}


@get("/admin/users/{user_id:uuid}/factors")
async def list_factors(request: AnyRequest, platform: PlatformDep, user_id: FromPath[UUID]) -> list[dict[str, Any]]:
    """Somebody's factors."""
    await require_service_key(request, platform)
    _, factors = await platform.account_admin.read(UserId(user_id))
    return [factor_view(factor) for factor in factors]


@delete("/admin/users/{user_id:uuid}/factors/{factor_id:uuid}", status_code=200)
async def delete_factor(
    request: AnyRequest, platform: PlatformDep, user_id: FromPath[UUID], factor_id: FromPath[UUID]
) -> dict[str, Any]:
    """Let go of somebody's factor: they lost it."""
    await require_service_key(request, platform)
    return factor_view(await platform.account_admin.remove_factor(UserId(user_id), factor_id))


@post("/invite", status_code=200)
async def invite(request: AnyRequest, platform: PlatformDep) -> UserView:
    """Make a login and mail its person a link."""
    await require_service_key(request, platform)
    body = await read_body(request, Invite)
    goal = platform.confirmations.redirect_for(request.query_params.get("redirect_to"))
    return user_view(await platform.account_admin.invite(body.email, body.data, goal))


@post("/admin/generate_link", status_code=200)
async def generate_link(request: AnyRequest, platform: PlatformDep) -> dict[str, Any]:
    """Make a link for the caller to mail."""
    await require_service_key(request, platform)
    body = await read_body(request, GenerateLink)
    goal = platform.confirmations.redirect_for(body.redirect_to or request.query_params.get("redirect_to"))
    changes = AdminChanges(password=body.password, user_metadata=body.data)
    account, mailed = await platform.account_admin.generate_link(body.type, body.email, changes, body.new_email, goal)
    return {
        **msgspec.to_builtins(user_view(account)),
        "action_link": mailed.link,
        "email_otp": mailed.otp,
        "hashed_token": mailed.token,
        "redirect_to": goal,
        "verification_type": body.type,
    }


HANDLERS = [
    list_users,
    create_user,
    read_user,
    update_user,
    delete_user,
    list_factors,
    delete_factor,
    invite,
    generate_link,
]
