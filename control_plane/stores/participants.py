"""Participants: who is let into a live session, who is in it, who is gone.

Every way in is one statement, so that two sockets with one token, or a token and an end, can't both win.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.callers import JoinClaims
from control_plane.domain.ids import LiveSessionId, OrganizationId, ParticipantId, UserId
from control_plane.domain.participants import Participant, grant_for
from control_plane.domain.roles import Role
from control_plane.domain.rooms import LiveSession
from control_plane.stores.database import Rows, Transaction
from control_plane.stores.live_sessions import live_session


class Welcomed(msgspec.Struct, frozen=True, kw_only=True):
    """What a welcome finds. generation: the new one. was_left_at: set when they had gone or were taken for lost."""

    participant: Participant
    live_session: LiveSession
    room_name: str
    plan_tier: str
    generation: int
    was_left_at: datetime | None


def _participant(row: Rows) -> Participant:
    role = Role(row["role"])
    return Participant(
        id=ParticipantId(row["participant_id"]),
        user_id=UserId(row["user_id"]),
        display_name=row["display_name"],
        role=role,
        grant=grant_for(role),
    )


_WELCOME = """
    with old as (
        select id, left_at from participants
        where id = $1 and live_session_id = $2 and removed_at is null and {condition} for update
    )
    update participants p
    set join_nonce = null, generation = p.generation + 1, left_at = null,
        joined_at = coalesce(p.joined_at, $4), role = m.role
    from old, live_sessions s, rooms r, organizations o, memberships m
    where p.id = old.id and s.id = p.live_session_id and s.ended_at is null and r.id = s.room_id
        and o.id = p.organization_id and m.organization_id = p.organization_id and m.user_id = p.user_id
    returning p.id as participant_id, p.user_id, p.display_name, p.role, p.generation, old.left_at as was_left_at,
        s.id, s.organization_id, s.room_id, s.node_id, s.epoch, s.started_by, s.started_at, s.ended_at,
        r.name as room_name, o.plan_tier
"""
_ADMIT = _WELCOME.format(condition="join_nonce = $3")
_RESUME = _WELCOME.format(condition="generation = $3")


async def upsert_joining(
    tx: Transaction,
    *,
    participant_id: ParticipantId,
    organization_id: OrganizationId,
    live_session_id: LiveSessionId,
    user_id: UserId,
    display_name: str,
    role: Role,
    nonce: str,
    now: datetime,
) -> ParticipantId | None:
    """Write who may come in with this nonce; a person who was here before keeps their row and id.

    Returns:
        The row's id; None when the session is over or they were removed.
    """
    row = await tx.fetchrow(
        """
        insert into participants (id, organization_id, live_session_id, user_id, display_name, role, join_nonce, created_at)
        select $1, s.organization_id, s.id, $4, $5, $6, $7, $8 from live_sessions s
        where s.organization_id = $2 and s.id = $3 and s.ended_at is null
        on conflict (live_session_id, user_id) do update
            set display_name = excluded.display_name, role = excluded.role, join_nonce = excluded.join_nonce
            where participants.removed_at is null
        returning id
        """,
        participant_id,
        organization_id,
        live_session_id,
        user_id,
        display_name,
        role.value,
        nonce,
        now,
    )
    return None if row is None else ParticipantId(row["id"])


async def find_own(
    tx: Transaction, live_session_id: LiveSessionId, user_id: UserId
) -> tuple[ParticipantId, datetime | None] | None:
    """A person's row in a session and when they were removed; None when they never joined."""
    row = await tx.fetchrow(
        "select id, removed_at from participants where live_session_id = $1 and user_id = $2", live_session_id, user_id
    )
    return None if row is None else (ParticipantId(row["id"]), row["removed_at"])


async def welcome(tx: Transaction, claims: JoinClaims, *, is_resume: bool, now: datetime) -> Welcomed | None:
    """Use up a join token's nonce, or a resume token's generation, and count one welcome more.

    Returns:
        None when it was used before, or the person is no longer a member, was removed, or the session is over.
    """
    key: object = claims.generation if is_resume else claims.nonce
    row = await tx.fetchrow(_RESUME if is_resume else _ADMIT, claims.participant_id, claims.live_session_id, key, now)
    if row is None:
        return None
    return Welcomed(
        participant=_participant(row),
        live_session=live_session(row),
        room_name=row["room_name"],
        plan_tier=row["plan_tier"],
        generation=row["generation"],
        was_left_at=row["was_left_at"],
    )


async def undo_welcome(tx: Transaction, claims: JoinClaims, welcomed: Welcomed, *, is_resume: bool) -> None:
    """Take a welcome back, so that the token may be tried again; nothing happens when a newer one came meanwhile."""
    await tx.execute(
        "update participants set generation = generation - 1, left_at = $3, "
        "join_nonce = coalesce(join_nonce, $4) where id = $1 and generation = $2",
        claims.participant_id,
        welcomed.generation,
        welcomed.was_left_at,
        None if is_resume else claims.nonce,
    )


async def mark_left(tx: Transaction, claims: JoinClaims, now: datetime) -> bool:
    """They went. False when they came back meanwhile (a newer generation) or were marked before."""
    count = await tx.execute(
        "update participants set left_at = $3 where id = $1 and generation = $2 and left_at is null",
        claims.participant_id,
        claims.generation,
        now,
    )
    return count == 1


async def mark_lost(
    tx: Transaction, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId], now: datetime
) -> list[ParticipantId]:
    """These are held by nobody. Answers those who were still thought present."""
    rows = await tx.fetch(
        "update participants set left_at = $3 where live_session_id = $1 and id = any($2::uuid[]) "
        "and left_at is null and generation > 0 returning id",
        live_session_id,
        list(participant_ids),
        now,
    )
    return [ParticipantId(row["id"]) for row in rows]


async def find_role(tx: Transaction, live_session_id: LiveSessionId, participant_id: ParticipantId) -> Role | None:
    """The role of someone who ever came into this session; None for a stranger."""
    role: str | None = await tx.fetchval(
        "select role from participants where live_session_id = $1 and id = $2", live_session_id, participant_id
    )
    return None if role is None else Role(role)


async def mark_removed(tx: Transaction, participant_id: ParticipantId, now: datetime) -> bool:
    """Put out for the rest of the session. False when that was done before."""
    count = await tx.execute(
        "update participants set removed_at = $2, left_at = coalesce(left_at, $2), join_nonce = null "
        "where id = $1 and removed_at is null",
        participant_id,
        now,
    )
    return count == 1


async def list_present(
    tx: Transaction, organization_id: OrganizationId, live_session_id: LiveSessionId
) -> list[Participant]:
    """Everyone who was welcomed and has not gone, in the order of their coming."""
    rows = await tx.fetch(
        "select id as participant_id, user_id, display_name, role from participants where organization_id = $1 "
        "and live_session_id = $2 and generation > 0 and left_at is null and removed_at is null order by joined_at, id",
        organization_id,
        live_session_id,
    )
    return [_participant(row) for row in rows]


async def is_session_over(tx: Transaction, live_session_id: UUID) -> bool:
    """After a refused welcome: whether the session is over (or gone); otherwise the token is to blame."""
    is_live: bool | None = await tx.fetchval(
        "select ended_at is null from live_sessions where id = $1", live_session_id
    )
    return not is_live
