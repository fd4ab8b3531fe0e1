"""`GET …/rooms` without the framework: the page every visit begins with, in a third of its CPU time.

Only the plain page, with `limit` and `cursor` at most: filters go the ordinary way (`rest/rooms.py`), which also describes
this operation. `tests/integration/test_room_listing.py` holds the two to the same answers.
"""

from __future__ import annotations

import re
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.domain.abilities import require_ability
from control_plane.domain.errors import DomainError
from control_plane.domain.ids import OrganizationId
from control_plane.rest.callers import identify, recognize
from control_plane.rest.conditional import tagged
from control_plane.rest.heads import headers_of
from control_plane.rest.limits import Limited
from control_plane.rest.negotiating import accepts
from control_plane.rest.paging import CURSOR_MAX_LENGTH, PAGE_DEFAULT, PAGE_MAX, after_id, write_cursor
from control_plane.rest.problems import send_problem, status_of
from control_plane.services.platform import Platform

TEMPLATE = "/api/v1/organizations/{organization_id}/rooms"
_PATH = re.compile(r"/api/v1/organizations/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/rooms")
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")


class RoomsShortcut:
    """The ASGI app that answers the rooms page and passes on everything else, also what is asked in an unusual form.

    It counts, tags and refuses by what stands in the ordinary way, too: `Limited`, `tagged`, `send_problem`.

    Args:
        app: the ordinary way, `limited` and all.
        limited: counts requests.
        platform: the use case, and callers.
    """

    def __init__(self, app: ASGIApp, limited: Limited, platform: Platform) -> None:
        self._app = app
        self._limited = limited
        self._platform = platform

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the page."""
        found = _PATH.fullmatch(scope["path"]) if scope["type"] == ScopeType.HTTP else None
        query = None if found is None or not _is_plain(scope) else _query(cast("Any", scope)["query_string"])
        if found is None or query is None:
            await self._app(scope, receive, send)
            return
        cast("dict[str, Any]", scope)["path_template"] = TEMPLATE
        admission = await self._limited.admit(scope, send)
        if admission is None:
            return
        try:
            page = await self._page(scope, OrganizationId(UUID(found.group(1))), *query)
        except DomainError as error:
            self._limited.note(admission, status_of(error)[0])
            await send_problem(scope, send, error, admission.headers)
            return
        self._limited.note(admission, 200)
        own = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(page))]
        status, headers, body = tagged(scope, own, page)
        headers += admission.headers
        await send(cast("Message", {"type": "http.response.start", "status": status, "headers": headers}))
        await send(cast("Message", {"type": "http.response.body", "body": body, "more_body": False}))

    async def _page(self, scope: Scope, organization_id: OrganizationId, limit: int, cursor: str | None) -> bytes:
        caller = await recognize(scope, self._platform)
        if caller.session_id is None or not self._platform.sessions.is_ours:
            # Nothing the statement could look at: an API token was looked at already, and others' sign-ins are theirs.
            caller = msgspec.structs.replace(await identify(scope, self._platform), session_id=None)
        if caller.token_id is not None:
            require_ability(caller.abilities, "GET", "rooms")
        page = await self._platform.room_listing.page(caller, organization_id, after=after_id(cursor), limit=limit)
        following = "null" if page.last_id is None else f'"{write_cursor((page.last_id,))}"'
        return f'{{"items":{page.items},"nextCursor":{following}}}'.encode()


def _is_plain(scope: Scope) -> bool:
    """Whether nothing is asked that the ordinary way must decide: another form, or a page of another origin (CORS)."""
    headers = headers_of(scope)
    if cast("Any", scope)["method"] != "GET" or b"origin" in headers or b"content-type" in headers:
        return False
    return accepts(headers.get(b"accept", b"").decode("latin-1"))


def _query(raw: bytes) -> tuple[int, str | None] | None:
    """Limit and cursor; None: there is more, or something is not as it should be, and the framework says so."""
    if not raw:
        return PAGE_DEFAULT, None
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs) or not set(given) <= {"limit", "cursor"}:
        return None
    limit, cursor = given.get("limit", str(PAGE_DEFAULT)), given.get("cursor")
    if not _LIMIT.fullmatch(limit) or int(limit) > PAGE_MAX or (cursor is not None and len(cursor) > CURSOR_MAX_LENGTH):
        return None
    return int(limit), cursor
