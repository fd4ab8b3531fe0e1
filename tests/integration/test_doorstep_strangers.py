"""What strangers try at the door: ids written otherwise, forged tokens by the thousand, bodies that never end."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from structlog.testing import capture_logs

from control_plane.app import compose
from control_plane.domain.api_tokens import SECRET_BYTES, write_token
from control_plane.domain.callers import Caller
from control_plane.domain.ids import OrganizationId
from control_plane.domain.plans import PlanTier
from control_plane.rest.server import create_app
from control_plane.services.api_tokens import ApiTokenService
from control_plane.services.platform import Platform
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_tenant

Open = Callable[..., AbstractAsyncContextManager[tuple[Platform, httpx.AsyncClient]]]


@pytest.fixture
def door(database: TestDatabase, valkey: EmbeddedValkey) -> Open:
    """Opens a door with settings of the test's own, to callers from an address of the test's own."""

    @asynccontextmanager
    async def open_door(**more: str) -> AsyncIterator[tuple[Platform, httpx.AsyncClient]]:
        settings = make_settings(database.app_url, valkey.url(), **more)
        address = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
        async with compose(settings) as platform:
            transport = httpx.ASGITransport(app=create_app(platform, settings), client=(address, 1))  # type: ignore[arg-type]  # Litestar's ASGI types
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as http:
                yield platform, http

    return open_door


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """API tokens that were looked up in the database."""
    texts: list[str] = []
    verify = ApiTokenService.verify

    async def noted(self: ApiTokenService, text: str) -> Caller:
        texts.append(text)
        return await verify(self, text)

    monkeypatch.setattr(ApiTokenService, "verify", noted)
    return texts


def forged(organization_id: OrganizationId | None = None) -> dict[str, str]:
    """A token of the right form that nobody has made."""
    text = write_token(organization_id or OrganizationId(uuid4()), secrets.token_bytes(SECRET_BYTES))
    return {"Authorization": f"Bearer {text}"}


async def _statuses(http: httpx.AsyncClient, tenant: Tenant, headers: list[dict[str, str]]) -> list[int]:
    return [(await http.get(tenant.path, headers=one)).status_code for one in headers]


@pytest.mark.parametrize(
    "write", [lambda i: i.hex, lambda i: f"{{{i}}}", lambda i: f"urn:uuid:{i}", lambda i: f"{i}%0A"]
)
async def test_an_organizations_id_in_another_form_leads_nowhere(door: Open, write: Callable[[Any], str]) -> None:
    async with door() as (platform, http):
        tenant = await make_tenant(platform)
        answer = await http.get(f"/api/v1/organizations/{write(tenant.id)}/rooms", headers=tenant.owner.headers)

    assert_problem(answer, 404, "not_found")


async def test_forged_tokens_are_not_looked_up_for_an_address_that_may_ask_no_more(
    door: Open, looked_up: list[str]
) -> None:
    async with door(TR_RATE_LIMIT_ADDRESS="3/0.01") as (platform, http):
        tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
        statuses = await _statuses(http, tenant, [forged(tenant.id) for _ in range(20)])

    assert statuses == [401] * 3 + [429] * 17
    assert len(looked_up) <= 4


async def test_a_good_token_goes_on_beside_forged_ones_from_its_address(door: Open) -> None:
    async with door(TR_RATE_LIMIT_ADDRESS="3/0.01") as (platform, http):
        tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
        body = {"name": "Robot", "abilities": ["organization:read", "rooms:read"]}
        made = await http.post(f"{tenant.path}/api-tokens", json=body, headers=tenant.owner.headers)
        assert made.status_code == 201, made.text
        robot = {"Authorization": f"Bearer {made.json()['token']}"}
        before = (await http.get(f"{tenant.path}/rooms", headers=robot)).status_code
        await _statuses(http, tenant, [forged() for _ in range(6)])

        after = (await http.get(f"{tenant.path}/rooms", headers=robot)).status_code

    assert (before, after) == (200, 200)


@pytest.mark.parametrize("more", [{}, {"idempotency-key": "once"}], ids=["plain", "idempotent"])
async def test_who_hangs_up_in_the_middle_of_a_body_is_no_fault_of_ours(door: Open, more: dict[str, str]) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b'{"name": "Half', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async with door() as (platform, http):
        tenant = await make_tenant(platform)
        headers = {"host": "localhost:8000", "content-type": "application/json", "content-length": "40", **more}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": f"{tenant.path}/rooms",
            "raw_path": f"{tenant.path}/rooms".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(k.encode(), v.encode()) for k, v in {**headers, **tenant.owner.headers}.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 8000),
        }
        with capture_logs() as logs:
            await http._transport.app(scope, receive, send)  # type: ignore[attr-defined]
        rooms = (await http.get(f"{tenant.path}/rooms", headers=tenant.owner.headers)).json()["items"]

    assert [entry for entry in logs if entry["log_level"] in {"error", "critical"}] == []
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [422]
    assert len(rooms) == 1


@pytest.mark.parametrize("asked", [{"since": "0001-01-01T00:00:00+14:00"}, {"until": "9999-12-31T23:59:59-14:00"}])
@pytest.mark.parametrize("path", ["audit-log", "audit-log/export"])
async def test_a_moment_out_of_the_calendar_is_refused(door: Open, path: str, asked: dict[str, str]) -> None:
    async with door() as (platform, http):
        tenant = await make_tenant(platform)
        answer = await http.get(f"{tenant.path}/{path}", params=asked, headers=tenant.owner.headers)

    assert assert_problem(answer, 422, "invalid_input")["field"] in asked
