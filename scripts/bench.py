"""`python -m scripts.bench NAME`: run one measurement; `scripts/bench` sets the machine up first."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

from scripts.benches import first_frame, joins
from scripts.stack.processes import StackError

BENCHES: dict[str, Callable[[], Awaitable[None]]] = {
    "first-frame": first_frame.measure,
    "joins": joins.measure,
}
"""Name -> measurement."""
TIME_LIMIT_S = 55.0
"""For one measurement, start and stop of its stack included."""


def main() -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures one thing and prints JSON lines.")
    parser.add_argument("name", nargs="?", choices=sorted(BENCHES), help="without a name, they are listed")
    name = parser.parse_args().name
    if name is None:
        print("\n".join(sorted(BENCHES)))
        return 0
    try:
        asyncio.run(_run(BENCHES[name]))
    except (StackError, TimeoutError) as error:
        print(f"bench {name}: {str(error) or f'not done in {TIME_LIMIT_S:g} s'}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


async def _run(bench: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(TIME_LIMIT_S):
        await bench()


if __name__ == "__main__":
    sys.exit(main())
