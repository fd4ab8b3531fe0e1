"""API tokens in live rooms: a socket is good for what its token holds, and for as long. Real rows, a real bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from control_plane.domain.errors import Unauthenticated
from control_plane.domain.ids import ParticipantId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.account_admin import AdminChanges
from control_plane.services.platform import Platform
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from scripts.headless.signaling import SignalingError
from tests.contract.signaling.conftest import Guest, close_code, until
from tests.factories import Person, make_member, make_tenant
from tests.support.live_room import LiveRoom, open_live_room, resume_code

PATIENCE_S = 30.0
"""What a socket is waited for, seconds: a slow machine's; the sweep would come later."""


@pytest.fixture
async def room(platform: Platform) -> AsyncIterator[LiveRoom]:
    async with open_live_room(platform, await make_tenant(platform, PlanTier.PROFESSIONAL)) as opened:
        yield opened


async def _enter(room: LiveRoom, by: Person, *abilities: str, lifetime: timedelta | None = None) -> tuple[Guest, UUID]:
    """Join by a new token of a person; answers the socket and the token's id."""
    expires_at = None if lifetime is None else room.platform.clock.now() + lifetime
    made = await room.platform.api_tokens.create(
        by.caller,
        room.tenant.id,
        name="Robot",
        abilities=["sessions:write", *abilities],
        expires_at=expires_at,
        token_id=None,
    )
    caller = await room.platform.api_tokens.verify(made.text)
    return await room.enter_as(caller), made.token.id


async def _wait_out(room: LiveRoom, guest: Guest) -> int:
    """How the socket was closed, once all its media is gone, too."""
    async with asyncio.timeout(PATIENCE_S):
        await until(lambda: guest.client.close_code is not None, timeout_s=PATIENCE_S)
        await until(lambda: str(guest.participant.id) not in room.node.transports, timeout_s=PATIENCE_S)
    return await close_code(guest.client)


async def test_a_revoked_token_loses_socket_media_and_the_way_back_and_nobody_else_does(
    api: httpx.AsyncClient, room: LiveRoom
) -> None:
    robot, token_id = await _enter(room, await make_member(room.platform, room.tenant, Role.ADMIN), "media:write")
    other, _ = await _enter(room, await make_member(room.platform, room.tenant, Role.ADMIN))
    await robot.publish()

    await api.delete(f"{room.tenant.path}/api-tokens/{token_id}", headers=room.tenant.owner.headers)

    assert await _wait_out(room, robot) == CloseCode.BAD_TOKEN
    assert not room.node.producers
    assert await resume_code(room, robot) == CloseCode.BAD_TOKEN
    assert other.client.close_code is None


async def test_a_revoked_token_whose_socket_was_just_lost_leaves_no_media_for_its_grace(
    api: httpx.AsyncClient, room: LiveRoom
) -> None:
    robot, token_id = await _enter(room, await make_member(room.platform, room.tenant, Role.ADMIN), "media:write")
    await robot.publish()
    watcher = await room.enter(room.tenant.owner)
    robot.client.abort()
    await watcher.client.expect(m.ParticipantConnectionChanged)

    await api.delete(f"{room.tenant.path}/api-tokens/{token_id}", headers=room.tenant.owner.headers)

    # Within its grace of 15 s it would have been "lost" by then.
    assert (await watcher.client.expect(m.ParticipantLeft)).reason == "left"
    await until(lambda: not room.node.producers, timeout_s=PATIENCE_S)


async def test_a_banned_makers_token_loses_its_socket(room: LiveRoom) -> None:
    maker = await make_member(room.platform, room.tenant, Role.ADMIN)
    robot, _ = await _enter(room, maker)

    await room.platform.account_admin.update(maker.caller.user_id, AdminChanges(ban=timedelta(hours=1)))

    assert await _wait_out(room, robot) == CloseCode.BAD_TOKEN
    assert await resume_code(room, robot) == CloseCode.BAD_TOKEN


async def test_a_removed_makers_token_loses_its_socket_and_stays_revoked_when_they_are_invited_again(
    api: httpx.AsyncClient, room: LiveRoom
) -> None:
    maker = await make_member(room.platform, room.tenant, Role.ADMIN)
    robot, token_id = await _enter(room, maker)
    await api.delete(f"{room.tenant.path}/members/{maker.caller.user_id}", headers=room.tenant.owner.headers)
    new = await room.platform.invitations.create(
        room.tenant.owner.caller, room.tenant.id, role=Role.ADMIN, max_uses=1, expires_in_s=None
    )
    await room.platform.invitations.accept(maker.caller, new.code)

    assert await _wait_out(room, robot) == CloseCode.REMOVED
    assert await room.platform.api_tokens.find_ended(room.tenant.id, {token_id}) == {token_id}


async def test_a_token_that_expires_loses_its_socket_and_the_way_back(room: LiveRoom) -> None:
    robot, _ = await _enter(room, room.tenant.owner, lifetime=timedelta(seconds=3))

    assert await _wait_out(room, robot) == CloseCode.BAD_TOKEN
    assert await resume_code(room, robot) == CloseCode.BAD_TOKEN


