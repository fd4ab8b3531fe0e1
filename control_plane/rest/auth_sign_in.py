"""`/auth/v1`: sign up, sign in, stay signed in, sign out, one's own sign-ins."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath

from control_plane.domain.errors import InvalidInput
from control_plane.domain.sign_ins import make_challenge
from control_plane.rest.auth_limits import limit_guesses, limit_mails
from control_plane.rest.auth_not_offered import other_grant, refuse_anonymous, refuse_phone
from control_plane.rest.auth_wire import SessionView, UserView, read_body, session_view, user_view
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep, origin_of
from control_plane.services.sessions import SignedIn, SignOutScope


class SignUp(msgspec.Struct):
    """Body of signup. data: becomes user_metadata."""

    email: str | None = None
    password: str = ""
    phone: str | None = None
    data: dict[str, Any] | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class PasswordGrant(msgspec.Struct):
    """Body of token?grant_type=password."""

    email: str | None = None
    password: str = ""
    phone: str | None = None


class RefreshGrant(msgspec.Struct):
    """Body of token?grant_type=refresh_token."""

    refresh_token: str


class PkceGrant(msgspec.Struct):
    """Body of token?grant_type=pkce."""

    auth_code: str
    code_verifier: str


@post("/signup", status_code=200)
async def sign_up(request: AnyRequest, platform: PlatformDep) -> SessionView | UserView:
    """Make a login. Answers a sign-in at once; or, where addresses are confirmed, the person without one."""
    body = await read_body(request, SignUp)
    refuse_phone(body.phone, "Phone signups are disabled")
    refuse_anonymous(body.email)
    email = body.email or ""
    if not body.password:
        raise InvalidInput("Signup requires a valid password")
    await limit_guesses(request, platform, email)
    if platform.accounts.needs_confirmation:
        await limit_mails(request, platform, email)
    outcome = await platform.accounts.sign_up(
        email,
        body.password,
        body.data or {},
        origin=origin_of(request.scope),
        redirect_to=platform.confirmations.redirect_for(request.query_params.get("redirect_to")),
        challenge=make_challenge(body.code_challenge, body.code_challenge_method),
    )
    if isinstance(outcome, SignedIn):
        return session_view(outcome)
    return user_view(msgspec.structs.replace(outcome, confirmation_sent_at=outcome.created_at))


@post("/token", status_code=200)
async def token(request: AnyRequest, platform: PlatformDep) -> SessionView:
    """Sign in by password or by PKCE code, or stay signed in by refresh token."""
    grant_type = request.query_params.get("grant_type")
    origin = origin_of(request.scope)
    if grant_type == "password":
        grant = await read_body(request, PasswordGrant)
        refuse_phone(grant.phone, "Phone logins are disabled", 422)
        if not grant.email:
            raise InvalidInput("missing email or phone", field="email")
        await limit_guesses(request, platform, grant.email)
        return session_view(await platform.accounts.sign_in(grant.email, grant.password, origin=origin))
    if grant_type == "refresh_token":
        refresh = await read_body(request, RefreshGrant)
        return session_view(await platform.sessions.refresh(refresh.refresh_token))
    if grant_type == "pkce":
        pkce = await read_body(request, PkceGrant)
        await limit_guesses(request, platform)
        return session_view(await platform.confirmations.exchange(pkce.auth_code, pkce.code_verifier, origin))
    raise other_grant(grant_type)


@post("/logout", status_code=204)
async def sign_out(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> None:
    """End sign-ins: scope global (default), local or others."""
    await platform.sessions.sign_out(caller, _sign_out_scope(request))


def _sign_out_scope(request: AnyRequest) -> SignOutScope:
    try:
        return msgspec.convert(request.query_params.get("scope", "global"), SignOutScope)  # type: ignore[no-any-return]  # a Literal is no type
    except msgspec.ValidationError as error:
        raise InvalidInput("Unsupported logout scope", field="scope") from error


@get("/sessions")
async def list_sign_ins(platform: PlatformDep, caller: CallerDep) -> dict[str, Any]:
    """One's own sign-ins, last heard of first: for a security page. Ours, not GoTrue's."""
    return {
        "sessions": [
            {
                "id": str(one.id),
                "created_at": one.created_at,
                "refreshed_at": one.refreshed_at,
                "aal": one.aal,
                "ip": one.ip,
                "user_agent": one.user_agent,
                "is_current": one.id == caller.session_id,
            }
            for one in await platform.sessions.list_own(caller)
        ]
    }


@delete("/sessions/{sign_in_id:uuid}", status_code=204)
async def revoke_sign_in(platform: PlatformDep, caller: CallerDep, sign_in_id: FromPath[UUID]) -> None:
    """End one of one's own sign-ins: its tokens and sockets are no good from now on. Ours, not GoTrue's."""
    await platform.sessions.revoke_own(caller, sign_in_id)


HANDLERS = [sign_up, token, sign_out, list_sign_ins, revoke_sign_in]
