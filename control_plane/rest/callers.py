"""Who is asking: the bearer token of a request, verified, as a dependency of handlers."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from control_plane.domain.callers import Caller
from control_plane.domain.errors import Unauthenticated
from control_plane.services.platform import Platform

PlatformDep = NamedDependency[SkipValidation[Platform]]
CallerDep = NamedDependency[SkipValidation[Caller]]
AnyRequest = Request[Any, Any, Any]


def bearer_token(request: AnyRequest) -> str:
    """The token of the Authorization header (RFC 6750, 2.1). Raises Unauthenticated: there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Sign in first.")
    return token.strip()


async def provide_caller(request: AnyRequest, platform: PlatformDep) -> Caller:
    """The caller of this request. Raises Unauthenticated, Unavailable."""
    return await platform.tokens.verify_access(bearer_token(request))
