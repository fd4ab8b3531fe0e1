"""Organizations: the tenants themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain.audit import AUDIT_KEPT_AT_LEAST_DAYS, changes_of
from control_plane.domain.callers import Caller
from control_plane.domain.errors import Conflict, NotFound, Unauthenticated
from control_plane.domain.ids import OrganizationId, UserId, WorkspaceId
from control_plane.domain.organizations import TRIAL, Organization, Workspace, is_host_by_default, require_retention
from control_plane.domain.plans import PlanTier
from control_plane.domain.roles import Permission, Role
from control_plane.domain.rooms import clean_name, clean_slug, make_slug
from control_plane.services import access, audit
from control_plane.services.owning import room_for_one_more
from control_plane.services.ports import Clock, Ids, Locks
from control_plane.stores import accounts as account_store
from control_plane.stores import organizations as store
from control_plane.stores.database import Database, ForeignKeyViolation, Transaction, UniqueViolation

FIRST_WORKSPACE = "Main"


class OwnOrganization(msgspec.Struct, frozen=True, kw_only=True):
    """An organization and the caller's role in it."""

    organization: Organization
    role: Role


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller and where they belong."""

    user_id: UserId
    email: str
    display_name: str
    organizations: list[OwnOrganization]


class OrganizationChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; UNSET leaves it. A retention in days; None: everything is kept."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    slug: str | msgspec.UnsetType = msgspec.UNSET
    chat_retention_days: int | msgspec.UnsetType | None = msgspec.UNSET
    audit_retention_days: int | msgspec.UnsetType | None = msgspec.UNSET


def _clean(changes: OrganizationChanges) -> dict[str, Any]:
    """The changes that were asked for, as they are kept. Raises InvalidInput."""
    wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not msgspec.UNSET}
    if "name" in wanted:
        wanted["name"] = clean_name(wanted["name"])
    if "slug" in wanted:
        wanted["slug"] = clean_slug(wanted["slug"])
    require_retention(wanted.get("chat_retention_days"), 1, "chatRetentionDays")
    require_retention(wanted.get("audit_retention_days"), AUDIT_KEPT_AT_LEAST_DAYS, "auditRetentionDays")
    return wanted


def slugs(name: str, fallback: str, unique: UUID) -> tuple[str, str]:
    """Slugs to try in turn: the plain one, then one with the id's last digits."""
    slug = make_slug(name, fallback)
    return slug, f"{slug}-{unique.hex[-8:]}"


