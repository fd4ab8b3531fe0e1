"""`/auth/v1`: what Supabase's auth clients call, in GoTrue's words (components.md, note 5).

snake_case, unknown fields ignored, and refusals as {code, error_code, msg}. Here `code` is the status.
Source: supabase/auth, internal/api (error codes: apierrors/errorcode.go).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec
import structlog
from litestar import Response, Router, get, post, put
from litestar.exceptions import HTTPException

from control_plane.domain.accounts import Account
from control_plane.domain.errors import DomainError, InvalidInput, RateLimited, Unauthenticated, Unavailable
from control_plane.domain.keys import KeyPurpose
from control_plane.gateways.tokens import ACCESS_LIFETIME_S
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep
from control_plane.rest.problems import headers_of, on_any_error, status_of
from control_plane.services.accounts import AccountChanges, SignedIn, SignOutScope
from control_plane.services.platform import Platform

SIGN_IN_LIMIT_KEY = "sign_in_limit"
"""Under which the app's state keeps (attempts at once, regained a second)."""
PER_ACCOUNT_SHARE = 10
"""One address may try one account a tenth as often as all accounts together."""
BodyT = TypeVar("BodyT", bound=msgspec.Struct)
log = structlog.get_logger(__name__)


class SignUp(msgspec.Struct):
    """Body of signup. data: becomes user_metadata."""

    email: str
    password: str
    data: dict[str, Any] | None = None


class PasswordGrant(msgspec.Struct):
    """Body of token?grant_type=password."""

    email: str
    password: str


class RefreshGrant(msgspec.Struct):
    """Body of token?grant_type=refresh_token."""

    refresh_token: str


class UserChanges(msgspec.Struct):
    """Body of PUT user."""

    email: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None


class UserView(msgspec.Struct):
    """A person, as auth-js' `User`."""

    id: str
    aud: str
    role: str
    email: str
    email_confirmed_at: datetime
    phone: str
    confirmed_at: datetime
    last_sign_in_at: datetime | None
    app_metadata: dict[str, Any]
    user_metadata: dict[str, Any]
    identities: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    is_anonymous: bool = False


class SessionView(msgspec.Struct):
    """A sign-in, as auth-js' `Session`. expires_at: Unix seconds."""

    access_token: str
    token_type: str
    expires_in: int
    expires_at: int
    refresh_token: str
    user: UserView


class AuthError(msgspec.Struct):
    """A refusal. code: the HTTP status; error_code: what clients switch on."""

    code: int
    error_code: str
    msg: str


_STATUS = {"email_exists": 422, "user_already_exists": 422, "session_not_found": 403}
"""GoTrue's statuses where they are not the plain ones; its other refusals of a sign-in are 400."""


def on_auth_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """Refusals in GoTrue's shape."""
    if isinstance(error, DomainError):
        status, code = _auth_code(error)
        body = AuthError(code=status, error_code=code, msg=error.message)
        return Response(body, status_code=status, headers=headers_of(status, error.facts))
    if isinstance(error, HTTPException) and error.status_code < 500:
        status = error.status_code
        code = {413: "request_too_large"}.get(status, "validation_failed")
        return Response(AuthError(code=status, error_code=code, msg=error.detail), status_code=status)
    on_any_error(request, error)  # logs it
    body = AuthError(code=500, error_code="unexpected_failure", msg="Something went wrong on our side.")
    return Response(body, status_code=500)


def _auth_code(error: DomainError) -> tuple[int, str]:
    reason = error.facts.get("reason")
    if isinstance(error, InvalidInput):
        if error.facts.get("field") == "password":
            return 422, "weak_password"
        return 400, "bad_json" if reason == "bad_json" else "validation_failed"
    if isinstance(error, RateLimited):
        return 429, "over_request_rate_limit"
    if isinstance(reason, str):
        return _STATUS.get(reason, 400), reason
    if isinstance(error, Unauthenticated):
        return 401, "bad_jwt"
    return status_of(error)[0], "unexpected_failure"


def _user_view(account: Account) -> UserView:
    identity = {
        "identity_id": str(account.id),
        "id": str(account.id),
        "user_id": str(account.id),
        "provider": "email",
        "identity_data": {"sub": str(account.id), "email": account.email, "email_verified": True},
        "created_at": account.created_at,
        "updated_at": account.updated_at,
        "last_sign_in_at": account.last_sign_in_at,
    }
    return UserView(
        id=str(account.id),
        aud="authenticated",
        role="authenticated",
        email=account.email,
        email_confirmed_at=account.created_at,
        phone="",
        confirmed_at=account.created_at,
        last_sign_in_at=account.last_sign_in_at,
        app_metadata={"provider": "email", "providers": ["email"]},
        user_metadata=account.user_metadata,
        identities=[identity],
        created_at=account.created_at,
        updated_at=account.updated_at,
    )


