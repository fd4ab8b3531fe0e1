"""The supervisor under fire. Every test has a stack of its own: these kill."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import msgspec
import pytest

from scripts.headless.media import MediaFailed
from scripts.headless.rest import Rest, RestError
from scripts.headless.scene import NotArrived, exchange_words, open_scene, publish_test_card, watch_test_card
from scripts.headless.signaling import SignalingError, SocketClosed
from scripts.stack.ports import free_block, free_port
from scripts.stack.postgres import DATABASE, EmbeddedPostgres
from scripts.stack.reach import forget_data
from scripts.stack.seed import Demo
from scripts.stack.smoke import prove
from scripts.stack.valkey import EmbeddedValkey
from tests.e2e.processes import wait_gone
from tests.e2e.running_stack import RunningStack, running_stack, spawn_stack

pytestmark = pytest.mark.stack

RECOVERY_S = 30.0
"""After any one death a fresh tenant must see, hear and talk again within this time."""
_NOT_YET = (RestError, SignalingError, SocketClosed, MediaFailed, NotArrived, TimeoutError, httpx.HTTPError)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack to shoot at."""
    with running_stack(tmp_path_factory.mktemp("target") / "data") as running:
        yield running


async def _until_well(stack: RunningStack, attempt: Callable[[], Awaitable[object]]) -> None:
    """Repeat until it works, for at most RECOVERY_S."""
    deadline = time.monotonic() + RECOVERY_S
    failure: BaseException | None = None
    while time.monotonic() < deadline:
        try:
            await attempt()
        except _NOT_YET as error:
            failure = error
            await asyncio.sleep(0.2)
        else:
            return
    pytest.fail(f"still not well: {failure!r}\n{stack.told()}")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["rest", "signaling", "agent", "valkey", "postgres"])
async def test_after_a_process_is_killed_a_fresh_tenant_is_served_again(target: RunningStack, name: str) -> None:
    before = target.pids[name]

    os.kill(before, signal.SIGKILL)
    await _until_well(target, lambda: prove(target.base_url))

    assert target.pids[name] != before
    assert target.process.poll() is None


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["rest", "signaling", "agent", "worker", "valkey", "postgres"])
async def test_a_room_that_was_live_when_a_process_was_killed_is_of_use_again(target: RunningStack, name: str) -> None:
    async with open_scene(target.base_url) as scene:
        async with await scene.enter(scene.host, watch=False) as host, await scene.enter(scene.viewers[0]) as viewer:
            await publish_test_card(host)
            await watch_test_card(viewer, counters=5, tone_windows=1)

            os.kill(target.worker_pids()[0] if name == "worker" else target.pids[name], signal.SIGKILL)

        async def is_of_use() -> None:
            async with (
                await scene.enter(scene.host, watch=False) as host,
                await scene.enter(scene.viewers[0]) as viewer,
            ):
                await publish_test_card(host)
                await watch_test_card(viewer, counters=5, tone_windows=1)
                await exchange_words(host, viewer)

        await _until_well(target, is_of_use)


async def test_a_jobs_door_that_is_killed_comes_back_by_itself(target: RunningStack) -> None:
    before = target.pids["jobs"]

    os.kill(before, signal.SIGKILL)
    deadline = time.monotonic() + RECOVERY_S
    while target.pids.get("jobs", before) == before and time.monotonic() < deadline:  # noqa: ASYNC110 - its state is a file
        await asyncio.sleep(0.2)

    assert target.pids.get("jobs", before) != before


@pytest.mark.timeout(400)
async def test_after_a_media_worker_is_killed_a_fresh_tenant_is_served_again(target: RunningStack) -> None:
    before = target.worker_pids()
    agent = target.pids["agent"]

    os.kill(before[0], signal.SIGKILL)
    await _until_well(target, lambda: prove(target.base_url))

    assert target.pids["agent"] == agent
    assert before[0] not in target.worker_pids()
    assert len(target.worker_pids()) == len(before)


def test_a_killed_supervisor_leaves_no_process_behind_and_its_folder_starts_again(tmp_path: Path) -> None:
    stack = spawn_stack(tmp_path / "data", "--no-seed")
    try:
        stack.wait_ready()
        family = stack.everything()

        stack.process.kill()
        stack.process.wait()

        assert len(family) > 8
        assert wait_gone(family, timeout_s=10) == set()

        again = spawn_stack(tmp_path / "data", "--no-seed", port=stack.port)
        try:
            again.wait_ready()
        finally:
            assert again.stop() == 0
    finally:
        forget_data(tmp_path / "data")


