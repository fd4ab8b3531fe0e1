"""What an API token may do: one ability per noun and way, and which of them an operation needs.

A token acts as the person who made it: it may what its abilities and their role both allow, at the moment of use.
"""

from __future__ import annotations

from collections.abc import Iterable

from control_plane.domain.errors import Forbidden, InvalidInput

ABILITIES: dict[str, str] = {
    "organization:read": "Read the organization, its plan and its usage.",
    "organization:write": "Change the organization's settings.",
    "workspaces:read": "Read workspaces.",
    "workspaces:write": "Make, change and delete workspaces.",
    "rooms:read": "Read rooms and what is live in them.",
    "rooms:write": "Make, change, archive and delete rooms.",
    "sessions:write": "Start, join and end live sessions; who is in one sees who else is, and what they send.",
    "media:write": "Publish camera, screen and sound in live sessions.",
    "participants:write": "Remove people from live sessions.",
    "feed:read": "Read what was said in rooms: chat, alerts and their steps.",
    "chat:write": "Post chat messages.",
    "alerts:write": "Post alerts and their steps.",
    "members:read": "Read members and invitations.",
    "members:write": "Invite, change and remove members.",
    "audit:read": "Read and export the audit log.",
    "webhooks:read": "Read webhook endpoints and their deliveries.",
    "webhooks:write": "Make, change, test and replay webhooks.",
}
"""Name -> what it allows. Names are part of the API: more may come, none changes its meaning."""
_NOUNS = {
    "": "organization",
    "usage": "organization",
    "plan": "organization",
    "permissions": "organization",
    "retention": "organization",
    "workspaces": "workspaces",
    "rooms": "rooms",
    "members": "members",
    "invitations": "members",
    "audit": "audit",
    "audit-log": "audit",
    "webhooks": "webhooks",
}
"""First word of a path inside an organization -> its noun. What is not here is closed to tokens: tokens, ownership."""
_IN_ROOM = {
    "events": "feed",
    "messages": "chat",
    "alerts": "alerts",
    "start": "sessions",
    "join": "sessions",
    "end": "sessions",
    "roles": "members",
}
"""Word after a room -> its noun; anything else in a room belongs to the room."""
SOCKET: dict[str, str] = {
    "hello": "sessions:write",
    "transport.create": "sessions:write",
    "transport.connect": "sessions:write",
    "transport.restartIce": "sessions:write",
    "producer.create": "media:write",
    "producer.pause": "media:write",
    "producer.resume": "media:write",
    "producer.close": "media:write",
    "consumer.create": "sessions:write",
    "consumer.resume": "sessions:write",
    "consumer.pause": "sessions:write",
    "consumer.setPreferredLayers": "sessions:write",
    "consumer.setPriority": "sessions:write",
    "media.moved": "sessions:write",
    "chat.post": "chat:write",
    "alert.post": "alerts:write",
    "alert.step": "alerts:write",
    "feed.read": "feed:read",
    "participant.remove": "participants:write",
    "session.renew": "sessions:write",
    "room.leave": "sessions:write",
}
"""Method of the live socket -> the ability it needs. What is not here is closed to tokens, and fails a test."""

EVENTS: dict[str, str] = {
    "room.role_changed": "members:read",
    "room": "rooms:read",
    "session": "rooms:read",
    "alert": "feed:read",
    "member": "members:read",
    "invitation": "members:read",
    "workspace": "workspaces:read",
    "organization": "organization:read",
}
"""Webhook event, or its first word -> the ability that reads what it tells. What is not here no token may be sent."""


def ability_to_read(event: str) -> str | None:
    """What reading a webhook event takes; None: no token may. event: a name of `domain.webhooks.EVENTS`."""
    return EVENTS.get(event) or EVENTS.get(event.partition(".")[0])


def ability_for(method: str, rest: str) -> str | None:
    """The ability an operation needs.

    Args:
        method: GET or another.
        rest: the path inside the organization, without the slash before it: "" or "rooms/018f…/alerts".

    Returns:
        One of ABILITIES; None: no token may do this.
    """
    words = rest.split("/")
    noun = _NOUNS.get(words[0])
    if noun == "rooms" and len(words) > 2:
        noun = _IN_ROOM.get(words[2], "rooms")
    if noun == "organization" and rest == "" and method == "DELETE":
        return None
    name = f"{noun}:{'read' if method in {'GET', 'HEAD'} else 'write'}"
    return name if name in ABILITIES else None


def require_ability(held: frozenset[str], method: str, rest: str | None) -> None:
    """Refuse a token what it may not do.

    Args:
        held: the token's abilities.
        method: of the request.
        rest: see `ability_for`; None: the path lies in no organization, where no token acts.

    Raises:
        Forbidden: facts name the ability that is missing, null when no token may do this.
    """
    needed = None if rest is None else ability_for(method, rest)
    if needed is None:
        raise Forbidden("An API token can't do this. Sign in as a person.", ability=None)
    if needed not in held:
        raise Forbidden("This API token does not hold the ability.", ability=needed)


def holds(held: frozenset[str] | None, ability: str) -> bool:
    """Whether who is in a live session may do what needs this ability. held: of their API token; None: a person."""
    return held is None or ability in held


def require_on_socket(held: frozenset[str] | None, method: str) -> None:
    """Refuse a token what it may not do over the live socket.

    Args:
        held: see `holds`.
        method: of the request.

    Raises:
        Forbidden: facts name the ability that is missing, null when no token may do this.
    """
    needed = SOCKET.get(method)
    if held is not None and (needed is None or needed not in held):
        raise Forbidden("This API token does not hold the ability.", ability=needed)


def require_events(held: frozenset[str], events: Iterable[str]) -> None:
    """Refuse a token events whose things it could not read by the API, either.

    Raises:
        Forbidden: facts name the ability that is missing, null when no token may read one of them.
    """
    for event in sorted(events):
        needed = ability_to_read(event)
        if needed not in held:
            words = "This API token does not hold the ability to read what the event tells."
            raise Forbidden(words, ability=needed, event=event)


def check_abilities(names: Iterable[str]) -> list[str]:
    """The abilities of a new token, sorted, each once. Raises InvalidInput: none, or one that does not exist."""
    wanted = sorted(set(names))
    unknown = [name for name in wanted if name not in ABILITIES]
    if unknown or not wanted:
        words = "Name at least one ability." if not wanted else "There is no such ability."
        raise InvalidInput(words, field="abilities", unknown=unknown)
    return wanted
