"""A signaling door, a media node and a worker, all real: one tenant there is attacked, another must not notice."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog
from typing_extensions import override

from control_plane.domain.roles import Role
from control_plane.services.platform import Platform
from control_plane.signaling.messages import Welcome
from control_plane.signaling.needs import Times
from control_plane.signaling.server import SignalingDoor
from media_plane.agent.app import Agent
from media_plane.agent.sealed import seal
from media_plane.ortc.capabilities import generate_router_rtp_capabilities
from media_plane.ortc.media_codecs import ROOM_MEDIA_CODECS
from scripts.headless.media import HeadlessMedia
from scripts.headless.reader import PictureReader
from scripts.headless.signaling import SignalingClient
from scripts.headless.tracks import CounterTrack
from scripts.stack.ports import free_port
from tests.contract.node_link.conftest import node_settings
from tests.contract.node_link.fake_control_plane import ControlPlane
from tests.factories import Person, Tenant, make_enrolment, make_member, make_tenant

ORIGIN = "https://rooms.example"
FRAMES_MORE = 20
"""Decoded pictures that show that media flows on."""
PATIENCE_S = 20.0
TIMES = Times(grace_s=0.5, sweep_s=1.0, request_s=8.0)


@dataclass(frozen=True)
class Door:
    """Where the signaling door listens; 0 lets the system choose."""

    host: str = "127.0.0.1"
    signaling_port: int = 0
    allowed_origins: frozenset[str] = frozenset({ORIGIN})


@dataclass
class Someone:
    """A person in a room: socket, media, and what they see."""

    person: Person
    client: SignalingClient
    welcome: Welcome
    media: HeadlessMedia
    picture: PictureReader | None = None

    @property
    def frames(self) -> int:
        """Pictures decoded so far."""
        assert self.picture is not None
        return self.picture.frames

    async def sees_on(self) -> bool:
        """Whether some more pictures are decoded from now on."""
        assert self.picture is not None
        wanted = self.picture.frames + FRAMES_MORE
        return await self.picture.wait_for(lambda it: it.frames >= wanted, timeout_s=PATIENCE_S)


@dataclass
class Stage:
    """The running parts.

    Attributes:
        quiet_viewer: of another tenant, on the same worker; watches its host all the time.
    """

    platform: Platform
    door: SignalingDoor
    agent: Agent
    port: int
    attacked: Tenant
    quiet: Tenant
    stack: AsyncExitStack
    quiet_viewer: Someone = field(init=False)

    @property
    def url(self) -> str:
        """Of the live socket."""
        return f"ws://127.0.0.1:{self.port}/signaling"

    @property
    def worker_pid(self) -> int:
        """Of the one worker now."""
        (pid,) = self.agent.fleet.pids().values()
        return pid

    async def connect(self) -> SignalingClient:
        """A socket that has said nothing."""
        client = await SignalingClient.connect(self.url, origin=ORIGIN)
        self.stack.push_async_callback(client.close)
        return client

    async def token(self, tenant: Tenant, person: Person) -> str:
        """A join token, as REST hands it out."""
        return (await self.platform.live.join(person.caller, tenant.id, tenant.room_id)).token

    async def enter(self, tenant: Tenant, person: Person) -> Someone:
        """Join and say hello as a browser does."""
        answer = await self.platform.live.join(person.caller, tenant.id, tenant.room_id)
        media = await HeadlessMedia.load(answer.rtp_capabilities, [])
        client = await self.connect()
        welcome = await client.hello(token=answer.token, rtp_capabilities=media.rtp_capabilities)
        media.use(client)
        self.stack.push_async_callback(media.close)
        return Someone(person, client, welcome, media)

    async def enter_as(self, tenant: Tenant, role: Role) -> Someone:
        """Somebody new with this role."""
        return await self.enter(tenant, await make_member(self.platform, tenant, role))

    async def show(self, tenant: Tenant) -> Someone:
        """The owner publishes a picture, a viewer watches it: the viewer."""
        host = await self.enter(tenant, tenant.owner)
        track = CounterTrack(width=320, height=180, frames_per_s=15)
        self.stack.callback(track.stop)
        await host.media.publish(track, "screen", mime_type="video/VP8")
        viewer = await self.enter_as(tenant, Role.VIEWER)
        await viewer.media.open_receive(viewer.welcome.recv_transport)
        (options,) = viewer.welcome.consumers
        viewer.picture = PictureReader(await viewer.media.consume(options))
        self.stack.push_async_callback(viewer.picture.close)
        assert await viewer.sees_on()
        return viewer


@asynccontextmanager
async def open_stage(platform: Platform, times: Times = TIMES) -> AsyncIterator[Stage]:
    """Start everything; the quiet tenant's viewer sees pictures already."""
    async with AsyncExitStack() as stack:
        agent = await _start_agent(platform, stack)
        door = SignalingDoor(platform, Door(), times)
        port = await door.start()
        stack.push_async_callback(door.close)
        attacked, quiet = await make_tenant(platform), await make_tenant(platform)
        for tenant in (attacked, quiet):
            await platform.live.start(tenant.owner.caller, tenant.id, tenant.room_id)
        async with AsyncExitStack() as people:
            stage = Stage(platform, door, agent, port, attacked, quiet, people)
            stage.quiet_viewer = await stage.show(quiet)
            yield stage


async def _start_agent(platform: Platform, stack: AsyncExitStack) -> Agent:
    """A media node with one worker, known to the platform."""
    control_plane = ControlPlane()
    await control_plane.start()
    stack.push_async_callback(control_plane.close)
    node_id, link_port = str(platform.ids.new()), free_port()
    enrolment = make_enrolment(
        node_id,
        link_url=f"ws://127.0.0.1:{link_port}/",
        rtp_capabilities=seal(generate_router_rtp_capabilities(ROOM_MEDIA_CODECS)),
    )
    enrolled = await platform.nodes.enrol(enrolment)
    # The node asks a control plane over HTTP whom to trust: it is told the platform's own keys.
    control_plane.signer = SimpleNamespace(jwks=bytes(enrolled.link_jwks))  # type: ignore[assignment]  # all that is asked
    settings = node_settings(control_plane.url, workers=1)
    agent = Agent(replace(settings, link_port=link_port), node_id, orphan_grace_s=2.0)
    await stack.enter_async_context(agent.running())
    async with asyncio.timeout(PATIENCE_S):
        await agent.enrolment.enrolled.wait()
    return agent


# --- watching -----------------------------------------------------------------------------------------------------


def resident_bytes(pid: int) -> int:
    """Memory a process holds now (proc_pid_statm(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def no_surprises() -> Iterator[list[Any]]:
    """Collects what is logged as an error meanwhile, by structlog or by asyncio: things nobody foresaw."""
    surprises: list[Any] = []

    class Handler(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            # What the worker and the WebSocket library print of a peer's oddities is no fault of ours.
            if record.name != "media_plane.worker" and not record.name.startswith("picows"):
                surprises.append(record.getMessage())

    def note(_: object, method: str, event: Any) -> Any:
        if method in {"error", "exception", "critical"}:
            surprises.append(dict(event))
        raise structlog.DropEvent

    handler, root, before = Handler(level=logging.ERROR), logging.getLogger(), structlog.get_config()["processors"]
    root.addHandler(handler)
    structlog.configure(processors=[structlog.processors.format_exc_info, note])
    try:
        yield surprises
    finally:
        structlog.configure(processors=before)
        root.removeHandler(handler)
