"""`python -m control_plane --door rest|signaling|jobs`: compose the platform and open one door."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

import uvloop

from control_plane.app import compose
from control_plane.domain.errors import Unavailable
from control_plane.domain.keys import KeyPurpose
from control_plane.jobs.server import serve as serve_jobs
from control_plane.logs import configure_logs
from control_plane.rest.server import serve as serve_rest
from control_plane.services.keys import WrongSecretKey
from control_plane.settings import BadSettings, Settings, read_settings
from control_plane.signaling.server import serve as serve_signaling

DOORS = {"rest": serve_rest, "signaling": serve_signaling, "jobs": serve_jobs}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Answers the exit code: 0 stopped, 1 the door could not be opened, 2 bad settings."""
    parser = argparse.ArgumentParser(prog="python -m control_plane", description="Trading rooms: the control plane.")
    parser.add_argument("--door", choices=sorted(DOORS), required=True, help="which server this process is")
    door: str = parser.parse_args(arguments).door
    try:
        settings = read_settings()
    except BadSettings as error:
        sys.stderr.write(f"control_plane: {error}\n")
        return 2
    configure_logs(settings.log_format)
    try:
        uvloop.run(_serve(door, settings))
    except WrongSecretKey as error:
        sys.stderr.write(f"control_plane: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"control_plane: the {door} door could not be opened: {error}\n")
        return 1
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 0
    return 0


async def _serve(door: str, settings: Settings) -> None:
    async with compose(settings) as platform:
        # Keys that can't be opened would fail every request; a database that is away is waited for.
        with suppress(Unavailable):
            await platform.keys.jwks(KeyPurpose.ACCESS)
        await DOORS[door](platform, settings)


if __name__ == "__main__":
    sys.exit(main())
