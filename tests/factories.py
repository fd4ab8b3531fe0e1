"""People, organizations, rooms and nodes for tests: made by the shortest way that leaves true rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec

from control_plane.domain.accounts import Account
from control_plane.domain.callers import Caller
from control_plane.domain.ids import OrganizationId, RoomId, UserId
from control_plane.domain.organizations import is_host_by_default
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.domain.sign_ins import SignIn
from control_plane.domain.sso import SsoConnection
from control_plane.services.platform import Platform
from control_plane.stores import accounts as account_store
from control_plane.stores import organizations as organization_store
from control_plane.stores import sign_ins as sign_in_store
from media_plane.contract.messages import CONTRACT_VERSION, NodeEnrolment


@dataclass(frozen=True)
class Person:
    """A login with an access token. headers: to send with its requests."""

    caller: Caller
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Tenant:
    """An organization, its owner and one room."""

    id: OrganizationId
    owner: Person
    room_id: RoomId

    @property
    def path(self) -> str:
        return f"/api/v1/organizations/{self.id}"

    @property
    def room_path(self) -> str:
        return f"{self.path}/rooms/{self.room_id}"


async def make_person(platform: Platform, name: str = "Ada") -> Person:
    """A login that can't sign in by password: hashing takes longer than most tests."""
    now = platform.clock.now()
    user_id, session_id = UserId(platform.ids.new()), platform.ids.new()
    email = f"{user_id.hex}@example.com"
    account = Account(
        id=user_id,
        email=email,
        display_name=name,
        created_at=now,
        updated_at=now,
        last_sign_in_at=None,
        user_metadata={"display_name": name},
    )
    async with platform.db.platform() as tx:
        await account_store.insert_account(tx, account, "no password")
        await sign_in_store.insert_sign_in(
            tx,
            SignIn(
                id=session_id,
                user_id=user_id,
                created_at=now,
                refreshed_at=now,
                aal="aal1",
                amr=(),
                ip=None,
                user_agent=None,
            ),
        )
    claims = {"sub": str(user_id), "email": email, "session_id": str(session_id)}
    token, _ = await platform.tokens.issue_access(claims)
    return Person(caller=Caller(user_id=user_id, email=email, display_name=name, session_id=session_id), token=token)


async def make_tenant(platform: Platform, tier: PlanTier = PlanTier.STARTER) -> Tenant:
    """An organization with an owner and a room."""
    owner = await make_person(platform, "Olga Owner")
    own = await platform.organizations.create(owner.caller, "Acme Traders", None)
    if tier is not PlanTier.STARTER:
        await platform.organizations.set_plan(str(own.organization.id), tier)
    room = await platform.rooms.create(
        owner.caller, own.organization.id, name="Opening bell", workspace_id=None, room_id=None
    )
    return Tenant(id=own.organization.id, owner=owner, room_id=room.room.id)


async def make_member(platform: Platform, tenant: Tenant, role: Role = Role.VIEWER) -> Person:
    """A new person with a role in the organization; plan limits are not asked."""
    person = await make_person(platform, f"{role.value.title()} {uuid4().hex[:4]}")
    await add_member(platform, tenant, person, role)
    return person


async def add_member(platform: Platform, tenant: Tenant, person: Person, role: Role = Role.VIEWER) -> None:
    """A role in the organization for somebody who is there; plan limits are not asked."""
    async with platform.db.tenant(tenant.id) as tx:
        await organization_store.insert_member(
            tx,
            membership_id=platform.ids.new(),
            organization_id=tenant.id,
            user_id=person.caller.user_id,
            role=role,
            is_host=is_host_by_default(role),
            now=platform.clock.now(),
        )


def make_connection(organization_id: OrganizationId, **changes: object) -> SsoConnection:
    """An OIDC connection as its row is, turned off, of a provider that nobody has asked."""
    now = datetime.now(UTC)
    connection = SsoConnection(
        id=uuid4(),
        organization_id=organization_id,
        kind="oidc",
        name="Provider",
        issuer="https://id.example.com",
        client_id="tradingroom",
        client_secret=None,
        idp_entity_id=None,
        idp_sso_url=None,
        idp_certificates=(),
        default_role=Role.VIEWER,
        joins_members=False,
        is_enabled=False,
        is_enforced=False,
        worked_at=None,
        tested_by=None,
        last_error=None,
        created_at=now,
        updated_at=now,
    )
    return msgspec.structs.replace(connection, **changes)


def make_enrolment(node_id: str | None = None, **changes: object) -> NodeEnrolment:
    """What a node says at its boot."""
    enrolment = NodeEnrolment(
        node_id=node_id or str(uuid4()),
        link_url="ws://127.0.0.1:1/",
        region="local",
        contract_version=CONTRACT_VERSION,
        worker_version="3.0.0",
        rtp_capabilities=msgspec.Raw(b'{"codecs": [], "headerExtensions": []}'),
        capacity_consumers=1000,
    )
    return msgspec.structs.replace(enrolment, **changes)


async def start_session(platform: Platform, tenant: Tenant) -> None:
    """A live session in the tenant's room, on a node that has just enrolled."""
    await platform.nodes.enrol(make_enrolment())
    await platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id)


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """That a response is problem+json of this status and code; answers its facts."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    problem = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["requestId"] == response.headers["x-request-id"]
    facts: dict[str, object] = problem["facts"]
    return facts
