"""`session.renew`: a socket goes on by the next token of who joined, and by nobody else's. Real rows, real tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.gateways.clock import SystemClock
from control_plane.services.platform import Platform
from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from control_plane.stores.persons import ERASED_DOMAIN
from scripts.headless.signaling import SignalingError
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.signaling.conftest import Guest
from tests.factories import Person, Tenant, make_member, make_tenant
from tests.support.hosted_project import Project
from tests.support.live_room import LiveRoom, open_live_room, resume_code

PATIENCE_S = 30.0
LEEWAY_S = 30
"""For how long past its `exp` a token of the project is believed."""


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    made = Project()
    yield made
    made.close()


@dataclass
class Hosted:
    """A live room of a deployment whose people sign in at the hosted project."""

    project: Project
    platform: Platform
    tenant: Tenant
    room: LiveRoom

    def token(self, of: Person, *, left_s: int = 3600) -> str:
        """An access token that is believed for so many seconds more."""
        end = int(SystemClock().now().timestamp()) + left_s - LEEWAY_S
        return self.project.sign(sub=str(of.caller.user_id), email=of.caller.email, exp=end)

    async def enter(self, person: Person, *, left_s: int = 3600) -> Guest:
        """Come in by such a token."""
        caller = await self.platform.tokens.verify_access(self.token(person, left_s=left_s))
        return await self.room.enter_as(caller)

    async def wait_for_end(self, person: Person, *, left_s: int) -> None:
        """Wait until a socket that was opened by such a token just now has ended; another one says when."""
        witness = await self.enter(person, left_s=left_s)
        assert await witness.client.wait_closed(timeout_s=PATIENCE_S) == CloseCode.BAD_TOKEN


@pytest.fixture
async def hosted(database: TestDatabase, valkey: EmbeddedValkey, project: Project) -> AsyncIterator[Hosted]:
    """The rows are never looked at by a sweep: what ends a socket here is its own end."""
    settings = make_settings(database.app_url, valkey.url(), SUPABASE_URL=project.url)
    async with compose(settings) as platform:
        tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
        async with open_live_room(platform, tenant) as room:
            yield Hosted(project, platform, tenant, room)


async def _renew(guest: Guest, token: str) -> m.SessionRenewed:
    return await guest.client.request(m.SessionRenew(id=0, access_token=token), m.SessionRenewed)


async def _refusal(guest: Guest, token: str) -> tuple[str, Any]:
    """The code a renewal is refused with, and its reason."""
    with pytest.raises(SignalingError) as refused:
        await _renew(guest, token)
    return refused.value.code, refused.value.facts.get("reason")


async def test_a_renewed_socket_outlives_the_token_it_was_opened_by(hosted: Hosted) -> None:
    ada, bob = hosted.tenant.owner, await make_member(hosted.platform, hosted.tenant, Role.HOST)
    guest = await hosted.enter(ada, left_s=4)
    track = await guest.publish()

    renewed = await _renew(guest, hosted.token(ada))
    await hosted.wait_for_end(bob, left_s=5)

    assert guest.client.close_code is None
    assert track in hosted.room.node.producers
    assert renewed.expires_at is not None
    assert renewed.expires_at > SystemClock().now() + timedelta(minutes=30)


async def test_a_renewed_socket_comes_back_after_the_end_of_its_first_token(hosted: Hosted) -> None:
    ada, bob = hosted.tenant.owner, await make_member(hosted.platform, hosted.tenant, Role.HOST)
    guest = await hosted.enter(ada, left_s=4)
    first = guest.welcome.resume_token
    renewed = await _renew(guest, hosted.token(ada))
    await hosted.wait_for_end(bob, left_s=5)
    guest.client.abort()

    assert renewed.resume_token != first
    assert await resume_code(hosted.room, guest) == CloseCode.BAD_TOKEN
    assert await resume_code(hosted.room, guest, renewed.resume_token) is None


async def test_a_renewed_socket_ends_with_the_token_it_was_renewed_by(hosted: Hosted) -> None:
    guest = await hosted.enter(hosted.tenant.owner, left_s=3)

    await _renew(guest, hosted.token(hosted.tenant.owner, left_s=6))

    assert await guest.client.wait_closed(timeout_s=PATIENCE_S) == CloseCode.BAD_TOKEN


async def test_an_older_token_takes_no_time_away(hosted: Hosted) -> None:
    guest = await hosted.enter(hosted.tenant.owner)

    renewed = await _renew(guest, hosted.token(hosted.tenant.owner, left_s=60))

    assert renewed.expires_at is not None
    assert renewed.expires_at > SystemClock().now() + timedelta(minutes=30)


async def test_another_persons_token_is_refused_and_the_socket_goes_on_to_its_own_end(hosted: Hosted) -> None:
    bob = await make_member(hosted.platform, hosted.tenant, Role.HOST)
    guest = await hosted.enter(hosted.tenant.owner, left_s=5)

    refusal = await _refusal(guest, hosted.token(bob))
    await guest.say("still here")

    assert refusal == ("forbidden", "another_person")
    assert await guest.client.wait_closed(timeout_s=PATIENCE_S) == CloseCode.BAD_TOKEN


@pytest.mark.parametrize(
    "text", ["", "no token", "trt_no.token", "trt_\u0663é\0", "e30.e30.e30", "é.\0.\u0663", "x" * 20_000]
)
async def test_what_is_no_token_is_refused(hosted: Hosted, text: str) -> None:
    guest = await hosted.enter(hosted.tenant.owner)

    assert await _refusal(guest, text) == ("unauthenticated", None)


@pytest.mark.parametrize("text", ["e30.e30.e30", "é.\0.\u0663", "x" * 20_000])
async def test_what_is_no_token_of_our_own_issuer_is_refused(room: LiveRoom, text: str) -> None:
    guest = await room.enter(room.tenant.owner)

    assert await _refusal(guest, text) == ("unauthenticated", None)


async def test_a_token_that_is_over_is_refused(hosted: Hosted) -> None:
    guest = await hosted.enter(hosted.tenant.owner)

    assert await _refusal(guest, hosted.token(hosted.tenant.owner, left_s=-1)) == ("unauthenticated", None)


async def test_a_fresh_token_does_not_help_who_is_no_member_any_more(hosted: Hosted) -> None:
    bob = await make_member(hosted.platform, hosted.tenant, Role.HOST)
    guest = await hosted.enter(bob)
    async with hosted.platform.db.tenant(hosted.tenant.id) as tx:
        # As when the push that puts them out is lost.
        await tx.execute("delete from memberships where user_id = $1", bob.caller.user_id)

    assert await _refusal(guest, hosted.token(bob)) == ("not_found", None)


async def test_a_fresh_token_does_not_help_who_was_put_out_of_the_session(hosted: Hosted) -> None:
    bob = await make_member(hosted.platform, hosted.tenant, Role.HOST)
    guest = await hosted.enter(bob)
    async with hosted.platform.db.tenant(hosted.tenant.id) as tx:
        await tx.execute("update participants set removed_at = now() where user_id = $1", bob.caller.user_id)

    assert await _refusal(guest, hosted.token(bob)) == ("forbidden", "removed")


async def test_a_fresh_token_does_not_help_who_was_erased(hosted: Hosted) -> None:
    bob = await make_member(hosted.platform, hosted.tenant, Role.HOST)
    guest = await hosted.enter(bob)
    await hosted.platform.sessions.require(await hosted.platform.tokens.verify_access(hosted.token(bob)))
    async with hosted.platform.db.platform() as tx:
        erased = f"{bob.caller.user_id}{ERASED_DOMAIN}"
        await tx.execute("update users set email = $2 where id = $1", bob.caller.user_id, erased)

    assert await _refusal(guest, hosted.token(bob)) == ("forbidden", "user_erased")


async def test_a_persons_socket_is_not_renewed_by_their_api_token(hosted: Hosted) -> None:
    guest = await hosted.enter(hosted.tenant.owner)

    assert await _refusal(guest, await _api_token(hosted.platform, hosted.tenant)) == ("forbidden", "another_kind")


# --- API tokens, and our own issuer


async def _api_token(platform: Platform, tenant: Tenant, *abilities: str, left: timedelta | None = None) -> str:
    made = await platform.api_tokens.create(
        tenant.owner.caller,
        tenant.id,
        name="Robot",
        abilities=["sessions:write", *abilities],
        expires_at=None if left is None else platform.clock.now() + left,
        token_id=None,
    )
    return made.text


@pytest.fixture
async def room(platform: Platform) -> AsyncIterator[LiveRoom]:
    async with open_live_room(platform, await make_tenant(platform, PlanTier.PROFESSIONAL)) as opened:
        yield opened


async def _enter_by(room: LiveRoom, token: str) -> Guest:
    return await room.enter_as(await room.platform.api_tokens.verify(token))


async def test_a_token_that_expires_is_renewed_by_the_makers_next_and_the_socket_is_that_ones(room: LiveRoom) -> None:
    platform, tenant = room.platform, room.tenant
    robot = await _enter_by(room, await _api_token(platform, tenant, "chat:write", left=timedelta(hours=1)))
    following = await _api_token(platform, tenant, "chat:write", "feed:read")

    renewed = await _renew(robot, following)
    await robot.say("still here")
    caller = await platform.api_tokens.verify(following)
    assert caller.token_id is not None
    await platform.api_tokens.revoke(tenant.owner.caller, tenant.id, caller.token_id)

    assert renewed.expires_at is None
    assert await robot.client.wait_closed(timeout_s=PATIENCE_S) == CloseCode.BAD_TOKEN


async def test_a_token_that_holds_less_renews_nothing(room: LiveRoom) -> None:
    robot = await _enter_by(room, await _api_token(room.platform, room.tenant, "media:write"))
    narrower = await _api_token(room.platform, room.tenant)

    with pytest.raises(SignalingError) as refused:
        await _renew(robot, narrower)

    assert (refused.value.code, refused.value.facts["ability"]) == ("forbidden", "media:write")


async def test_a_token_of_another_organization_renews_nothing(room: LiveRoom) -> None:
    other = await make_tenant(room.platform, PlanTier.PROFESSIONAL)
    robot = await _enter_by(room, await _api_token(room.platform, room.tenant))

    assert (await _refusal(robot, await _api_token(room.platform, other)))[0] == "forbidden"


async def test_an_own_sign_in_that_has_ended_renews_nothing(room: LiveRoom) -> None:
    member = await make_member(room.platform, room.tenant)
    guest = await room.enter(member)
    assert member.caller.session_id is not None
    assert (await _renew(guest, member.token)).expires_at is None
    async with room.platform.db.platform() as tx:
        # As when the push is lost.
        await tx.execute("delete from auth_sessions where id = $1", member.caller.session_id)

    assert (await _refusal(guest, member.token))[0] == "unauthenticated"


async def test_renewals_beside_each_other_are_all_answered(room: LiveRoom) -> None:
    guest = await room.enter(room.tenant.owner)

    answers = await asyncio.gather(*(_renew(guest, room.tenant.owner.token) for _ in range(10)))

    assert len(answers) == 10
    assert await resume_code(room, guest, answers[-1].resume_token) is None


async def test_a_stranger_to_the_organization_renews_nobody(room: LiveRoom) -> None:
    stranger = await make_tenant(room.platform)
    guest = await room.enter(room.tenant.owner)

    assert await _refusal(guest, stranger.owner.token) == ("forbidden", "another_person")
