"""The OpenAPI document: the framework's, with what it can't know: how this API refuses, who may ask, and what repeats."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference
from litestar.routes import HTTPRoute

from control_plane.domain.abilities import ability_for
from control_plane.domain.idempotency import KEY_MAX_LENGTH
from control_plane.rest.problems import Problem

PATH = "/api/v1/openapi.json"
_INSIDE = "/api/v1/organizations/{organization_id}"
_PROBLEM_REF = "#/components/schemas/Problem"
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
    "Audit": "Who changed what, when and from where.",
    "API tokens": "Keys for programs. They act as the person who made them, with some abilities, in one organization.",
    "Webhooks": "Events sent to your server, signed, in order per object, for a day if need be.",
    "Single sign-on": "An organization's own identity providers, and the mail domains it has proven to be its own.",
    "Plans": "The price list, and the names that tokens and webhooks may ask for.",
}
_REFUSALS = {
    "401": "No token, or it is not good (`unauthenticated`).",
    "402": "The plan does not allow it (`plan_limit_reached`, `feature_not_in_plan`).",
    "403": "Your role, or the API token, does not allow it (`forbidden`).",
    "404": "There is none, or it is another tenant's (`not_found`).",
    "406": "No form of the answer is acceptable (`not_acceptable`).",
    "409": "It is not in a state that allows this (`conflict` and others).",
    "412": "It changed since you read it (`precondition_failed`).",
    "413": "The body is larger than 64 KiB (`too_large`).",
    "415": "The body is no JSON (`unsupported_media_type`).",
    "422": "The request is not as described (`invalid_input`, `idempotency_key_reused`).",
    "429": "Too many requests; `Retry-After` says when to come back (`rate_limited`).",
    "503": "Something we need is away; try again in a moment (`unavailable`, `no_media_node`).",
}
_FILES = {"exportAuditEntries": ("text/csv", "application/x-ndjson"), "exportMe": ("application/x-ndjson",)}
"""Operations that answer with a file, and its forms."""
_SPARSE = frozenset({"IceServer"})
"""Answers that leave out what is None: the browser's own form of them knows no null."""
_EXAMPLES: dict[str, dict[str, Any]] = {
    "Problem": {
        "type": "about:blank",
        "title": "Plan limit reached",
        "status": 402,
        "detail": "The plan's limit for rooms is reached.",
        "code": "plan_limit_reached",
        "facts": {"limit": "rooms", "allowed": 3, "used": 3},
        "requestId": "5f0c1c1e9b6e4c7c8a5e0d7e7c3b2a10",
    },
    "NewOrganization": {"name": "Acme Traders"},
    "NewWorkspace": {"name": "Futures"},
    "NewRoom": {"name": "Opening bell"},
    "RoomChanges": {"name": "Closing bell"},
    "NewMessage": {"text": "Good morning."},
    "NewAlert": {
        "symbol": "AAPL",
        "side": "long",
        "entry": "181.20",
        "stop": "178.50",
        "targets": ["186.40", "190"],
        "note": "",
    },
    "NewAlertStep": {"kind": "trimmed", "price": "186.40", "fraction": "0.5"},
    "NewApiToken": {"name": "Journal", "abilities": ["rooms:read", "feed:read"]},
    "NewWebhook": {"url": "https://example.com/hooks", "events": ["alert.posted", "session.started"]},
    "WebhookChanges": {"isEnabled": True},
    "NewSsoConnection": {
        "kind": "oidc",
        "name": "Okta",
        "issuer": "https://example.com",
        "clientId": "0oa1b2c3",
        "clientSecret": "from the provider",
    },
    "NewSsoDomain": {"domain": "example.com"},
    "ReplaySince": {"since": "2026-11-22T00:00:00Z"},
}


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
        content={"application/problem+json": OpenAPIMediaType(schema=Reference(ref=_PROBLEM_REF))},
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
    for name, schema in schemas.items():
        short = name.rsplit("_", 1)[-1]
        if short in _EXAMPLES:
            schema["examples"] = [_EXAMPLES[short]]
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
            _finish(path, method, operation)
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


def _finish(path: str, method: str, operation: dict[str, Any]) -> None:
    is_public = operation.get("security") == []
    ability = None
    if path.startswith(_INSIDE):
        ability = ability_for(method.upper(), path.removeprefix(_INSIDE).strip("/"))
    if ability is not None:
        operation["x-ability"] = ability
    elif not is_public:
        operation["security"] = [{"user": []}]
    operation.setdefault("parameters", []).extend(_headers_of(path, method, is_public=is_public))
    responses = operation["responses"]
    for status, words in _REFUSALS.items():
        if _may_refuse(status, method, path, is_public=is_public) and status not in responses:
            responses[status] = {"description": words, "content": _problem()}
    responses["default"] = {"description": "Refused", "content": _problem()}
    for status, response in responses.items():
        if status.startswith("2"):
            if operation["operationId"] in _FILES:
                forms = _FILES[operation["operationId"]]
                response["content"] = {form: {"schema": {"type": "string"}} for form in forms}
            response.setdefault("headers", {})["X-Request-Id"] = {
                "description": "Names this request in our log.",
                "schema": {"type": "string"},
            }
    if method == "get":
        responses["304"] = {"description": "The same as before."}


def _headers_of(path: str, method: str, *, is_public: bool) -> list[dict[str, Any]]:
    """The headers every operation of a kind takes."""
    if method == "post" and not path.endswith("/join") and not is_public:
        schema = {"type": "string", "minLength": 1, "maxLength": KEY_MAX_LENGTH, "pattern": "^[!-~]+$"}
        return [_header("Idempotency-Key", "Makes a repeat within 24 h answer what the first was answered.", schema)]
    if method in {"patch", "put", "delete"}:
        return [_header("If-Match", "ETag of a GET of this path: refuse when it changed since.", {"type": "string"})]
    if method == "get":
        return [_header("If-None-Match", "ETag of an earlier answer: 304 when it is the same.", {"type": "string"})]
    return []


def _may_refuse(status: str, method: str, path: str, *, is_public: bool) -> bool:
    if status in {"401", "403"}:
        return not is_public
    if status in {"402", "413", "415"}:
        return method in {"post", "patch", "put"}
    if status == "404":
        return "{" in path
    if status == "409":
        return method != "get"
    if status == "412":
        return method in {"patch", "put", "delete"}
    return True


def _problem() -> dict[str, Any]:
    return {"application/problem+json": {"schema": {"$ref": _PROBLEM_REF}}}


def _header(name: str, words: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": words, "schema": schema}
