"""What only an operator may do.

python -m control_plane.operator set-plan ORGANIZATION TIER
python -m control_plane.operator override ORGANIZATION [max_rooms=100 max_hosts=none has_sso=yes …] [--note WHY]
python -m control_plane.operator rotate-keys
python -m control_plane.operator nodes
python -m control_plane.operator drain NODE [--undo]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from control_plane.domain.errors import DomainError
from control_plane.domain.plans import Entitlement, PlanTier
from control_plane.gateways.clock import SystemClock, SystemIds
from control_plane.operating_nodes import describe_nodes, drain_node
from control_plane.services.entitlements import EntitlementService
from control_plane.services.keys import KeyService
from control_plane.services.organizations import OrganizationService
from control_plane.settings import BadSettings, Settings, read_database_url, read_settings
from control_plane.stores.database import open_database


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Answers the exit code: 0 done, 1 refused, 2 bad settings or arguments."""
    parser = argparse.ArgumentParser(prog="python -m control_plane.operator")
    commands = parser.add_subparsers(required=True)
    set_plan = commands.add_parser("set-plan", help="put an organization on a plan")
    set_plan.add_argument("organization", help="its id or its slug")
    set_plan.add_argument("tier", type=PlanTier, choices=list(PlanTier))
    override = commands.add_parser("override", help="what an organization may do beyond its plan; none given: the plan")
    override.add_argument("organization", help="its id or its slug")
    override.add_argument("limits", nargs="*", type=_limit, metavar="NAME=VALUE", help="a count, none, yes or no")
    override.add_argument("--note", default="", help="why")
    rotate = commands.add_parser("rotate-keys", help="make new signing keys; nobody is logged out")
    rotate.add_argument(
        "--at-once", action="store_true", help="the old ones are known to strangers: everybody is logged out"
    )
    rotate.set_defaults(is_rotation=True)
    commands.add_parser("nodes", help="list the media nodes").set_defaults(lists_nodes=True)
    drain = commands.add_parser("drain", help="let a media node's rooms move to others; it goes on running")
    drain.add_argument("node", help="its id; `nodes` lists them")
    drain.add_argument("--undo", action="store_true", help="let it take rooms again")
    options = parser.parse_args(arguments)
    try:
        text = _run(options)
    except BadSettings as error:
        sys.stderr.write(f"operator: {error}\n")
        return 2
    except DomainError as error:
        sys.stderr.write(f"operator: {error.message}\n")
        return 1
    sys.stdout.write(text + "\n")
    return 0


def _run(options: argparse.Namespace) -> str:
    """Do what was asked; answers what to say. Raises BadSettings, DomainError."""
    if getattr(options, "lists_nodes", False):
        return "\n".join(asyncio.run(describe_nodes(read_settings())))
    if hasattr(options, "node"):
        node_id = asyncio.run(drain_node(read_settings(), options.node, is_draining=not options.undo))
        return f"{node_id} {'takes rooms again' if options.undo else 'drains'}"
    if getattr(options, "is_rotation", False):
        asyncio.run(_rotate_keys(read_settings(), at_once=options.at_once))
        return "new keys are published; they sign in ten minutes"
    if hasattr(options, "limits"):
        limits = dict(options.limits)
        return f"{asyncio.run(_override(read_database_url(), options.organization, limits, options.note))} now"
    organization_id = asyncio.run(_set_plan(read_database_url(), options.organization, options.tier))
    return f"{organization_id} is on {options.tier.value} now"


async def _set_plan(database_url: str, organization: str, tier: PlanTier) -> object:
    db = await open_database(database_url, pool_size=1)
    try:
        return await OrganizationService(db, SystemClock(), SystemIds()).set_plan(organization, tier)
    finally:
        await db.close()


def _limit(text: str) -> tuple[str, int | bool | None]:
    """One override of the command line. Raises ValueError, which argparse tells."""
    name, _, value = text.partition("=")
    words: dict[str, bool | None] = {"yes": True, "no": False, "none": None}
    return name, words[value] if value in words else int(value)


async def _override(
    database_url: str, organization: str, limits: dict[str, int | bool | None], note: str
) -> Entitlement:
    db = await open_database(database_url, pool_size=1)
    try:
        organization_id = await OrganizationService(db, SystemClock(), SystemIds()).resolve(organization)
        return await EntitlementService(db, SystemIds()).override(organization_id, limits, note)
    finally:
        await db.close()


async def _rotate_keys(settings: Settings, *, at_once: bool) -> None:
    db = await open_database(settings.database_url, pool_size=1)
    try:
        await KeyService(db, SystemClock(), settings.secret_key).rotate(at_once=at_once)
    finally:
        await db.close()


if __name__ == "__main__":
    sys.exit(main())
