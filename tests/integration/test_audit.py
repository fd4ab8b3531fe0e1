"""The audit log: every change leaves an entry, in its own transaction, and no entry can be changed or taken out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from control_plane.domain.audit import csv_cell
from control_plane.domain.errors import LimitExceeded
from control_plane.domain.ids import UserId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.rest.observing import Metrics
from control_plane.rest.server import create_api
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from control_plane.stores import audit as audit_store
from control_plane.stores import sso as sso_store
from control_plane.stores import sso_identities
from control_plane.stores.database import columns_of
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import (
    Tenant,
    make_connection,
    make_enrolment,
    make_member,
    make_person,
    make_tenant,
    start_session,
)
from tests.integration.api_matrix import Operation, call, read_operations
from tests.support.identity_providers.keys import make_signing_key
from tests.support.name_server import NameServer, running_name_server

R = "/organizations/{organization_id}/rooms/{room_id}"
SSO = "/organizations/{organization_id}/sso"
NO_ENTRY = {
    ("post", R + "/join"): "changes nothing lasting: who was in a room stands in its participants",
    ("post", R + "/messages"): "the room's feed is the record of what was said",
    ("post", R + "/alerts"): "the room's feed is the record of what was said",
    ("post", R + "/alerts/{alert_id}/steps"): "the room's feed is the record of what was said",
    ("post", SSO + "/connections/{connection_id}/test"): "it begins a sign-in; that it worked stands at the connection",
}
"""Operations that change a tenant and leave no entry. Each is a decision."""
ELSEWHERE = {
    ("post", "/organizations/{organization_id}/webhooks/{webhook_id}/ping"),
    ("post", "/organizations/{organization_id}/webhooks/{webhook_id}/replay"),
    ("post", "/organizations/{organization_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"),
    ("post", SSO + "/connections/{connection_id}/read-metadata"),
}
"""They need deliveries to be there, or a provider that answers: test_saml_rollover looks at that one's entry."""
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("patch", "/organizations/{organization_id}"): {"name": "Renamed", "chatRetentionDays": 30},
    ("post", "/organizations/{organization_id}/deletion"): {"name": "Acme Traders"},
    ("patch", "/organizations/{organization_id}/members/{user_id}"): {"role": "moderator"},
    ("patch", R): {"name": "Renamed"},
    ("put", R + "/roles/{user_id}"): {"role": "co_host"},
    ("post", SSO + "/connections"): {
        "kind": "saml",
        "name": "Provider",
        "idpEntityId": "https://idp.example.com",
        "idpSsoUrl": "https://idp.example.com/sso",
        "idpCertificates": [make_signing_key()[1].decode()],
    },
    ("patch", SSO + "/connections/{connection_id}"): {"name": "Renamed"},
}
"""Bodies that change something; the others are made from their schemas."""


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with running_name_server() as server:
        yield server


@pytest.fixture
def settings(database: TestDatabase, valkey: EmbeddedValkey, names: NameServer) -> Settings:
    return make_settings(database.app_url, valkey.url(), TR_DNS_SERVERS=f"127.0.0.1:{names.port}")


async def _entries(platform: Platform, tenant: Tenant) -> list[dict[str, Any]]:
    async with platform.db.tenant(tenant.id) as tx:
        return [columns_of(row) for row in await tx.fetch("select * from audit_log order by id")]


