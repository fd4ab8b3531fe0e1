"""What the OpenAPI document says about paths, schemas and fields; a test finds what has no words."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from control_plane.rest.wire import Body, View

PATHS = {
    "organization_id": "The organization. Another tenant's is answered as one that does not exist.",
    "workspace_id": "The workspace.",
    "room_id": "The room.",
    "alert_id": "The alert: `subjectId` of its entry in the feed.",
    "user_id": "The person's user id.",
    "invitation_id": "The invitation.",
    "token_id": "The API token's id, not its text.",
    "webhook_id": "The webhook endpoint.",
    "delivery_id": "The delivery.",
    "connection_id": "The connection to an identity provider.",
    "domain_id": "The mail domain.",
    "identity_id": "The link between a person and the provider.",
}
"""Parameters of paths."""
FIELDS = {
    "abilities": "What it may do; names of `GET /api/v1/catalogue`.",
    "acsUrl": "SAML: where the provider sends its answers.",
    "action": "What was done, such as `room.created`.",
    "actorId": "The person; null for what the platform did by itself.",
    "actorKind": "What acted.",
    "after": "What it was changed to; null when it was taken away.",
    "allowed": "The plan's limit; null: none.",
    "archivedAt": "When it was archived; null while it is in use.",
    "archivedRooms": "Rooms in the archive; they count against no limit.",
    "at": "When.",
    "attempts": "Every try, oldest first.",
    "auditRetentionDays": "Days the audit log is kept, 365 or more; null: everything is kept.",
    "authorId": "Who wrote it.",
    "authorName": "Their name then.",
    "before": "What it was before; null when there was nothing.",
    "certificateExpiresAt": "SAML: when the provider's first certificate ends; null: not known.",
    "certificates": "SAML: certificates the provider may sign with.",
    "chatRetentionDays": "Days chat is kept; null: everything is kept.",
    "checkedAt": "When the DNS was asked last; null: never.",
    "clientId": "OIDC: our client id at the provider.",
    "clientSecret": "OIDC: our client secret; never answered.",
    "code": "The invitation's code.",
    "count": "How many.",
    "createdAt": "When it was made.",
    "createdBy": "Who made it, and as whom it acts.",
    "credential": "TURN password.",
    "declinedAt": "When the person said no; null: they did not.",
    "defaultRole": "Role of those who become members by it.",
    "deletesAt": "When it is erased; null: nobody asked for that.",
    "deliveredAt": "When it was taken; null: not yet, or never.",
    "description": "Words for people.",
    "detail": "One sentence for people; it may change.",
    "disabledAt": "When it was switched off; null: it is on.",
    "disabledReason": "Why it is off; null: it is on.",
    "displayName": "The name they are shown by.",
    "domain": "A mail domain, such as `example.com`.",
    "email": "E-mail address.",
    "endedAt": "When it ended; null while it is live.",
    "entry": "Price to come in at.",
    "error": "Why there was no answer; null: there was one.",
    "event": "Which event.",
    "events": "Which events; `*` for all there are and will be.",
    "excerpt": "The beginning of what the receiver answered.",
    "expiresAt": "When it ends; null: never.",
    "expiresInS": "Seconds until it ends; 7 days when not given.",
    "facts": "Details a program may act on; which ones depends on the code.",
    "failedAt": "When it was given up; null: it was not.",
    "failingSince": "Since when nothing was taken; null: all is well.",
    "features": "What the plan holds: `recording`, `sso`, `api_access`.",
    "fraction": "`trimmed`: how much of what is left, between 0 and 1.",
    "hasApiAccess": "Whether it holds API tokens and webhooks.",
    "hasClientSecret": "Whether a client secret is kept.",
    "hasRecording": "Whether it holds recording.",
    "hasSso": "Whether it holds single sign-on.",
    "hint": "Its last characters, to tell tokens apart.",
    "iceServers": "TURN servers; empty when none is needed.",
    "id": "Its id.",
    "idpCertificates": "SAML: the provider's certificates, PEM or base64.",
    "idpEntityId": "SAML: the provider's entity id.",
    "idpMetadataUrl": "SAML: where its metadata is read again every day; null: it was not named by an address.",
    "idpSsoUrl": "SAML: where people are sent to sign in.",
    "ip": "From which address; null when it is not known or was erased.",
    "isEnabled": "Whether it is on.",
    "isEnforced": "Whether members must come in by it.",
    "isHost": "Whether they count against the plan's hosts.",
    "issuer": "OIDC: the provider's issuer, an https address.",
    "items": "This page.",
    "joinedAt": "When they became a member.",
    "joinsMembers": "Whether people of proven domains become members when they first come in by it.",
    "kind": "Which kind.",
    "lastError": "Why the newest try failed; null: it did not.",
    "lastSeq": "Number of the newest entry of the room's feed; 0: there is none.",
    "lastSignInAt": "When they came in by it last; null: not yet.",
    "lastUsedAt": "When it was used last, to five minutes; null: never.",
    "latencyMs": "How long the answer took, milliseconds.",
    "limit": "Name of the limit.",
    "limits": "Every counted limit of the plan.",
    "linkedAt": "When they came by it first.",
    "liveRooms": "Rooms that are live now.",
    "liveSession": "What runs in it now; null: nothing.",
    "liveSessionId": "The live session.",
    "maxHosts": "Members who may host; null: no limit.",
    "maxRooms": "Rooms in use; null: no limit.",
    "maxStorageBytes": "Bytes of files and recordings; null: no limit.",
    "maxUses": "How many may come in by it; null: no limit.",
    "maxViewersPerRoom": "Viewers in a live room at once; null: no limit.",
    "maxWorkspaces": "Workspaces; null: no limit.",
    "members": "How many members there are.",
    "messageId": "The `webhook-id` header of its messages, the same for every try.",
    "metadataError": "SAML: why the newest reading of the metadata brought nothing; null: it did.",
    "metadataReadAt": "SAML: when the metadata was read last; null: never.",
    "metadataUrl": "SAML: address of the metadata.",
    "metadataXml": "SAML: the provider's metadata itself.",
    "name": "Its name.",
    "nextCursor": "`cursor` of the next page; null: this was the last.",
    "nextSessionAt": "When it goes on; null: not known.",
    "note": "Words beside the alert.",
    "objectId": "What the event is about: events of one object come in order.",
    "oldSecretUntil": "Until then messages are signed with the former secret, too; null: there is none.",
    "organization": "The organization.",
    "organizationId": "The organization it belongs to.",
    "organizationName": "Its name.",
    "organizationRole": "Their role everywhere else.",
    "organizations": "Where the caller is a member.",
    "participantId": "The caller's id in the live session.",
    "password": "The password.",
    "people": "Who may be.",
    "permissions": "What the role may do.",
    "planTier": "The plan.",
    "price": "The price it happened at; left out: the alert's own.",
    "priceCents": "A month, in US cents; null: negotiated.",
    "recordName": "Name of the TXT record that proves the domain.",
    "recordValue": "Its value.",
    "redirectTo": "A page of the web app, which is told how it went.",
    "redirectUri": "OIDC: where the provider sends people back to.",
    "requestId": "Names the request; quote it when you ask us.",
    "role": "The role.",
    "roomId": "The room.",
    "rtpCapabilities": "For mediasoup-client's `Device.load`.",
    "secret": "Signs what is sent to you; shown this once.",
    "seq": "Its number in the room: 1, 2, 3 and so on without a gap.",
    "sessionId": "The sign-in it was done by; null: by a token, or by none.",
    "sha256": "Its fingerprint, hexadecimal.",
    "side": "Which way the idea goes.",
    "signalingUrl": "Where to open the socket.",
    "since": "From when on, with a time zone.",
    "slug": "Its name in addresses: lower-case letters, digits and hyphens.",
    "spEntityId": "SAML: our entity id at the provider.",
    "startedAt": "When it began.",
    "startedBy": "Who started it.",
    "state": "Whether something runs in it now.",
    "status": "HTTP status.",
    "stop": "Price to get out at with a loss; null: none.",
    "subject": "What the provider calls them.",
    "subjectId": "What it is about.",
    "subjectKind": "What kind of thing it is about, such as `room`.",
    "symbol": "The instrument, such as `AAPL`.",
    "target": "`target_hit`: which one, from 1.",
    "targets": "Prices to get out at with a gain, nearest first.",
    "text": "What is said.",
    "tier": "The plan's name.",
    "timeZone": "Zone to show `nextSessionAt` in, such as `America/New_York`; null: not known.",
    "timestamp": "When it happened.",
    "title": "The status in words.",
    "token": "The token.",
    "tokenId": "The API token it was done by; null: by none.",
    "trialEndsAt": "When the trial ends or ended; null: there was none.",
    "type": "Which event.",
    "updatedAt": "When it was changed last.",
    "url": "An https address.",
    "urls": "Addresses of the server.",
    "used": "How much is used now; null: nothing counts it yet.",
    "usedCount": "How many came in by it.",
    "userAgent": "With which program; null when it is not known or was erased.",
    "userId": "The person.",
    "username": "TURN user.",
    "verifiedAt": "When the domain was proven; null: it is not.",
    "waitingText": "What people read while the room is not live.",
    "watching": "Viewers in it now.",
    "whoMayChat": "Who may write in it.",
    "workedAt": "When somebody came in by it, or tested it; null: never, and then it can't be enforced.",
    "workspaceId": "The workspace it is in.",
}
"""What a field means wherever it stands."""
OWN = {
    ("Problem", "code"): "Stable: switch on it.",
    ("Problem", "type"): "Always `about:blank`.",
    ("Catalogue", "abilities"): "What API tokens may be given.",
    ("Catalogue", "events"): "What webhooks may ask for.",
    ("NewApiToken", "expiresAt"): "When it shall end; null: never.",
    ("JoinView", "token"): "For the `hello` of the socket: 30 seconds, one use.",
    ("ApiTokenWithText", "token"): "Its text, `trt_…`; shown this once.",
    ("InvitationWithCode", "code"): "Its code; shown this once.",
    (
        "NewInvitation",
        "email",
    ): "It is mailed there, good once and for that address only; null: for whoever has the link.",
    ("InvitationView", "email"): "Whom it is for; null: whoever has the link.",
    ("InvitationWithCode", "email"): "Whom it is for; null: whoever has the link.",
    ("InvitationView", "expiresAt"): "When it ends.",
    ("InvitationWithCode", "expiresAt"): "When it ends.",
    ("OwnInvitationView", "expiresAt"): "When it ends.",
    ("SamlCertificateView", "expiresAt"): "When it says that it ends; that decides nothing.",
    ("Deletion", "name"): "The organization's name, typed, so that nobody deletes the wrong one.",
    ("Erasure", "email"): "One's own address, typed, so that nobody is erased by a slip.",
    ("Transfer", "userId"): "An admin, who becomes the owner.",
    ("FeedEventView", "body"): "What was said; its fields depend on `kind`.",
    ("FeedEventView", "kind"): "`chat.posted`, `alert.posted` or `alert.stepped`; more may come.",
    ("FeedEventView", "subjectId"): "The message or alert.",
    ("FeedPage", "nextCursor"): "Always null: a feed is paged by `after`.",
    ("DeliveryView", "body"): "What was sent.",
    ("Attempt", "status"): "What the receiver answered; null: nothing.",
    ("WebhookMessage", "id"): "As the header `webhook-id`: the same for every repeat.",
    ("WebhookMessage", "data"): "What happened; its fields depend on `type`.",
    ("MeView", "id"): "The caller's user id.",
    ("LiveNow", "id"): "The live session.",
    ("SsoPersonView", "id"): "The link's id.",
    ("NewSsoConnection", "metadataUrl"): "SAML: where the provider's metadata is read, now and every day.",
    ("SsoConnectionChanges", "metadataUrl"): "SAML: where the provider's metadata is read, now and every day.",
    ("SsoConnectionView", "metadataUrl"): "SAML: where our own metadata is, for the provider.",
}
"""Where a field means something else, or more."""
SCHEMAS = {
    "Attempt": "One try to deliver.",
    "IceServer": "One entry of RTCConfiguration.iceServers, as browsers take it.",
}
"""Parts of answers that are not the REST door's own."""
_MADE_BY_CALLER = "Made by you, a UUID, so that a repeat is harmless; made by us when not given."


def describe(document: dict[str, Any]) -> None:
    """Give paths, schemas and fields their words, in place. document: an OpenAPI document."""
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"] in PATHS:
                    parameter["description"] = PATHS[parameter["name"]]
    kinds = _kinds()
    for name, schema in document["components"]["schemas"].items():
        if name in SCHEMAS:
            schema["description"] = SCHEMAS[name]
        kind = kinds.get(name)
        if kind is not None and kind.__doc__:
            schema.setdefault("description", re.sub(r"\s+", " ", kind.__doc__).strip())
        is_body = kind is not None and issubclass(kind, Body)
        for field, part in schema.get("properties", {}).items():
            words = _MADE_BY_CALLER if is_body and field == "id" else OWN.get((name, field)) or FIELDS.get(field)
            if words is not None:
                # Beside a reference a description is read in OpenAPI 3.1 (JSON Schema 2020-12, 8.2.3.1).
                part["description"] = words


def _kinds() -> dict[str, type[Struct]]:
    """Our bodies and answers by name."""
    found: dict[str, type[Struct]] = {}
    waiting: list[type[Struct]] = [Body, View]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            found[kind.__name__] = kind
            waiting.append(kind)
    return found
