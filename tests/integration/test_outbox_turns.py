"""Tenants take turns in the outbox: whose receivers are slow holds up only themselves. The receivers have real sockets."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import httpx
import pytest

from control_plane.domain.mail import MAIL_KIND
from control_plane.domain.outbox import (
    AT_ONCE_PER_SIDE,
    AT_ONCE_PER_TENANT,
    FIRST_TURN,
    PLATFORM_PARTY,
    OutboxMessage,
    Places,
    last_served,
    party_of,
)
from control_plane.domain.plans import PlanTier
from control_plane.domain.webhooks import KIND as WEBHOOK_KIND
from control_plane.jobs.kinds import kinds_of, lanes_of
from control_plane.jobs.runner import AT_ONCE, JobMetrics, OutboxRunner
from control_plane.services.mail import MailService
from control_plane.services.outbox import OutboxKind
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import Tenant, make_tenant

ALERT = {"symbol": "AAPL", "side": "long", "entry": "181.20"}


@dataclass
class Receiver:
    """An HTTP server that answers once it is let to. open, most: requests that wait for an answer, now and ever."""

    url: str = ""
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    got: list[tuple[str, str]] = field(default_factory=list)
    open: int = 0
    most: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        message = json.loads(await reader.readexactly(length))
        self.got.append((message["objectId"], message["type"]))
        self.open += 1
        self.most = max(self.most, self.open)
        await self.may_answer.wait()
        self.open -= 1
        writer.write(b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n")
        writer.close()


@asynccontextmanager
async def _receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield made
    finally:
        made.may_answer.set()
        server.close()


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Letters that left, by kind: there is no mail server here."""
    left: Counter[str] = Counter()

    async def send(_: MailService, message: OutboxMessage) -> None:
        left[message.kind] += 1

    monkeypatch.setattr(MailService, "send", send)
    return left


async def _subscribe(api: httpx.AsyncClient, tenant: Tenant, receiver: Receiver) -> None:
    body = {"url": receiver.url, "events": ["alert.posted", "alert.stepped"]}
    answer = await api.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)
    assert answer.status_code == 201, answer.text


async def _post_alert(api: httpx.AsyncClient, tenant: Tenant) -> str:
    answer = await api.post(f"{tenant.room_path}/alerts", json=ALERT, headers=tenant.owner.headers)
    assert answer.status_code == 201, answer.text
    alert_id: str = answer.json()["subjectId"]
    return alert_id


@asynccontextmanager
async def _jobs_door(platform: Platform) -> AsyncIterator[JobMetrics]:
    """Both lanes at work, as in the jobs door."""
    metrics = JobMetrics()
    runners = [
        OutboxRunner(
            platform.outbox, lane.kinds, platform.bus, platform.clock, metrics, minds_slow=lane.minds_slow, tick_s=0.2
        )
        for lane in lanes_of(kinds_of(platform))
    ]
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    yield metrics
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - lists have no event
            await asyncio.sleep(0.01)


