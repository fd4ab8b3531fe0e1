"""What `/auth/v1` answers with: GoTrue's shapes, snake_case, and its refusals.

A refusal is `{code, error_code, msg}` with the status as `code`; a client that sends `X-Supabase-Api-Version` 2024-01-01 or
later gets `{code, message}` with the word as `code`, and the version back.
Source: supabase/auth, internal/api/errors.go and apiversion.go; error codes: apierrors/errorcode.go.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from control_plane.domain.accounts import Account
from control_plane.domain.errors import (
    DomainError,
    Forbidden,
    InvalidInput,
    LimitExceeded,
    NotFound,
    RateLimited,
    SsoDomainUnverified,
    SsoFailed,
    SsoProviderNotFound,
    SsoRequired,
    Unauthenticated,
)
from control_plane.domain.factors import Factor
from control_plane.gateways.tokens import ACCESS_LIFETIME_S
from control_plane.rest.callers import AnyRequest
from control_plane.rest.problems import headers_of, on_any_error, status_of
from control_plane.services.sessions import SignedIn

BodyT = TypeVar("BodyT", bound=msgspec.Struct)
API_VERSION_HEADER = "X-Supabase-Api-Version"
API_VERSION = "2024-01-01"
"""The version that tells refusals by words; the only one there is."""
_STATUS = {
    "email_exists": 422,
    "user_already_exists": 422,
    "same_password": 422,
    "session_not_found": 403,
    "otp_expired": 403,
    "reauthentication_needed": 400,
    "reauthentication_not_valid": 422,
    "insufficient_aal": 401,
    "mfa_factor_name_conflict": 422,
    "mfa_verification_failed": 422,
    "mfa_challenge_expired": 422,
    "too_many_enrolled_mfa_factors": 422,
    "mfa_recovery_codes_sole_factor": 422,
    "current_password_invalid": 400,
    "user_banned": 400,
    "user_not_found": 404,
    "mfa_factor_not_found": 404,
    "flow_state_not_found": 404,
    "flow_state_expired": 422,
    "not_admin": 403,
    "no_authorization": 401,
    "over_email_send_rate_limit": 429,
    "conflict": 409,
    "bad_oauth_state": 400,
    "sso_not_in_plan": 402,
    "single_identity_not_deletable": 422,
    "email_identity_not_deletable": 422,
    "identity_not_found": 422,
}
"""GoTrue's statuses by its words; its other refusals of a sign-in are 400."""


class AuthRefusal(HTTPException):
    """What is refused at this door before any use case: a status, GoTrue's word, a sentence.

    The web app never asks for any of it, or has the word from a use case too.
    """

    def __init__(self, status_code: int, code: str, sentence: str) -> None:
        super().__init__(detail=sentence, status_code=status_code)
        self.code = code


class UserView(msgspec.Struct, omit_defaults=True):
    """A person, as auth-js' `User`. What is not set is left out, as GoTrue does."""

    id: str
    aud: str
    role: str
    email: str
    phone: str
    app_metadata: dict[str, Any]
    user_metadata: dict[str, Any]
    identities: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    email_confirmed_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmation_sent_at: datetime | None = None
    recovery_sent_at: datetime | None = None
    invited_at: datetime | None = None
    new_email: str | None = None
    email_change_sent_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    banned_until: datetime | None = None
    factors: list[dict[str, Any]] = []
    is_anonymous: bool | None = None


class SessionView(msgspec.Struct):
    """A sign-in, as auth-js' `Session`. expires_at: Unix seconds."""

    access_token: str
    token_type: str
    expires_in: int
    expires_at: int
    refresh_token: str
    user: UserView


def user_view(account: Account, factors: list[Factor] | None = None) -> UserView:
    """A login as clients are shown it."""
    return UserView(
        id=str(account.id),
        aud="authenticated",
        role="authenticated",
        email=account.email,
        phone="",
        app_metadata=account.public_app_metadata,
        user_metadata=account.user_metadata,
        identities=identities_view(account),
        created_at=account.created_at,
        updated_at=account.updated_at,
        email_confirmed_at=account.email_confirmed_at,
        confirmed_at=account.email_confirmed_at,
        confirmation_sent_at=account.confirmation_sent_at,
        recovery_sent_at=account.recovery_sent_at,
        invited_at=account.invited_at,
        new_email=account.email_change,
        email_change_sent_at=account.email_change_sent_at,
        last_sign_in_at=account.last_sign_in_at,
        banned_until=account.banned_until,
        factors=[factor_view(factor) for factor in factors or []],
        is_anonymous=False,
    )