async def _set_up(
    platform: Platform, operation: Operation, names: NameServer
) -> tuple[Tenant, dict[str, str], dict[str, Any]]:
    """A tenant where this operation changes something: whose headers to send, and the ids for its path."""
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    caller, headers = tenant.owner.caller, tenant.owner.headers
    admin, viewer = await make_member(platform, tenant, Role.ADMIN), await make_member(platform, tenant)
    workspace = await platform.workspaces.create(caller, tenant.id, "Empty", None)
    invitation = await platform.invitations.create(
        caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=f"{uuid4().hex}@example.com"
    )
    token = await platform.api_tokens.create(
        caller, tenant.id, name="Robot", abilities=["rooms:read"], expires_at=None, token_id=None
    )
    domain = await platform.sso_domains.add(caller, tenant.id, f"{uuid4().hex[:12]}.example")
    names.records[domain.record_name] = [domain.record_value]
    connection = make_connection(tenant.id)
    async with platform.db.tenant(tenant.id) as tx:
        await sso_store.insert_connection(tx, connection)
        await sso_identities.put_identity(
            tx,
            identity_id=(identity_id := platform.ids.new()),
            organization_id=tenant.id,
            connection_id=connection.id,
            subject="subject",
            email="subject@example.com",
            user_id=UserId(viewer.caller.user_id),
            now=platform.clock.now(),
        )
    ids: dict[str, Any] = {
        "organization_id": tenant.id,
        "room_id": tenant.room_id,
        "workspace_id": workspace.id,
        "user_id": viewer.caller.user_id,
        "invitation_id": invitation.invitation.id,
        "token_id": token.token.id,
        "admin_id": admin.caller.user_id,
        "connection_id": connection.id,
        "identity_id": identity_id,
        "domain_id": domain.id,
    }
    await platform.nodes.enrol(make_enrolment())
    action = operation.path.rsplit("/", 1)[-1]
    if action == "end":
        await platform.live.start(caller, tenant.id, tenant.room_id)
    if action == "restore":
        await platform.rooms.archive(caller, tenant.id, tenant.room_id)
    if operation.key == ("delete", "/organizations/{organization_id}/deletion"):
        await platform.closing.close(caller, tenant.id, "Acme Traders")
    if operation.key == ("delete", R + "/roles/{user_id}"):
        await platform.room_roles.put(caller, tenant.id, tenant.room_id, viewer.caller.user_id, Role.CO_HOST)
    if action == "leave":
        headers = admin.headers
    return tenant, headers, ids


async def test_every_operation_that_changes_a_tenant_leaves_an_entry(
    api: httpx.AsyncClient, platform: Platform, settings: Settings, names: NameServer
) -> None:
    document = create_api(platform, settings, Metrics()).openapi_schema.to_schema()
    changing = [one for one in read_operations(document) if one.is_tenants and one.method != "get"]
    silent = []
    for operation in changing:
        if operation.key in NO_ENTRY or operation.key in ELSEWHERE:
            continue
        tenant, headers, ids = await _set_up(platform, operation, names)
        if "webhook_id" in operation.ids:
            ids["webhook_id"] = await _make_webhook(api, tenant)
        body = BODIES.get(operation.key) or operation.make_body({"userId": str(ids["admin_id"])})
        before = len(await _entries(platform, tenant))

        answer = await call(api, operation, headers, ids, body=body)

        assert answer.is_success, (operation.key, answer.text)
        after = await _entries(platform, tenant)
        if len(after) != before + 1 or after[-1]["request_id"] != answer.headers["x-request-id"]:
            silent.append(operation.key)

    assert {one.key for one in changing} >= set(NO_ENTRY) | ELSEWHERE
    assert silent == []


@pytest.mark.parametrize("path", ["/api/v1/invitations/accept", "/api/v1/me/invitations/{invitation}/accept"])
async def test_coming_in_by_an_invitation_leaves_an_entry(
    api: httpx.AsyncClient, platform: Platform, path: str
) -> None:
    tenant, guest = await make_tenant(platform, PlanTier.ENTERPRISE), await make_person(platform)
    new = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=guest.caller.email
    )

    answer = await api.post(path.format(invitation=new.invitation.id), headers=guest.headers, json={"code": new.code})

    last = (await _entries(platform, tenant))[-1]
    assert (last["action"], last["actor_id"], last["subject_id"]) == ("member.joined", *[guest.caller.user_id] * 2)
    assert last["request_id"] == answer.headers["x-request-id"]


async def _make_webhook(api: httpx.AsyncClient, tenant: Tenant) -> str:
    body = {"url": "https://hooks.example.com/in", "events": ["room.created"]}
    answer = await api.post(f"{tenant.path}/webhooks", headers=tenant.owner.headers, json=body)
    return str(answer.json()["id"])


