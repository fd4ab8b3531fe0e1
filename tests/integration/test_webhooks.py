"""Webhooks out: what is sent, signed, in order, again, and where it never goes. The receiver has a real socket."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.app import compose
from control_plane.domain.organizations import MemberChanges
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.domain.webhooks import POLICY
from control_plane.gateways.webhook_sender import WebhookSender
from control_plane.jobs.kinds import kinds_of
from control_plane.jobs.runner import JobMetrics, OutboxRunner
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, assert_problem, make_member, make_tenant

SENT_AGAIN = 12
"""Enough that some of them are queued within the same millisecond."""


@dataclass
class Receiver:
    """An HTTP server that keeps what it gets. answers: statuses for the next requests; 204 once they are used up."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.got.append((headers, body))
        status = self.answers.pop(0) if self.answers else 204
        text = "" if status == 204 else "no, thanks"
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n{self.headers}Connection: close\r\n\r\n{text}".encode()
        )
        await writer.drain()
        writer.close()

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.got]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?x=1"
    async with server:
        yield made


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on", TR_DEV_MAILBOX="on")


@pytest.fixture
async def tenant(platform: Platform) -> Tenant:
    return await make_tenant(platform, PlanTier.PROFESSIONAL)


async def _make(api: httpx.AsyncClient, tenant: Tenant, url: str, *events: str) -> dict[str, Any]:
    body = {"url": url, "events": list(events) or ["*"]}
    answer = await api.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def _work(platform: Platform, *, times: int = 5) -> None:
    """What the jobs door does, until nothing is due."""
    kinds = kinds_of(platform)
    for _ in range(times):
        messages = await platform.outbox.claim(["webhook"], 16)  # type: ignore[arg-type]  # names are all it reads
        if not messages:
            return
        await asyncio.gather(*(platform.outbox.have(message, kinds[message.kind]) for message in messages))


async def _make_due(platform: Platform, database: TestDatabase) -> None:
    """As if the pauses were over."""
    async with platform.db.platform() as tx:
        await tx.execute("update outbox set next_attempt_at = now() - interval '1 second' where done_at is null")


async def _rename(api: httpx.AsyncClient, tenant: Tenant, name: str) -> None:
    answer = await api.patch(tenant.room_path, json={"name": name}, headers=tenant.owner.headers)
    assert answer.status_code == 200, answer.text


