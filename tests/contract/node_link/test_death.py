"""Workers and agents that die, and agents that are told to stop. Real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused
from tests.contract.node_link.conftest import MakeNode, free_media_ports
from tests.contract.node_link.fake_control_plane import ControlPlane
from tests.contract.node_link.media import Person, new_id

pytestmark = pytest.mark.worker

ROOT = Path(__file__).resolve().parents[3]


async def until(holds: Callable[[], bool], timeout_s: float = 3.0) -> None:
    """Wait for a condition nobody tells us about."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - there is no event for what other processes do
            await asyncio.sleep(0.01)


async def test_a_killed_worker_loses_its_rooms_at_once_and_is_replaced(make_node: MakeNode) -> None:
    node = await make_node(workers=2)
    links = [await node.link(), await node.link()]
    people = [Person(link, new_id()) for link in links]
    for person in people:
        await person.open()
        await person.transport("send")
        await person.produce("camera")
    pids = node.agent.fleet.pids()
    started_s = time.monotonic()

    os.kill(pids[0], signal.SIGKILL)

    for link in links:
        lost = await link.until(m.RoomLost, timeout_s=1.0)
        assert (lost.live_session_id, lost.epoch, lost.reason) == (people[0].room_id, 1, "worker_died")
    with pytest.raises(Refused, match="room_not_open"):
        await people[0].produce("microphone")
    await people[1].produce("microphone")
    await until(lambda: len(node.agent.fleet.pids()) == 2)
    assert time.monotonic() - started_s < 1.0
    assert node.agent.fleet.pids()[0] != pids[0]
    people[0].epoch = 2
    await people[0].open()
    await people[0].transport("send")
    await people[0].produce("camera")


