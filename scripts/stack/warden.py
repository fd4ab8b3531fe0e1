"""The last to leave: ends what a killed supervisor left behind. Run as a program of its own, standard library only.

The supervisor tells it on standard input which process groups there are, one line each: `+PGID`, `-PGID`, and `~PGID` for
one that ends in order by itself (PostgreSQL). When the pipe breaks, the supervisor is gone, however it ended: every group
still known gets SIGKILL; the orderly ones have GRACE_S first. The kernel's PR_SET_PDEATHSIG reaches only direct children;
this reaches theirs.
"""

from __future__ import annotations

import os
import signal
import sys
import time

GRACE_S = 8.0


def _is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def main() -> None:
    """Listen until the supervisor is gone, then end its groups."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: dict[int, bool] = {}
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "-":
            groups.pop(group, None)
        else:
            groups[group] = line[0] == "~"
    for group, is_orderly in groups.items():
        if not is_orderly:
            _kill(group)
    deadline = time.monotonic() + GRACE_S
    orderly = [group for group, is_orderly in groups.items() if is_orderly]
    while time.monotonic() < deadline and any(_is_there(group) for group in orderly):
        time.sleep(0.02)
    for group in orderly:
        _kill(group)


if __name__ == "__main__":
    main()
