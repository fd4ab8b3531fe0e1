from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.stack.layout import ROOT
from scripts.stack.smoke import prove
from tests.e2e.running_stack import RunningStack

pytestmark = pytest.mark.stack

FIELDS = {"first_frame_ms", "frames_decoded", "counter_advanced_by", "audio_packets", "chat_ms", "alert_ms"}


def test_smoke_prints_one_line_with_what_truly_arrived_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stack", "--smoke"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), **_worker()},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    result = json.loads(lines[0])
    assert set(result) == FIELDS
    assert result["frames_decoded"] >= 30
    assert result["counter_advanced_by"] >= 45
    assert result["audio_packets"] >= 50
    assert all(0 < result[name] < 10_000 for name in ("first_frame_ms", "chat_ms", "alert_ms"))
    assert list(tmp_path.iterdir()) == []


def test_smoke_fails_with_a_reason_when_a_process_can_not_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stack", "--smoke", "--data", str(tmp_path / "data")],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "MEDIASOUP_WORKER_BIN": "/bin/false"},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert "smoke FAILED" in done.stderr
    assert "MEDIASOUP_WORKER_BIN" in done.stderr


async def test_a_tenant_of_its_own_sees_hears_and_talks_in_the_running_stack(stack: RunningStack) -> None:
    result = await prove(stack.base_url)

    assert result.counter_advanced_by >= 45


def _worker() -> dict[str, str]:
    """The worker the tests were given; its cache lies in the home folder, which the smoke run is not told."""
    return {name: os.environ[name] for name in ("MEDIASOUP_WORKER_BIN", "HOME") if name in os.environ}
