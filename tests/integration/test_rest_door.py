"""The REST door as operators meet it: health, readiness, metrics, headers, outages, and the process itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from control_plane.app import compose
from control_plane.rest.server import create_app
from scripts.stack.ports import free_block, free_port
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import ENROLMENT_TOKEN, REPOSITORY, SECRET_KEY, TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_tenant, start_session

pytestmark = pytest.mark.usefixtures("database")


async def test_a_door_with_everything_is_ready(api: httpx.AsyncClient) -> None:
    health, ready = await api.get("/health"), await api.get("/ready")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "postgres": "ok", "redis": "ok"})


async def test_metrics_count_made_up_methods_as_one(api: httpx.AsyncClient) -> None:
    for method in ("BREW", "WHEN"):
        await api.request(method, "/api/v1/me")

    text = (await api.get("/metrics")).text

    assert 'method="OTHER"' in text
    assert "BREW" not in text


async def test_metrics_count_by_route_and_never_by_id(api: httpx.AsyncClient, platform: Any) -> None:
    tenant = await make_tenant(platform)
    await start_session(platform, tenant)
    await api.get(tenant.room_path, headers=tenant.owner.headers)
    await api.get("/nope")

    text = (await api.get("/metrics")).text

    route = "/api/v1/organizations/{organization_id}/rooms/{room_id}"
    assert f'tr_http_requests_total{{method="GET",route="{route}",status="200"}} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert str(tenant.room_id) not in text
    active = next(line for line in text.splitlines() if line.startswith("tr_active_rooms "))
    assert float(active.split()[1]) >= 1


async def test_every_answer_carries_an_id_and_loads_nothing(api: httpx.AsyncClient) -> None:
    first, second = await api.get("/health"), await api.get("/nope")

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    for answer in (first, second):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("origin", "allowed"), [("http://localhost:8000", True), ("https://evil.example", False)])
async def test_only_our_pages_may_call_from_a_browser(api: httpx.AsyncClient, origin: str, *, allowed: bool) -> None:
    answer = await api.options(
        "/api/v1/me",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization",
        },
    )

    assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


async def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(valkey: EmbeddedValkey) -> None:
    settings = make_settings(f"postgresql://a:b@127.0.0.1:{free_port()}/x", valkey.url())
    async with (
        compose(settings) as platform,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=create_app(platform, settings)),  # type: ignore[arg-type]  # Litestar's ASGI types
            base_url="http://localhost:8000",
        ) as client,
    ):
        ready = await client.get("/ready")
        health = await client.get("/health")
        me = await client.get("/api/v1/me", headers={"Authorization": "Bearer a.b.c"})
        token = f"eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.{'A' * 86}"
        with_token = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        sign_up = await client.post("/auth/v1/signup", json={"email": "a@example.com", "password": "12345678"})
        metrics = await client.get("/metrics")

    assert (ready.status_code, ready.json()["postgres"]) == (503, "away")
    assert (health.status_code, metrics.status_code) == (200, 200)
    assert_problem(me, 401, "unauthenticated")
    assert_problem(with_token, 503, "unavailable")
    assert with_token.headers["retry-after"] == "1"
    assert sign_up.status_code == 503


async def test_redis_that_is_away_stops_only_what_needs_it(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    async with compose(make_settings(database.app_url, valkey.url())) as before:
        tenant = await make_tenant(before)
    settings = make_settings(database.app_url, f"redis://127.0.0.1:{free_port()}/0")
    async with (
        compose(settings) as platform,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=create_app(platform, settings)),  # type: ignore[arg-type]  # Litestar's ASGI types
            base_url="http://localhost:8000",
        ) as client,
    ):
        headers = tenant.owner.headers
        ready = await client.get("/ready")
        sign_up = await client.post(
            "/auth/v1/signup", json={"email": f"{tenant.id.hex}@example.com", "password": "12345678"}
        )
        message = await client.post(f"{tenant.room_path}/messages", json={"text": "hello"}, headers=headers)

    assert (ready.status_code, ready.json()["redis"]) == (503, "away")
    # Guessing passwords must not get cheaper by an outage; what is said does not wait.
    assert (sign_up.status_code, message.status_code) == (503, 201)


class Door:
    """`python -m control_plane --door rest` as a process."""

    def __init__(self, database: TestDatabase, valkey: EmbeddedValkey, **more: str) -> None:
        self.port = free_block(2)
        self._logs: dict[int, IO[bytes]] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TR_")},
            "DATABASE_URL": database.app_url,
            "REDIS_URL": valkey.url(),
            "TR_PORT": str(self.port),
            "TR_SECRET_KEY": SECRET_KEY,
            "TR_NODE_ENROLMENT_TOKEN": ENROLMENT_TOKEN,
            **more,
        }

    def start(self) -> subprocess.Popen[bytes]:
        """Its log goes to a file: a pipe nobody reads would be full after 64 KiB, and the door would stand still."""
        log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `finish`, or with this object
        process = subprocess.Popen(
            [sys.executable, "-m", "control_plane", "--door", "rest"],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._logs[process.pid] = log
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> str:
        """Wait until it has ended and answer what it logged."""
        process.wait(timeout=30)
        with self._logs.pop(process.pid) as log:
            log.seek(0)
            return log.read().decode()

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        # Starting takes two seconds of a free core; other tests may share it.
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            assert process.poll() is None, self.finish(process)
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/ready", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the door did not become ready")


def test_the_process_serves_logs_json_and_stops_when_told(
    database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    (tmp_path / "index.html").write_text("<p>app")
    door = Door(database, valkey, TR_WEBAPP_DIR=str(tmp_path))
    process = door.start()
    try:
        door.wait(process)
        with httpx.Client(base_url=f"http://127.0.0.1:{door.port}") as client:
            page, missing, document = client.get("/"), client.get("/api/v1/nope"), client.get("/api/v1/openapi.json")
            second = door.start()
            output = door.finish(second)
    finally:
        process.send_signal(signal.SIGTERM)
        log = door.finish(process)

    assert page.text == "<p>app"
    assert missing.json()["code"] == "not_found"
    assert document.json()["openapi"].startswith("3.1")
    assert second.returncode == 1
    assert "could not be opened" in output
    assert process.returncode == 0
    lines = [line for line in log.splitlines() if '"request"' in line]
    assert all(line.startswith("{") and '"request_id"' in line for line in lines)
    assert len(lines) == 3


def test_wrong_settings_end_the_process_with_2(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    door = Door(database, valkey, TR_SECRET_KEY="short")
    process = door.start()
    output = door.finish(process)

    assert process.returncode == 2
    assert "TR_SECRET_KEY" in output


async def test_another_secret_than_the_keys_were_sealed_with_ends_the_process_with_2(
    database: TestDatabase, valkey: EmbeddedValkey, platform: Any
) -> None:
    await make_tenant(platform)
    door = Door(database, valkey, TR_SECRET_KEY="ff" * 32)
    process = door.start()
    output = door.finish(process)

    assert process.returncode == 2
    assert "TR_SECRET_KEY" in output


def _operate(database: TestDatabase, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "control_plane.operator", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "DATABASE_URL": database.app_url},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


async def test_an_operator_sets_a_plan_by_id_or_slug(
    database: TestDatabase, platform: Any, api: httpx.AsyncClient
) -> None:
    tenant: Tenant = await make_tenant(platform)
    slug = (await api.get(tenant.path, headers=tenant.owner.headers)).json()["slug"]

    tiers = []
    for name, tier in ((str(tenant.id), "professional"), (slug, "business")):
        assert _operate(database, "set-plan", name, tier).returncode == 0
        tiers.append((await api.get(tenant.path, headers=tenant.owner.headers)).json()["planTier"])
    unknown = _operate(database, "set-plan", "no-such-slug", "business")

    assert tiers == ["professional", "business"]
    assert (unknown.returncode, unknown.stderr) == (1, "operator: There is no such organization.\n")
    assert _operate(database, "set-plan", slug, "platinum").returncode == 2
