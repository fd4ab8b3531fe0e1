"""A certificate that is not the announced one (targets.md A9)."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import msgspec
import pytest
from aiortc import RTCCertificate

from control_plane.domain.roles import Role
from control_plane.signaling import messages as m
from scripts.headless.signaling import SignalingError
from tests.contract.bad_input.peer import RawPeer
from tests.contract.bad_input.stage import Stage

pytestmark = [pytest.mark.worker, pytest.mark.stack]


async def test_another_certificate_ends_that_transport_and_nothing_else(stage: Stage) -> None:
    pid = stage.worker_pid
    host = await stage.enter_as(stage.attacked, Role.HOST)
    created = await host.client.request(
        m.TransportCreate(id=0, transport_id=uuid4(), direction="send"), m.TransportCreated
    )
    transport_id = UUID(created.transport.id)
    announced, shown = RTCCertificate.generateCertificate(), RTCCertificate.generateCertificate()
    told = msgspec.Raw(msgspec.json.encode(RawPeer(announced).dtls_parameters))
    await host.client.request(m.TransportConnect(id=0, transport_id=transport_id, dtls_parameters=told), m.Empty)
    attacker = RawPeer(shown)

    await attacker.reach(created.transport)
    shaking = asyncio.ensure_future(attacker.shake_hands(created.transport))
    closed = await host.client.expect(m.TransportClosed)
    await asyncio.gather(shaking, return_exceptions=True)
    await attacker.close()

    assert UUID(closed.transport_id) == transport_id
    assert attacker.dtls_state != "connected"
    with pytest.raises(SignalingError, match="not_found"):
        await host.client.request(m.TransportRestartIce(id=0, transport_id=transport_id), m.IceRestarted)
    assert stage.worker_pid == pid
    assert await stage.quiet_viewer.sees_on()
