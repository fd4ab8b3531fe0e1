"""The OpenAPI document: Litestar's, with what the framework can't know: how this API refuses."""

from __future__ import annotations

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    Schema,
    SecurityScheme,
)

_PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="Every refusal (RFC 9457). Switch on `code`; `detail` is for people; `facts` are for programs.",
    required=["type", "title", "status", "detail", "code", "facts", "requestId"],
    properties={
        "type": Schema(type=OpenAPIType.STRING),
        "title": Schema(type=OpenAPIType.STRING),
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": Schema(type=OpenAPIType.STRING),
        "code": Schema(
            type=OpenAPIType.STRING,
            description="not_found, conflict, room_already_live, room_not_live, forbidden, unauthenticated, "
            "plan_limit_reached, invalid_input, rate_limited, unavailable, no_media_node, method_not_allowed, "
            "too_large or internal; more may come.",
        ),
        "facts": Schema(type=OpenAPIType.OBJECT, additional_properties=True),
        "requestId": Schema(type=OpenAPIType.STRING),
    },
)


def openapi_config() -> OpenAPIConfig:
    """The document at /api/v1/openapi.json; no pages."""
    return OpenAPIConfig(
        title="Trading rooms",
        version="1.0.0",
        description="Organizations, rooms, live sessions, chat and alerts. Sign in at /auth/v1, then send the access token.",
        # A path of its own: below it the framework answers unknown pages in HTML.
        path="/api/v1/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/")],
        use_handler_docstrings=True,
        security=[{"bearer": []}],
        components=Components(
            schemas={"Problem": _PROBLEM},
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")},
        ),
    )


def finish_document(app: Litestar) -> None:
    """Say of every operation that it may answer a Problem; before the document is first served."""
    refusal = OpenAPIResponse(
        description="Refused",
        content={"application/problem+json": OpenAPIMediaType(schema=Reference(ref="#/components/schemas/Problem"))},
    )
    for item in (app.openapi_schema.paths or {}).values():
        for operation in (item.get, item.post, item.put, item.patch, item.delete):
            if isinstance(operation, Operation) and operation.responses is not None:
                # The framework documents a 400 of its own shape, which `problems` never lets out.
                operation.responses.pop("400", None)
                operation.responses["default"] = refusal
