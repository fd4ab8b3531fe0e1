"""Whether the OpenAPI document says what the REST door answered: every refusal in a test is looked up in it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx

from control_plane.rest.openapi_problems import is_documented
from scripts.typescript.rest import openapi_document


@cache
def _document() -> tuple[dict[str, Any], list[tuple[re.Pattern[str], dict[str, Any]]]]:
    """The document, and its paths as patterns: those with the fewest parameters first."""
    document = openapi_document()
    by_parameters = sorted(document["paths"].items(), key=lambda one: one[0].count("{"))
    return document, [(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), item) for path, item in by_parameters]


async def check_refusal(response: httpx.Response) -> None:
    """Raise AssertionError when a documented operation was refused with a status and code it does not name."""
    path, method = response.request.url.path, response.request.method.lower()
    if response.status_code < 400 or not path.startswith("/api/v1/"):
        return
    document, paths = _document()
    item = next((item for pattern, item in paths if pattern.fullmatch(path)), {})
    operation = item.get("get" if method == "head" else method)
    if operation is None:
        return
    await response.aread()
    if not response.headers.get("content-type", "").startswith("application/problem+json") or method == "head":
        return
    code = response.json()["code"]
    words = f"{operation['operationId']} answered {response.status_code} {code}, which its document does not name: "
    assert is_documented(document, operation, response.status_code, code), words + "see rest/openapi_problems.py"