async def test_an_entry_says_who_what_before_after_and_from_where(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)

    answer = await api.patch(
        tenant.room_path, headers={**tenant.owner.headers, "user-agent": "Tests/1"}, json={"name": "Closing bell"}
    )
    log = (await api.get(f"{tenant.path}/audit-log", headers=tenant.owner.headers)).json()["items"]

    entry = log[0]
    assert (entry["action"], entry["subjectKind"], entry["subjectId"]) == ("room.changed", "room", str(tenant.room_id))
    assert (entry["before"], entry["after"]) == ({"name": "Opening bell"}, {"name": "Closing bell"})
    assert (entry["actorKind"], entry["actorId"]) == ("user", str(tenant.owner.caller.user_id))
    assert (entry["ip"], entry["userAgent"]) == ("127.0.0.1", "Tests/1")
    assert entry["sessionId"] == str(tenant.owner.caller.session_id)
    assert entry["requestId"] == answer.headers["x-request-id"]


async def test_a_change_that_fails_leaves_no_entry(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    before = await _entries(platform, tenant)

    with pytest.raises(LimitExceeded):
        await platform.workspaces.create(tenant.owner.caller, tenant.id, "Two", None)

    assert await _entries(platform, tenant) == before


async def test_a_call_by_token_is_told_from_one_by_its_maker(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform, PlanTier.BUSINESS)
    token = await platform.api_tokens.create(
        tenant.owner.caller, tenant.id, name="Robot", abilities=["rooms:write"], expires_at=None, token_id=None
    )

    await api.patch(tenant.room_path, headers={"Authorization": f"Bearer {token.text}"}, json={"name": "By robot"})
    log = (await api.get(f"{tenant.path}/audit-log", headers=tenant.owner.headers)).json()["items"]

    assert (log[0]["actorKind"], log[0]["tokenId"]) == ("token", str(token.token.id))
    assert log[0]["actorId"] == str(tenant.owner.caller.user_id)


async def test_entries_are_found_by_actor_action_subject_time_and_page(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    admin = await make_member(platform, tenant, Role.ADMIN)
    for number in range(3):
        await api.patch(tenant.room_path, headers=admin.headers, json={"name": f"R{number}"})
    path, headers = f"{tenant.path}/audit-log", tenant.owner.headers

    async def actions(**params: Any) -> list[str]:
        answer = await api.get(path, headers=headers, params=params)
        assert answer.status_code == 200, answer.text
        return [entry["action"] for entry in answer.json()["items"]]

    first = (await api.get(path, headers=headers, params={"limit": 2})).json()
    second = (await api.get(path, headers=headers, params={"limit": 2, "cursor": first["nextCursor"]})).json()
    edge = first["items"][1]["at"]

    assert await actions(actorId=str(admin.caller.user_id)) == ["room.changed"] * 3
    assert await actions(action="organization.created") == ["organization.created"]
    assert await actions(action="room") == [*["room.changed"] * 3, "room.created"]
    assert await actions(subjectId=str(uuid4())) == []
    assert len(await actions(subjectId=str(tenant.room_id))) == 4
    assert await actions(since=edge) == ["room.changed"] * 2
    assert await actions(until=edge) == ["room.changed", "room.created", "organization.created"]
    assert [entry["after"]["name"] for entry in first["items"] + second["items"]][:3] == ["R2", "R1", "R0"]


async def test_entries_are_found_by_words_of_what_was_done_and_by_whom(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform)
    admin = await make_member(platform, tenant, Role.ADMIN)
    await api.patch(tenant.room_path, headers=admin.headers, json={"name": "Morning Call 100%"})
    path, headers = f"{tenant.path}/audit-log", tenant.owner.headers

    async def actions(words: str) -> list[str]:
        answer = await api.get(path, headers=headers, params={"q": words})
        assert answer.status_code == 200, answer.text
        return [entry["action"] for entry in answer.json()["items"]]

    assert await actions("morning call") == ["room.changed"]
    assert await actions("100%") == ["room.changed"]
    assert await actions("%") == ["room.changed"]
    assert await actions("Organization.Created") == ["organization.created"]
    assert await actions(str(tenant.room_id)) == ["room.changed", "room.created"]
    assert await actions(admin.caller.email[:-4].upper()) == ["room.changed"]
    assert await actions(uuid4().hex) == []


async def test_a_page_of_a_search_looks_at_so_many_entries_and_the_next_one_goes_on(
    api: httpx.AsyncClient, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_store, "SEARCHED_AT_ONCE", 2)
    tenant = await make_tenant(platform)
    for number in range(4):
        await api.patch(tenant.room_path, headers=tenant.owner.headers, json={"name": f"R{number}"})
    path, headers = f"{tenant.path}/audit-log", tenant.owner.headers

    pages, params = [], {"q": "organization.created"}
    while True:
        page = (await api.get(path, headers=headers, params=params)).json()
        pages.append([entry["action"] for entry in page["items"]])
        if page["nextCursor"] is None:
            break
        params["cursor"] = page["nextCursor"]

    assert [page for page in pages if page] == [["organization.created"]]
    assert pages[:2] == [[], []]


async def test_an_export_holds_everything_and_no_formula(api: httpx.AsyncClient, platform: Platform) -> None:
    tenant = await make_tenant(platform)
    evil = {**tenant.owner.headers, "user-agent": '=HYPERLINK("https://evil.example")'}
    await api.patch(tenant.room_path, headers=evil, json={"name": "=1+1"})
    path, headers = f"{tenant.path}/audit-log/export", tenant.owner.headers

    sheet = await api.get(path, headers=headers, params={"format": "csv"})
    of_room = await api.get(path, headers=headers, params={"format": "ndjson", "subjectId": str(tenant.room_id)})
    lines = await api.get(path, headers=headers, params={"format": "ndjson"})

    rows = list(csv.DictReader(io.StringIO(sheet.text)))
    assert [row["action"] for row in rows] == [
        "audit.exported",
        "room.changed",
        "room.created",
        "organization.created",
    ]
    assert rows[1]["userAgent"] == "'" + evil["user-agent"]
    assert json.loads(rows[1]["after"]) == {"name": "=1+1"}
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert json.loads(lines.text.splitlines()[0])["action"] == "audit.exported"
    assert len(lines.text.splitlines()) == len(rows) + 2
    assert [json.loads(line)["action"] for line in of_room.text.splitlines()] == ["room.changed", "room.created"]
    assert 'filename="audit-log.csv"' in sheet.headers["content-disposition"]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


async def test_no_entry_can_be_changed_or_taken_out(platform: Platform) -> None:
    tenant = await make_tenant(platform)

    for statement in ("update audit_log set action = 'x'", "delete from audit_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with platform.db.tenant(tenant.id) as tx:
                await tx.execute(statement)
    async with platform.db.platform() as tx:
        assert await tx.execute("delete from audit_log where organization_id = $1", tenant.id) == 0


async def test_the_log_is_read_on_the_smallest_plan_and_by_admins_only(
    api: httpx.AsyncClient, platform: Platform
) -> None:
    tenant = await make_tenant(platform, PlanTier.STARTER)
    admin, host = await make_member(platform, tenant, Role.ADMIN), await make_member(platform, tenant, Role.HOST)

    read = await api.get(f"{tenant.path}/audit-log", headers=admin.headers)
    refused = await api.get(f"{tenant.path}/audit-log", headers=host.headers)

    assert (read.status_code, refused.status_code) == (200, 403)


async def test_the_log_holds_nobodys_name_or_address(platform: Platform) -> None:
    tenant = await make_tenant(platform)
    person = await make_person(platform, "Unmistakable Name")
    await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=person.caller.email
    )
    own = (await platform.invitations.list_own(person.caller))[0]
    await platform.invitations.accept_own(person.caller, own.invitation.id)
    await start_session(platform, tenant)
    await platform.memberships.remove(tenant.owner.caller, tenant.id, person.caller.user_id)

    text = str(await _entries(platform, tenant))
    assert "member.joined" in text
    assert "member.removed" in text
    assert person.caller.email not in text
    assert "Unmistakable" not in text
