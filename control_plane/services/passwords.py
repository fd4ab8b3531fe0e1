"""Passwords: argon2id on threads of its own, so that hashing holds up neither the loop nor the memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import argon2
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from control_plane.domain.errors import RateLimited

MEMORY_KIB, ROUNDS, LANES = 19_456, 2, 1
"""Source: OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, 2 iterations, 1 degree of parallelism."""
Work = Callable[[str, str], str]
THREADS = 2
MOST_WAITING = 200
"""Hashes in line; at about 30 ms each on one core (November 2026) the last waits some seconds."""


class Passwords:
    """Hashes and checks. Whoever makes it closes it."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """The PHC string of a new password. Raises RateLimited: too many are in line."""
        return await self._run(self._hash, password, "")

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is right; None as hash takes as long and is wrong. Raises RateLimited."""
        if not self._nobody:
            # Checked when there is no such login, so that the answer takes as long.
            self._nobody = await self.hash("nobody has this password")
        answer = await self._run(self._verify, password, password_hash or self._nobody)
        return answer == "yes" and password_hash is not None

    def close(self) -> None:
        """Let the threads go. May be called twice."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Work, password: str, password_hash: str) -> str:
        if self._waiting >= MOST_WAITING:
            raise RateLimited("Too many people sign in right now. Try again in a moment.", retry_after_s=5)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, password, password_hash)
        finally:
            self._waiting -= 1

    def _hash(self, password: str, _: str) -> str:
        return self._hasher.hash(password)

    def _verify(self, password: str, password_hash: str) -> str:
        try:
            self._hasher.verify(password_hash, password)
        except (VerifyMismatchError, InvalidHashError):
            return "no"
        return "yes"
