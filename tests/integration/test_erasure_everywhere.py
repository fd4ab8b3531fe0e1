"""An erased person is nowhere: every column of the database that can hold words is looked through, and has to be classed.

The person writes one unmistakable word wherever a person can write. Before the erasure it is found in every column of ERASED
and KEPT, so the test knows what it looks for; after it in those of KEPT alone. A new column belongs to one of three lists.
"""

# ruff: noqa: S608 - names come from the catalogue

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from control_plane.domain.plans import PlanTier
from control_plane.jobs.kinds import kinds_of
from control_plane.rest.server import create_app
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.contract.auth.issuer import Letter
from tests.factories import Tenant, make_tenant, start_session

PASSWORD = "correct horse battery"
ADDRESS, OWNERS_ADDRESS = "203.0.113.77", "198.51.100.5"
ERASED = {
    "alerts.note",
    "auth_credentials.email_change",
    "auth_credentials.user_metadata",
    "auth_factors.friendly_name",
    "auth_mailed_tokens.email",
    "auth_sessions.user_agent",
    "audit_log.user_agent",
    "chat_messages.text",
    "dev_mailbox.html",
    "dev_mailbox.text",
    "dev_mailbox.to_address",
    "invitations.email",
    "outbox.body",
    "outbox.last_error",
    "participants.display_name",
    "room_events.author_name",
    "sso_identities.email",
    "sso_identities.subject",
    "users.display_name",
    "users.email",
    "webhook_deliveries.attempts",
    "webhook_deliveries.body",
}
"""What a person writes, or is called, and what is gone with them."""
SETTINGS = "what an administrator types as a setting is the organization's, like the setting itself"
LEDGER = "a trade idea's symbol and prices are the ledger: figures over it have to stay true"
KEPT = {
    "alerts.symbol": LEDGER,
    "room_events.body": LEDGER + "; the note, and chat's words, are gone from it",
    "api_tokens.name": SETTINGS + "; the token itself ended with the membership",
    "audit_log.before": SETTINGS,
    "audit_log.after": SETTINGS,
    "organizations.name": SETTINGS,
    "organizations.slug": SETTINGS,
    "rooms.description": SETTINGS,
    "rooms.name": SETTINGS,
    "rooms.slug": SETTINGS,
    "rooms.waiting_text": SETTINGS,
    "webhook_endpoints.description": SETTINGS,
    "webhook_endpoints.url": SETTINGS,
    "workspaces.name": SETTINGS,
    "workspaces.slug": SETTINGS,
    "outbox.body of letters to others": "a letter to somebody else is theirs, and emptied once it is sent",
}
"""What a person may write and what stays on purpose, with the reason."""
_WORDS_OF_OURS = "one of a few words of ours"
_SECRET = "made by us at random, hashed or sealed: nobody's words"
_OPERATOR = "an operator's or a machine's"
OURS = {
    **dict.fromkeys(
        (
            "alert_steps.kind",
            "alerts.side",
            "api_tokens.abilities",
            "audit_log.action",
            "audit_log.actor_kind",
            "audit_log.subject_kind",
            "auth_credentials.email_change_agreed",
            "auth_factors.factor_type",
            "auth_factors.status",
            "auth_flow_codes.code_challenge_method",
            "auth_flow_codes.method",
            "auth_mailed_tokens.code_challenge_method",
            "auth_mailed_tokens.purpose",
            "auth_sessions.aal",
            "auth_sessions.amr",
            "auth_signing_keys.purpose",
            "dev_mailbox.subject",
            "invitations.role",
            "memberships.role",
            "organizations.plan_tier",
            "outbox.kind",
            "participants.role",
            "room_events.kind",
            "room_roles.role",
            "rooms.time_zone",
            "rooms.who_may_chat",
            "sso_connections.default_role",
            "sso_connections.kind",
            "sso_connections.last_error",
            "sso_connections.metadata_error",
            "sso_domains.last_error",
            "sso_flows.code_challenge_method",
            "webhook_deliveries.event",
            "webhook_endpoints.disabled_reason",
            "webhook_endpoints.events",
        ),
        _WORDS_OF_OURS,
    ),
    **dict.fromkeys(
        (
            "api_tokens.hint",
            "api_tokens.token_hash",
            "audit_log.request_id",
            "auth_credentials.password_hash",
            "auth_factors.secret",
            "auth_flow_codes.code_challenge",
            "auth_flow_codes.code_hash",
            "auth_mailed_tokens.code_challenge",
            "auth_mailed_tokens.otp_hash",
            "auth_mailed_tokens.token_hash",
            "auth_recovery_codes.code_hash",
            "auth_refresh_tokens.token_hash",
            "auth_signing_keys.kid",
            "auth_signing_keys.private_key",
            "auth_signing_keys.public_jwk",
            "idempotency_keys.answer",
            "idempotency_keys.fingerprint",
            "invitations.token_hash",
            "outbox.order_key",
            "participants.join_nonce",
            "sso_connections.client_secret",
            "sso_domains.token",
            "sso_flows.browser_hash",
            "sso_flows.code_challenge",
            "sso_flows.request_id",
            "sso_flows.state_hash",
            "webhook_endpoints.old_secret",
            "webhook_endpoints.secret",
        ),
        _SECRET,
    ),
    **dict.fromkeys(
        (
            "auth_credentials.app_metadata",
            "entitlement_overrides.limits",
            "entitlement_overrides.note",
            "media_nodes.link_url",
            "media_nodes.region",
            "media_nodes.rtp_capabilities",
            "media_nodes.worker_version",
        ),
        _OPERATOR,
    ),
    **dict.fromkeys(
        (
            "sso_connections.client_id",
            "sso_connections.idp_certificates",
            "sso_connections.idp_entity_id",
            "sso_connections.idp_metadata_url",
            "sso_connections.idp_sso_url",
            "sso_connections.issuer",
            "sso_connections.name",
            "sso_domains.domain",
        ),
        SETTINGS,
    ),
    "audit_log.ip": "an address: looked for by itself below",
    "auth_sessions.ip": "an address: looked for by itself below",
    "sso_flows.answer": "a sign-in on its way: pruned within minutes",
    "sso_flows.redirect_to": "a sign-in on its way: pruned within minutes",
}
"""What holds no words of a person, with the reason."""


