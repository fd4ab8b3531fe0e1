"""A running issuer: the REST door and the jobs door as processes, with the mailbox of development."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from scripts.stack.ports import free_port
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import REPOSITORY, TestDatabase
from tests.integration.test_rest_door import Door

SERVICE_KEY = "service-key-of-the-tests-0123456789abcdef"


@dataclass(frozen=True)
class Letter:
    """A letter of the mailbox: what a person reads in it."""

    subject: str
    text: str

    @property
    def link(self) -> str:
        found = re.search(r"https?://\S+", self.text)
        assert found is not None, self.text
        return found.group()

    @property
    def code(self) -> str:
        found = re.search(r"\b\d{6}\b", self.text)
        assert found is not None, self.text
        return found.group()

    @property
    def token_hash(self) -> str:
        return httpx.URL(self.link).params["token"]


@dataclass(frozen=True)
class Issuer:
    """url: of the REST door."""

    url: str

    @property
    def auth_url(self) -> str:
        return f"{self.url}/auth/v1"

    def read_mail(self, to: str, subject: str) -> Letter:
        """Wait for a letter to somebody and read the newest one of that subject."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            answer = httpx.get(f"{self.url}/dev/mailbox", params={"to": to}, timeout=10)
            for letter in answer.json()["letters"]:
                if subject in letter["subject"]:
                    return Letter(subject=letter["subject"], text=letter["text"])
            time.sleep(0.05)
        raise AssertionError(f"no letter {subject!r} to {to}")


@contextmanager
def running_issuer(database: TestDatabase, valkey: EmbeddedValkey, **more: str) -> Iterator[Issuer]:
    """Both doors, until the end of the block."""
    settings = {"TR_CONFIRM_EMAIL": "on", "TR_DEV_MAILBOX": "on", "TR_SERVICE_KEY": SERVICE_KEY, **more}
    door = Door(database, valkey, **settings)
    door.environment["TR_JOBS_PORT"] = str(free_port())
    rest = door.start()
    jobs = subprocess.Popen(
        [sys.executable, "-m", "control_plane", "--door", "jobs"],
        cwd=REPOSITORY,
        env=door.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        door.wait(rest)
        yield Issuer(f"http://localhost:{door.port}")
    finally:
        for process in (rest, jobs):
            process.send_signal(signal.SIGTERM)
        jobs.wait(timeout=20)
        door.finish(rest)
