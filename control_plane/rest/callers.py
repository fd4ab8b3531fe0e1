"""Who is asking: the bearer token of a request, verified, as a dependency of handlers."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from control_plane.domain.abilities import require_ability
from control_plane.domain.api_tokens import PREFIX as API_TOKEN_PREFIX
from control_plane.domain.callers import Caller, Origin
from control_plane.domain.errors import Forbidden, Unauthenticated
from control_plane.rest.heads import headers_of
from control_plane.rest.routes import inside_organization
from control_plane.services.platform import Platform

PlatformDep = NamedDependency[SkipValidation[Platform]]
CallerDep = NamedDependency[SkipValidation[Caller]]
AnyRequest = Request[Any, Any, Any]
_CALLER = "tradingroom.caller"
"""Where a request's scope keeps its `Caller`, or the refusal that was found instead."""
_NAMED = "tradingroom.named"
"""As `_CALLER`, before the sign-in was looked at."""


def bearer_token(request: AnyRequest) -> str:
    """The token of the Authorization header (RFC 6750, 2.1). Raises Unauthenticated: there is none."""
    return bearer_of(request.scope)


def bearer_of(scope: Any) -> str:
    """As `bearer_token`, of an ASGI request."""
    header = headers_of(scope).get(b"authorization", b"")
    scheme, _, token = header.decode("latin-1").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Sign in first.")
    return token


async def provide_caller(request: AnyRequest, platform: PlatformDep) -> Caller:
    """The caller of this request.

    Raises:
        Unauthenticated. Forbidden: an API token lacks the ability. FeatureNotInPlan: its organization has no API access now.
        Unavailable.
    """
    caller = await identify(request.scope, platform)
    if caller.token_id is not None:
        require_ability(caller.abilities, request.method, inside_organization(request.scope["path"]))
    return caller


async def identify(scope: Any, platform: Platform) -> Caller:
    """The caller of an ASGI request, verified once: what stands around the API asks first, handlers ask again.

    Raises:
        Unauthenticated: there is no token, or it is not good, or its sign-in has ended; the same one again for the same
            request. Forbidden: the person's second factor was not shown. Unavailable.
    """
    known = scope.get(_CALLER)
    if known is None:
        try:
            verified = await recognize(scope, platform)
            if scope["path"].startswith("/api/"):
                # `/auth/v1` asks for itself: showing a second factor, or signing out twice, must be possible.
                await platform.sessions.require(verified)
            known = verified
        except (Unauthenticated, Forbidden) as error:
            known = error
        scope[_CALLER] = known
    if isinstance(known, (Unauthenticated, Forbidden)):
        raise known
    return cast("Caller", known)


async def recognize(scope: Any, platform: Platform) -> Caller:
    """Whom the token of an ASGI request names, verified once. Whether the sign-in still stands, `identify` asks.

    Raises:
        Unauthenticated: there is no token, or it is not good. FeatureNotInPlan: of an API token. Unavailable.
    """
    known: Caller | Unauthenticated | None = scope.get(_NAMED)
    if known is None:
        try:
            verified = await _verify(bearer_of(scope), platform)
            known = msgspec.structs.replace(verified, origin=origin_of(scope))
        except Unauthenticated as error:
            known = error
        scope[_NAMED] = known
    if isinstance(known, Unauthenticated):
        raise known
    return known


async def _verify(token: str, platform: Platform) -> Caller:
    if token.startswith(API_TOKEN_PREFIX):
        return await platform.api_tokens.verify(token)
    return await platform.tokens.verify_access(token)


def origin_of(scope: Any) -> Origin:
    """Where an ASGI request came from, for the audit log."""
    client = scope.get("client")
    agent = headers_of(scope).get(b"user-agent")
    return Origin(
        ip=client[0] if client else None,
        user_agent=None if agent is None else agent.decode("latin-1"),
        request_id=scope.get("request_id"),
    )
