"""Who signs out, and whose token is stolen or revoked, loses the sockets joined by it and no others, on the whole stack."""

from __future__ import annotations

import httpx
import pytest

from control_plane.signaling.messages import CloseCode
from scripts.headless.rest import Rest
from scripts.headless.scene import open_scene
from tests.e2e.running_stack import RunningStack

pytestmark = pytest.mark.stack


async def test_a_stolen_refresh_token_closes_the_sockets_of_that_sign_in_and_no_others(stack: RunningStack) -> None:
    async with open_scene(stack.base_url) as scene, httpx.AsyncClient(base_url=stack.base_url, timeout=20) as client:
        viewer = scene.viewers[0]
        async with await scene.enter(scene.host, watch=False) as host, await scene.enter(viewer, watch=False) as seen:
            assert viewer.signed_in is not None
            url, body = "/auth/v1/token?grant_type=refresh_token", {"refresh_token": viewer.signed_in.refresh_token}
            second = (await client.post(url, json=body)).json()
            await client.post(url, json={"refresh_token": second["refresh_token"]})

            stolen = await client.post(url, json=body)
            code = await seen.signaling.wait_closed(timeout_s=10)

            assert stolen.json()["error_code"] == "refresh_token_already_used"
            assert code == CloseCode.BAD_TOKEN
            assert host.signaling.close_code is None


async def test_signing_out_closes_the_sockets_it_joined(stack: RunningStack) -> None:
    async with open_scene(stack.base_url) as scene, httpx.AsyncClient(base_url=stack.base_url, timeout=20) as client:
        viewer = scene.viewers[0]
        async with await scene.enter(viewer, watch=False) as seen:
            await client.post("/auth/v1/logout", headers={"Authorization": f"Bearer {viewer.access_token}"})

            code = await seen.signaling.wait_closed(timeout_s=10)
            assert code == CloseCode.BAD_TOKEN


async def test_revoking_an_api_token_closes_the_socket_it_joined(stack: RunningStack) -> None:
    async with open_scene(stack.base_url) as scene, httpx.AsyncClient(base_url=stack.base_url, timeout=20) as client:
        stack.operate("set-plan", scene.organization_id, "professional")
        path = f"/api/v1/organizations/{scene.organization_id}/api-tokens"
        owner = {"Authorization": f"Bearer {scene.host.access_token}"}
        body = {"name": "Robot", "abilities": ["sessions:write"]}
        made = (await client.post(path, json=body, headers=owner)).json()
        async with (
            Rest(stack.base_url, access_token=made["token"]) as robot,
            await scene.enter(scene.viewers[0], watch=False) as viewer,
            await scene.enter(robot, watch=False) as entered,
        ):
            await client.delete(f"{path}/{made['id']}", headers=owner)

            code = await entered.signaling.wait_closed(timeout_s=20)
            assert code == CloseCode.BAD_TOKEN
            assert viewer.signaling.close_code is None
