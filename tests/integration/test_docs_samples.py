"""The samples of the guide (docs/api.md) run as they stand there: a developer who copies them gets what they say."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.plans import PlanTier
from control_plane.domain.webhooks import message_id, sign, write_secret
from control_plane.rest.docs_page import GUIDE
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.integration.test_rest_door import Door
from tests.support.identity_providers.running import NODE

SAMPLES = re.findall(r"^```(\w+)\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
BASH = [text for language, text in SAMPLES if language == "bash"]
PYTHON = [text for language, text in SAMPLES if language == "python"]
JAVASCRIPT = [text for language, text in SAMPLES if language == "javascript"]
ROOMS = [f"Room {number}" for number in range(5)]
PASSWORD = "correct horse battery staple"


def _run(command: list[str], **variables: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def variables(database: TestDatabase, valkey: EmbeddedValkey) -> Iterator[dict[str, str]]:
    """What the guide tells to fill in, for a door that lets a person ask four times at once."""
    door = Door(database, valkey, TR_RATE_LIMIT_USER="4/1", TR_WEBHOOKS_PRIVATE="on")
    process = door.start()
    try:
        door.wait(process)
        api, email = f"http://127.0.0.1:{door.port}", f"{uuid4().hex}@example.com"
        httpx.post(f"{api}/auth/v1/signup", json={"email": email, "password": PASSWORD}, timeout=60).raise_for_status()
        signed_in = json.loads(_run(["bash", "-c", BASH[0]], API=api, EMAIL=email, PASSWORD=PASSWORD))
        headers = {"Authorization": f"Bearer {signed_in['access_token']}"}
        made = httpx.post(f"{api}/api/v1/organizations", json={"name": "Acme Futures"}, headers=headers, timeout=60)
        _furnish(database, valkey, f"{api}/api/v1/organizations/{made.json()['id']}", headers)
        yield {
            "API": api,
            "TOKEN": signed_in["access_token"],
            "ORGANIZATION": made.json()["id"],
            "RECEIVER": "http://127.0.0.1:9/hooks",
        }
    finally:
        process.terminate()
        door.finish(process)


def _furnish(database: TestDatabase, valkey: EmbeddedValkey, inside: str, headers: dict[str, str]) -> None:
    """Five rooms, on a plan with API access."""

    async def set_plan() -> None:
        async with compose(make_settings(database.app_url, valkey.url())) as platform:
            await platform.organizations.set_plan(inside.rpartition("/")[2], PlanTier.PROFESSIONAL)

    asyncio.run(set_plan())
    for name in ROOMS:
        for _ in range(30):
            answer = httpx.post(f"{inside}/rooms", json={"name": name}, headers=headers, timeout=60)
            if answer.status_code != 429:
                break
            time.sleep(int(answer.headers["retry-after"]))
        answer.raise_for_status()


def _ask(sample: str, variables: dict[str, str]) -> dict[str, Any]:
    """What curl answers once the door lets it through."""
    for _ in range(30):
        answer: dict[str, Any] = json.loads(_run(["bash", "-c", sample], **variables))
        if answer.get("code") != "rate_limited":
            return answer
        time.sleep(answer["facts"]["retry_after_s"])
    raise AssertionError("the door lets nobody through")


def test_the_lists_are_read_by_curl(variables: dict[str, str]) -> None:
    organizations, rooms = (_ask(sample, variables) for sample in BASH[1:])

    assert [one["id"] for one in organizations["items"]] == [variables["ORGANIZATION"]]
    assert [one["name"] for one in rooms["items"]] == ROOMS


@pytest.mark.parametrize(
    ("command", "sample"),
    [([sys.executable, "-c"], PYTHON[0]), ([str(NODE), "--input-type=module", "-e"], JAVASCRIPT[0])],
)
def test_the_program_reads_every_page_waits_when_told_to_and_makes_one_webhook(
    variables: dict[str, str], command: list[str], sample: str
) -> None:
    # Pages of two rooms, so that there are some, and more requests than the door lets through at once.
    text = sample.replace("limit=100", "limit=2").replace("my-first-webhook", f"key-{uuid4()}")

    first, again = (_run([*command, text], **variables).splitlines() for _ in range(2))
    metrics = httpx.get(f"{variables['API']}/metrics", timeout=60).text

    assert first[:-1] == ROOMS
    assert first[-1].startswith("whsec_")
    assert again == first
    assert 'status="429"' in metrics


@pytest.mark.parametrize("is_python", [True, False])
@pytest.mark.parametrize("spoiled", [None, "body", "secret", "time", "id"])
def test_the_signature_is_verified(tmp_path: Path, is_python: bool, spoiled: str | None) -> None:  # noqa: FBT001 - a column
    raw, event_id = b"0123456789abcdef01234567", uuid4()
    at = int(time.time()) - (301 if spoiled == "time" else 0)
    body = '{"type":"room.created","data":{"name":"Öffnung"}}'
    headers = {
        "webhook-id": message_id(uuid4() if spoiled == "id" else event_id),
        "webhook-timestamp": str(at),
        "webhook-signature": sign([raw, b"the one before it, 24 by"], event_id, at, body),
    }
    secret = write_secret(b"another secret, 24 bytes" if spoiled == "secret" else raw)
    given = json.dumps([secret, headers, body + " " if spoiled == "body" else body])

    if is_python:
        text = f"{PYTHON[1]}\nimport json, sys\nsecret, headers, body = json.loads(sys.argv[1])\n"
        said = _run([sys.executable, "-c", f"{text}print(is_ours(secret, headers, body.encode()))", given])
    else:
        file = tmp_path / "sample.mjs"
        call = "console.log(isOurs(...JSON.parse(process.argv[2])));"
        file.write_text(f"{JAVASCRIPT[1]}\n{call}\n", encoding="utf-8")
        said = _run([str(NODE), str(file), given])

    assert said.strip().lower() == str(spoiled is None).lower()