def test_a_killed_warden_is_replaced(target: RunningStack) -> None:
    warden = next(one for one in target.everything() if _is_warden(one.pid))

    os.kill(warden.pid, signal.SIGKILL)
    os.kill(target.pids["valkey"], signal.SIGKILL)

    deadline = time.monotonic() + 10
    while not any(_is_warden(one.pid) for one in target.everything()):
        assert time.monotonic() < deadline, target.told()
        time.sleep(0.05)


def _is_warden(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"warden.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_that_is_asked_for_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    stack = spawn_stack(tmp_path / "data", "--throw-away", "--no-seed")
    stack.wait_ready()
    family = stack.everything()
    began = time.monotonic()

    code = stack.stop(number)

    assert code == 0
    assert time.monotonic() - began < 10
    assert wait_gone(family, timeout_s=0) == set()
    assert not (tmp_path / "data" / "stack.json").exists()
    assert "does not end" not in stack.told()


def test_an_impatient_second_ctrl_c_leaves_nothing_either(tmp_path: Path) -> None:
    stack = spawn_stack(tmp_path / "data", "--throw-away", "--no-seed")
    stack.wait_ready()
    family = stack.everything()

    stack.process.send_signal(signal.SIGINT)
    code = stack.stop(signal.SIGINT)

    assert code == 0
    assert wait_gone(family, timeout_s=1) == set()


async def test_databases_of_someone_else_are_used_but_not_seeded(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "theirs", free_port(), is_throw_away=True)
    with postgres, EmbeddedValkey(tmp_path / "theirs", free_port()) as valkey:
        urls = {
            "DATABASE_URL": postgres.app_url(),
            "DATABASE_OWNER_URL": postgres.owner_url(),
            "REDIS_URL": valkey.url(),
        }
        stack = spawn_stack(tmp_path / "data", environment=urls)
        try:
            stack.wait_ready()

            assert set(stack.pids) == {"rest", "signaling", "jobs", "agent"}
            assert not (tmp_path / "data" / "demo.json").exists()
            connection = await asyncpg.connect(postgres.superuser_url(DATABASE))
            assert await connection.fetchval("select count(*) from organizations") == 0
            await connection.close()
        finally:
            assert stack.stop() == 0


async def test_demo_people_are_put_in_once_and_can_sign_in_after_a_restart(tmp_path: Path) -> None:
    try:
        told = []
        for _ in range(2):
            stack = spawn_stack(tmp_path / "data")
            stack.wait_ready()
            stack.wait_told("Ctrl-C stops everything.")
            demo = msgspec.json.decode((tmp_path / "data" / "demo.json").read_bytes(), type=Demo)
            for person in demo.people:
                async with Rest(stack.base_url) as rest:
                    await rest.sign_in(person.email, person.password)
                    assert person.password in stack.told()
            assert stack.stop() == 0
            told.append(demo)

        assert told[0] == told[1]
        assert {person.role for person in told[0].people} == {"owner", "co_host", "moderator", "viewer"}
        assert (tmp_path / "data" / "demo.json").stat().st_mode & 0o777 == 0o600
    finally:
        forget_data(tmp_path / "data")


def test_a_second_stack_from_the_same_folder_is_refused(stack: RunningStack) -> None:
    second = spawn_stack(stack.data_dir, "--no-seed")

    assert second.process.wait(20) == 1
    assert f"process {stack.process.pid}" in second.told()
    assert "--data" in second.told()
    assert stack.process.poll() is None


def test_a_busy_port_is_named(tmp_path: Path) -> None:
    stack_port = free_block(20)
    with socket.create_server(("127.0.0.1", stack_port + 1)):
        stack = spawn_stack(tmp_path / "data", "--no-seed", port=stack_port)

        assert stack.process.wait(20) == 1
        assert f"Port {stack_port + 1} is in use" in stack.told()
        assert "--port" in stack.told()


@pytest.mark.parametrize("port", [80, 32_760, 70_000])
def test_ports_out_of_reach_are_refused(tmp_path: Path, port: int) -> None:
    stack = spawn_stack(tmp_path / "data", "--no-seed", port=port)

    assert stack.process.wait(20) == 1
    assert "1024 to 32767" in stack.told()
