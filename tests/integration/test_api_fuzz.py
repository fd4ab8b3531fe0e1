"""Schemathesis over the whole served document with two roles: no 5xx, nothing the document does not say (A7).

The short form takes about a minute; `-m long` looks ten times as hard.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from scripts.stack.valkey import EmbeddedValkey
from scripts.typescript.rest import openapi_document
from tests.conftest import ENROLMENT_TOKEN, TestDatabase, make_settings
from tests.factories import Person, Tenant, make_enrolment, make_member, make_tenant, start_session
from tests.integration.test_rest_door import Door

CONFIG = """
[parameters]
organization_id = "{organization}"
room_id = "{room}"

[checks]
# An id that is well formed may still name nothing, a name may be taken, a plan may be full.
positive_data_acceptance.expected-statuses = ["2xx", 304, 401, 402, 403, 404, 409, 412, 422]
negative_data_rejection.expected-statuses = ["4xx", 304]
missing_required_header.expected-statuses = ["4xx"]
"""


@pytest.fixture(scope="module")
def door(database: TestDatabase, valkey: EmbeddedValkey) -> Iterator[Door]:
    """The REST door as a process of its own, fast enough for a fuzzer."""
    limits = {f"TR_RATE_LIMIT_{who}": "1000000/100000" for who in ("USER", "TOKEN", "TENANT", "ADDRESS")}
    made = Door(database, valkey, **limits)
    process = made.start()
    made.wait(process)
    stop = threading.Event()
    # Its media node must not grow old.
    keeper = threading.Thread(target=lambda: _keep_node(made.port, stop))
    keeper.start()
    yield made
    stop.set()
    process.terminate()
    made.finish(process)
    keeper.join(timeout=20)


def _keep_node(port: int, stop: threading.Event) -> None:
    """A media node that tells every other second that it is there."""
    body = msgspec.json.encode(make_enrolment())
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        while not stop.wait(2):
            client.post("/internal/media-nodes", content=body, headers={"Authorization": f"Bearer {ENROLMENT_TOKEN}"})


def _make(database: TestDatabase, valkey: EmbeddedValkey, port: int, role: Role) -> tuple[Tenant, Person]:
    async def make() -> tuple[Tenant, Person]:
        settings = make_settings(database.app_url, valkey.url(), TR_PORT=str(port))
        async with compose(settings) as platform:
            tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
            await start_session(platform, tenant)
            person = tenant.owner if role is Role.OWNER else await make_member(platform, tenant, role)
            return tenant, person

    return asyncio.run(make())


def _fuzz(door: Door, of: tuple[Tenant, Person], folder: Path, *, examples: int, seconds: int) -> None:
    tenant, person = of
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG.format(organization=tenant.id, room=tenant.room_id), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={config}",
        "run",
        f"http://127.0.0.1:{door.port}/api/v1/openapi.json",
        "--checks=all",
        "--phases=examples,coverage,fuzzing",
        f"--max-examples={examples}",
        f"--max-time={seconds}",
        "--seed=1",
        "--no-shrink",
        "--continue-on-failure",
        "--warnings=off",
        "--request-timeout=30",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--no-color",
        f"--report-json-path={folder / 'report.json'}",
        f"--header=Authorization:Bearer {person.token}",
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds + 120, env=os.environ
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_no_request_is_answered_as_the_document_does_not_say(
    door: Door, database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path, role: Role
) -> None:
    of = _make(database, valkey, door.port, role)

    _fuzz(door, of, tmp_path, examples=4, seconds=40)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_ten_times_as_many_requests_find_nothing_either(
    door: Door, database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path, role: Role
) -> None:
    of = _make(database, valkey, door.port, role)

    _fuzz(door, of, tmp_path, examples=60, seconds=400)


def test_the_served_document_is_the_one_the_client_is_made_from(door: Door) -> None:
    served = httpx.get(f"http://127.0.0.1:{door.port}/api/v1/openapi.json").json()

    assert served == json.loads(json.dumps(openapi_document()))
