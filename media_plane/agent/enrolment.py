"""The node tells the control plane that it exists, and learns whose signatures to trust.

Over and over: keys rotate, and a database that was wiped or restored learns of the node again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import httpx
import msgspec
import structlog

from media_plane.contract.messages import NodeEnrolled, NodeEnrolment

ENROL_EVERY_S = 30.0
"""Time between enrolments while all is well, seconds."""
FIRST_RETRY_S, LONGEST_RETRY_S = 0.25, 5.0
"""Wait after the first failure; it doubles up to the longest."""
ANSWER_TIMEOUT_S = 5.0
MAX_ANSWER_BYTES = 64 * 1024

log = structlog.get_logger("enrolment")


class EnrolmentFailed(Exception):
    """The control plane could not be reached or said no; the message says which."""


class Enrolment:
    """Keeps the node enrolled.

    Args:
        control_url: base URL of the control plane.
        token: the enrolment token; a secret.
        enrolment: what the node says about itself.
        accept_keys: takes the JWKS of every answer; raises ValueError when there is no usable key in it.
    """

    def __init__(
        self,
        *,
        control_url: str,
        token: str,
        enrolment: NodeEnrolment,
        accept_keys: Callable[[bytes], None],
    ) -> None:
        self._url = f"{control_url}/internal/media-nodes"
        self._token = token
        self._body = msgspec.json.encode(enrolment)
        self._accept_keys = accept_keys
        self._hurry = asyncio.Event()
        self.enrolled = asyncio.Event()
        """Set once the control plane has taken the node in."""

    def hurry(self) -> None:
        """Enrol again now; for example because someone signs with a key we do not know."""
        self._hurry.set()

    async def run(self) -> None:
        """Enrol for ever; failures are logged and retried. Ends by cancellation."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        # No proxy from the environment: the control plane is a neighbour.
        async with httpx.AsyncClient(timeout=ANSWER_TIMEOUT_S, trust_env=False, headers=headers) as client:
            failures = 0
            while True:
                try:
                    await self._enrol(client)
                except EnrolmentFailed as error:
                    failures += 1
                    if failures in {1, 10} or failures % 100 == 0:
                        log.warning("enrolment_failed", reason=str(error), failures=failures)
                    await asyncio.sleep(retry_after_s(failures, random.random()))  # noqa: S311 - spreads load only
                    continue
                failures = 0
                if not self.enrolled.is_set():
                    log.info("enrolled")
                self.enrolled.set()
                await self._wait()

    async def _wait(self) -> None:
        """Until the next enrolment is due, or wanted; at most one a second."""
        await asyncio.sleep(1.0)
        try:
            async with asyncio.timeout(ENROL_EVERY_S - 1.0):
                await self._hurry.wait()
        except TimeoutError:
            pass
        self._hurry.clear()

    async def _enrol(self, client: httpx.AsyncClient) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                response = await client.post(self._url, content=self._body)
        except (httpx.HTTPError, TimeoutError) as error:
            raise EnrolmentFailed(f"no answer: {type(error).__name__}") from error
        if response.status_code not in {200, 201}:
            raise EnrolmentFailed(f"status {response.status_code}")
        if len(response.content) > MAX_ANSWER_BYTES:
            raise EnrolmentFailed("the answer is too long")
        try:
            self._accept_keys(bytes(msgspec.json.decode(response.content, type=NodeEnrolled).link_jwks))
        except (msgspec.MsgspecError, ValueError) as error:
            raise EnrolmentFailed(f"bad answer: {error}") from error


def retry_after_s(failures: int, chance: float) -> float:
    """How long to wait after so many failures in a row, seconds.

    Args:
        failures: >= 1.
        chance: 0.0-1.0, spreads many nodes out: the result is half to all of the full wait.
    """
    full_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2 ** min(failures - 1, 16))
    return float(full_s * (0.5 + chance / 2))
