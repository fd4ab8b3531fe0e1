"""Participants: who is let into a live session, who is in it, who is gone.

Every way in is one statement, so that two sockets with one token, or a token and an end, can't both win.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.callers import JoinClaims
from control_plane.domain.ids import LiveSessionId, OrganizationId, ParticipantId, RoomId, UserId
from control_plane.domain.participants import Participant, grant_for
from control_plane.domain.roles import Role
from control_plane.domain.rooms import LiveSession, WhoMayChat
from control_plane.stores.database import Rows, Transaction
from control_plane.stores.live_sessions import live_session


class Welcomed(msgspec.Struct, frozen=True, kw_only=True):
    """What a welcome finds. overrides: of the plan's limits.

    generation: the new one. was_left_at: set when they had gone or were taken for lost.
    """

    participant: Participant
    live_session: LiveSession
    room_name: str
    plan_tier: str
    overrides: dict[str, Any]
    generation: int
    was_left_at: datetime | None


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A room as somebody stands before it. live: None when idle. overrides: of the plan's limits.

    was_removed: from this run. rtp_capabilities: of its node's routers, sealed JSON; None: the node is not known (any more).
    """

    live: LiveSession | None
    plan_tier: str
    overrides: dict[str, Any]
    was_removed: bool
    rtp_capabilities: str | None


def _overrides(row: Rows) -> dict[str, Any]:
    return {} if row["limits"] is None else msgspec.json.decode(row["limits"], type=dict[str, Any])


def _participant(row: Rows, who_may_chat: WhoMayChat = WhoMayChat.EVERYONE) -> Participant:
    role = Role(row["role"])
    return Participant(
        id=ParticipantId(row["participant_id"]),
        user_id=UserId(row["user_id"]),
        display_name=row["display_name"],
        role=role,
        grant=grant_for(role, who_may_chat),
    )


_WELCOME = """
    with old as (
        select id, left_at from participants
        where id = $1 and live_session_id = $2 and removed_at is null and {condition} for update
    )
    update participants p
    set join_nonce = null, generation = p.generation + 1, left_at = null,
        joined_at = coalesce(p.joined_at, $4), role = coalesce(rr.role, m.role)
    from old, live_sessions s, rooms r, organizations o,
        memberships m left join room_roles rr on rr.organization_id = m.organization_id and rr.user_id = m.user_id
            and rr.room_id = (select x.room_id from live_sessions x where x.id = $2)
    where p.id = old.id and s.id = p.live_session_id and s.ended_at is null and r.id = s.room_id
        and o.id = p.organization_id and m.organization_id = p.organization_id and m.user_id = p.user_id
    returning p.id as participant_id, p.user_id, p.display_name, p.role, p.generation, old.left_at as was_left_at,
        s.id, s.organization_id, s.room_id, s.node_id, s.epoch, s.started_by, s.started_at, s.ended_at,
        r.name as room_name, r.who_may_chat, o.plan_tier,
        (select e.limits from entitlement_overrides e where e.organization_id = p.organization_id) as limits
"""
_ADMIT = _WELCOME.format(condition="join_nonce = $3")
_RESUME = _WELCOME.format(condition="generation = $3")


async def find_door(tx: Transaction, organization_id: OrganizationId, room_id: RoomId, user_id: UserId) -> Door | None:
    """A room as a member stands before it, in one statement; None when it does not exist."""
    row = await tx.fetchrow(
        """
        select o.plan_tier, e.limits, s.id, s.organization_id, s.room_id, s.node_id, s.epoch, s.started_by, s.started_at,
            s.ended_at, n.rtp_capabilities, p.removed_at
        from rooms r join organizations o on o.id = r.organization_id
        left join entitlement_overrides e on e.organization_id = o.id
        left join live_sessions s on s.room_id = r.id and s.ended_at is null
        left join media_nodes n on n.id = s.node_id
        left join participants p on p.live_session_id = s.id and p.user_id = $3
        where r.organization_id = $1 and r.id = $2
        """,
        organization_id,
        room_id,
        user_id,
    )
    if row is None:
        return None
    return Door(
        live=None if row["id"] is None else live_session(row),
        plan_tier=row["plan_tier"],
        overrides=_overrides(row),
        was_removed=row["removed_at"] is not None,
        rtp_capabilities=row["rtp_capabilities"],
    )


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
        participant=_participant(row, WhoMayChat(row["who_may_chat"])),
        live_session=live_session(row),
        room_name=row["room_name"],
        plan_tier=row["plan_tier"],
        overrides=_overrides(row),
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


async def end_stays(
    tx: Transaction, organization_id: OrganizationId, user_id: UserId, now: datetime
) -> list[tuple[LiveSessionId, ParticipantId]]:
    """A person is no member any more: they are out of every live session, and their tokens are void.

    They are not marked as removed: invited again, they may come back.
    """
    rows = await tx.fetch(
        "update participants p set left_at = coalesce(p.left_at, $3), join_nonce = null, "
        "generation = case when p.generation = 0 then 0 else p.generation + 1 end from live_sessions s "
        "where s.id = p.live_session_id and s.ended_at is null and p.organization_id = $1 and p.user_id = $2 "
        "returning p.live_session_id, p.id",
        organization_id,
        user_id,
        now,
    )
    return [(LiveSessionId(row["live_session_id"]), ParticipantId(row["id"])) for row in rows]


async def write_roles(
    tx: Transaction, organization_id: OrganizationId, user_id: UserId
) -> list[tuple[LiveSessionId, Participant]]:
    """A person's role changed: write it where they are in a live session. Answers those stays that changed."""
    rows = await tx.fetch(
        """
        with present as (
            select s.id, r.who_may_chat, coalesce(rr.role, m.role) as role
            from live_sessions s join rooms r on r.id = s.room_id
            join memberships m on m.organization_id = s.organization_id and m.user_id = $2
            left join room_roles rr on rr.room_id = s.room_id and rr.user_id = m.user_id
            where s.organization_id = $1 and s.ended_at is null)
        update participants p set role = r.role from present r
        where r.id = p.live_session_id and p.user_id = $2 and p.role <> r.role
        returning p.live_session_id, p.id as participant_id, p.user_id, p.display_name, p.role, r.who_may_chat
        """,
        organization_id,
        user_id,
    )
    return [(LiveSessionId(row["live_session_id"]), _participant(row, WhoMayChat(row["who_may_chat"]))) for row in rows]


async def list_present(
    tx: Transaction, organization_id: OrganizationId, live_session_id: LiveSessionId
) -> list[Participant]:
    """Everyone who was welcomed and has not gone, in the order of their coming."""
    rows = await tx.fetch(
        "select p.id as participant_id, p.user_id, p.display_name, p.role, r.who_may_chat from participants p "
        "join live_sessions s on s.id = p.live_session_id join rooms r on r.id = s.room_id "
        "where p.organization_id = $1 and p.live_session_id = $2 "
        "and p.generation > 0 and p.left_at is null and p.removed_at is null order by p.joined_at, p.id",
        organization_id,
        live_session_id,
    )
    return [_participant(row, WhoMayChat(row["who_may_chat"])) for row in rows]


async def is_session_over(tx: Transaction, live_session_id: UUID) -> bool:
    """After a refused welcome: whether the session is over (or gone); otherwise the token is to blame."""
    is_live: bool | None = await tx.fetchval(
        "select ended_at is null from live_sessions where id = $1", live_session_id
    )
    return not is_live
