"""Single sign-on is enforced while people are in a room: on the whole stack, over the real bus and the real sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from control_plane.app import compose
from control_plane.domain.callers import Caller
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.plans import PlanTier
from control_plane.services.sso_changes import ConnectionFields
from control_plane.settings import Settings, read_settings
from control_plane.signaling.messages import CloseCode
from control_plane.stores import sso as store
from scripts.headless.rest import Rest
from scripts.headless.scene import open_scene
from tests.e2e.running_stack import RunningStack
from tests.factories import make_connection
from tests.support.single_sign_on import prove_domain

pytestmark = pytest.mark.stack


def _settings(stack: RunningStack) -> Settings:
    """Of the stack's own REST door: the same database, bus and key."""
    environment = Path(f"/proc/{stack.pids['rest']}/environ").read_bytes().decode().split("\0")
    return read_settings(dict(line.split("=", 1) for line in environment if "=" in line))


def _caller(person: Rest) -> Caller:
    assert person.user is not None
    user_id = UserId(UUID(person.user.id))
    return Caller(user_id=user_id, email=person.user.email, display_name="", session_id=None)


async def test_enforcing_closes_the_sockets_of_who_came_another_way_but_not_the_owners(stack: RunningStack) -> None:
    async with open_scene(stack.base_url) as scene, compose(_settings(stack)) as platform:
        organization_id, owner = OrganizationId(UUID(scene.organization_id)), _caller(scene.host)
        await platform.organizations.set_plan(scene.organization_id, PlanTier.BUSINESS)
        viewer_user = scene.viewers[0].user
        assert viewer_user is not None
        await prove_domain(platform, organization_id, viewer_user.email.partition("@")[2])
        connection = make_connection(
            organization_id, is_enabled=True, worked_at=datetime.now(UTC), tested_by=owner.user_id
        )
        async with platform.db.tenant(organization_id) as tx:
            await store.insert_connection(tx, connection)
        async with (
            await scene.enter(scene.host, watch=False) as host,
            await scene.enter(scene.viewers[0], watch=False) as viewer,
        ):
            wanted = ConnectionFields(is_enforced=True)
            await platform.sso_connections.change(owner, organization_id, connection.id, wanted)

            code = await viewer.signaling.wait_closed(timeout_s=10)

            assert code == CloseCode.BAD_TOKEN
            assert host.signaling.close_code is None
