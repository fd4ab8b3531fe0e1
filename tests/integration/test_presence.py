from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import LiveSessionId, ParticipantId
from control_plane.gateways.presence import RedisPresence
from scripts.stack.valkey import EmbeddedValkey
from tests.integration.valkey_server import running_valkey, until_async


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with running_valkey(Path(tmp_path_factory.mktemp("presence"))) as server:
        yield server


async def test_touched_people_are_present_until_dropped(valkey: EmbeddedValkey) -> None:
    presence, live = RedisPresence(valkey.url()), LiveSessionId(uuid4())
    first, second = ParticipantId(uuid4()), ParticipantId(uuid4())

    await presence.touch(live, [first, second])
    await presence.drop(live, first)

    assert await presence.present(live) == {second}
    assert await presence.present(LiveSessionId(uuid4())) == set()
    await presence.close()


async def test_who_is_not_touched_again_is_gone_after_the_lease(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control_plane.gateways.leases.LEASE_MS", 200)
    presence, live, who = RedisPresence(valkey.url()), LiveSessionId(uuid4()), ParticipantId(uuid4())
    await presence.touch(live, [who])

    async def is_empty() -> bool:
        return not await presence.present(live)

    await until_async(is_empty)
    await presence.close()


async def test_redis_away_is_unavailable(valkey: EmbeddedValkey) -> None:
    presence = RedisPresence("redis://127.0.0.1:1/0")

    with pytest.raises(Unavailable):
        await presence.present(LiveSessionId(uuid4()))

    await presence.close()