def identities_view(account: Account) -> list[dict[str, Any]]:
    """By what a person comes in, as auth-js' `UserIdentity`: their address, and the providers they are linked to.

    Of a provider identity_data tells the names of its organization and connection, too.
    """
    by_mail = {
        "identity_id": str(account.id),
        "id": str(account.id),
        "user_id": str(account.id),
        "provider": "email",
        "identity_data": {
            "sub": str(account.id),
            "email": account.email,
            "email_verified": account.email_confirmed_at is not None,
            "phone_verified": False,
        },
        "created_at": account.created_at,
        "updated_at": account.updated_at,
        "last_sign_in_at": account.last_sign_in_at or account.created_at,
        "email": account.email,
    }
    linked = [
        {
            "identity_id": str(one.id),
            "id": one.subject,
            "user_id": str(account.id),
            "provider": one.provider,
            "identity_data": {
                "sub": one.subject,
                "email": one.email,
                "email_verified": True,
                "phone_verified": False,
                "organization_id": str(one.organization_id),
                "organization_name": one.organization_name,
                "connection_name": one.connection_name,
            },
            "created_at": one.created_at,
            "updated_at": one.used_at,
            "last_sign_in_at": one.used_at,
            "email": one.email,
        }
        for one in account.identities
    ]
    return [by_mail, *linked] if account.has_email_identity else linked


def factor_view(factor: Factor) -> dict[str, Any]:
    """A second factor, as auth-js' `Factor`."""
    return {
        "id": str(factor.id),
        "friendly_name": factor.friendly_name,
        "factor_type": factor.factor_type,
        "status": factor.status,
        "created_at": factor.created_at,
        "updated_at": factor.updated_at,
    }


def session_view(signed_in: SignedIn) -> SessionView:
    """A sign-in as clients are shown it."""
    return SessionView(
        access_token=signed_in.access_token,
        token_type="bearer",  # noqa: S106 - RFC 6750's word, no secret
        expires_in=ACCESS_LIFETIME_S,
        expires_at=signed_in.expires_at,
        refresh_token=signed_in.refresh_token,
        user=user_view(signed_in.account, signed_in.factors),
    )


async def read_body(request: AnyRequest, kind: type[BodyT]) -> BodyT:
    """The body of a request; unknown fields are ignored, as GoTrue does. Raises InvalidInput."""
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The request is incomplete: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("Could not parse request body as JSON", reason="bad_json") from error


# --- refusals


def on_auth_error(request: AnyRequest, error: Exception) -> Response[Any]:
    """Refusals in GoTrue's shape."""
    if isinstance(error, AuthRefusal):
        return _refusal(request, error.status_code, error.code, error.detail, headers_of(error.status_code, {}))
    if isinstance(error, DomainError):
        status, code = code_of(error)
        if code == "bad_jwt" and not request.headers.get("Authorization"):
            status, code = 401, "no_authorization"
        return _refusal(request, status, code, error.message, headers_of(status, error.facts))
    if isinstance(error, HTTPException) and error.status_code < 500:
        status = error.status_code
        code = {405: "method_not_allowed", 413: "request_too_large"}.get(status, "validation_failed")
        return _refusal(request, status, code, error.detail, dict(error.headers or {}))
    on_any_error(request, error)  # logs it
    return _refusal(request, 500, "unexpected_failure", "Something went wrong on our side.", {})


def _refusal(
    request: AnyRequest, status: int, code: str, message: str, headers: dict[str, str]
) -> Response[dict[str, Any]]:
    more = {"weak_password": {"reasons": ["length"]}} if code == "weak_password" else {}
    asked = request.headers.get(API_VERSION_HEADER, "")
    if len(asked) == len(API_VERSION) and asked >= API_VERSION:
        headers = {**headers, API_VERSION_HEADER: API_VERSION}
        return Response({"code": code, "message": message, **more}, status_code=status, headers=headers)
    return Response({"code": status, "error_code": code, "msg": message, **more}, status_code=status, headers=headers)


def code_of(error: DomainError) -> tuple[int, str]:
    """The status and the word of a refusal."""
    reason = error.facts.get("reason")
    if isinstance(error, (SsoFailed, SsoProviderNotFound, SsoDomainUnverified, SsoRequired)):
        # Their reason is for whoever set the connection up.
        return status_of(error)[0], error.code
    if isinstance(error, InvalidInput) and reason in {None, "length", "bad_json"}:
        if error.facts.get("field") == "password":
            return 422, "weak_password"
        return 400, "bad_json" if reason == "bad_json" else "validation_failed"
    if isinstance(error, RateLimited) and reason is None:
        return 429, "over_request_rate_limit"
    if isinstance(reason, str):
        return _STATUS.get(reason, 400), reason
    plain: dict[type[DomainError], tuple[int, str]] = {
        Unauthenticated: (403, "bad_jwt"),
        NotFound: (404, "not_found"),
        Forbidden: (403, "forbidden"),
        LimitExceeded: (402, LimitExceeded.code),
    }
    return plain.get(type(error), (status_of(error)[0], "unexpected_failure"))
