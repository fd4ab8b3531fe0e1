"""Errors as answers: the table from the domain's errors to HTTP, and problem+json (RFC 9457).

Every answer of 400 and above has this shape: type, title, status, detail, code, facts, requestId. The app switches on
`code`; `detail` is for people. No stack, no SQL, no other tenant's id.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from control_plane.domain import errors
from control_plane.rest.answers import Answer, send_answer

STATUS: dict[type[errors.DomainError], tuple[int, str]] = {
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.PreconditionFailed: (412, "Precondition failed"),
    errors.Forbidden: (403, "Forbidden"),
    errors.Unauthenticated: (401, "Unauthenticated"),
    errors.LimitExceeded: (402, "Plan limit reached"),
    errors.InvalidInput: (422, "Invalid input"),
    errors.RateLimited: (429, "Too many requests"),
    errors.Unavailable: (503, "Unavailable"),
}
"""Subclasses answer as their base."""
_HTTP_CODES = {
    400: (422, "Invalid input", "invalid_input"),
    401: (401, "Unauthenticated", "unauthenticated"),
    404: (404, "Not found", "not_found"),
    405: (405, "Method not allowed", "method_not_allowed"),
    406: (406, "Not acceptable", "not_acceptable"),
    413: (413, "Body too large", "too_large"),
    415: (415, "Unsupported media type", "unsupported_media_type"),
    500: (500, "Internal error", "internal"),
    421: (421, "Misdirected request", "wrong_host"),
}
"""What the framework itself refuses."""
log = structlog.get_logger(__name__)


class Problem(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """The body of every refusal. type: always about:blank; facts: details a program may act on."""

    title: str
    status: int
    detail: str
    code: str
    facts: dict[str, Any]
    request_id: str
    type: str = "about:blank"


def status_of(error: errors.DomainError) -> tuple[int, str]:
    """The status and title of a domain error. Source: style guide, "Errors"."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500, "Internal error"


def on_domain_error(request: Request[Any, Any, Any], error: errors.DomainError) -> Response[Problem]:
    """Answer what the domain refused; what is our own trouble is logged."""
    status, title = status_of(error)
    if status >= 500:
        log.warning("unavailable", code=error.code, cause=type(error.__cause__).__name__)
    headers = headers_of(status, error.facts)
    return _answer(request, (status, title, error.code), error.message, error.facts, headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Answer what the framework refused: no such route, wrong method, body that does not decode."""
    status, title, code = _HTTP_CODES.get(error.status_code, (error.status_code, "Refused", "refused"))
    if status >= 500:
        return on_any_error(request, error)
    facts, detail = {}, title + "."
    if isinstance(error, ValidationException):
        facts = _validation_facts(error)
        detail = "The request is not as the API describes it."
    elif status == 422:
        detail = "The body is not JSON."
    headers = {**(error.headers or {}), **headers_of(status, {})}
    return _answer(request, (status, title, code), detail, facts, headers)


class HttpRefusal(HTTPException):
    """What is refused before the framework sees it: a status of `_HTTP_CODES` and a sentence."""

    def __init__(self, status_code: int, detail: str) -> None:
        super().__init__(detail=detail, status_code=status_code)


async def send_problem(
    scope: Any, send: Any, error: errors.DomainError | HttpRefusal, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    """Answer a refusal without the framework: send `problem_of` it."""
    await send_answer(send, problem_of(scope, error, more))


def problem_of(
    scope: Any, error: errors.DomainError | HttpRefusal, more: list[tuple[bytes, bytes]] | None = None
) -> Answer:
    """A refusal as an answer, in the words of the path it came to (`/auth/v1` speaks GoTrue's).

    Args:
        scope: of the ASGI request.
        error: what is refused.
        more: further headers.
    """
    if isinstance(error, errors.DomainError):
        status, title = status_of(error)
        code, detail, facts = error.code, error.message, error.facts
    else:
        status, title, code = _HTTP_CODES[error.status_code]
        detail, facts = error.detail, {}
    is_auth = str(scope["path"]).startswith("/auth/")
    if is_auth:
        word = "over_request_rate_limit" if status == 429 else code
        body = msgspec.json.encode({"code": status, "error_code": word, "msg": detail})
    else:
        request_id = str(scope.get("request_id", ""))
        body = msgspec.json.encode(
            Problem(title=title, status=status, detail=detail, code=code, facts=facts, request_id=request_id)
        )
    headers = [
        (b"content-type", b"application/json" if is_auth else b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in headers_of(status, facts).items()),
        *(more or []),
    ]
    return Answer(status, headers, body)


def on_any_error(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer a fault of ours: logged whole, told without detail."""
    if isinstance(error, RecursionError):
        return _answer(request, _HTTP_CODES[400], "The body is nested too deep.")
    log.error("unhandled error", exc_info=error)
    return _answer(request, (500, "Internal error", "internal"), "Something went wrong on our side.")


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """The id the log knows this request by."""
    return str(request.scope.get("request_id", ""))


def headers_of(status: int, facts: dict[str, Any]) -> dict[str, str]:
    """Headers that belong to a refusal: how to sign in, when to come back."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    retry_after_s = facts.get("retry_after_s")
    if isinstance(retry_after_s, int | float):
        headers["Retry-After"] = str(max(1, math.ceil(retry_after_s)))
    return headers


def _validation_facts(error: ValidationException) -> dict[str, Any]:
    """Which fields are to blame, as `errors: [{field, message}]`, and the first as `field`."""
    entries = error.extra if isinstance(error.extra, list) else []
    blamed = [
        {"field": str(entry.get("key", "")), "message": str(entry.get("message", ""))}
        for entry in entries
        if isinstance(entry, dict)
    ]
    if not blamed:
        return {}
    return {"field": blamed[0]["field"], "errors": blamed}


def _answer(
    request: Request[Any, Any, Any],
    kind: tuple[int, str, str],
    detail: str,
    facts: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Problem]:
    """kind: status, title and code."""
    status, title, code = kind
    problem = Problem(
        title=title, status=status, detail=detail, code=code, facts=facts or {}, request_id=request_id_of(request)
    )
    return Response(problem, status_code=status, media_type="application/problem+json", headers=headers)
