"""`/auth/v1`: what Supabase's auth clients call, in GoTrue's words (docs/identity.md). The parts stand in `auth_*.py`.

Here: the person themselves, the keys, and what this issuer offers.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, Router, get, put
from litestar.exceptions import HTTPException

from control_plane.domain.errors import DomainError
from control_plane.domain.keys import KeyPurpose
from control_plane.domain.sign_ins import make_challenge
from control_plane.rest import auth_admin, auth_factors, auth_links, auth_not_offered, auth_sign_in, auth_sso
from control_plane.rest.auth_limits import SIGN_IN_LIMIT_KEY, limit_guesses
from control_plane.rest.auth_not_offered import no_such_path, refuse_phone
from control_plane.rest.auth_wire import AuthRefusal, UserView, on_auth_error, read_body, user_view
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep
from control_plane.services.accounts import AccountChanges

__all__ = ["SIGN_IN_LIMIT_KEY", "auth_router"]


class UserChanges(msgspec.Struct):
    """Body of PUT user."""

    email: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None
    nonce: str | None = None
    current_password: str | None = None
    phone: str | None = None
    app_metadata: dict[str, Any] | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


@get("/user")
async def get_user(platform: PlatformDep, caller: CallerDep) -> UserView:
    """The caller, unless their sign-in was ended."""
    return user_view(*await platform.accounts.read(caller))


@put("/user")
async def update_user(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> UserView:
    """Change one's own e-mail address, password or data."""
    body = await read_body(request, UserChanges)
    refuse_phone(body.phone, "Phone logins are disabled")
    if body.app_metadata is not None:
        raise AuthRefusal(403, "not_admin", "Updating app_metadata requires admin privileges")
    if body.password is not None or body.email is not None:
        await limit_guesses(request, platform, str(caller.user_id))
    changes = AccountChanges(
        email=body.email,
        password=body.password,
        user_metadata=body.data,
        nonce=body.nonce,
        current_password=body.current_password,
        redirect_to=platform.confirmations.redirect_for(request.query_params.get("redirect_to")),
        challenge=make_challenge(body.code_challenge, body.code_challenge_method),
    )
    return user_view(*await platform.accounts.update(caller, changes))


@get("/.well-known/jwks.json")
async def jwks(platform: PlatformDep) -> Response[bytes]:
    """The keys access tokens are signed with."""
    body = await platform.keys.jwks(KeyPurpose.ACCESS)
    return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@get("/settings")
async def read_settings(platform: PlatformDep) -> dict[str, Any]:
    """What this issuer offers."""
    return {
        "external": {"email": True, "phone": False, "anonymous_users": False},
        "disable_signup": False,
        "mailer_autoconfirm": not platform.accounts.needs_confirmation,
        "phone_autoconfirm": False,
        "sms_provider": "",
        "saml_enabled": True,
    }


@get("/health")
async def health() -> dict[str, str]:
    """That the issuer is there."""
    return {"name": "tradingroom", "description": "A GoTrue-compatible issuer", "version": "v2"}


def on_unrouted(request: AnyRequest, error: HTTPException) -> Response[Any] | None:
    """Answer what the framework refused before any handler of `/auth/v1`; None: the request is another part's."""
    path = request.url.path
    if not path.startswith("/auth/v1/"):
        return None
    return on_auth_error(request, no_such_path(path) if error.status_code == 404 else error)


def auth_router() -> Router:
    """All of `/auth/v1`."""
    own = [get_user, update_user, jwks, read_settings, health]
    parts = (auth_sign_in, auth_links, auth_factors, auth_sso, auth_admin, auth_not_offered)
    return Router(
        "/auth/v1",
        route_handlers=[*own, *(handler for part in parts for handler in part.HANDLERS)],
        include_in_schema=False,
        exception_handlers={DomainError: on_auth_error, HTTPException: on_auth_error, Exception: on_auth_error},
    )
