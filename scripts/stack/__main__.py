"""`python -m scripts.stack`: run everything on this machine. `scripts/run` sets the machine up first."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from scripts.stack.console import say, show
from scripts.stack.layout import DEFAULT_PORT, ROOT, choose_ports, count_workers
from scripts.stack.processes import StackError
from scripts.stack.seed import FILE_NAME, describe_people, seed
from scripts.stack.supervisor import Stack, named_stores

INTERRUPTED_EXIT = 130


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0 after an orderly stop, 1 when something is wrong, 2 for bad arguments."""
    options = _parser().parse_args(arguments)
    try:
        if options.smoke:
            # Here and not above: codecs and peer connections take half a second and 80 MB, which only this way needs.
            from scripts.stack.smoke import run_smoke

            return asyncio.run(run_smoke(data_dir=options.data, port=options.port))
        return asyncio.run(_run(options))
    except StackError as error:
        show(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/run", description="Runs the whole platform on this machine.")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="start everything in a throw-away folder on free ports, prove it with a headless host and viewer, print one"
        " JSON line, stop",
    )
    parser.add_argument("--data", type=Path, help="folder for databases, secrets and logs (default: .data)")
    parser.add_argument("--port", type=int, help=f"first port (default: {DEFAULT_PORT}); all others follow it")
    parser.add_argument("--no-seed", action="store_true", help="do not put in the demo organization")
    parser.add_argument(
        "--demo",
        action="store_true",
        help="a presenter shares a moving chart and talks in the demo organization's room",
    )
    parser.add_argument(
        "--throw-away",
        action="store_true",
        help="do not flush the database to disk, and delete it at the end (for tests)",
    )
    return parser


async def _run(options: argparse.Namespace) -> int:
    data_dir: Path = options.data or ROOT / ".data"
    ports = choose_ports(DEFAULT_PORT if options.port is None else options.port, count_workers())
    stack = Stack(
        data_dir,
        ports,
        is_throw_away=options.throw_away,
        stores=named_stores(),
        demo_file=(data_dir / FILE_NAME).absolute() if options.demo else None,
    )
    work = asyncio.ensure_future(_start_and_stay(stack, is_seeding=not options.no_seed, has_demo=options.demo))
    presses = 0

    def stop() -> None:
        nonlocal presses
        presses += 1
        if presses == 1:
            say("stopping (once more: at once)")
            work.cancel()
        else:
            stack.kill()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    try:
        await work
    except asyncio.CancelledError:
        say("stopped")
    return 0


async def _start_and_stay(stack: Stack, *, is_seeding: bool, has_demo: bool) -> None:
    if has_demo and not (is_seeding and stack.owns_database):
        raise StackError("--demo needs the demo organization, which is put into the embedded database only.")
    say(f"starting; data and logs in {stack.data_dir}")
    try:
        await stack.start()
        people = await seed(stack.layout) if is_seeding and stack.owns_database else None
        if has_demo:
            await stack.start_demo(stack.layout.data_dir / FILE_NAME)
        say(f"ready: {stack.layout.base_url}")
        if people is not None:
            show(describe_people(people))
        show("Ctrl-C stops everything.")
        await asyncio.get_running_loop().create_future()
    finally:
        await stack.stop()


if __name__ == "__main__":
    sys.exit(main())