async def test_a_plan_without_api_access_takes_the_sockets_of_tokens_when_they_are_looked_up(
    platform: Platform,
) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    async with open_live_room(platform, tenant, sweep_s=0.05) as room:
        robot, _ = await _enter(room, tenant.owner)

        await platform.organizations.set_plan(str(tenant.id), PlanTier.STARTER)

        assert await _wait_out(room, robot) == CloseCode.BAD_TOKEN
        assert await resume_code(room, robot) == CloseCode.BAD_TOKEN


async def test_a_good_tokens_socket_stays_and_comes_back(platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    async with open_live_room(platform, tenant, sweep_s=0.02) as room:
        robot, _ = await _enter(room, tenant.owner, "chat:write", lifetime=timedelta(hours=1))
        other, token_id = await _enter(room, await make_member(platform, tenant, Role.ADMIN))
        await platform.api_tokens.revoke(tenant.owner.caller, tenant.id, token_id)
        await _wait_out(room, other)

        assert await robot.say("still here") > 0
        assert await resume_code(room, robot) is None


@pytest.mark.parametrize(
    ("request_", "ability"),
    [
        (m.FeedRead(id=0, after=0, limit=10), "feed:read"),
        (m.ChatPost(id=0, message_id=uuid4(), text="hi"), "chat:write"),
        (m.AlertPost(id=0, alert_id=uuid4(), symbol="ES", side="long", entry=5), "alerts:write"),  # type: ignore[arg-type]
        (m.TransportCreate(id=0, transport_id=uuid4(), direction="send"), "media:write"),
        (m.ParticipantRemove(id=0, participant_id=uuid4()), "participants:write"),
    ],
)
async def test_a_token_is_refused_over_the_socket_what_it_does_not_hold(
    room: LiveRoom, request_: m.RequestBase, ability: str
) -> None:
    robot, _ = await _enter(room, room.tenant.owner)

    with pytest.raises(SignalingError) as refused:
        await robot.client.request(request_, m.Empty)

    assert refused.value.code == "forbidden"
    assert refused.value.facts["ability"] == ability


async def test_a_tokens_grant_is_what_its_abilities_and_its_makers_role_both_allow(room: LiveRoom) -> None:
    robot, _ = await _enter(room, room.tenant.owner, "alerts:write")

    grant = robot.welcome.grant
    assert (grant.can_publish, grant.can_post_chat, grant.can_post_alert, grant.can_moderate) == (
        False,
        False,
        True,
        False,
    )


async def test_a_token_without_feed_read_is_told_nothing_of_what_is_said(room: LiveRoom) -> None:
    speaker = await room.enter(await make_member(room.platform, room.tenant, Role.HOST))
    await speaker.say("said before")
    deaf, _ = await _enter(room, room.tenant.owner)
    hearing, _ = await _enter(room, await make_member(room.platform, room.tenant, Role.ADMIN), "feed:read")

    await speaker.say("said after")
    await hearing.client.expect(m.FeedAppended)
    # Whatever is told to the room next comes after what was told of the feed.
    last = await room.enter(await make_member(room.platform, room.tenant))
    await deaf.client.expect(m.ParticipantJoined, lambda told: told.participant.id == last.participant.id)

    assert [entry.kind for entry in hearing.welcome.feed] == ["session.started", "chat.posted"]
    assert deaf.welcome.feed == []
    with pytest.raises(TimeoutError):
        await deaf.client.expect(m.FeedAppended, timeout_s=0.05)


async def test_a_removal_over_the_socket_is_logged_with_the_sign_in_or_the_token_it_came_by(room: LiveRoom) -> None:
    host = await make_member(room.platform, room.tenant, Role.HOST)
    by_person = await room.enter(host)
    by_robot, token_id = await _enter(room, room.tenant.owner, "participants:write")
    for who in (by_person, by_robot):
        viewer = await room.enter(await make_member(room.platform, room.tenant))
        order = m.ParticipantRemove(id=0, participant_id=ParticipantId(viewer.participant.id))
        await who.client.request(order, m.Empty)

    async with room.platform.db.tenant(room.tenant.id) as tx:
        rows = await tx.fetch(
            "select actor_kind, session_id, token_id from audit_log where action = 'participant.removed' order by id"
        )

    assert [(row["actor_kind"], row["session_id"], row["token_id"]) for row in rows] == [
        ("user", host.caller.session_id, None),
        ("token", None, token_id),
    ]


async def test_a_token_of_a_version_that_wrote_none_of_what_ends_it_has_to_join_again(room: LiveRoom) -> None:
    robot, _ = await _enter(room, room.tenant.owner)
    tokens = room.platform.tokens
    claims = await tokens.verify_resume(robot.welcome.resume_token)
    old = await tokens.issue_resume(msgspec.structs.replace(claims, token_id=None, expires_at=None, sign_in_id=None))
    same = await tokens.issue_resume(claims)

    with pytest.raises(Unauthenticated):
        await room.platform.live.resume(old)
    assert (await room.platform.live.resume(same)).participant.id == claims.participant_id
