"""The audit log: who changed what, to be searched and taken along."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from control_plane.domain.audit import ActorKind, AuditEntry, AuditFilter
from control_plane.domain.errors import InvalidInput
from control_plane.domain.ids import OrganizationId, UserId
from control_plane.domain.moments import require_moment
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep
from control_plane.rest.paging import PAGE_DEFAULT, CursorParameter, Limit, after_id, page_of, write_cursor
from control_plane.rest.wire import View, maybe_id

Actor = Annotated[UUID | None, QueryParameter(name="actorId", description="What this person did.")]
Action = Annotated[
    str | None,
    QueryParameter(
        max_length=64, pattern=r"^[a-z_]+(\.[a-z_]+)?$", description="room.created, or room for all of them."
    ),
]
SubjectKind = Annotated[str | None, QueryParameter(name="subjectKind", max_length=32, description="room, user, …")]
Subject = Annotated[UUID | None, QueryParameter(name="subjectId", description="What was done to this.")]
Since = Annotated[datetime | None, QueryParameter(description="From then on.")]
Until = Annotated[datetime | None, QueryParameter(description="Before then.")]
Words = Annotated[
    str | None,
    QueryParameter(
        name="q",
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00]*$",
        description="Text in the action, its subject, what changed, or the name or address of a member who did it. "
        "Each page looks at 5,000 entries at most: one that holds few or none may have a next page.",
    ),
]
_NUMBER = re.compile(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?")
Form = Annotated[Literal["csv", "ndjson"], QueryParameter(name="format", description="How it is written.")]


def _refuse_numbers(request: AnyRequest) -> None:
    """Refuse moments written as numbers: a text is read as seconds since 1970 too, which the document does not say.

    Raises:
        InvalidInput: since or until is one.
    """
    for name in ("since", "until"):
        given = request.query_params.get(name, "")
        if _NUMBER.fullmatch(given):
            raise InvalidInput("A moment is written like 2026-11-22T19:00:00Z.", field=name)


class AuditEntryView(View):
    """One change. before, after: what changed; null where there was nothing. actorId: null for the platform's own doing."""

    id: UUID
    at: datetime
    actor_kind: ActorKind
    actor_id: UUID | None
    token_id: UUID | None
    session_id: UUID | None
    action: str
    subject_kind: str
    subject_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    ip: str | None
    user_agent: str | None
    request_id: str | None


class AuditEntryList(View):
    """A page of them."""

    items: list[AuditEntryView]
    next_cursor: str | None = None


def _wanted(  # noqa: PLR0917 - the filters of one address
    request: AnyRequest,
    actor_id: UUID | None,
    action: str | None,
    subject_kind: str | None,
    subject_id: UUID | None,
    since: datetime | None,
    until: datetime | None,
    words: str = "",
) -> AuditFilter:
    """What is asked for. Raises InvalidInput: a moment is none."""
    _refuse_numbers(request)
    require_moment(since, "since")
    require_moment(until, "until")
    return AuditFilter(
        actor_id=maybe_id(UserId, actor_id),
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        since=since,
        until=until,
        words=words,
    )


def _views(entries: list[AuditEntry]) -> list[AuditEntryView]:
    return [AuditEntryView(**msgspec.structs.asdict(entry)) for entry in entries]


class AuditController(Controller):
    """Who changed what."""

    path = "/organizations/{organization_id:uuid}/audit-log"
    tags = ("Audit log",)

    @get(operation_id="listAuditEntries", summary="The audit log")
    async def list_all(
        self,
        *,
        request: AnyRequest,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        actor_id: Actor = None,
        action: Action = None,
        subject_kind: SubjectKind = None,
        subject_id: Subject = None,
        since: Since = None,
        until: Until = None,
        words: Words = None,
        limit: Limit = PAGE_DEFAULT,
        cursor: CursorParameter = None,
    ) -> AuditEntryList:
        """Changes, newest first. On every plan; needs the right to read the audit log."""
        wanted = _wanted(request, actor_id, action, subject_kind, subject_id, since, until, words or "")
        rows, searched_to = await platform.audit.list_entries(
            caller, OrganizationId(organization_id), wanted, before_id=after_id(cursor), limit=limit + 1
        )
        page = page_of(rows, limit, lambda entry: (entry.id,))
        next_cursor = page.next_cursor or (None if searched_to is None else write_cursor((searched_to,)))
        return AuditEntryList(items=_views(page.rows), next_cursor=next_cursor)

    @get("/export", operation_id="exportAuditEntries", summary="The audit log as a file")
    async def export(
        self,
        *,
        request: AnyRequest,
        platform: PlatformDep,
        caller: CallerDep,
        organization_id: FromPath[UUID],
        actor_id: Actor = None,
        action: Action = None,
        subject_kind: SubjectKind = None,
        subject_id: Subject = None,
        since: Since = None,
        until: Until = None,
        form: Form = "csv",
    ) -> Stream:
        """All of it, newest first, as CSV or one JSON object a line. Cells a spreadsheet would run get a ' in front."""
        wanted = _wanted(request, actor_id, action, subject_kind, subject_id, since, until)
        is_csv = form == "csv"
        lines = await platform.audit.export(caller, OrganizationId(organization_id), wanted, is_csv=is_csv)
        return Stream(
            lines,
            media_type="text/csv" if is_csv else "application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="audit-log.{form}"'},
        )
