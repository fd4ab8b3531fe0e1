"""The supervisor under fire. Every test has a stack of its own: these kill."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scripts.headless.media import MediaFailed
from scripts.headless.rest import RestError
from scripts.headless.scene import NotArrived
from scripts.headless.signaling import SignalingError, SocketClosed
from scripts.stack.ports import free_block
from scripts.stack.reach import forget_data
from scripts.stack.smoke import prove
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


async def _prove_again(stack: RunningStack) -> None:
    deadline = time.monotonic() + RECOVERY_S
    failure: BaseException | None = None
    while time.monotonic() < deadline:
        try:
            await prove(stack.base_url)
        except _NOT_YET as error:
            failure = error
            await asyncio.sleep(0.2)
        else:
            return
    pytest.fail(f"still not well: {failure!r}\n{stack.told()}")


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["rest", "signaling", "agent", "valkey", "postgres"])
async def test_after_a_process_is_killed_a_fresh_tenant_is_served_again(target: RunningStack, name: str) -> None:
    before = target.pids[name]

    os.kill(before, signal.SIGKILL)
    await _prove_again(target)

    assert target.pids[name] != before
    assert target.process.poll() is None


@pytest.mark.timeout(180)
async def test_after_a_media_worker_is_killed_a_fresh_tenant_is_served_again(target: RunningStack) -> None:
    before = target.worker_pids()
    agent = target.pids["agent"]

    os.kill(before[0], signal.SIGKILL)
    await _prove_again(target)

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