class Everywhere:
    """The whole database, as a superuser sees it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def columns(self) -> list[tuple[str, str, str]]:
        """(table, column, type) of every column that can hold words. Piccolo's own list of migrations holds none."""
        rows = await self._connection.fetch(
            "select c.relname, a.attname, t.typname from pg_attribute a join pg_class c on c.oid = a.attrelid "
            "join pg_type t on t.oid = a.atttypid where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace "
            "and c.relname <> 'migration' and a.attnum > 0 and not a.attisdropped and t.typname = any($1) order by 1, 2",
            ["text", "varchar", "bpchar", "json", "jsonb", "bytea", "_text", "_varchar", "_bytea", "xml", "inet"],
        )
        return [(row["relname"], row["attname"], row["typname"]) for row in rows]

    async def having(self, word: str) -> set[str]:
        """The columns, as table.column, with this word in any row, whatever its case."""
        found = set()
        for table, column, kind in await self.columns():
            text = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
            statement = f"select exists (select 1 from {table} where position($1 in lower({text})) > 0)"
            if await self._connection.fetchval(statement, word.lower()):
                found.add(f"{table}.{column}")
        return found

    async def count(self, table: str) -> int:
        return int(await self._connection.fetchval(f"select count(*) from {table}"))

    async def execute(self, statement: str, *values: object) -> None:
        await self._connection.execute(statement, *values)


@pytest.fixture
async def everywhere(postgres: EmbeddedPostgres, database: TestDatabase) -> AsyncIterator[Everywhere]:
    connection = await asyncpg.connect(postgres.superuser_url(database.name))
    yield Everywhere(connection)
    await connection.close()


@pytest.fixture
def word() -> str:
    return f"zq{uuid4().hex[:12]}"


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey) -> Settings:
    """Addresses are confirmed, letters kept, and receivers may be here."""
    return make_settings(
        database.app_url, valkey.url(), TR_CONFIRM_EMAIL="on", TR_DEV_MAILBOX="on", TR_WEBHOOKS_PRIVATE="on"
    )