@dataclass(frozen=True, slots=True)
class OrganizationService:
    """The use cases of tenants.

    Attributes:
        locks: of those who make organizations; None: an operator's command, which makes none.
    """

    db: Database
    clock: Clock
    ids: Ids
    locks: Locks | None = None

    async def create(self, caller: Caller, name: str, organization_id: OrganizationId | None) -> OwnOrganization:
        """Make an organization on the smallest plan with a trial, its owner and its first workspace.

        Args:
            caller: becomes the owner.
            name: 1-80 characters.
            organization_id: made by the caller, so that a repeat is harmless; None: made here.

        Raises:
            InvalidInput: the name. Conflict: the id is taken. LimitExceeded: they own enough on the smallest plan.
            Unauthenticated: the login is gone. Unavailable.
        """
        now = self.clock.now()
        organization = Organization(
            id=organization_id or OrganizationId(self.ids.new()),
            name=clean_name(name),
            slug="",
            plan_tier=PlanTier.STARTER,
            trial_ends_at=now + TRIAL,
            created_at=now,
        )
        try:
            async with (
                room_for_one_more(self.db, self.locks, caller.user_id, organization.id),
                self.db.tenant(organization.id) as tx,
            ):
                return await self._create(tx, caller, organization)
        except ForeignKeyViolation as error:
            raise Unauthenticated("This account no longer exists.") from error

    async def _create(self, tx: Transaction, caller: Caller, organization: Organization) -> OwnOrganization:
        for slug in slugs(organization.name, "organization", organization.id):
            organization = msgspec.structs.replace(organization, slug=slug)
            if await store.insert_organization(tx, organization):
                break
        else:
            return await self._find_own(tx, caller, organization.id)
        await store.insert_member(
            tx,
            membership_id=self.ids.new(),
            organization_id=organization.id,
            user_id=caller.user_id,
            role=Role.OWNER,
            is_host=is_host_by_default(Role.OWNER),
            now=organization.created_at,
        )
        workspace = Workspace(
            id=WorkspaceId(self.ids.new()),
            organization_id=organization.id,
            name=FIRST_WORKSPACE,
            slug=make_slug(FIRST_WORKSPACE, "main"),
            created_at=organization.created_at,
        )
        await store.insert_workspace(tx, workspace)
        after = {"name": organization.name, "slug": organization.slug, "planTier": organization.plan_tier.value}
        await audit.note(
            tx, caller, organization.id, "organization.created", ("organization", organization.id), after=after
        )
        return OwnOrganization(organization=organization, role=Role.OWNER)

    async def _find_own(self, tx: Transaction, caller: Caller, organization_id: OrganizationId) -> OwnOrganization:
        """The organization of a repeat: the same id, by its owner. Anybody else learns only that the id is taken."""
        member = await store.find_member(tx, organization_id, caller.user_id)
        found = await store.find_organization(tx, organization_id)
        if member is None or found is None or member.role is not Role.OWNER:
            raise Conflict("This id is taken.", field="id")
        return OwnOrganization(organization=found, role=member.role)

    async def me(self, caller: Caller) -> Me:
        """The caller with their organizations. Raises Unauthenticated: the login is gone. Unavailable."""
        async with self.db.user(caller.user_id) as tx:
            own = await account_store.find_own(tx, caller.user_id)
            organizations = await store.list_own(tx, caller.user_id)
        if own is None:
            raise Unauthenticated("This account no longer exists.")
        return Me(
            user_id=caller.user_id,
            email=own[0],
            display_name=own[1],
            organizations=[OwnOrganization(organization=found, role=role) for found, role in organizations],
        )

    async def get(self, caller: Caller, organization_id: OrganizationId) -> OwnOrganization:
        """One organization of the caller's. Raises NotFound, Unavailable."""
        async with self.db.tenant(organization_id) as tx:
            member = await access.require(tx, caller, organization_id, None)
            found = await store.find_organization(tx, organization_id)
        if found is None:
            raise access.no_organization()
        return OwnOrganization(organization=found, role=member.role)

    async def change(
        self, caller: Caller, organization_id: OrganizationId, changes: OrganizationChanges
    ) -> OwnOrganization:
        """Rename an organization, give it another slug, or say how long what is in it is kept.

        Raises:
            NotFound, Forbidden. InvalidInput: name, slug or a retention. Conflict: the slug is taken. Unavailable.
        """
        wanted = _clean(changes)
        try:
            async with self.db.tenant(organization_id) as tx:
                member = await access.require(tx, caller, organization_id, Permission.MANAGE_ORGANIZATION)
                before = await store.find_organization(tx, organization_id)
                if before is None:
                    raise access.no_organization()
                after = msgspec.structs.replace(before, **wanted)
                await store.update_organization(tx, after)
                was, now = changes_of({name: getattr(before, name) for name in wanted}, wanted)
                if now:
                    await audit.note(
                        tx,
                        caller,
                        organization_id,
                        "organization.changed",
                        ("organization", organization_id),
                        before=was,
                        after=now,
                    )
        except UniqueViolation as error:
            raise Conflict("This slug is taken.", field="slug") from error
        return OwnOrganization(organization=after, role=member.role)

    async def set_plan(self, organization: str, tier: PlanTier) -> OrganizationId:
        """Put an organization on a plan: the operator's command, and later the billing's.

        Args:
            organization: its id or its slug.
            tier: the plan.

        Raises:
            NotFound. Unavailable.
        """
        organization_id = await self.resolve(organization)
        async with self.db.tenant(organization_id) as tx:
            plan = await store.read_plan(tx, organization_id, lock=True)
            if plan is None:
                raise access.no_organization()
            await store.write_plan_tier(tx, organization_id, tier)
            await audit.note(
                tx,
                audit.OPERATOR,
                organization_id,
                "plan.changed",
                ("organization", organization_id),
                before={"planTier": plan[0]},
                after={"planTier": tier.value},
            )
        return organization_id

    async def resolve(self, organization: str) -> OrganizationId:
        """The organization of an id or a slug; for operators. Raises NotFound, Unavailable."""
        try:
            return OrganizationId(UUID(organization))
        except ValueError:
            async with self.db.platform() as tx:
                found = await store.find_by_slug(tx, organization)
        if found is None:
            raise NotFound("There is no such organization.")
        return found
