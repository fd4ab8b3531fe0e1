"""The OpenAPI document: the framework's, with what it can't know: how this API refuses, who may ask, and what repeats."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference
from litestar.routes import HTTPRoute

from control_plane.domain.abilities import ability_for
from control_plane.domain.idempotency import KEY_MAX_LENGTH
from control_plane.domain.webhooks import EVENTS
from control_plane.rest.openapi_examples import add_examples
from control_plane.rest.openapi_problems import PROBLEM_REF, add_problems
from control_plane.rest.openapi_words import describe
from control_plane.rest.problems import Problem

PATH = "/api/v1/openapi.json"
_INSIDE = "/api/v1/organizations/{organization_id}"
_DESCRIPTION = (
    "Organizations, rooms, live sessions, chat and alerts. The guide stands at /docs: signing in, pages, repeating "
    "requests, errors, limits, webhooks, and how this API changes."
)
TAGS = {
    "Organizations": "Tenants: everything else belongs to one. A person may be in many.",
    "Workspaces": "Groups of rooms.",
    "Rooms": "The lasting places where live sessions run.",
    "Live": "Starting, joining and ending the run of a room.",
    "Feed": "What is said in a room: chat messages, alerts and their steps, in one numbered order.",
    "Members": "Who belongs to an organization, and as what.",
    "Invitations": "How people come in: by link or by mail.",
    "Audit log": "Who changed what, when and from where.",
    "API tokens": "Keys for programs. They act as the person who made them, with some abilities, in one organization.",
    "Webhooks": "Events sent to your server, signed, in order per object, for a day if need be.",
    "Single sign-on": "An organization's own identity providers, and the mail domains it has proven to be its own.",
    "Me": "The caller's own data: all of it as a file, and its erasure.",
    "Subscriptions": "The price list.",
    "Plans": "The names that tokens and webhooks may ask for.",
    "Demo": "Whom a visitor of a demo may sign in as.",
}
_FILES = {"exportAuditEntries": ("text/csv", "application/x-ndjson"), "exportMe": ("application/x-ndjson",)}
"""Operations that answer with a file, and its forms."""
_GOOD = {"200": "Done.", "201": "Made.", "204": "Done; there is nothing to say about it."}
"""Status -> what a good answer means."""
_HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-Id": {"description": "Names this request in our log.", "schema": {"type": "string"}},
    "RateLimit-Limit": {"description": "Requests at once, of the fullest bucket.", "schema": {"type": "integer"}},
    "RateLimit-Remaining": {"description": "How many of them are left, about.", "schema": {"type": "integer"}},
    "RateLimit-Reset": {"description": "Seconds until all are there again.", "schema": {"type": "integer"}},
    "RateLimit-Policy": {
        "description": "The bucket: its size, `w` seconds to fill it, and its name.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait before the next try.", "schema": {"type": "integer"}},
    "ETag": {"description": "Names this answer, for `If-None-Match` and `If-Match`.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "`true`: this is the answer of the first request with this key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_ALWAYS = ("X-Request-Id", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
_WEBHOOK_HEADERS = {
    "webhook-id": "The same for every repeat of a message.",
    "webhook-timestamp": "When it was sent, seconds since 1970.",
    "webhook-signature": "`v1,` and the signature in base64; two of them, with a space between, after a rotation.",
}
_SPARSE = frozenset({"IceServer"})
"""Answers that leave out what is None: the browser's own form of them knows no null."""


def openapi_config() -> OpenAPIConfig:
    """What the framework makes of the routes; `document_of` finishes it, and the web server shows only that."""
    return OpenAPIConfig(
        title="Trading rooms",
        version="1.0.0",
        description=_DESCRIPTION,
        path=PATH,
        render_plugins=[JsonRenderPlugin(path="/")],
        use_handler_docstrings=True,
        security=[{"user": []}, {"apiToken": []}],
    )


def finish_document(app: Litestar) -> None:
    """Say of every operation that it may answer a Problem; before the document is first made."""
    refusal = OpenAPIResponse(
        description="Refused",
        content={"application/problem+json": OpenAPIMediaType(schema=Reference(ref=PROBLEM_REF))},
    )
    for item in (app.openapi_schema.paths or {}).values():
        for operation in (item.get, item.post, item.put, item.patch, item.delete):
            if isinstance(operation, Operation) and operation.responses is not None:
                # The framework documents a 400 of its own shape, which `problems` never lets out.
                operation.responses.pop("400", None)
                operation.responses["default"] = refusal


def document_of(app: Litestar) -> dict[str, Any]:
    """The whole document, as it is served and as the TypeScript client is made from it."""
    document: dict[str, Any] = msgspec.to_builtins(app.openapi_schema.to_schema(), str_keys=True)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    (_, refusal) = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    schemas["Problem"] = refusal["Problem"]
    document["components"]["securitySchemes"] = {
        "user": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token of a person who signed in at /auth/v1.",
        },
        "apiToken": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "trt_…",
            "description": "An API token, for the operations that name an ability (`x-ability`).",
        },
    }
    _fill_answers(document)
    used = {tag for item in document["paths"].values() for op in item.values() for tag in op.get("tags", [])}
    document["tags"] = [{"name": name, "description": TAGS.get(name, f"{name}.")} for name in sorted(used, key=_order)]
    public = _public(app)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if operation["operationId"] in public:
                operation["security"] = []
            _finish(path, method, operation, has_get="get" in item)
    document["components"]["headers"] = _HEADERS
    document["externalDocs"] = {"url": "/docs", "description": "The guide, and every operation on one page."}
    _add_webhooks(document)
    describe(document)
    add_problems(document)
    add_examples(document)
    _name_headers(document)
    return document