@asynccontextmanager
async def _browser(platform: Platform, settings: Settings, name: str, address: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(platform, settings)
    transport = httpx.ASGITransport(app=app, client=(address, 1))  # type: ignore[arg-type]  # Litestar's ASGI types
    headers = {"User-Agent": name}
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", headers=headers) as client:
        yield client


@pytest.fixture
async def api(platform: Platform, settings: Settings, word: str) -> AsyncIterator[httpx.AsyncClient]:
    """The person's browser: its name is their word too."""
    async with _browser(platform, settings, f"Browser/{word}", ADDRESS) as client:
        yield client


@pytest.fixture
async def tenant(platform: Platform, settings: Settings, word: str) -> Tenant:
    """An organization whose owner, in a browser of their own, invites the person."""
    made = await make_tenant(platform, PlanTier.ENTERPRISE)
    async with _browser(platform, settings, "Owner", OWNERS_ADDRESS) as client:
        body = {"role": "admin", "email": f"{word}@example.com"}
        await _send(client, "POST", f"{made.path}/invitations", made.owner.headers, **body)
    return made


@asynccontextmanager
async def _echo(word: str) -> AsyncIterator[str]:
    """A receiver of webhooks that answers with the person's word. Answers its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        writer.write(f"HTTP/1.1 200 X\r\nContent-Length: {len(word)}\r\nConnection: close\r\n\r\n{word}".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{word}"


async def _work(platform: Platform, *only: str) -> None:
    """What the jobs door does, until nothing of these kinds is due; all kinds when none is named."""
    kinds = {name: kind for name, kind in kinds_of(platform).items() if not only or name in only}
    while messages := await platform.outbox.claim(kinds, 16):
        for message in messages:
            await platform.outbox.have(message, kinds[message.kind])


async def _person(api: httpx.AsyncClient, platform: Platform, word: str) -> dict[str, str]:
    """A person signs up. Answers the headers of their requests."""
    email = f"{word}@example.com"
    body = {"email": email, "password": PASSWORD, "data": {"display_name": f"Person {word}"}}
    await api.post("/auth/v1/signup", json=body)
    await _work(platform)
    letter = (await platform.mail.list_mailbox(email, 1))[0].mail
    token = Letter(letter.subject, letter.text).token_hash
    answer = await api.post("/auth/v1/verify", json={"type": "signup", "token_hash": token})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def _send(api: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], **body: object) -> Any:
    answer = await api.request(method, path, headers=headers, json=body or None)
    assert answer.is_success, (path, answer.text)
    return answer.json() if answer.content else None


async def _join(api: httpx.AsyncClient, platform: Platform, tenant: Tenant, headers: dict[str, str], word: str) -> None:
    """The person accepts the invitation, is an admin, and sets things up."""
    [own] = (await _send(api, "GET", "/api/v1/me/invitations", headers))["items"]
    await _send(api, "POST", f"/api/v1/me/invitations/{own['id']}/accept", headers)
    for _ in range(2):
        await _send(api, "PATCH", tenant.path, headers, name=f"Traders {word}", slug=word)
        await _send(api, "PATCH", tenant.path, headers, name=f"Dealers {word}", slug=word)
    await _send(api, "POST", f"{tenant.path}/workspaces", headers, name=f"Desk {word}")
    await _send(api, "PATCH", tenant.room_path, headers, name=f"Room {word}", description=word, waitingText=word)
    await _send(api, "POST", f"{tenant.path}/rooms", headers, name=word)
    await _send(api, "POST", f"{tenant.path}/api-tokens", headers, name=word, abilities=["rooms:read"])


async def _speak(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, headers: dict[str, str], word: str
) -> None:
    """The person is in a live room, chats and posts an alert; both are sent to a webhook that answers with the word."""
    await start_session(platform, tenant)
    joined = await _send(api, "POST", f"{tenant.room_path}/join", headers)
    await platform.live.admit(joined["token"])
    async with _echo(word) as url:
        await _send(api, "POST", f"{tenant.path}/webhooks", headers, url=url, events=["*"], description=word)
        await _send(
            api, "POST", f"{tenant.room_path}/messages", {**headers, "Idempotency-Key": word}, text=f"chat {word}"
        )
        alert = {"symbol": word.upper()[:24], "side": "long", "entry": "181.20", "note": f"note {word}"}
        await _send(api, "POST", f"{tenant.room_path}/alerts", headers, **alert)
        await _work(platform)
        # One more that is never sent.
        await _send(api, "POST", f"{tenant.room_path}/alerts", headers, **alert)


async def _sign_in_things(
    api: httpx.AsyncClient, platform: Platform, everywhere: Everywhere, headers: dict[str, str], word: str
) -> None:
    """A factor, a new address that waits, a wish that waits, and a letter that could not be sent."""
    await _send(api, "POST", "/auth/v1/factors", headers, factor_type="totp", friendly_name=word)
    await _send(api, "PUT", "/auth/v1/user", headers, email=f"new-{word}@example.com", data={"motto": word})
    await _work(platform, "mail")
    await _send(api, "POST", "/auth/v1/recover", headers, email=f"{word}@example.com")
    await _work(platform, "auth.asked")
    # What an SMTP server's refusal leaves.
    words = f"550 <{word}@example.com>: no such mailbox"
    await everywhere.execute(
        "update outbox set dead_at = now(), last_error = $1 where kind = 'mail' and done_at is null", words
    )
    await _send(api, "POST", "/auth/v1/recover", headers, email=f"{word}@example.com")


async def _single_sign_on(everywhere: Everywhere, tenant: Tenant, word: str) -> None:
    """What signing in by an identity provider leaves; the provider itself has tests of its own."""
    await everywhere.execute(
        "insert into sso_connections (id, organization_id, kind, name, idp_certificates, default_role, joins_members, "
        "is_enabled, is_enforced, created_at, updated_at) "
        "values ($1, $2, 'oidc', 'Provider', '{}', 'viewer', false, false, false, now(), now())",
        uuid4(),
        tenant.id,
    )
    await everywhere.execute(
        "insert into sso_identities (id, organization_id, connection_id, subject, email, user_id, created_at, used_at) "
        "select gen_random_uuid(), c.organization_id, c.id, $1, $3::text, u.id, now(), now() "
        "from sso_connections c, users u "
        "where c.organization_id = $2 and u.email = $3",
        f"subject {word}",
        tenant.id,
        f"{word}@example.com",
    )


async def test_every_column_that_can_hold_words_is_classed_once(everywhere: Everywhere) -> None:
    columns = [f"{table}.{column}" for table, column, _ in await everywhere.columns()]

    assert sorted(columns) == sorted([*ERASED, *(name for name in KEPT if " " not in name), *OURS])


async def test_an_erased_persons_words_are_in_no_column_but_those_kept_on_purpose(
    api: httpx.AsyncClient, platform: Platform, everywhere: Everywhere, tenant: Tenant, word: str
) -> None:
    headers = await _person(api, platform, word)
    await _join(api, platform, tenant, headers, word)
    await _speak(api, platform, tenant, headers, word)
    await _single_sign_on(everywhere, tenant, word)
    await _sign_in_things(api, platform, everywhere, headers, word)
    before, addresses = await everywhere.having(word), await everywhere.having(ADDRESS)

    await _send(api, "POST", "/api/v1/me/erasure", headers, email=f"{word}@example.com")

    kept = {name for name in KEPT if " " not in name}
    assert before == ERASED | kept
    assert addresses >= {"audit_log.ip", "auth_sessions.ip"}
    assert await everywhere.having(word) == kept
    for private in (f"{word}@example.com", f"Person {word}", f"chat {word}", f"note {word}", ADDRESS):
        assert await everywhere.having(private) == set(), private
    assert await everywhere.having(OWNERS_ADDRESS) == {"audit_log.ip"}


async def test_answers_kept_for_an_erased_persons_repeats_are_gone_though_they_are_sealed(
    api: httpx.AsyncClient, platform: Platform, everywhere: Everywhere, tenant: Tenant, word: str
) -> None:
    headers = await _person(api, platform, word)
    await _join(api, platform, tenant, headers, word)
    await _send(api, "POST", f"{tenant.room_path}/messages", {**headers, "Idempotency-Key": word}, text=word)
    before = await everywhere.count("idempotency_keys")

    await _send(api, "POST", "/api/v1/me/erasure", headers, email=f"{word}@example.com")

    assert (before, await everywhere.count("idempotency_keys")) == (1, 0)


async def test_a_delivery_of_an_erased_person_is_still_listed_and_says_only_which_event_it_was(
    api: httpx.AsyncClient, platform: Platform, tenant: Tenant, word: str
) -> None:
    headers, owner = await _person(api, platform, word), tenant.owner.headers
    await _join(api, platform, tenant, headers, word)
    async with _echo(word) as url:
        body = {"url": url, "events": ["alert.posted"]}
        made = await _send(api, "POST", f"{tenant.path}/webhooks", owner, **body)
        alert = {"symbol": "AAPL", "side": "long", "entry": "181.20", "note": word}
        for by in (headers, owner):
            await _send(api, "POST", f"{tenant.room_path}/alerts", by, **alert)
        await _work(platform)

        await _send(api, "POST", "/api/v1/me/erasure", headers, email=f"{word}@example.com")

        path = f"{tenant.path}/webhooks/{made['id']}/deliveries"
        listed = (await _send(api, "GET", path, owner))["items"]
        owners, theirs = [await _send(api, "GET", f"{path}/{one['id']}", owner) for one in listed]
        await _send(api, "POST", f"{path}/{theirs['id']}/replay", owner)
        await _work(platform)
        again = await _send(api, "GET", f"{path}/{theirs['id']}", owner)

    assert word in str(owners)
    assert word not in str(theirs)
    assert theirs["deliveredAt"] is not None
    assert [attempt["status"] for attempt in again["attempts"]] == [200, 200]