async def test_a_worker_is_replaced_even_if_its_death_could_not_be_told(
    make_node: MakeNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = await make_node()
    monkeypatch.setattr(node.agent.rooms, "worker_died", lambda _worker: 1 / 0)
    pid = node.agent.fleet.pids()[0]

    os.kill(pid, signal.SIGKILL)

    await until(lambda: node.agent.fleet.pids().get(0, pid) != pid)


async def test_rooms_are_spread_over_workers(make_node: MakeNode) -> None:
    node = await make_node(workers=2)
    link = await node.link()
    for _ in range(4):
        await Person(link, new_id()).open()

    os.kill(node.agent.fleet.pids()[1], signal.SIGKILL)

    for _ in range(2):
        await link.until(m.RoomLost, timeout_s=1.0)
    assert node.agent.load().rooms == 2


async def test_the_same_epoch_opens_a_lost_room_again(make_node: MakeNode) -> None:
    node = await make_node()
    link = await node.link()
    person = Person(link, new_id())
    await person.open()

    os.kill(node.agent.fleet.pids()[0], signal.SIGKILL)
    await link.until(m.RoomLost, timeout_s=1.0)

    async with asyncio.timeout(2):
        while True:
            with suppress(Refused):
                await person.open()
                break
    await person.transport("send")


# --- the process --------------------------------------------------------------------------------------------------


class Process:
    """`python -m media_plane` with its environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "media_plane",
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return self.process

    async def ended(self, timeout_s: float = 10.0) -> tuple[int, str]:
        """Exit code and everything it printed."""
        assert self.process is not None
        output, _ = await asyncio.wait_for(self.process.communicate(), timeout_s)
        assert self.process.returncode is not None
        return self.process.returncode, output.decode()

    def worker_pids(self) -> list[int]:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]


@pytest.fixture
async def process(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Process]:
    """A node's process, not started yet; killed after the test."""
    if not os.environ.get("MEDIASOUP_WORKER_BIN"):
        pytest.skip("MEDIASOUP_WORKER_BIN is not set")
    base = free_media_ports(3)
    process = Process(
        {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "MEDIASOUP_WORKER_BIN": os.environ["MEDIASOUP_WORKER_BIN"],
            "TR_CONTROL_URL": control_plane.url,
            "TR_NODE_ENROLMENT_TOKEN": ControlPlane.TOKEN,
            "TR_NODE_LINK_PORT": str(base),
            "TR_MEDIA_BASE_PORT": str(base + 1),
            "TR_WORKERS": "2",
            "TR_NODE_DATA_DIR": str(tmp_path),
        }
    )
    yield process
    if process.process is not None and process.process.returncode is None:
        process.process.kill()
        await process.ended()


def is_running(pid: int) -> bool:
    """Whether a process that is not our child runs."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def until_ended(pids: list[int]) -> None:
    """Wait until none of these processes runs."""
    await until(lambda: not any(is_running(pid) for pid in pids))


async def link_to(process: Process, control_plane: ControlPlane) -> LinkClient:
    """A greeted link to the process, as soon as it accepts one."""
    await control_plane.until_enrolled()
    node_id = control_plane.enrolments[0][1].node_id
    port = int(process.environment["TR_NODE_LINK_PORT"])
    async with asyncio.timeout(20):
        while True:
            link = await LinkClient.dial(port)
            with suppress(Refused):
                await link.hello(control_plane.signer.token(node_id))
                return link


async def test_a_killed_agent_takes_its_workers_with_it(process: Process, control_plane: ControlPlane) -> None:
    started = await process.start()
    link = await link_to(process, control_plane)
    await Person(link, new_id()).open()
    pids = process.worker_pids()
    assert len(pids) == 2

    started.kill()

    await until_ended(pids)
    assert await link.until_closed() is None


async def test_a_killed_agent_takes_a_hung_worker_with_it_too(process: Process, control_plane: ControlPlane) -> None:
    started = await process.start()
    await link_to(process, control_plane)
    pids = process.worker_pids()
    os.kill(pids[0], signal.SIGSTOP)

    started.kill()

    await until_ended(pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_agent_told_to_stop_says_goodbye_and_leaves_nothing(
    process: Process, control_plane: ControlPlane, number: signal.Signals
) -> None:
    started = await process.start()
    link = await link_to(process, control_plane)
    person = Person(link, new_id())
    await person.open()
    await person.transport("send")
    pids = process.worker_pids()
    started_s = time.monotonic()

    started.send_signal(number)
    code, output = await process.ended()

    assert (code, time.monotonic() - started_s < 5.0) == (0, True)
    assert await link.until_closed() == 1001
    await until_ended(pids)
    assert "Traceback" not in output
    assert '"event": "node_stopped"' in output


async def test_an_agent_told_to_stop_does_not_wait_for_a_hung_worker(
    process: Process, control_plane: ControlPlane
) -> None:
    started = await process.start()
    link = await link_to(process, control_plane)
    person = Person(link, new_id())
    await person.open()
    pids = process.worker_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = asyncio.ensure_future(person.transport("send"))
    started_s = time.monotonic()

    started.send_signal(signal.SIGTERM)
    code, output = await process.ended()

    assert (code, time.monotonic() - started_s < 5.0) == (0, True)
    assert "Traceback" not in output
    await until_ended(pids)
    await asyncio.wait([waiting])


async def test_the_node_keeps_its_id_over_a_restart(process: Process, control_plane: ControlPlane) -> None:
    for count in (1, 2):
        started = await process.start()
        await control_plane.until_enrolled(count)
        started.terminate()
        await process.ended()

    assert len({enrolment.node_id for _, enrolment in control_plane.enrolments}) == 1


async def test_bad_settings_end_with_code_2_and_a_sentence(process: Process) -> None:
    process.environment["TR_WORKERS"] = "none"
    await process.start()

    code, output = await process.ended()

    assert code == 2
    assert "TR_WORKERS must be a whole number" in output
    assert "Traceback" not in output


async def test_a_taken_port_ends_with_code_1_and_a_sentence(process: Process) -> None:
    with closing(
        await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", int(process.environment["TR_NODE_LINK_PORT"]))
    ):
        await process.start()
        code, output = await process.ended()

    assert code == 1
    assert "address already in use" in output
    assert "Traceback" not in output


async def test_a_binary_that_is_no_worker_ends_with_code_1_and_a_sentence(process: Process) -> None:
    process.environment["MEDIASOUP_WORKER_BIN"] = "/bin/true"
    await process.start()

    code, output = await process.ended()

    assert code == 1
    assert "node_failed" in output
    assert "Traceback" not in output
