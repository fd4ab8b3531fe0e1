"""docs/permissions.md: what each role may do, from `domain/roles.py`."""

from __future__ import annotations

from control_plane.domain.roles import ROLE_PERMISSIONS, Permission, Role, takes_seat
from control_plane.domain.rooms import OVERRIDABLE

WORDS: dict[Permission, str] = {
    Permission.OWN_ORGANIZATION: "transfer the ownership, delete and restore the organization, change its single sign-on",
    Permission.MANAGE_BILLING: "plan and payment",
    Permission.MANAGE_ORGANIZATION: "settings of the organization, API tokens, webhooks",
    Permission.MANAGE_MEMBERS: "members, invitations, roles in rooms: of people below",
    Permission.READ_AUDIT: "read and export the audit log",
    Permission.MANAGE_ROOMS: "make, change, archive and delete rooms and workspaces",
    Permission.RUN_SESSION: "start and end live sessions",
    Permission.PUBLISH_MEDIA: "publish audio, camera and screen",
    Permission.POST_ALERT: "post alerts and their steps",
    Permission.MODERATE: "remove people below from a live room",
    Permission.POST_CHAT: "write in rooms, where the room allows it",
    Permission.JOIN_SESSION: "join live sessions",
    Permission.VIEW_ROOMS: "see rooms and what was said in them",
}
"""What each permission means, for people; a new one without words fails."""


def permissions_page() -> str:
    """The whole page, Markdown."""
    roles = list(Role)
    head = "| | " + " | ".join(role.value for role in roles) + " |"
    lines = [
        "# Roles and permissions",
        "",
        "Made from `control_plane/domain/roles.py` by `scripts/generate`; edit that, not this page.",
        "`GET /api/v1/permissions` answers the same table.",
        "",
        head,
        "| --- |" + " :-: |" * len(roles),
    ]
    missing = set(Permission) - set(WORDS)
    if missing:
        raise ValueError(f"say in scripts/documents/permissions.py what these allow: {sorted(missing)}")
    for permission, words in WORDS.items():
        marks = ["✓" if permission in ROLE_PERMISSIONS[role] else "" for role in roles]
        lines.append(f"| `{permission.value}`: {words} | " + " | ".join(marks) + " |")
    seats = ["✓" if takes_seat(role) else "" for role in roles]
    given = ["✓" if role in OVERRIDABLE else "" for role in roles]
    lines.append("| takes a viewer's seat of the plan | " + " | ".join(seats) + " |")
    lines.append("| may be given in a single room | " + " | ".join(given) + " |")
    return "\n".join([*lines, ""])
