"""Webhooks out: which events there are, how they are signed, and where they may be sent.

Signed as Standard Webhooks says (standardwebhooks.com, specification 1.0): HMAC-SHA256 over `id.timestamp.body`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from control_plane.domain.errors import InvalidInput
from control_plane.domain.ids import OrganizationId
from control_plane.domain.outbox import OutboxPolicy

EVENTS: dict[str, str] = {
    "room.created": "A room was made.",
    "room.changed": "A room's name, settings or schedule changed.",
    "room.archived": "A room was archived.",
    "room.restored": "A room was taken back from the archive.",
    "room.deleted": "A room was deleted.",
    "room.role_changed": "A member got, changed or lost a role of their own in a room.",
    "session.started": "A live session began.",
    "session.ended": "A live session ended.",
    "alert.posted": "A trading alert was posted.",
    "alert.stepped": "Something happened to an alert: filled, trimmed, a target hit, closed and so on.",
    "member.joined": "A person became a member.",
    "member.changed": "A member's role changed.",
    "member.removed": "A member was removed.",
    "member.left": "A member left.",
    "invitation.created": "An invitation was made.",
    "invitation.revoked": "An invitation was revoked.",
    "workspace.created": "A workspace was made.",
    "workspace.changed": "A workspace changed.",
    "workspace.deleted": "A workspace was deleted.",
    "organization.changed": "The organization's name or settings changed.",
}
"""Name -> what happened. Names are part of the API: more may come."""
ALL = "*"
"""Subscribes to every event there is and will be."""
PING = "webhook.ping"
"""Sent when somebody asks for a test; nobody subscribes to it."""
KIND = "webhook"
"""Of the outbox."""
POLICY = OutboxPolicy(max_attempts=17, first_s=2.0, longest_s=10_800.0)
"""2 s, 8 s, … 2.3 h, then every 3 h: a day and a quarter in all; at least 21 h with the spread."""
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, no secret
ROTATION_OVERLAP = timedelta(hours=24)
"""How long the old secret signs too after a rotation."""
FAILING_MAX = timedelta(hours=24)
"""An endpoint that answered nothing good for so long is switched off."""
ENDPOINTS_MAX = 20
"""Of one organization."""
EXCERPT_LENGTH = 500
"""Characters of an answer that are kept."""
REPLAY_MAX = 1000
"""Deliveries that one replay sends again at most."""
_NAT64 = IPv6Network("64:ff9b::/96")
_REFUSED = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "168.63.129.16/32",  # a cloud's own service behind a public address
        "64:ff9b:1::/48",  # local NAT64 (RFC 8215)
        "2001::/23",  # IETF protocol assignments, Teredo in them
        "2002::/16",  # 6to4
        "fec0::/10",  # site-local, long dead (RFC 3879)
        "3fff::/20",  # for documentation (RFC 9637)
        "::/96",  # IPv4-compatible, long dead
    )
)


class DisabledReason(StrEnum):
    """Why an endpoint is off: by hand, it failed for FAILING_MAX, it answered 410, or who stood for it may not any more."""

    BY_HAND = "by_hand"
    FAILING = "failing"
    GONE = "gone"
    MAKER_GONE = "maker_gone"


class WebhookEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where events are sent. secret, old_secret: sealed. disabled_at: None while it is on.

    created_by: who stands for it: made it, or changed its address or switched it on since.
    """

    id: UUID
    organization_id: OrganizationId
    created_by: UUID
    url: str
    description: str
    events: list[str]
    secret: bytes
    old_secret: bytes | None
    old_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One try. status: the HTTP answer's; None: there was none, and error says why. excerpt: of the answer's body."""

    at: datetime
    status: int | None
    latency_ms: int
    excerpt: str
    error: str | None


class WebhookDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint. body: as signed. event_id: the same for all endpoints, and for every repeat."""

    id: UUID
    organization_id: OrganizationId
    endpoint_id: UUID
    event_id: UUID
    event: str
    object_id: UUID
    body: str
    created_at: datetime
    delivered_at: datetime | None
    failed_at: datetime | None
    attempts: list[Attempt]


def message_body(  # noqa: PLR0917 - the fields of one message
    event_id: UUID, event: str, organization_id: OrganizationId, object_id: UUID, at: datetime, data: dict[str, Any]
) -> str:
    """What is sent, JSON."""
    return msgspec.json.encode(
        {
            "id": message_id(event_id),
            "type": event,
            "timestamp": at,
            "organizationId": organization_id,
            "objectId": object_id,
            "data": data,
        }
    ).decode()


def message_id(event_id: UUID) -> str:
    """`webhook-id`: a receiver that has seen it has seen the event."""
    return f"msg_{event_id.hex}"


def write_secret(raw: bytes) -> str:
    """A secret as it is shown."""
    return SECRET_PREFIX + base64.b64encode(raw).decode()


def sign(secrets: Iterable[bytes], event_id: UUID, timestamp: int, body: str) -> str:
    """`webhook-signature`: one `v1,…` per secret, separated by spaces.

    Args:
        secrets: raw, the newest first.
        event_id: of the message.
        timestamp: Unix seconds of this attempt.
        body: as sent.
    """
    content = f"{message_id(event_id)}.{timestamp}.{body}".encode()
    return " ".join(
        "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode() for secret in secrets
    )


def check_events(names: Iterable[str]) -> list[str]:
    """The events of an endpoint, sorted, each once. Raises InvalidInput: none, or one that does not exist."""
    wanted = sorted(set(names))
    unknown = [name for name in wanted if name not in EVENTS and name != ALL]
    if not wanted or unknown:
        words = "There is no such event." if unknown else "Name at least one event."
        raise InvalidInput(words, field="events", unknown=unknown)
    return wanted


def events_of(names: Iterable[str]) -> set[str]:
    """Every event that these names of an endpoint stand for."""
    wanted = set(names)
    return set(EVENTS) if ALL in wanted else wanted


def check_url(url: str, *, allows_private: bool) -> str:
    """An endpoint's address, if it may be one; where its name leads is looked at for every attempt.

    Args:
        url: as typed.
        allows_private: development: http:// is fine too.

    Raises:
        InvalidInput: no https address, or with a user, a password or a fragment.
    """
    schemes = {"https", "http"} if allows_private else {"https"}
    try:
        parts = urlsplit(url)
        is_good = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        is_good = False
    if not is_good or len(url) > 2000 or not url.isascii() or any(ord(sign) <= 32 for sign in url):
        raise InvalidInput("This is no address of a web server.", field="url")
    if parts.scheme not in schemes or parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput("An endpoint is an https:// address without a user or fragment.", field="url")
    return url


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is somebody's on the internet, and not ours or a neighbour's.

    IPv4 inside IPv6 (mapped, NAT64) counts as the IPv4 it stands for; tunnels (6to4, Teredo) are refused whole.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    if any(address.version == network.version and address in network for network in _REFUSED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def is_delivered(status: int | None) -> bool:
    """Whether an answer says that it was taken."""
    return status is not None and 200 <= status < 300
