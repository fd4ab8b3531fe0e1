"""Who is asking, and who they are once a room let them in."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, ParticipantId, RoomId, UserId


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from, for the audit log. ip: as the proxies we trust told it."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, from a verified access token or API token.

    session_id: the sign-in an access token belongs to; sso_connection_id: by which connection that came. token_id: the API
    token, which acts as the person who made it, only in its organization_id, and only with its abilities
    (domain/abilities.py); None, None and empty for a person. expires_at: when what they call by ends, where that ends
    sockets too: an API token, or a token of another issuer, whose sign-ins are not ours to ask about; None: it does not.
    """

    user_id: UserId
    email: str
    display_name: str
    session_id: UUID | None
    sso_connection_id: UUID | None = None
    token_id: UUID | None = None
    organization_id: OrganizationId | None = None
    abilities: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    origin: Origin | None = None


class JoinClaims(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What join and resume tokens carry.

    nonce: one-use secret of a join token; generation: counts a participant's welcomes, for resume tokens. sign_in_id: the
    sign-in that joined; None when it was no browser's (an API token's); sso_connection_id: by which connection that came.
    token_id: the API token that joined; None: it was a person. expires_at: see `Caller`; socket and resume end with it.
    edge_node_id: the media node that serves them, when it is not the session's own; of resume tokens.
    """

    organization_id: OrganizationId
    room_id: RoomId
    live_session_id: LiveSessionId
    participant_id: ParticipantId
    nonce: str = ""
    generation: int = 0
    sign_in_id: UUID | None = None
    sso_connection_id: UUID | None = None
    token_id: UUID | None = None
    expires_at: datetime | None = None
    edge_node_id: NodeId | None = None
