"""Signing out, and a stolen refresh token, close the sockets of that sign-in and of no other, on the whole stack."""

from __future__ import annotations

import httpx
import pytest

from control_plane.signaling.messages import CloseCode
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
