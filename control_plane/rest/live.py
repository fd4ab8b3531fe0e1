"""Starting, joining and ending live sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from litestar import Controller, post
from litestar.params import FromPath

from control_plane.domain.ice import IceServer
from control_plane.domain.ids import OrganizationId, RoomId
from control_plane.domain.rooms import LiveSession
from control_plane.rest.callers import CallerDep, PlatformDep
from control_plane.rest.wire import View


class LiveSessionView(View):
    """One run of a room. endedAt: null while it is live."""

    id: UUID
    organization_id: UUID
    room_id: UUID
    started_by: UUID
    started_at: datetime
    ended_at: datetime | None


class JoinView(View):
    """What a browser needs to come in.

    token: for the hello of the signaling socket; 30 s, one use. iceServers: TURN, empty when none is needed.
    rtpCapabilities: of the media routers, for mediasoup-client's Device.load.
    """

    participant_id: UUID
    live_session_id: UUID
    room_id: UUID
    signaling_url: str
    token: str
    ice_servers: list[IceServer]
    rtp_capabilities: msgspec.Raw


def _view(session: LiveSession) -> LiveSessionView:
    return LiveSessionView(
        id=session.id,
        organization_id=session.organization_id,
        room_id=session.room_id,
        started_by=session.started_by,
        started_at=session.started_at,
        ended_at=session.ended_at,
    )


class LiveController(Controller):
    """What runs in rooms."""

    path = "/organizations/{organization_id:uuid}/rooms/{room_id:uuid}"
    tags = ("Live",)

    @post("/start", operation_id="startSession", summary="Start a live session")
    async def start(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> LiveSessionView:
        """Start a live session; one per room."""
        return _view(await platform.live.start(caller, OrganizationId(organization_id), RoomId(room_id)))

    @post("/join", operation_id="joinSession", summary="Join the live session", status_code=200)
    async def join(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> JoinView:
        """Take a seat, where the role needs one, and get a token for the socket."""
        answer = await platform.live.join(caller, OrganizationId(organization_id), RoomId(room_id))
        return JoinView(**msgspec.structs.asdict(answer))

    @post("/end", operation_id="endSession", summary="End the live session", status_code=200)
    async def end(
        self, platform: PlatformDep, caller: CallerDep, organization_id: FromPath[UUID], room_id: FromPath[UUID]
    ) -> LiveSessionView:
        """End the live session for everyone."""
        return _view(await platform.live.end(caller, OrganizationId(organization_id), RoomId(room_id)))