async def test_a_tenant_whose_receiver_hangs_holds_its_share_of_places_and_another_is_served(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    slow, prompt = [await make_tenant(platform, PlanTier.PROFESSIONAL) for _ in range(2)]
    async with _receiver() as hanging, _receiver() as answering:
        answering.may_answer.set()
        await _subscribe(api, slow, hanging)
        await _subscribe(api, prompt, answering)
        for _ in range(AT_ONCE + 4):
            await _post_alert(api, slow)
        async with _jobs_door(platform):
            await _until(lambda: hanging.open == AT_ONCE_PER_TENANT)
            posted = [await _post_alert(api, prompt) for _ in range(AT_ONCE)]
            await _until(lambda: len(answering.got) == len(posted))
            was_hanging = (hanging.open, len(hanging.got))
            hanging.may_answer.set()
            await _until(lambda: len(hanging.got) == AT_ONCE + 4)

    assert {one for one, _ in answering.got} == set(posted)
    assert was_hanging == (AT_ONCE_PER_TENANT, AT_ONCE_PER_TENANT)
    assert hanging.most == AT_ONCE_PER_TENANT


async def test_while_20_tenants_hang_a_prompt_one_is_served_and_a_letter_leaves(
    api: httpx.AsyncClient, platform: Platform, letters: Counter[str]
) -> None:
    prompt, *slow = [await make_tenant(platform, PlanTier.PROFESSIONAL) for _ in range(21)]
    async with _receiver() as hanging, _receiver() as answering:
        answering.may_answer.set()
        for tenant in slow:
            await _subscribe(api, tenant, hanging)
            for _ in range(AT_ONCE_PER_TENANT):
                await _post_alert(api, tenant)
        await _subscribe(api, prompt, answering)
        async with _jobs_door(platform) as metrics:
            await _until(lambda: hanging.open >= AT_ONCE_PER_SIDE)
            posted = [await _post_alert(api, prompt) for _ in range(AT_ONCE)]
            async with platform.db.platform() as tx:
                await platform.outbox.put(tx, MAIL_KIND, {})
            await _until(lambda: len(answering.got) == len(posted) and letters.total() == 1)
            # None had been given up yet: nobody's end made room for the prompt one.
            given_up = metrics.registry.get_sample_value(
                "tr_outbox_attempts_total", {"kind": WEBHOOK_KIND, "outcome": "retry"}
            )
            await _until(lambda: hanging.open >= len(slow))

    assert {one for one, _ in answering.got} == set(posted)
    assert not given_up


async def test_events_of_one_object_stay_in_order_while_tenants_take_turns(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenants = [await make_tenant(platform, PlanTier.PROFESSIONAL) for _ in range(2)]
    async with _receiver() as receiver:
        receiver.may_answer.set()
        for tenant in tenants:
            await _subscribe(api, tenant, receiver)
        alerts = [(tenant, await _post_alert(api, tenant)) for tenant in tenants for _ in range(4)]
        for kind in ("filled", "closed"):
            for tenant, alert in alerts:
                step = {"kind": kind, "price": "190"} if kind == "closed" else {"kind": kind}
                path = f"{tenant.room_path}/alerts/{alert}/steps"
                answer = await api.post(path, json=step, headers=tenant.owner.headers)
                assert answer.status_code == 201, answer.text
        async with _jobs_door(platform):
            await _until(lambda: len(receiver.got) == 3 * len(alerts))

    told = defaultdict(list)
    for alert, kind in receiver.got:
        told[alert].append(kind)
    assert dict(told) == {alert: ["alert.posted", "alert.stepped", "alert.stepped"] for _, alert in alerts}


async def test_processes_that_claim_at_once_have_each_tenants_effects_once(platform: Platform) -> None:
    kind, tenants = f"test.{uuid4().hex[:12]}", [await make_tenant(platform) for _ in range(3)]
    kinds = {kind: OutboxKind(handle=_nobody)}
    for tenant in tenants:
        async with platform.db.tenant(tenant.id) as tx:
            for number in range(8):
                body = {"number": number}
                await platform.outbox.put(tx, kind, body, organization_id=tenant.id)

    claims = await asyncio.gather(*(platform.outbox.claim(kinds, 16) for _ in range(8)))

    had = Counter((one.organization_id, one.body["number"]) for claim in claims for one in claim)
    assert had == Counter((tenant.id, number) for tenant in tenants for number in range(8))
    for claim in claims:
        assert max(Counter(one.organization_id for one in claim).values(), default=0) <= AT_ONCE_PER_TENANT


async def test_with_one_place_left_the_next_in_turn_has_it_and_the_platform_takes_turns_too(platform: Platform) -> None:
    kind, tenants = f"test.{uuid4().hex[:12]}", [await make_tenant(platform) for _ in range(2)]
    kinds = {kind: OutboxKind(handle=_nobody)}
    for tenant in tenants:
        async with platform.db.tenant(tenant.id) as tx:
            for _ in range(3):
                await platform.outbox.put(tx, kind, {}, organization_id=tenant.id)
    async with platform.db.platform() as tx:
        for _ in range(3):
            await platform.outbox.put(tx, kind, {})

    served, after = [], FIRST_TURN
    for _ in range(9):
        [message] = await platform.outbox.claim(kinds, 1, Places(after=after))
        after = last_served(after, [party_of(message)])
        served.append(after)

    assert served == 3 * [*sorted(tenant.id for tenant in tenants), PLATFORM_PARTY]


async def test_places_a_tenant_has_already_count_against_its_share(platform: Platform) -> None:
    kind, tenant = f"test.{uuid4().hex[:12]}", await make_tenant(platform)
    async with platform.db.tenant(tenant.id) as tx:
        for _ in range(6):
            await platform.outbox.put(tx, kind, {}, organization_id=tenant.id)
    places = Places(shares={UUID(int=1): 0, tenant.id: 1})

    claimed = await platform.outbox.claim({kind: OutboxKind(handle=_nobody)}, 16, places)

    assert len(claimed) == 1


async def test_slow_tenants_take_turns_in_places_of_their_own(platform: Platform) -> None:
    kind, tenants = f"test.{uuid4().hex[:12]}", [await make_tenant(platform) for _ in range(4)]
    for tenant in tenants:
        await _put(platform, kind, 2, tenant)
    prompt, *slow = tenants
    turns = [slow[2].id, slow[0].id, slow[1].id]
    places = Places(shares=dict.fromkeys(turns, 0), slow=2, slow_shares=dict.fromkeys(turns, 1))

    claimed = await platform.outbox.claim({kind: OutboxKind(handle=_nobody)}, 16, places)

    assert Counter(map(party_of, claimed)) == {prompt.id: 2, slow[2].id: 1, slow[0].id: 1}


async def _put(platform: Platform, kind: str, count: int, tenant: Tenant | None = None) -> None:
    """Effects of a tenant, or the platform's own."""
    if tenant is None:
        async with platform.db.platform() as tx:
            for _ in range(count):
                await platform.outbox.put(tx, kind, {})
    else:
        async with platform.db.tenant(tenant.id) as tx:
            for _ in range(count):
                await platform.outbox.put(tx, kind, {}, organization_id=tenant.id)


@asynccontextmanager
async def _hanging(platform: Platform, kind: str) -> AsyncIterator[Counter[UUID]]:
    """A runner whose effects hang. Counts them by whose they are."""
    hanging: Counter[UUID] = Counter()

    async def hang(message: OutboxMessage) -> None:
        hanging[party_of(message)] += 1
        await asyncio.Event().wait()

    kinds = {kind: OutboxKind(handle=hang)}
    runner = OutboxRunner(platform.outbox, kinds, platform.bus, platform.clock, JobMetrics(), tick_s=0.2)
    task = asyncio.create_task(runner.run())
    yield hanging
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_tenants_that_hang_leave_places_to_the_platform(platform: Platform) -> None:
    kind, tenants = f"test.{uuid4().hex[:12]}", [await make_tenant(platform) for _ in range(5)]
    for tenant in tenants:
        await _put(platform, kind, AT_ONCE_PER_TENANT, tenant)

    async with _hanging(platform, kind) as hanging:
        await _until(lambda: hanging.total() >= AT_ONCE_PER_SIDE)
        await _put(platform, kind, AT_ONCE)
        await _until(lambda: hanging.total() == AT_ONCE)

    assert hanging[PLATFORM_PARTY] == AT_ONCE - AT_ONCE_PER_SIDE


async def test_a_platform_that_hangs_leaves_places_to_tenants(platform: Platform) -> None:
    kind, tenant = f"test.{uuid4().hex[:12]}", await make_tenant(platform)
    await _put(platform, kind, 2 * AT_ONCE)

    async with _hanging(platform, kind) as hanging:
        await _until(lambda: hanging[PLATFORM_PARTY] >= AT_ONCE_PER_SIDE)
        await _put(platform, kind, AT_ONCE, tenant)
        await _until(lambda: hanging.total() == AT_ONCE)

    assert hanging == {PLATFORM_PARTY: AT_ONCE_PER_SIDE, tenant.id: AT_ONCE - AT_ONCE_PER_SIDE}


async def test_one_claim_takes_no_more_of_either_side_than_its_places(platform: Platform) -> None:
    kind, tenants = f"test.{uuid4().hex[:12]}", [await make_tenant(platform) for _ in range(5)]
    for tenant in tenants:
        await _put(platform, kind, AT_ONCE_PER_TENANT, tenant)
    await _put(platform, kind, AT_ONCE)
    kinds = {kind: OutboxKind(handle=_nobody)}

    claims = [await platform.outbox.claim(kinds, 100, Places(after=after)) for after in (tenants[2].id, PLATFORM_PARTY)]

    sides = [Counter(one.organization_id is None for one in claim) for claim in claims]
    assert sides == [{True: 12, False: 12}, {True: 4, False: 8}]


async def _nobody(_: object) -> None:
    """Has nothing: these tests only claim."""
