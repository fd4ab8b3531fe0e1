"""Things to name for whoever tries the whole API at random: real ids, and other tenants' worth of things for what destroys.

An operation that takes something away gets a thing of its own; else the next one would find nothing and only ever be
answered 404.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from control_plane.domain.alerts import AlertDraft, Side
from control_plane.domain.ids import AlertId
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.stores import sso as sso_store
from control_plane.stores import sso_identities
from tests.factories import Person, Tenant, add_member, make_connection, make_enrolment, make_member, make_tenant

Ids = dict[str, Any]


@dataclass(frozen=True)
class FuzzWorld:
    """person: who asks. ids: of the tenant's things, by the name in a path. own: an operation's own ones, by its id."""

    person: Person
    ids: Ids
    own: Mapping[str, Ids]


async def make_world(platform: Platform, role: Role) -> FuzzWorld:
    """A live tenant in which somebody has that role, and the others for what destroys."""
    await platform.nodes.enrol(make_enrolment())
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    person = tenant.owner if role is Role.OWNER else await make_member(platform, tenant, role)
    ids = await _make_things(platform, tenant)
    await platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id)
    author = await platform.feed.author_for(tenant.owner.caller, tenant.id, tenant.room_id)
    draft = AlertDraft(symbol="AAPL", side=Side.LONG, entry=Decimal("181.20"))
    ids["alert_id"] = AlertId(uuid4())
    await platform.alerts.post(author, ids["alert_id"], draft)
    if role is not Role.OWNER:
        return FuzzWorld(person, ids, {"leaveOrganization": await _visit(platform, person)})
    return FuzzWorld(person, ids, await _make_own(platform, person))


async def _make_own(platform: Platform, owner: Person) -> dict[str, Ids]:
    """A tenant for each operation that destroys, and the state it needs."""
    own = {}
    for operation in (
        "archiveRoom", "deleteApiToken", "deleteRoom", "deleteRoomRole", "deleteSsoConnection", "deleteSsoDomain",
        "deleteWebhook", "deleteWorkspace", "endSession", "removeMember", "restoreOrganization", "restoreRoom",
        "revokeApiToken", "revokeInvitation", "startSession", "unlinkSsoPerson", "changeMember",
    ):  # fmt: skip
        tenant = await _tenant_of(platform, owner)
        own[operation] = await _make_things(platform, tenant)
    caller = owner.caller
    put = platform.room_roles.put
    ids = own["deleteRoomRole"]
    await put(caller, ids["organization_id"], ids["room_id"], ids["user_id"], Role.CO_HOST)
    ids = own["restoreRoom"]
    await platform.rooms.archive(caller, ids["organization_id"], ids["room_id"])
    ids = own["endSession"]
    await platform.live.start(caller, ids["organization_id"], ids["room_id"])
    await platform.closing.close(caller, own["restoreOrganization"]["organization_id"], "Acme Traders")
    for operation in ("transferOrganization", "deleteOrganization"):
        own[operation] = {"organization_id": (await _tenant_of(platform, owner)).id}
    own["leaveOrganization"] = await _visit(platform, owner)
    own["acceptMyInvitation"] = {"invitation_id": await _be_invited(platform, owner)}
    own["declineMyInvitation"] = {"invitation_id": await _be_invited(platform, owner)}
    return own


async def _tenant_of(platform: Platform, owner: Person) -> Tenant:
    """One more organization on the largest plan with a room, whose owner is this person."""
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    await add_member(platform, tenant, owner, Role.ADMIN)
    await platform.memberships.transfer(tenant.owner.caller, tenant.id, owner.caller.user_id)
    return Tenant(id=tenant.id, owner=owner, room_id=tenant.room_id)


async def _visit(platform: Platform, person: Person) -> Ids:
    """A tenant of somebody else's, in which the person may stay or go."""
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    await add_member(platform, tenant, person, Role.VIEWER)
    return {"organization_id": tenant.id}


async def _be_invited(platform: Platform, person: Person) -> Any:
    tenant = await make_tenant(platform, PlanTier.ENTERPRISE)
    new = await platform.invitations.create(
        tenant.owner.caller, tenant.id, role=Role.VIEWER, max_uses=None, expires_in_s=None, email=person.caller.email
    )
    return new.invitation.id


async def _make_things(platform: Platform, tenant: Tenant) -> Ids:
    """One of each kind that stands in a path."""
    caller, organization_id = tenant.owner.caller, tenant.id
    member = await make_member(platform, tenant)
    workspace = await platform.workspaces.create(caller, organization_id, "Second", None)
    invitation = await platform.invitations.create(
        caller,
        organization_id,
        role=Role.VIEWER,
        max_uses=None,
        expires_in_s=None,
        email=f"{uuid4().hex}@example.com",
    )
    token = await platform.api_tokens.create(
        caller, organization_id, name="Robot", abilities=["rooms:read"], expires_at=None, token_id=None
    )
    webhook = await platform.webhooks.create(
        caller, organization_id, url="https://example.com/x", description="", events=["*"], endpoint_id=None
    )
    delivery = await platform.webhooks.ping(caller, organization_id, webhook.endpoint.id)
    domain = await platform.sso_domains.add(caller, organization_id, f"{uuid4().hex[:12]}.example")
    connection, identity_id = make_connection(organization_id), platform.ids.new()
    async with platform.db.tenant(organization_id) as tx:
        await sso_store.insert_connection(tx, connection)
        await sso_identities.put_identity(
            tx,
            identity_id=identity_id,
            organization_id=organization_id,
            connection_id=connection.id,
            subject=uuid4().hex,
            email=member.caller.email,
            user_id=member.caller.user_id,
            now=platform.clock.now(),
        )
    return {
        "organization_id": organization_id,
        "room_id": tenant.room_id,
        "workspace_id": workspace.id,
        "user_id": member.caller.user_id,
        "invitation_id": invitation.invitation.id,
        "token_id": token.token.id,
        "webhook_id": webhook.endpoint.id,
        "delivery_id": delivery.id,
        "connection_id": connection.id,
        "identity_id": identity_id,
        "domain_id": domain.id,
    }
