"""The node makes itself known, again and again."""

from __future__ import annotations

import asyncio

import pytest

from media_plane.agent.enrolment import Enrolment
from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused, Signer
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.fake_control_plane import ControlPlane
from tests.contract.node_link.media import new_id, raw


def enrolment_at(url: str, keys: list[bytes], token: str = ControlPlane.TOKEN) -> Enrolment:
    facts = m.NodeEnrolment(
        node_id=new_id(),
        link_url="ws://127.0.0.1:1/",
        region="test",
        contract_version=m.CONTRACT_VERSION,
        worker_version="0.0.0",
        rtp_capabilities=raw({}),
        capacity_consumers=1,
    )
    return Enrolment(control_url=url, token=token, enrolment=facts, accept_keys=keys.append)


async def test_a_node_says_who_it_is_and_learns_the_keys(control_plane: ControlPlane) -> None:
    keys: list[bytes] = []
    enrolment = enrolment_at(control_plane.url, keys)

    running = asyncio.ensure_future(enrolment.run())
    await asyncio.wait_for(enrolment.enrolled.wait(), 5)
    running.cancel()

    authorization, body = control_plane.enrolments[0]
    assert authorization == "Bearer enrol-me"
    assert body.region == "test"
    assert keys == [control_plane.signer.jwks]


async def test_a_node_keeps_asking_while_the_control_plane_is_away_or_says_no(control_plane: ControlPlane) -> None:
    port = int(control_plane.url.rpartition(":")[2])
    await control_plane.close()
    keys: list[bytes] = []
    enrolment = enrolment_at(control_plane.url, keys)
    running = asyncio.ensure_future(enrolment.run())
    await asyncio.sleep(0.3)
    control_plane.status = 503
    await control_plane.start(port)
    await control_plane.until_enrolled()
    assert not enrolment.enrolled.is_set()

    control_plane.status = 200

    await asyncio.wait_for(enrolment.enrolled.wait(), 10)
    running.cancel()
    assert len(keys) == 1


@pytest.mark.worker
async def test_keys_that_rotate_are_learnt_when_someone_uses_the_new_ones(
    node: Node, control_plane: ControlPlane
) -> None:
    control_plane.signer = Signer("next-key")
    stranger = await LinkClient.dial(node.agent.port)
    with pytest.raises(Refused, match="unauthenticated"):
        await stranger.hello(control_plane.signer.token(node.agent.node_id))

    await control_plane.until_enrolled(2)

    async with asyncio.timeout(20):
        while True:
            try:
                link = await node.link()
                break
            except Refused:
                await asyncio.sleep(0.02)
    assert not link.is_closed
