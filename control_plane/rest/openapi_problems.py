"""Which refusals each operation of the OpenAPI document may answer: status, codes, and an example of each.

What holds for a kind of operation is a rule; what one operation has beside that stands in OWN. Every REST test compares what
was answered with this (tests/conftest.py), so a refusal that nobody wrote down turns a test red.
"""

from __future__ import annotations

from typing import Any

from control_plane.rest.openapi_examples import FIELDS

_RESPONSES = "#/components/responses/"
PROBLEM_REF = "#/components/schemas/Problem"
WORDS = {
    "401": "No token, or it is not good.",
    "402": "The plan does not allow it.",
    "403": "Your role, your organization's single sign-on, or the API token does not allow it.",
    "404": "There is none, or it is another tenant's.",
    "406": "No form of the answer is acceptable.",
    "409": "It is not in a state that allows this, or the name is taken.",
    "412": "It changed since you read it.",
    "413": "The body is larger than 64 KiB.",
    "415": "The body is no JSON.",
    "422": "The request is not as described.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "Something we need is away; try again after `Retry-After`.",
}
"""Status -> what it means here."""
CODES: dict[str, tuple[int, str, str, dict[str, Any]]] = {
    "unauthenticated": (401, "Unauthenticated", "Sign in first.", {}),
    "plan_limit_reached": (402, "Plan limit reached", "The plan's limit for rooms is reached.", FIELDS["facts"]),
    "feature_not_in_plan": (
        402,
        "Plan limit reached",
        "API access needs the Professional plan.",
        {"feature": "api_access"},
    ),
    "forbidden": (403, "Forbidden", "Your role does not allow this.", {"permission": "manage_rooms"}),
    "sso_required": (
        403,
        "Forbidden",
        "This organization lets its people in by its identity provider only.",
        {"organization_id": FIELDS["organizationId"], "connection_id": FIELDS["participantId"]},
    ),
    "not_found": (404, "Not found", "There is no such room.", {}),
    "not_acceptable": (406, "Not acceptable", "This is answered as application/json.", {}),
    "conflict": (409, "Conflict", "This name is taken.", {"field": "slug"}),
    "request_in_flight": (
        409,
        "Conflict",
        "The first request with this key is still being carried out.",
        {"retry_after_s": 1},
    ),
    "room_already_live": (409, "Conflict", "This room is live already.", {"live_session_id": FIELDS["liveSessionId"]}),
    "room_not_live": (409, "Conflict", "This room is not live.", {}),
    "alert_over": (409, "Conflict", "This alert is closed.", {"phase": "closed"}),
    "alert_not_filled": (409, "Conflict", "This alert is not in the market yet.", {}),
    "alert_already_filled": (409, "Conflict", "This alert is in the market already.", {}),
    "target_already_hit": (409, "Conflict", "This target is hit already.", {"target": 1}),
    "sso_not_proven": (409, "Conflict", "Come in by this connection yourself before you enforce it.", {}),
    "precondition_failed": (
        412,
        "Precondition failed",
        "This was changed since you read it. Read it again.",
        {},
    ),
    "too_large": (413, "Body too large", "Body too large.", {}),
    "unsupported_media_type": (415, "Unsupported media type", "Unsupported media type.", {}),
    "invalid_input": (422, "Invalid input", "Expected `str`, got `int`", {"field": "name"}),
    "idempotency_key_reused": (422, "Invalid input", "This Idempotency-Key came before, with another request.", {}),
    "sso_failed": (
        422,
        "Invalid input",
        "The identity provider's server can't be reached.",
        {"reason": "unreachable"},
    ),
    "rate_limited": (429, "Too many requests", "Too many requests.", {"retry_after_s": 0.4}),
    "unavailable": (503, "Unavailable", "Something we need is away. Try again in a moment.", {"retry_after_s": 1}),
    "no_media_node": (503, "Unavailable", "No media node is free. Try again in a moment.", {"retry_after_s": 2}),
}
"""Code -> status, title, an example's detail and facts."""
OWN: dict[str, tuple[str, ...]] = {
    "createOrganization": ("plan_limit_reached",),
    "transferOrganization": ("plan_limit_reached",),
    "createRoom": ("plan_limit_reached",),
    "restoreRoom": ("plan_limit_reached",),
    "createWorkspace": ("plan_limit_reached",),
    "createInvitation": ("plan_limit_reached",),
    "resendInvitation": ("plan_limit_reached",),
    "acceptInvitation": ("plan_limit_reached", "not_found"),
    "acceptMyInvitation": ("plan_limit_reached",),
    "changeMember": ("plan_limit_reached",),
    "createApiToken": ("feature_not_in_plan", "plan_limit_reached"),
    "createWebhook": ("feature_not_in_plan", "plan_limit_reached"),
    "createSsoConnection": ("feature_not_in_plan", "plan_limit_reached", "sso_failed"),
    "changeSsoConnection": ("feature_not_in_plan", "sso_not_proven", "sso_failed"),
    "readSsoMetadata": ("feature_not_in_plan", "sso_failed"),
    "testSsoConnection": ("feature_not_in_plan", "sso_failed"),
    "addSsoDomain": ("feature_not_in_plan", "plan_limit_reached"),
    "verifySsoDomain": ("feature_not_in_plan",),
    "startSession": ("room_already_live", "no_media_node"),
    "joinSession": ("room_not_live", "plan_limit_reached", "no_media_node"),
    "endSession": ("room_not_live",),
    "postAlertStep": ("alert_over", "alert_not_filled", "alert_already_filled", "target_already_hit"),
}
"""What an operation may refuse with beside its kind's, by operation id."""
_ANYWHERE = ("method_not_allowed", "wrong_host", "internal", "refused")
"""Stand in no operation: what was asked is none of this document's, or the fault is ours."""


