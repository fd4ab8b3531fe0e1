"""A request's headers by name, put together once however many ask."""

from __future__ import annotations

from typing import Any

_HEADERS = "tradingroom.headers"
"""Where a request's scope keeps them; who copies a scope with other headers leaves this out."""


def headers_of(scope: Any) -> dict[bytes, bytes]:
    """Headers by lower-case name; lines of the same name joined by commas, as RFC 9110, 5.3 says."""
    known: dict[bytes, bytes] | None = scope.get(_HEADERS)
    if known is None:
        known = scope[_HEADERS] = _joined(scope["headers"])
    return known


def with_headers(scope: Any, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    """A copy of a scope that has these headers and no others."""
    return {**{name: value for name, value in scope.items() if name != _HEADERS}, "headers": headers}


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = joined[key] + b"," + value if key in joined else value
    return joined
