"""A whole media node in the test's own loop, with real workers, and a control plane to enrol with."""

from __future__ import annotations

import os
import random
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import msgspec
import pytest

from media_plane.agent.app import Agent
from media_plane.agent.settings import Settings
from tests.contract.node_link.client import LinkClient
from tests.contract.node_link.fake_control_plane import ControlPlane
from tests.contract.node_link.media import Person, new_id

MakeNode = Callable[..., Awaitable["Node"]]


class Node:
    """An agent that runs, and the way to link with it."""

    def __init__(self, agent: Agent, control_plane: ControlPlane) -> None:
        self.agent = agent
        self.control_plane = control_plane
        self._links: list[LinkClient] = []

    async def link(self) -> LinkClient:
        """A greeted link."""
        link = await LinkClient.dial(self.agent.port, self.control_plane.signer.token(self.agent.node_id))
        self._links.append(link)
        return link

    async def close_links(self) -> None:
        """Close what the test left open."""
        for link in self._links:
            await link.close()


def free_media_ports(count: int) -> int:
    """First of `count` neighbouring ports that are free for UDP and TCP, below the ephemeral range."""
    while True:
        base = random.randrange(20_000, 32_000)  # noqa: S311 - any port will do
        try:
            for port in range(base, base + count):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    with closing(socket.socket(socket.AF_INET, kind)) as probe:
                        probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base


def node_settings(
    control_url: str, *, workers: int, data_dir: Path = Path("/nowhere"), max_consumers: int = 500
) -> Settings:
    """Settings of a test node; port 0 for the link means any."""
    return Settings(
        bind_host="127.0.0.1",
        link_port=0,
        media_base_port=free_media_ports(workers),
        media_listen_ip="127.0.0.1",
        media_announced_address=None,
        workers=workers,
        worker_binary=Path(os.environ["MEDIASOUP_WORKER_BIN"]),
        control_url=control_url,
        enrolment_token=ControlPlane.TOKEN,
        link_url="ws://127.0.0.1:1/",
        region="test",
        data_dir=data_dir,
        capacity_consumers=500 * workers,
        log_format="console",
        max_consumers_per_worker=max_consumers,
        pipe_listen_ip="127.0.0.1",
    )


@pytest.fixture
async def control_plane() -> AsyncIterator[ControlPlane]:
    """A control plane that accepts nodes."""
    control_plane = ControlPlane()
    await control_plane.start()
    yield control_plane
    await control_plane.close()


@pytest.fixture
async def make_node(control_plane: ControlPlane) -> AsyncIterator[MakeNode]:
    """Starts nodes with so many workers, such limits and times; all are stopped after the test."""
    if not os.environ.get("MEDIASOUP_WORKER_BIN"):
        pytest.skip("MEDIASOUP_WORKER_BIN is not set")
    async with AsyncExitStack() as stack:

        async def make(*, workers: int = 1, max_consumers: int = 500, **times_s: float) -> Node:
            settings = node_settings(control_plane.url, workers=workers, max_consumers=max_consumers)
            agent = Agent(settings, str(uuid.uuid4()), **times_s)
            await stack.enter_async_context(agent.running())
            await agent.enrolment.enrolled.wait()
            node = Node(agent, control_plane)
            stack.push_async_callback(node.close_links)
            return node

        yield make


@pytest.fixture
async def node(make_node: MakeNode) -> Node:
    """A node with one worker."""
    return await make_node()


@pytest.fixture
async def link(node: Node) -> LinkClient:
    """A greeted link to `node`."""
    return await node.link()


@pytest.fixture
async def host(link: LinkClient) -> Person:
    """Somebody with a send transport in an open room."""
    host = Person(link, new_id())
    await host.open()
    await host.transport("send")
    return host


@pytest.fixture
async def viewer(node: Node, host: Person) -> Person:
    """Somebody with a receive transport in the host's room, on a link of their own."""
    viewer = Person(await node.link(), host.room_id)
    await viewer.transport("recv")
    return viewer


@pytest.fixture
async def capabilities(host: Person) -> msgspec.Raw:
    """What a browser that can do everything says of itself: the router's own capabilities."""
    return (await host.open()).rtp_capabilities
