"""The example of the media plane's README runs as written, and the public names are what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import media_plane.sfu as library

ROOT = Path(__file__).parents[2]
README = (ROOT / "media_plane" / "README.md").read_text()


def read_example() -> str:
    found = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.worker
def test_example_runs_as_written(worker_binary: Path, tmp_path: Path) -> None:
    example = tmp_path / "example.py"
    example.write_text(read_example())

    done = subprocess.run(
        [sys.executable, "-W", "error", str(example), str(worker_binary)],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["connect to 127.0.0.1 udp", "b'EUR/USD 1.0842'"]


def test_example_is_short() -> None:
    body = read_example().partition("async def main")[2]

    assert len([line for line in body.splitlines() if line.strip()]) <= 20


def test_public_names_are_there_and_described() -> None:
    table = README.partition("## What there is")[2].partition("## Rules")[0]
    described = {name for name in re.findall(r"`([A-Z]\w+)`", table) if not name.startswith("Worker.")}

    assert described <= set(library.__all__)
    assert [name for name in library.__all__ if not hasattr(library, name)] == []
    assert [name for name in described if not (getattr(library, name).__doc__ or "").strip()] == []
