"""`python -m scripts.bench NAME`: run one measurement; `scripts/bench` sets the machine up first.

scripts/bench                 lists the names
scripts/bench NAME [--full]   one of them; --full takes longer and means more
scripts/bench --all [--full]  all of them, one after the other
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Protocol

from scripts.benches import api, first_frame, join_path, joins, latency, pipe, sfu, sign_in, viewer_memory
from scripts.stack.processes import StackError


class Measurement(Protocol):
    """What a bench offers."""

    async def __call__(self, *, is_full: bool) -> None: ...  # noqa: D102 - the class says it


BENCHES: dict[str, Measurement] = {
    "api": api.measure,
    "first-frame": first_frame.measure,
    "join-path": join_path.measure,
    "joins": joins.measure,
    "latency": latency.measure,
    "pipe": pipe.measure,
    "sfu": sfu.measure,
    "sign-in": sign_in.measure,
    "viewer-memory": viewer_memory.measure,
}
"""Name -> measurement."""
TIME_LIMIT_S = 55.0
"""For one measurement, start and stop of what it needs included."""
FULL_TIME_LIMIT_S = 300.0


def main() -> int:
    """Run the command; returns the exit code: 1 when a measurement failed."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures one thing and prints JSON lines.")
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES), help="without a name, they are listed")
    parser.add_argument("--all", action="store_true", help="all of them, one after the other")
    parser.add_argument("--full", action="store_true", help="take longer")
    arguments = parser.parse_args()
    names = sorted(BENCHES) if arguments.all else [arguments.name] if arguments.name else []
    if not names:
        print("\n".join(sorted(BENCHES)))
        return 0
    try:
        failed = [name for name in names if not _try(name, is_full=arguments.full)]
    except KeyboardInterrupt:
        return 130
    return 1 if failed else 0


def _try(name: str, *, is_full: bool) -> bool:
    """Run one; whether it came to an end."""
    limit_s = FULL_TIME_LIMIT_S if is_full else TIME_LIMIT_S
    try:
        asyncio.run(_run(BENCHES[name], limit_s, is_full=is_full))
    except (StackError, TimeoutError) as error:
        print(f"bench {name}: {str(error) or f'not done in {limit_s:g} s'}", file=sys.stderr)
        return False
    return True


async def _run(bench: Measurement, limit_s: float, *, is_full: bool) -> None:
    async with asyncio.timeout(limit_s):
        await bench(is_full=is_full)


if __name__ == "__main__":
    sys.exit(main())
