"""What the doors refuse on a running stack: seats beyond the plan, rights one has not, another tenant's rooms."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import pytest

from control_plane.signaling import messages as m
from control_plane.signaling.messages import CloseCode
from scripts.headless.client import Participant
from scripts.headless.media import HeadlessMedia
from scripts.headless.rest import Rest, RestError
from scripts.headless.scene import open_scene, sign_up_someone
from scripts.headless.signaling import SignalingClient, SignalingError, SocketClosed
from scripts.headless.tracks import ToneTrack
from tests.e2e.running_stack import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

STARTER_SEATS = 50
"""Viewers per room of the Starter plan."""
SIGN_UPS_AT_ONCE = 8


async def test_the_fifty_first_viewer_of_a_starter_room_is_refused(stack: RunningStack) -> None:
    async with AsyncExitStack() as leaving, open_scene(stack.base_url, viewers=0) as scene:
        code = await scene.host.invite(scene.organization_id, "viewer", max_uses=STARTER_SEATS + 1)
        gate = asyncio.Semaphore(SIGN_UPS_AT_ONCE)

        async def admit(number: int) -> Rest:
            async with gate:
                person = await leaving.enter_async_context(await sign_up_someone(stack.base_url, f"Viewer{number}"))
                await person.accept_invitation(code)
                return person

        people = await asyncio.gather(*(admit(number) for number in range(STARTER_SEATS + 1)))

        async def take_seat(person: Rest) -> Participant:
            async with gate:
                return await leaving.enter_async_context(await scene.enter(person, watch=False))

        seated = await asyncio.gather(*(take_seat(person) for person in people[:STARTER_SEATS]))

        assert len({one.welcome.participant_id for one in seated}) == STARTER_SEATS
        with pytest.raises(RestError) as refused:
            await scene.enter(people[STARTER_SEATS], watch=False)
        assert (refused.value.status, refused.value.code) == (402, "plan_limit_reached")
        facts = refused.value.facts["facts"]
        assert facts == {"limit": "viewers_per_room", "allowed": STARTER_SEATS, "used": STARTER_SEATS}

        # Whoever leaves makes room for the next; the host never needed a seat.
        await seated[0].signaling.leave()
        async with await scene.enter(people[STARTER_SEATS], watch=False), await scene.enter(scene.host, watch=False):
            pass


async def test_a_viewer_cant_publish_post_alerts_or_remove_people(stack: RunningStack) -> None:
    async with (
        open_scene(stack.base_url) as scene,
        await scene.enter(scene.host, watch=False) as host,
        await scene.enter(scene.viewers[0], watch=False) as viewer,
    ):
        forbidden: list[tuple[m.RequestBase, type[m.Wire]]] = [
            (m.TransportCreate(id=0, transport_id=uuid4(), direction="send"), m.TransportCreated),
            (m.AlertPost(id=0, alert_id=uuid4(), symbol="SPY", side="long", entry="1"), m.Posted),  # type: ignore[arg-type]  # as JSON has it
            (m.ParticipantRemove(id=0, participant_id=host.welcome.participant_id), m.Empty),
        ]
        for request, answer in forbidden:
            with pytest.raises(SignalingError) as refused:
                await viewer.signaling.request(request, answer)
            assert refused.value.code == "forbidden"
        with pytest.raises(RestError) as ended:
            await scene.viewers[0].end_session(scene.organization_id, scene.room_id)
        assert (ended.value.status, ended.value.code) == (403, "forbidden")


async def test_another_tenants_room_looks_like_none(stack: RunningStack) -> None:
    async with open_scene(stack.base_url) as scene, await sign_up_someone(stack.base_url, "Stranger") as stranger:
        own = await stranger.create_organization("Elsewhere")
        told = []
        for organization_id, room_id in (
            (scene.organization_id, scene.room_id),
            (own.id, scene.room_id),
            (str(uuid4()), str(uuid4())),
        ):
            with pytest.raises(RestError) as refused:
                await stranger.join(organization_id, room_id)
            told.append((refused.value.status, refused.value.code))
        assert told == [(404, "not_found")] * 3


async def test_the_socket_knows_nothing_of_another_tenants_room(stack: RunningStack) -> None:
    async with (
        open_scene(stack.base_url) as theirs,
        open_scene(stack.base_url) as ours,
        await theirs.enter(theirs.host, watch=False) as victim,
        await ours.enter(ours.host, watch=False) as stranger,
    ):
        producer_id = UUID(await victim.publish(ToneTrack(), "microphone"))
        assert stranger.welcome.recv_transport is not None
        transport_id = UUID(stranger.welcome.recv_transport.id)

        consumed = await stranger.signaling.request(
            m.ConsumerCreate(id=0, transport_id=transport_id, producer_ids=[producer_id]), m.ConsumersCreated
        )

        assert (consumed.consumers, consumed.refused_producer_ids) == ([], [])
        for request in (
            m.ParticipantRemove(id=0, participant_id=victim.welcome.participant_id),
            m.ProducerClose(id=0, producer_id=producer_id),
        ):
            with pytest.raises(SignalingError) as refused:
                await stranger.signaling.request(request, m.Empty)
            assert refused.value.code == "not_found"


@pytest.mark.parametrize("bad_end", ["", "AAAA", ".AAAA"])
async def test_a_bad_token_opens_nothing(stack: RunningStack, bad_end: str) -> None:
    async with open_scene(stack.base_url) as scene:
        joined = await scene.viewers[0].join(scene.organization_id, scene.room_id)
        capabilities = (await HeadlessMedia.load(joined.rtp_capabilities, [])).rtp_capabilities
        async with await SignalingClient.connect(joined.signaling_url, origin=stack.base_url) as socket:
            with pytest.raises(SocketClosed) as closed:
                await socket.hello(token=joined.token[:-4] + bad_end, rtp_capabilities=capabilities)
        assert closed.value.close_code == CloseCode.BAD_TOKEN


async def test_a_join_token_works_once(stack: RunningStack) -> None:
    async with open_scene(stack.base_url) as scene:
        joined = await scene.viewers[0].join(scene.organization_id, scene.room_id)
        capabilities = (await HeadlessMedia.load(joined.rtp_capabilities, [])).rtp_capabilities
        async with (
            await SignalingClient.connect(joined.signaling_url, origin=stack.base_url) as first,
            await SignalingClient.connect(joined.signaling_url, origin=stack.base_url) as second,
        ):
            await first.hello(token=joined.token, rtp_capabilities=capabilities)
            with pytest.raises(SocketClosed) as closed:
                await second.hello(token=joined.token, rtp_capabilities=capabilities)
        assert closed.value.close_code == CloseCode.BAD_TOKEN


async def test_a_foreign_page_opens_no_socket(stack: RunningStack) -> None:
    with pytest.raises(Exception, match="403"):
        await SignalingClient.connect(stack.signaling_url, origin="https://evil.example")
