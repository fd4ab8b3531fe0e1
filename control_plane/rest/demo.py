"""The people of a demo (`scripts/run --demo`), for the sign-in page. Only where the operator names their file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import msgspec
import structlog
from litestar import get
from litestar.exceptions import NotFoundException

from control_plane.domain.roles import Role
from control_plane.rest.callers import AnyRequest
from control_plane.rest.wire import View

DEMO_FILE_KEY = "demo_file"
"""Where the application's state keeps the file's path; None: there is no demo here."""
log = structlog.get_logger(__name__)


class DemoPersonView(View):
    """Someone a visitor may sign in as, with the password."""

    display_name: str
    role: Role
    email: str
    password: str


class DemoView(View):
    """Who is left for visitors, and the room to see."""

    people: list[DemoPersonView]
    organization_id: UUID
    room_id: UUID


class _Person(msgspec.Struct, kw_only=True):
    name: str
    role: Role
    email: str
    password: str
    is_for_visitors: bool = False


class _File(msgspec.Struct, kw_only=True):
    """What the seeding wrote (`scripts/stack/seed.py`). Ids are None until it made them."""

    people: list[_Person]
    organization_id: UUID | None = None
    room_id: UUID | None = None


@get("/demo", operation_id="getDemo", summary="People of the demo", tags=["Demo"], security=[{}])
async def show_demo(request: AnyRequest) -> DemoView:
    """Who a visitor of a demo may sign in as. Anywhere else this answers as a route that does not exist: 404."""
    path: Path | None = request.app.state[DEMO_FILE_KEY]
    demo = None if path is None else await asyncio.to_thread(_read, path)
    if demo is None:
        raise NotFoundException
    return demo


def _read(path: Path) -> DemoView | None:
    """The demo's people; None while they are still being put in."""
    try:
        demo = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        log.exception("the demo's file is damaged", path=str(path))
        return None
    if demo.organization_id is None or demo.room_id is None:
        return None
    people = [
        DemoPersonView(display_name=one.name, role=one.role, email=one.email, password=one.password)
        for one in demo.people
        if one.is_for_visitors
    ]
    return DemoView(people=people, organization_id=demo.organization_id, room_id=demo.room_id)