def _fill_answers(document: dict[str, Any]) -> None:
    """Say that an answer has all its fields: a default is what one may leave out in a request, answers are sent whole."""
    schemas = document["components"]["schemas"]
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    asked = _reached(schemas, [operation.get("requestBody") for operation in operations])
    for name in _reached(schemas, [operation["responses"] for operation in operations]) - asked | {"Problem"}:
        if "properties" in schemas[name] and name not in _SPARSE:
            schemas[name]["required"] = sorted(schemas[name]["properties"])


def _reached(schemas: dict[str, Any], start: Any) -> set[str]:
    """Names of the schemas that a part of the document refers to, directly or by another."""
    found: set[str] = set()
    parts = [start]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, dict):
            parts.extend(part.values())
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name in schemas and name not in found:
                found.add(name)
                parts.append(schemas[name])
    return found


def _public(app: Litestar) -> set[str]:
    """Operations that ask for no caller. The framework leaves an empty `security` out, which would mean the contrary."""
    handlers = (handler for route in app.routes if isinstance(route, HTTPRoute) for handler in route.route_handlers)
    return {str(one.operation_id) for one in handlers if "caller" not in one.parsed_fn_signature.parameters}


def _order(tag: str) -> tuple[int, str]:
    names = list(TAGS)
    return (names.index(tag) if tag in names else len(names), tag)


def _finish(path: str, method: str, operation: dict[str, Any], *, has_get: bool) -> None:
    is_public = operation.get("security") == []
    ability = None
    if path.startswith(_INSIDE):
        ability = ability_for(method.upper(), path.removeprefix(_INSIDE).strip("/"))
    if ability is not None:
        operation["x-ability"] = ability
    elif not is_public:
        operation["security"] = [{"user": []}]
    operation.setdefault("parameters", []).extend(_headers_of(path, method, is_public=is_public, has_get=has_get))
    responses = operation["responses"]
    for status, response in responses.items():
        if status.startswith("2"):
            response["description"] = _GOOD.get(status, "Done.")
            if operation["operationId"] in _FILES:
                forms = _FILES[operation["operationId"]]
                response["content"] = {form: {"schema": {"type": "string"}} for form in forms}
    if method == "get" and operation["operationId"] not in _FILES:
        responses["304"] = {"description": "The same as before: `If-None-Match` named it."}


def _headers_of(path: str, method: str, *, is_public: bool, has_get: bool) -> list[dict[str, Any]]:
    """The headers every operation of a kind takes. A path without a GET has no tag: `If-Match` is refused there."""
    if method == "post" and not path.endswith("/join") and not is_public:
        schema = {"type": "string", "minLength": 1, "maxLength": KEY_MAX_LENGTH, "pattern": "^[!-~]+$"}
        return [_header("Idempotency-Key", "Makes a repeat within 24 h answer what the first was answered.", schema)]
    if method in {"patch", "put", "delete"} and has_get:
        return [_header("If-Match", "ETag of a GET of this path: refuse when it changed since.", {"type": "string"})]
    if method == "get":
        return [_header("If-None-Match", "ETag of an earlier answer: 304 when it is the same.", {"type": "string"})]
    return []


def _name_headers(document: dict[str, Any]) -> None:
    """Which headers each answer carries."""
    for item in document["paths"].values():
        for operation in item.values():
            has_key = any(one["name"] == "Idempotency-Key" for one in operation["parameters"])
            for status, response in operation["responses"].items():
                if status[0] in "23":
                    names = [*_ALWAYS]
                    names += ["ETag"] if "304" in operation["responses"] else []
                    names += ["Idempotency-Replayed"] if has_key else []
                    response["headers"] = response.get("headers", {}) | _refer(names)
    for name, response in document["components"]["responses"].items():
        waits = ["Retry-After"] if name.startswith(("429", "503")) else []
        response["headers"] = _refer([*_ALWAYS, *waits])


def _refer(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _add_webhooks(document: dict[str, Any]) -> None:
    """What we send to endpoints, one entry for each event (OpenAPI 3.1, 4.8.1)."""
    schema = {
        "type": "object",
        "description": "One event, as it is POSTed. New fields may come.",
        "properties": {
            "id": {"type": "string"},
            "type": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "organizationId": {"type": "string", "format": "uuid"},
            "objectId": {"type": "string", "format": "uuid"},
            "data": {"type": "object", "additionalProperties": True},
        },
        "required": ["id", "type", "timestamp", "organizationId", "objectId", "data"],
    }
    document["components"]["schemas"]["WebhookMessage"] = schema
    headers = [_header(name, words, {"type": "string"}, required=True) for name, words in _WEBHOOK_HEADERS.items()]
    taken = {"2XX": {"description": "Taken. Anything else, or nothing within 15 seconds, is tried again."}}
    document["webhooks"] = {
        event: {
            "post": {
                "operationId": "on" + "".join(word.capitalize() for word in re.split("[._]", event)),
                "tags": ["Webhooks"],
                "summary": words,
                "security": [],
                "parameters": headers,
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WebhookMessage"}}},
                },
                "responses": taken,
            }
        }
        for event, words in EVENTS.items()
    }


def _header(name: str, words: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": words, "schema": schema}