def _session_view(signed_in: SignedIn) -> SessionView:
    return SessionView(
        access_token=signed_in.access_token,
        token_type="bearer",  # noqa: S106 - RFC 6750's word, no secret
        expires_in=ACCESS_LIFETIME_S,
        expires_at=signed_in.expires_at,
        refresh_token=signed_in.refresh_token,
        user=_user_view(signed_in.account),
    )


async def _body(request: AnyRequest, kind: type[BodyT]) -> BodyT:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The request is incomplete: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("Could not parse request body as JSON", reason="bad_json") from error


async def _limit(request: AnyRequest, platform: Platform, email: str) -> None:
    """Slow down guessing: per address, and per address and account. Redis away lets people in: argon2 is slow too."""
    attempts, refill_per_s = cast("tuple[int, float]", request.app.state[SIGN_IN_LIMIT_KEY])
    address = request.client.host if request.client else "unknown"
    account = hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]
    buckets = (
        (f"sign-in:{address}", attempts, refill_per_s),
        (f"sign-in:{address}:{account}", max(1, attempts // PER_ACCOUNT_SHARE), refill_per_s / PER_ACCOUNT_SHARE),
    )
    for key, capacity, refill in buckets:
        try:
            wait_s = await platform.rate_limits.take(key, capacity=capacity, refill_per_s=refill)
        except Unavailable:
            log.warning("sign-in not rate-limited: redis is away")
            return
        if wait_s > 0:
            raise RateLimited("Request rate limit reached", retry_after_s=wait_s)


@post("/signup", status_code=200)
async def sign_up(request: AnyRequest, platform: PlatformDep) -> SessionView:
    """Make a login; answers a sign-in at once, as GoTrue does with mailer_autoconfirm."""
    body = await _body(request, SignUp)
    await _limit(request, platform, body.email)
    return _session_view(await platform.accounts.sign_up(body.email, body.password, body.data or {}))


@post("/token", status_code=200)
async def token(request: AnyRequest, platform: PlatformDep) -> SessionView:
    """Sign in by password, or stay signed in by refresh token."""
    grant_type = request.query_params.get("grant_type")
    if grant_type == "password":
        grant = await _body(request, PasswordGrant)
        await _limit(request, platform, grant.email)
        return _session_view(await platform.accounts.sign_in(grant.email, grant.password))
    if grant_type == "refresh_token":
        refresh = await _body(request, RefreshGrant)
        return _session_view(await platform.accounts.refresh(refresh.refresh_token))
    raise InvalidInput("unsupported_grant_type", field="grant_type")


@get("/user")
async def get_user(platform: PlatformDep, caller: CallerDep) -> UserView:
    """The caller, unless their sign-in was ended."""
    return _user_view(await platform.accounts.read(caller))


@put("/user")
async def update_user(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> UserView:
    """Change one's own e-mail address, password or data."""
    body = await _body(request, UserChanges)
    changes = AccountChanges(email=body.email, password=body.password, user_metadata=body.data)
    return _user_view(await platform.accounts.update(caller, changes))


@post("/logout", status_code=204)
async def sign_out(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> None:
    """End sign-ins: scope global (default), local or others."""
    await platform.accounts.sign_out(caller, _sign_out_scope(request))


def _sign_out_scope(request: AnyRequest) -> SignOutScope:
    try:
        return msgspec.convert(request.query_params.get("scope", "global"), SignOutScope)  # type: ignore[no-any-return]  # a Literal is no type
    except msgspec.ValidationError as error:
        raise InvalidInput("Unsupported logout scope", field="scope") from error


@get("/.well-known/jwks.json")
async def jwks(platform: PlatformDep) -> Response[bytes]:
    """The keys access tokens are signed with."""
    body = await platform.keys.jwks(KeyPurpose.ACCESS)
    return Response(body, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})


@get("/settings")
async def read_settings() -> dict[str, Any]:
    """What this issuer offers."""
    return {
        "external": {"email": True, "phone": False, "anonymous_users": False},
        "disable_signup": False,
        "mailer_autoconfirm": True,
        "phone_autoconfirm": False,
        "sms_provider": "",
        "saml_enabled": False,
    }


@get("/health")
async def health() -> dict[str, str]:
    """That the issuer is there."""
    return {"name": "tradingroom", "description": "A GoTrue-compatible issuer", "version": "v2"}


def auth_router() -> Router:
    """All of `/auth/v1`."""
    handlers = [sign_up, token, get_user, update_user, sign_out, jwks, read_settings, health]
    return Router(
        "/auth/v1",
        route_handlers=handlers,
        include_in_schema=False,
        exception_handlers={DomainError: on_auth_error, HTTPException: on_auth_error, Exception: on_auth_error},
    )
