"""`GET …/rooms` without the framework: the page every visit begins with, in a third of its CPU time.

Only the plain page, with `limit` and `cursor` at most: filters go the ordinary way (`rest/rooms.py`), which also describes
this operation. `tests/integration/test_room_listing.py` holds the two to the same answers.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from control_plane.domain.abilities import require_ability
from control_plane.domain.errors import DomainError
from control_plane.domain.ids import OrganizationId
from control_plane.rest.answers import Answer, send_answer
from control_plane.rest.callers import identify, recognize
from control_plane.rest.conditional import tagged
from control_plane.rest.doorstep import Doorstep, fault_of
from control_plane.rest.heads import headers_of
from control_plane.rest.limits import Limited
from control_plane.rest.negotiating import accepts
from control_plane.rest.observing import Observed
from control_plane.rest.paging import CURSOR_MAX_LENGTH, PAGE_DEFAULT, PAGE_MAX, after_id, write_cursor
from control_plane.rest.problems import problem_of, status_of
from control_plane.services.platform import Platform

TEMPLATE = "/api/v1/organizations/{organization_id}/rooms"
_PATH = re.compile(r"/api/v1/organizations/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/rooms")
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
log = structlog.get_logger(__name__)
_CONTENT_TYPE = (b"content-type", b"application/json")


class Asked(NamedTuple):
    """A page that was asked for: whose, at most how many rooms, and from where on (None: from the beginning)."""

    organization_id: str
    limit: int
    cursor: str | None


class RoomsShortcut:
    """The ASGI app that answers the rooms page and passes on everything else, also what is asked in an unusual form.

    It counts, tags and refuses by what stands in the ordinary way, too: `Limited`, `tagged`, `problem_of`.

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
        asked = asked_of(scope) if scope["type"] == ScopeType.HTTP else None
        if asked is None:
            await self._app(scope, receive, send)
        else:
            await send_answer(send, await self.answer(scope, asked))

    async def answer(self, scope: Any, asked: Asked) -> Answer:
        """The page, or why there is none."""
        scope["path_template"] = TEMPLATE
        admission = await self._limited.admit(scope)
        if isinstance(admission, Answer):
            return admission
        try:
            page = await self._page(scope, asked)
        except DomainError as error:
            self._limited.note(admission, status_of(error)[0])
            return problem_of(scope, error, admission.headers)
        self._limited.note(admission, 200)
        own = [_CONTENT_TYPE, (b"content-length", b"%d" % len(page))]
        status, headers, body = tagged(scope, own, page)
        return Answer(status, headers + admission.headers, body)

    async def _page(self, scope: Any, asked: Asked) -> bytes:
        caller = await recognize(scope, self._platform)
        if caller.session_id is None or not self._platform.sessions.is_ours:
            # Nothing the statement could look at: an API token was looked at already, and others' sign-ins are theirs.
            caller = msgspec.structs.replace(await identify(scope, self._platform), session_id=None)
        if caller.token_id is not None:
            require_ability(caller.abilities, "GET", "rooms")
        page = await self._platform.room_listing.page(
            caller,
            OrganizationId(msgspec.convert(asked.organization_id, UUID)),
            after=after_id(asked.cursor),
            limit=asked.limit,
        )
        following = "null" if page.last_id is None else f'"{write_cursor((page.last_id,))}"'
        return f'{{"items":{page.items},"nextCursor":{following}}}'.encode()


class StraightRooms:
    """The same page for a server that takes whole answers (`rest/http1.py`): past ASGI's messages, by the same checks.

    Args:
        observed: gives ids and headers, logs and counts.
        doorstep: refuses what was sent to or from somewhere else.
        shortcut: answers.
    """

    def __init__(self, observed: Observed, doorstep: Doorstep, shortcut: RoomsShortcut) -> None:
        self._observed = observed
        self._doorstep = doorstep
        self._shortcut = shortcut
        self.lines = observed.lines

    def find(self, scope: Any) -> Asked | None:
        """What a request's scope asks for; None: nothing of ours."""
        return asked_of(scope)

    async def answer(self, scope: Any, asked: Asked) -> Answer:
        """The answer; every refusal and fault is one, too."""
        return await self._observed.watch(scope, self._answer(scope, asked))

    async def _answer(self, scope: Any, asked: Asked) -> Answer:
        try:
            refusal = self._doorstep.look(scope)
            return await self._shortcut.answer(scope, asked) if refusal is None else problem_of(scope, refusal)
        except Exception as error:
            log.exception("unhandled error", exc_info=error)
            return fault_of(scope)


def asked_of(scope: Any) -> Asked | None:
    """The page an HTTP request asks for; None: none, or what the ordinary way must decide.

    That is another form, a page of another origin (CORS), and a query with more or worse than limit and cursor.
    """
    found = _PATH.fullmatch(scope["path"])
    if found is None or scope["method"] != "GET":
        return None
    headers = headers_of(scope)
    if b"origin" in headers or b"content-type" in headers or not accepts(headers.get(b"accept", b"").decode("latin-1")):
        return None
    return _with_query(found.group(1), scope["query_string"])


def _with_query(organization_id: str, raw: bytes) -> Asked | None:
    if not raw:
        return Asked(organization_id, PAGE_DEFAULT, None)
    pairs = parse_qsl(raw.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs) or not set(given) <= {"limit", "cursor"}:
        return None
    limit, cursor = given.get("limit", str(PAGE_DEFAULT)), given.get("cursor")
    if not _LIMIT.fullmatch(limit) or int(limit) > PAGE_MAX or (cursor is not None and len(cursor) > CURSOR_MAX_LENGTH):
        return None
    return Asked(organization_id, int(limit), cursor)
