"""Schemathesis over the whole served document with two roles: no 5xx, nothing the document does not say (A7).

The short form takes about a minute for each role; `-m long` looks ten times as hard.
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
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.app import compose
from control_plane.domain.roles import Role
from scripts.stack.valkey import EmbeddedValkey
from scripts.typescript.rest import openapi_document
from tests.conftest import ENROLMENT_TOKEN, TestDatabase, make_settings
from tests.factories import make_enrolment
from tests.integration.fuzz_world import FuzzWorld, make_world
from tests.integration.test_rest_door import Door

CONFIG = """
[checks]
# An id that is well formed may still name nothing, a name may be taken, a plan may be full, a letter one too many.
positive_data_acceptance.expected-statuses = ["2xx", 304, 401, 402, 403, 404, 409, 412, 422, 429]
negative_data_rejection.expected-statuses = ["4xx", 304]
missing_required_header.expected-statuses = ["4xx"]
"""
MATRIX = "changes something in test_audit.py, where its answer is looked up in the document"
OPERATIONS = {f"{method.upper()} {path}" for path, item in openapi_document()["paths"].items() for method in item}
O = "/api/v1/organizations/{organization_id}"  # noqa: E741 - most paths begin with it
REFUSES = {
    "GET /api/v1/demo": "404 but on a demo; test_rest_demo.py",
    "POST /api/v1/invitations/accept": "its code is a secret; " + MATRIX,
    "POST /api/v1/me/erasure": "who owns an organization is refused; test_data_rights.py",
    f"PATCH {O}": MATRIX,
    f"POST {O}/deletion": "wants the organization's name; " + MATRIX,
    f"POST {O}/rooms": "its example's slug may be taken; " + MATRIX,
    f"POST {O}/rooms/{{room_id}}/alerts/{{alert_id}}/steps": "steps follow each other; test_alert_steps.py",
    f"POST {O}/sso/connections": "wants an identity provider's certificate; " + MATRIX,
    f"PATCH {O}/sso/connections/{{connection_id}}": MATRIX,
    f"POST {O}/sso/connections/{{connection_id}}/read-metadata": "needs an identity provider; test_saml_rollover.py",
    f"DELETE {O}/sso/connections/{{connection_id}}/people/{{identity_id}}": "test_sso_identities.py",
    f"DELETE {O}/sso/domains/{{domain_id}}": MATRIX,
    f"POST {O}/webhooks/{{webhook_id}}/deliveries/{{delivery_id}}/replay": "test_webhooks.py",
}
"""Operations that the fuzzer may never see do what was asked, even for an owner: why, and where that is tried."""


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


def _make(database: TestDatabase, valkey: EmbeddedValkey, port: int, role: Role) -> FuzzWorld:
    async def make() -> FuzzWorld:
        settings = make_settings(database.app_url, valkey.url(), TR_PORT=str(port))
        async with compose(settings) as platform:
            return await make_world(platform, role)

    return asyncio.run(make())


def _config_of(world: FuzzWorld) -> str:
    """The fuzzer's settings: real ids for what stands in paths, and their own for operations that destroy."""
    lines = ["[parameters]", *(f'"path.{name}" = "{value}"' for name, value in world.ids.items()), CONFIG]
    for operation, ids in world.own.items():
        lines += ["[[operations]]", f'include-operation-id = "{operation}"', "[operations.parameters]"]
        lines += [f'"path.{name}" = "{value}"' for name, value in (world.ids | ids).items()]
    return "\n".join(lines)


def _fuzz(door: Door, world: FuzzWorld, folder: Path, phases: str, *options: str, seconds: int = 240) -> dict[str, Any]:
    """Try all that the document says, for so long at most. Answers what the fuzzer reports."""
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(_config_of(world), encoding="utf-8")
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={config}",
        "run",
        f"http://127.0.0.1:{door.port}/api/v1/openapi.json",
        "--checks=all",
        f"--phases={phases}",
        *options,
        "--seed=1",
        "--no-shrink",
        "--continue-on-failure",
        "--warnings=off",
        "--request-timeout=30",
        "--generation-database=none",
        "--suppress-health-check=all",
        "--no-color",
        f"--report-json-path={report}",
        f"--header=Authorization:Bearer {world.person.token}",
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds + 120, env=os.environ
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return told


def _look_at_all(door: Door, world: FuzzWorld, folder: Path) -> set[str]:
    """Every operation with its examples and at its schema's edges, however long that takes on this machine.

    Answers those that did what was asked at least once.
    """
    told = _fuzz(door, world, folder, "examples,coverage")
    assert told["operations"]["tested"] == told["operations"]["total"] == len(OPERATIONS)
    rates = told["valid_rates"].items()
    return {name for name, phases in rates if any(phase["accepted"] for phase in phases.values())}


def _draw(door: Door, world: FuzzWorld, folder: Path, *, examples: int, seconds: int) -> None:
    """Requests at random, until the time is over."""
    _fuzz(door, world, folder, "fuzzing", f"--max-examples={examples}", f"--max-time={seconds}", seconds=seconds)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_no_request_is_answered_as_the_document_does_not_say(
    door: Door, database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path, role: Role
) -> None:
    world = _make(database, valkey, door.port, role)

    done = _look_at_all(door, world, tmp_path)
    _draw(door, world, tmp_path, examples=4, seconds=10)

    # An operation that only ever refuses had its good answers looked at by nobody.
    assert role is not Role.OWNER or OPERATIONS - done <= set(REFUSES)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("role", [Role.OWNER, Role.VIEWER])
def test_ten_times_as_many_requests_find_nothing_either(
    door: Door, database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path, role: Role
) -> None:
    world = _make(database, valkey, door.port, role)

    _draw(door, world, tmp_path, examples=60, seconds=400)


def test_the_served_document_is_the_one_the_client_is_made_from(door: Door) -> None:
    served = httpx.get(f"http://127.0.0.1:{door.port}/api/v1/openapi.json").json()

    assert served == json.loads(json.dumps(openapi_document()))
