"""Examples of every body and answer of the OpenAPI document, made from one example of each field; a test validates them."""

from __future__ import annotations

from typing import Any

_AT = "2026-11-23T14:30:00Z"
_ID = "018f2b6c-7a00-7b5e-9c1d-2f4e6a8b0c11"
_PERSON = "018f2b6c-7a00-7d21-8f3a-5b7c9d1e2f40"
_ROOM = "018f2b6c-7a00-7c42-a6d8-0e1f2a3b4c5d"
_SESSION = "018f2b6c-7a00-7e93-b1c4-7d8e9f0a1b2c"
_ORGANIZATION = "018f2b6c-7a00-7a10-8d2e-3c4b5a697887"
_WORKSPACE = "018f2b6c-7a00-7f64-9e0d-1c2b3a495867"
_MESSAGE = "msg_018f2b6c7a007b5e9c1d2f4e6a8b0c11"
_ALERT = {
    "symbol": "AAPL",
    "side": "long",
    "entry": "181.20",
    "stop": "178.50",
    "targets": ["186.40", "190"],
    "note": "Above yesterday's high.",
}
_URL = "https://example.com/hooks"
_SSO = "https://rooms.example.com/auth/v1/sso/saml"
FIELDS: dict[str, Any] = {
    "abilities": ["rooms:read", "feed:read"],
    "acsUrl": f"{_SSO}/acs",
    "action": "room.created",
    "actorId": _PERSON,
    "actorKind": "user",
    "after": {"name": "Opening bell"},
    "allowed": 10,
    "archivedAt": None,
    "archivedRooms": 1,
    "auditRetentionDays": None,
    "authorId": _PERSON,
    "authorName": "Ada Park",
    "before": None,
    "body": _ALERT,
    "certificateExpiresAt": None,
    "certificates": [],
    "chatRetentionDays": 365,
    "clientId": "0oa1b2c3",
    "clientSecret": "from-the-provider",
    "code": "Jm3k9Qx2Vb7Rt5Yw8Zc1Nd4Hf6Lg0Ps",
    "count": 12,
    "createdBy": _PERSON,
    "credential": "c2VjcmV0",
    "declinedAt": None,
    "defaultRole": "viewer",
    "deletesAt": None,
    "description": "Stocks, every trading day from 9:15.",
    "detail": "The plan's limit for rooms is reached.",
    "disabledAt": None,
    "disabledReason": None,
    "displayName": "Ada Park",
    "domain": "example.com",
    "email": "ada@example.com",
    "endedAt": None,
    "entry": "181.20",
    "error": None,
    "event": "alert.posted",
    "events": ["alert.posted", "session.started"],
    "excerpt": "ok",
    "expiresAt": "2027-11-23T14:30:00Z",
    "expiresInS": 604800,
    "facts": {"limit": "rooms", "allowed": 3, "used": 3},
    "failedAt": None,
    "failingSince": None,
    "features": ["recording", "api_access"],
    "fraction": "0.5",
    "hasClientSecret": True,
    "hint": "9xYz",
    "idpCertificates": None,
    "idpEntityId": None,
    "idpMetadataUrl": None,
    "idpSsoUrl": None,
    "ip": "203.0.113.7",
    "isEnabled": True,
    "isEnforced": False,
    "isHost": True,
    "issuer": "https://login.example.com",
    "joinsMembers": True,
    "kind": "alert.posted",
    "lastError": None,
    "lastSeq": 42,
    "latencyMs": 84,
    "limit": "rooms",
    "liveRooms": 1,
    "liveSessionId": _SESSION,
    "maxHosts": 3,
    "maxRooms": 10,
    "maxStorageBytes": 25_000_000_000,
    "maxUses": 20,
    "maxViewersPerRoom": 200,
    "maxWorkspaces": 3,
    "members": 120,
    "messageId": _MESSAGE,
    "metadataError": None,
    "metadataReadAt": None,
    "metadataUrl": f"{_SSO}/metadata",
    "metadataXml": None,
    "name": "Opening bell",
    "nextCursor": None,
    "nextSessionAt": "2026-11-24T14:15:00Z",
    "note": _ALERT["note"],
    "objectId": _ROOM,
    "oldSecretUntil": None,
    "organizationId": _ORGANIZATION,
    "organizationName": "Acme Futures",
    "organizationRole": "viewer",
    "participantId": "018f2b6c-7a00-7b77-8c9d-4e5f6a7b8c9d",
    "password": "shown on the sign-in page",
    "planTier": "professional",
    "price": "186.40",
    "priceCents": 14_900,
    "recordName": "_tradingroom.example.com",
    "recordValue": "tradingroom-verify=Qx2Vb7Rt5Yw8",
    "redirectTo": "https://rooms.example.com/settings/sso",
    "redirectUri": "https://rooms.example.com/auth/v1/sso/callback",
    "requestId": "5f0c1c1e9b6e4c7c8a5e0d7e7c3b2a10",
    "role": "host",
    "roomId": _ROOM,
    "rtpCapabilities": {"codecs": [], "headerExtensions": []},
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "seq": 42,
    "sessionId": _SESSION,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "signalingUrl": "wss://signaling.example.com/signaling",
    "since": "2026-11-22T00:00:00Z",
    "slug": "opening-bell",
    "spEntityId": f"{_SSO}/metadata",
    "startedBy": _PERSON,
    "status": 200,
    "stop": _ALERT["stop"],
    "subject": "00u1b2c3",
    "subjectId": _ID,
    "subjectKind": "room",
    "symbol": "AAPL",
    "target": None,
    "targets": _ALERT["targets"],
    "text": "Good morning.",
    "timeZone": "America/New_York",
    "title": "Plan limit reached",
    "token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
    "tokenId": None,
    "trialEndsAt": "2026-12-07T14:30:00Z",
    "type": "about:blank",
    "url": _URL,
    "urls": ["turns:turn.example.com:443?transport=tcp"],
    "used": 3,
    "usedCount": 4,
    "userAgent": "curl/8.11.0",
    "userId": _PERSON,
    "username": "1764000000:viewer",
    "waitingText": "We begin at 9:15.",
    "watching": 87,
    "workspaceId": _WORKSPACE,
}
"""One example of each field whose name says what is in it. Others are taken from their schema."""
OWN: dict[str, dict[str, Any]] = {
    "AcceptedInvitation": {"role": "viewer"},
    "ApiTokenWithText": {"token": "trt_A1b2C3d4…"},
    "Catalogue": {
        "events": [{"name": "alert.posted", "description": "A trading alert was posted."}],
        "abilities": [{"name": "rooms:read", "description": "Read rooms and what is live in them."}],
    },
    "Deletion": {"name": "Acme Futures"},
    "NewAlertStep": {"kind": "trimmed"},
    "NewInvitation": {"role": "viewer", "email": None},
    "InvitationView": {"role": "viewer", "email": None},
    "InvitationWithCode": {"role": "viewer", "email": None},
    "MeView": {"id": _PERSON},
    "NewApiToken": {"name": "Journal"},
    "ApiTokenView": {"name": "Journal"},
    "NewOrganization": {"name": "Acme Futures"},
    "OrganizationChange": {"name": "Acme Futures", "slug": "acme-futures"},
    "OrganizationView": {"id": _ORGANIZATION, "name": "Acme Futures", "slug": "acme-futures", "role": "owner"},
    "RoomView": {"id": _ROOM, "state": "live"},
    "LiveNow": {"id": _SESSION},
    "LiveSessionView": {"id": _SESSION},
    "NewWebhook": {"description": "Journal"},
    "WebhookChanges": {"description": "Journal"},
    "WebhookView": {"description": "Journal"},
    "WebhookWithSecret": {"description": "Journal"},
    "NewWorkspace": {"name": "Futures"},
    "WorkspaceChanges": {"name": "Futures"},
    "WorkspaceView": {"id": _WORKSPACE, "name": "Futures", "slug": "futures"},
    "NewSsoConnection": {"kind": "oidc", "name": "Okta", "metadataUrl": None},
    "SsoConnectionChanges": {"name": "Okta", "isEnabled": True},
    "SsoConnectionView": {"kind": "oidc", "name": "Okta"},
    "SsoTestStarted": {"url": "https://login.example.com/authorize?client_id=0oa1b2c3"},
    "WebhookMessage": {"id": _MESSAGE, "type": "alert.posted"},
}
"""Fields of one schema that show something else."""
_LEFT_OUT = frozenset(
    ("id", "workspaceId", "target", "metadataUrl", "metadataXml", "idpEntityId", "idpSsoUrl", "idpCertificates")
)
"""Optional fields of bodies that an example goes without, unless it stands in OWN."""


