"""What a path says by itself, for what stands in front of the framework's router."""

from __future__ import annotations

import re

from litestar import Litestar
from litestar.routes import HTTPRoute

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_ORGANIZATIONS = "/api/v1/organizations/"
_ORGANIZATION = re.compile(rf"{_ORGANIZATIONS}({_UUID})(?=/|\Z)")


def organization_of(path: str) -> str | None:
    """The organization a path lies in, in lower case; None when it lies in none."""
    found = _ORGANIZATION.match(path)
    return None if found is None else found.group(1).lower()


def is_misnamed(path: str) -> bool:
    """Whether a path for which `organization_of` says None looks like one inside: its id is written otherwise, or is none.

    The router reads ids without hyphens, too; who counts and locks by the path would not see where such a one lies.
    """
    return path.startswith(_ORGANIZATIONS) and len(path) > len(_ORGANIZATIONS)


def inside_organization(path: str) -> str | None:
    """What of a path lies inside its organization, without the slash before it; None when it lies in none."""
    found = _ORGANIZATION.match(path)
    return None if found is None else path[found.end() :].strip("/")


def own_id_paths(app: Litestar) -> list[re.Pattern[str]]:
    """Paths of the POSTs whose body takes the `id` of what they make."""
    found = []
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            field = handler.parsed_data_field
            if "POST" in handler.http_methods and field is not None and hasattr(field.annotation, "id"):
                found.append(re.compile(re.sub(r"\{[^}]*\}", "[^/]+", route.path_format)))
    return found