async def _deliveries(api: httpx.AsyncClient, tenant: Tenant, webhook: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.get(f"{tenant.path}/webhooks/{webhook['id']}/deliveries", headers=tenant.owner.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def _expected(secret: str, headers: dict[str, str], body: bytes) -> str:
    """What Standard Webhooks says the signature is; written anew, not with our own function."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


async def test_an_alert_is_told_and_signed(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url, "alert.posted")
    alert = {"symbol": "AAPL", "side": "long", "entry": "181.20"}
    posted = (await api.post(f"{tenant.room_path}/alerts", json=alert, headers=tenant.owner.headers)).json()

    await _work(platform)

    [(headers, body)] = receiver.got
    message = json.loads(body)
    assert (message["type"], message["objectId"]) == ("alert.posted", posted["subjectId"])
    assert message["data"]["body"]["symbol"] == "AAPL"
    assert message["id"] == headers["webhook-id"]
    assert headers["webhook-signature"] == _expected(webhook["secret"], headers, body)


async def test_an_event_wakes_the_jobs_door_without_its_tick(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    await _make(api, tenant, receiver.url, "room.changed")
    kinds = {"webhook": kinds_of(platform)["webhook"]}
    runner = OutboxRunner(platform.outbox, kinds, platform.bus, platform.clock, JobMetrics(), tick_s=3600)
    working = asyncio.create_task(runner.run())
    async with asyncio.timeout(30):
        while not runner.is_fresh:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)

        await _rename(api, tenant, "Closing bell")
        while not receiver.got:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert receiver.types == ["room.changed"]


async def test_what_nobody_asked_for_is_not_sent(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    await _make(api, tenant, receiver.url, "session.started")
    await api.post(f"{tenant.room_path}/messages", json={"text": "hello"}, headers=tenant.owner.headers)
    alert = {"symbol": "AAPL", "side": "long", "entry": "181.20"}
    await api.post(f"{tenant.room_path}/alerts", json=alert, headers=tenant.owner.headers)

    await _work(platform)

    assert receiver.got == []


async def test_another_tenants_events_are_not_sent(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    other = await make_tenant(platform, PlanTier.PROFESSIONAL)
    await _make(api, tenant, receiver.url)
    alert = {"symbol": "AAPL", "side": "long", "entry": "181.20"}
    await api.post(f"{other.room_path}/alerts", json=alert, headers=other.owner.headers)

    await _work(platform)

    assert receiver.got == []


async def test_a_failure_holds_later_events_of_its_object_and_no_others(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver, database: TestDatabase
) -> None:
    await _make(api, tenant, receiver.url, "alert.posted", "alert.stepped")
    alert = {"symbol": "AAPL", "side": "long", "entry": "181.20"}
    posted = (await api.post(f"{tenant.room_path}/alerts", json=alert, headers=tenant.owner.headers)).json()
    step = f"{tenant.room_path}/alerts/{posted['subjectId']}/steps"
    await api.post(step, json={"kind": "filled"}, headers=tenant.owner.headers)
    receiver.answers = [500]
    await _work(platform)
    other = (await api.post(f"{tenant.room_path}/alerts", json=alert, headers=tenant.owner.headers)).json()
    await _work(platform)
    before = [(json.loads(body)["type"], json.loads(body)["objectId"]) for _, body in receiver.got]

    await _make_due(platform, database)
    await _work(platform)

    after = [(json.loads(body)["type"], json.loads(body)["objectId"]) for _, body in receiver.got]
    first, second = posted["subjectId"], other["subjectId"]
    assert before == [("alert.posted", first), ("alert.posted", second)]
    assert after[2:] == [("alert.posted", first), ("alert.stepped", first)]


async def test_a_repeat_carries_the_same_id_and_both_attempts_are_kept(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver, database: TestDatabase
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    await api.post(f"{tenant.path}/webhooks/{webhook['id']}/ping", headers=tenant.owner.headers)
    receiver.answers = [503]
    await _work(platform)
    await _make_due(platform, database)
    await _work(platform)

    [delivery] = await _deliveries(api, tenant, webhook)

    assert [attempt["status"] for attempt in delivery["attempts"]] == [503, 204]
    assert delivery["attempts"][0]["excerpt"] == "no, thanks"
    assert delivery["attempts"][0]["latencyMs"] >= 0
    assert delivery["deliveredAt"] is not None
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


async def test_after_a_rotation_both_secrets_sign_until_the_old_one_ends(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    old = await _make(api, tenant, receiver.url)
    path = f"{tenant.path}/webhooks/{old['id']}"
    new = (await api.post(f"{path}/rotate-secret", headers=tenant.owner.headers)).json()
    await api.post(f"{path}/ping", headers=tenant.owner.headers)
    await _work(platform)
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update webhook_endpoints set old_secret_until = now()")
    await api.post(f"{path}/ping", headers=tenant.owner.headers)
    await _work(platform)

    [first, second] = receiver.got

    assert first[0]["webhook-signature"].split() == [_expected(one["secret"], *first) for one in (new, old)]
    assert second[0]["webhook-signature"].split() == [_expected(new["secret"], *second)]


async def test_a_day_of_failures_switches_it_off_and_on_again_by_hand(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    path = f"{tenant.path}/webhooks/{webhook['id']}"
    async with platform.db.tenant(tenant.id) as tx:
        await tx.execute("update webhook_endpoints set failing_since = now() - $1::interval", timedelta(hours=25))
    receiver.answers = [500]
    await api.post(f"{path}/ping", headers=tenant.owner.headers)
    await _work(platform)

    async with platform.db.tenant(tenant.id) as tx:
        letter = await tx.fetchval("select body::text from outbox where kind = 'mail'")
    off = (await api.get(path, headers=tenant.owner.headers)).json()
    refused = await api.post(f"{path}/ping", headers=tenant.owner.headers)
    on = (await api.patch(path, json={"isEnabled": True}, headers=tenant.owner.headers)).json()

    assert (off["isEnabled"], off["disabledReason"]) == (False, "failing")
    assert tenant.owner.caller.email in letter
    assert receiver.url in letter
    assert assert_problem(refused, 409, "conflict")["reason"] == "disabled"
    assert (on["isEnabled"], on["failingSince"]) == (True, None)


async def test_gone_switches_it_off_at_once(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    path = f"{tenant.path}/webhooks/{webhook['id']}"
    receiver.answers = [410]
    await api.post(f"{path}/ping", headers=tenant.owner.headers)
    await _work(platform)

    assert (await api.get(path, headers=tenant.owner.headers)).json()["disabledReason"] == "gone"


@pytest.mark.parametrize("after", ["removed", "left", "erased", "demoted"])
async def test_nothing_is_sent_for_who_may_no_longer_manage_the_organization_until_somebody_else_stands_for_it(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver, after: str
) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    body = {"url": receiver.url, "events": ["room.changed"]}
    made = (await api.post(f"{tenant.path}/webhooks", json=body, headers=admin.headers)).json()
    path = f"{tenant.path}/webhooks/{made['id']}"
    if after == "removed":
        await platform.memberships.remove(tenant.owner.caller, tenant.id, admin.caller.user_id)
    elif after == "left":
        await platform.memberships.leave(admin.caller, tenant.id)
    elif after == "erased":
        erasure = await api.post("/api/v1/me/erasure", json={"email": admin.caller.email}, headers=admin.headers)
        assert erasure.is_success, erasure.text
    else:
        changes = MemberChanges(role=Role.HOST)
        await platform.memberships.change(tenant.owner.caller, tenant.id, admin.caller.user_id, changes)

    await _rename(api, tenant, "Closing bell")
    await _work(platform)
    off = (await api.get(path, headers=tenant.owner.headers)).json()
    async with platform.db.tenant(tenant.id) as tx:
        letters = await tx.fetch("select body::text as body from outbox where kind = 'mail'")
    told = [row["body"] for row in letters if tenant.owner.caller.email in row["body"] and receiver.url in row["body"]]
    types_before = list(receiver.types)
    await api.patch(path, json={"isEnabled": True}, headers=tenant.owner.headers)
    await _rename(api, tenant, "Opening bell")
    await _work(platform)

    assert (types_before, off["disabledReason"], len(told)) == ([], "maker_gone", 1)
    assert receiver.types == ["room.changed"]


async def test_a_new_address_stands_by_the_word_of_who_gave_it(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    admin = await make_member(platform, tenant, Role.ADMIN)
    made = await _make(api, tenant, "http://127.0.0.1:9/old", "room.changed")
    path = f"{tenant.path}/webhooks/{made['id']}"
    await api.patch(path, json={"url": receiver.url}, headers=admin.headers)
    await platform.memberships.remove(tenant.owner.caller, tenant.id, admin.caller.user_id)

    await _rename(api, tenant, "Closing bell")
    await _work(platform)

    assert receiver.got == []


async def test_the_last_attempt_gives_up_and_a_replay_sends_it_after_all(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver, database: TestDatabase
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    path = f"{tenant.path}/webhooks/{webhook['id']}"
    await api.post(f"{path}/ping", headers=tenant.owner.headers)
    async with platform.db.platform() as tx:
        await tx.execute("update outbox set attempts = $1 where kind = 'webhook'", POLICY.max_attempts - 1)
    receiver.answers = [500]
    await _work(platform)
    [failed] = await _deliveries(api, tenant, webhook)

    again = await api.post(f"{path}/deliveries/{failed['id']}/replay", headers=tenant.owner.headers)
    pending = await api.post(f"{path}/deliveries/{failed['id']}/replay", headers=tenant.owner.headers)
    await _work(platform)

    [sent] = await _deliveries(api, tenant, webhook)
    assert failed["failedAt"] is not None
    assert again.status_code == 201
    assert_problem(pending, 409, "conflict")
    assert sent["deliveredAt"] is not None
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]


async def test_everything_since_is_sent_again_in_the_same_order(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    path = f"{tenant.path}/webhooks/{webhook['id']}"
    since = platform.clock.now().isoformat()
    for _ in range(SENT_AGAIN):
        await api.post(f"{path}/ping", headers=tenant.owner.headers)
    await _work(platform, times=SENT_AGAIN + 1)

    answer = await api.post(f"{path}/replay", json={"since": since}, headers=tenant.owner.headers)
    await _work(platform, times=SENT_AGAIN + 1)

    assert answer.json()["count"] == SENT_AGAIN
    ids = [headers["webhook-id"] for headers, _ in receiver.got]
    assert ids[SENT_AGAIN:] == ids[:SENT_AGAIN]


async def test_a_redirect_is_not_followed(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    receiver.answers, receiver.headers = [302], f"Location: {receiver.url}\r\n"
    await api.post(f"{tenant.path}/webhooks/{webhook['id']}/ping", headers=tenant.owner.headers)
    await _work(platform)

    [delivery] = await _deliveries(api, tenant, webhook)

    assert len(receiver.got) == 1
    assert [attempt["status"] for attempt in delivery["attempts"]] == [302]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_nothing_is_sent_to_a_private_address(receiver: Receiver, host: str) -> None:
    sender = WebhookSender(allows_private=False)
    url = receiver.url.replace("127.0.0.1", host)

    status, _, excerpt, error = await sender.send(url, {}, b"{}")

    assert (status, excerpt) == (None, "")
    assert error == "the name leads to an address that is not public"
    assert receiver.got == []
    await sender.close()


async def test_outside_development_an_endpoint_is_https(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    settings = make_settings(database.app_url, valkey.url())
    async with compose(settings) as platform:
        tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
        transport = httpx.ASGITransport(app=create_app(platform, settings))  # type: ignore[arg-type]  # Litestar's ASGI types
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
            for url in (
                "http://example.com/x",
                "https://a:b@example.com/x",
                "ftp://example.com",
                "https://",
                "https://x#y",
            ):
                body = {"url": url, "events": ["*"]}
                answer = await client.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)
                assert assert_problem(answer, 422, "invalid_input")["field"] == "url"


async def test_a_plan_without_api_access_makes_none_and_sends_none(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    await api.post(f"{tenant.path}/webhooks/{webhook['id']}/ping", headers=tenant.owner.headers)
    await platform.organizations.set_plan(str(tenant.id), PlanTier.STARTER)

    body = {"url": receiver.url, "events": ["*"]}
    made = await api.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)
    await _work(platform)

    assert_problem(made, 402, "feature_not_in_plan")
    assert receiver.got == []


async def test_secrets_are_sealed_and_shown_once(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, receiver: Receiver
) -> None:
    webhook = await _make(api, tenant, receiver.url)
    one = await api.get(f"{tenant.path}/webhooks/{webhook['id']}", headers=tenant.owner.headers)
    async with platform.db.tenant(tenant.id) as tx:
        sealed = await tx.fetchval("select secret from webhook_endpoints where id = $1", UUID(webhook["id"]))

    assert "secret" not in one.json()
    assert base64.b64decode(webhook["secret"].removeprefix("whsec_")) not in sealed