def add_examples(document: dict[str, Any]) -> None:
    """Put an example beside every body and answer of JSON, in place. document: an OpenAPI document."""
    schemas = document["components"]["schemas"]
    for item in [*document["paths"].values(), *document.get("webhooks", {}).values()]:
        for operation in item.values():
            contents = [(operation.get("requestBody", {}), True)]
            contents += [(one, False) for status, one in operation["responses"].items() if status.startswith("2")]
            for part, is_body in contents:
                media = part.get("content", {}).get("application/json")
                if media is not None:
                    media["example"] = example_of(schemas, media["schema"], is_body=is_body)


def example_of(schemas: dict[str, Any], schema: dict[str, Any], *, is_body: bool) -> Any:
    """An example of a schema.

    Args:
        schemas: of the document, by name.
        schema: of the body or answer.
        is_body: whether somebody would send it: then what may be left out and is seldom given is left out.
    """
    name = schema.get("$ref", "").rpartition("/")[2]
    found = schemas[name] if name else schema
    if "properties" not in found:
        return _of_value(schemas, found)
    own, required = OWN.get(name, {}), set(found.get("required", []))
    shown = {
        field: part
        for field, part in found["properties"].items()
        if not (is_body and field in _LEFT_OUT - required and own.get(field) is None)
    }
    return {field: own[field] if field in own else _of_field(schemas, field, part) for field, part in shown.items()}


def _of_field(schemas: dict[str, Any], field: str, schema: dict[str, Any]) -> Any:
    reference = schema.get("$ref") or next((one["$ref"] for one in schema.get("oneOf", []) if "$ref" in one), None)
    found = schemas[reference.rpartition("/")[2]] if reference else schema
    if "properties" in found:
        return example_of(schemas, {"$ref": reference}, is_body=False)
    if "enum" in found and FIELDS.get(field, "") not in found["enum"]:
        return None if field in FIELDS and FIELDS[field] is None else found["enum"][0]
    return FIELDS[field] if field in FIELDS else _of_value(schemas, schema)


def _of_value(schemas: dict[str, Any], schema: dict[str, Any]) -> Any:
    """An example of what has no name of its own."""
    if "$ref" in schema:
        return example_of(schemas, schema, is_body=False)
    for way in ("oneOf", "anyOf"):
        if way in schema:
            return _of_value(schemas, schema[way][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_of_value(schemas, schema.get("items", {}))]
    by_format = {"uuid": _ID, "date-time": _AT}
    by_type = {"string": "text", "integer": 1, "number": 1, "boolean": True, "null": None}
    return by_format.get(schema.get("format", "")) or by_type.get(str(schema.get("type")), {})
