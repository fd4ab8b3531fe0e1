"""Who is asking, and who they are once a room let them in."""

from __future__ import annotations

from uuid import UUID

import msgspec

from control_plane.domain.ids import LiveSessionId, OrganizationId, ParticipantId, RoomId, UserId


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking, from a verified access token. session_id: the sign-in it belongs to."""

    user_id: UserId
    email: str
    display_name: str
    session_id: UUID | None


class JoinClaims(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What join and resume tokens carry.

    nonce: one-use secret of a join token; generation: counts a participant's welcomes, for resume tokens.
    """

    organization_id: OrganizationId
    room_id: RoomId
    live_session_id: LiveSessionId
    participant_id: ParticipantId
    nonce: str = ""
    generation: int = 0