def codes_of(path: str, method: str, operation: dict[str, Any], *, has_get: bool) -> list[str]:
    """The codes an operation may answer.

    Args:
        path: of the operation.
        method: in lower case.
        operation: as the document describes it, with its `security` and `x-ability`.
        has_get: whether the path can be read, so that `If-Match` means something.
    """
    is_public = operation.get("security") == []
    codes = ["not_acceptable", "invalid_input", "rate_limited", "unavailable"]
    if not is_public:
        codes += ["unauthenticated", "forbidden"]
    if "{organization_id}" in path:
        codes += ["sso_required"]
    if "x-ability" in operation:
        # The plan may have lost its API access since the token was made.
        codes += ["feature_not_in_plan"]
    if "{" in path or is_public:
        codes += ["not_found"]
    if method != "get":
        codes += ["conflict"]
    if method in {"post", "patch", "put"}:
        codes += ["too_large", "unsupported_media_type"]
    if method == "delete":
        codes += ["too_large"]
    if method in {"patch", "put", "delete"} and has_get:
        codes += ["precondition_failed"]
    if any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", [])):
        codes += ["idempotency_key_reused", "request_in_flight"]
    codes += OWN.get(operation["operationId"], ())
    return sorted(dict.fromkeys(codes), key=list(CODES).index)


def add_problems(document: dict[str, Any]) -> None:
    """Give every operation its refusals, in place. document: an OpenAPI document whose operations are else finished."""
    document["components"]["examples"] = {code: _example(code) for code in CODES}
    refusals: dict[str, Any] = {
        "Refused": {"description": "Refused in another way; `code` says how.", "content": _problem([])}
    }
    document["components"]["responses"] = refusals
    for path, item in document["paths"].items():
        for method, operation in item.items():
            by_status: dict[str, list[str]] = {}
            for code in codes_of(path, method, operation, has_get="get" in item):
                by_status.setdefault(str(CODES[code][0]), []).append(code)
            responses = operation["responses"]
            for status, codes in by_status.items():
                # Hundreds of operations share a dozen refusals: each stands in the document once.
                key = "-".join((status, *codes))
                names = ", ".join(f"`{code}`" for code in codes)
                refusals[key] = {"description": f"{WORDS[status]} {names}", "content": _problem(codes)}
                responses[status] = {"$ref": f"{_RESPONSES}{key}"}
            responses["default"] = {"$ref": f"{_RESPONSES}Refused"}


def response_of(document: dict[str, Any], operation: dict[str, Any], status: str) -> dict[str, Any]:
    """What an operation says of a status, wherever it stands in the document; empty: nothing."""
    found: dict[str, Any] = operation["responses"].get(status, {})
    if "$ref" in found:
        found = document["components"]["responses"][found["$ref"].removeprefix(_RESPONSES)]
    return found


def is_documented(document: dict[str, Any], operation: dict[str, Any], status: int, code: str) -> bool:
    """Whether an operation says that it may answer so."""
    refusal = response_of(document, operation, str(status)).get("content", {}).get("application/problem+json", {})
    return code in _ANYWHERE or code in refusal.get("examples", {})


def _example(code: str) -> dict[str, Any]:
    status, title, detail, facts = CODES[code]
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, "facts": facts}
    return {"summary": code, "value": {**problem, "requestId": FIELDS["requestId"]}}


def _problem(codes: list[str]) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": {"$ref": PROBLEM_REF}}
    if codes:
        media["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    return {"application/problem+json": media}
