"""Whether the OpenAPI document says what the REST door answered: every answer in a test is looked up in it."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from control_plane.rest.openapi_problems import is_documented
from scripts.typescript.rest import openapi_document


@cache
def _document() -> tuple[dict[str, Any], list[tuple[re.Pattern[str], dict[str, Any]]]]:
    """The document, and its paths as patterns: those with the fewest parameters first."""
    document = openapi_document()
    by_parameters = sorted(document["paths"].items(), key=lambda one: one[0].count("{"))
    return document, [(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path)), item) for path, item in by_parameters]


def _find_operation(request: httpx.Request) -> dict[str, Any] | None:
    """The document's words on what was asked; None: it has none, or only the headers were asked for."""
    path, method = request.url.path, request.method.lower()
    if not path.startswith("/api/v1/"):
        return None
    _, paths = _document()
    item = next((item for pattern, item in paths if pattern.fullmatch(path)), {})
    return item.get(method)


@cache
def _validator(operation_id: str, status: str) -> jsonschema_rs.Draft202012Validator | None:
    """What checks a body; None: the document does not name this status, or says that it has no JSON."""
    document, paths = _document()
    operations = (one for _, item in paths for one in item.values() if isinstance(one, dict))
    operation = next(one for one in operations if one.get("operationId") == operation_id)
    content = operation["responses"].get(status, {}).get("content", {})
    if "application/json" not in content:
        return None
    # References are from the document's root.
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


async def check_good_answer(response: httpx.Response) -> None:
    """Raise AssertionError when a documented operation did what was asked and says so with a body of another schema."""
    operation = _find_operation(response.request)
    if operation is None or not response.is_success:
        return
    status, operation_id = str(response.status_code), operation["operationId"]
    assert status in operation["responses"], f"{operation_id} answered {status}, which its document does not name"
    if not response.headers.get("content-type", "").startswith("application/json"):
        return
    validator = _validator(operation_id, status)
    assert validator is not None, f"{operation_id} answered {status} with JSON, which its document does not name"
    await response.aread()
    faults = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(response.json())]
    assert faults == [], f"{operation_id} answered {status} with what its document does not say"


async def check_refusal(response: httpx.Response) -> None:
    """Raise AssertionError when a documented operation was refused with a status and code it does not name."""
    operation = _find_operation(response.request)
    if operation is None or response.status_code < 400:
        return
    await response.aread()
    if not response.headers.get("content-type", "").startswith("application/problem+json"):
        return
    document, _ = _document()
    code = response.json()["code"]
    words = f"{operation['operationId']} answered {response.status_code} {code}, which its document does not name: "
    assert is_documented(document, operation, response.status_code, code), words + "see rest/openapi_problems.py"
