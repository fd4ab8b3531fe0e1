"""The peer of `scripts/bench sign-in`: argon2id alone, by the library and on as many threads as the REST door's.

    python -m scripts.benches.bare_argon2 PASSWORD PHC_STRING

Reads from standard input how long to go on, seconds, one number a line; answers each with how often it verified. It
ends with its input.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import argon2

from control_plane.services.passwords import THREADS


def verify_for(password: str, password_hash: str, seconds: float, pool: ThreadPoolExecutor) -> int:
    """How often the password was verified; at least once a thread.

    Args:
        password: the right one.
        password_hash: PHC string; its parameters are what costs.
        seconds: after them no verification begins.
        pool: THREADS threads.

    Raises:
        VerifyMismatchError: the password is not the one.
    """
    end = time.monotonic() + seconds

    def verify() -> int:
        hasher, count = argon2.PasswordHasher(), 0
        while not count or time.monotonic() < end:
            hasher.verify(password_hash, password)
            count += 1
        return count

    return sum(one.result() for one in [pool.submit(verify) for _ in range(THREADS)])


def main() -> None:
    """Answer what standard input asks for."""
    password, password_hash = sys.argv[1:]
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for line in sys.stdin:
            print(verify_for(password, password_hash, float(line), pool), flush=True)


if __name__ == "__main__":
    main()
