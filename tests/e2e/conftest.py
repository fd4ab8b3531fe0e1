"""One stack for all end-to-end tests; a test isolates itself by a new organization (decisions.md 15)."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from scripts.browser.launch import chromium
from scripts.headless.rest import Rest
from scripts.headless.scene import sign_up_someone
from tests.e2e.desk import Desk
from tests.e2e.running_stack import RunningStack, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The session's stack. Do not kill anything of it: tests that do start their own."""
    with running_stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running


@pytest.fixture
async def desk(stack: RunningStack) -> AsyncIterator[Desk]:
    """A new tenant of the session's stack, and a browser."""
    async with chromium() as browser, await sign_up_someone(stack.base_url, "Owner") as owner:
        organization = await owner.create_organization(f"Desk {secrets.token_hex(4)}")
        yield Desk(stack, browser, owner, organization)


@pytest.fixture
async def guest(stack: RunningStack) -> AsyncIterator[Rest]:
    """Someone of no organization, signed in."""
    async with await sign_up_someone(stack.base_url, "Guest") as person:
        yield person
