"""`scripts/bench sign-in` at its shortest, on a database of this module's own: that it measures what it says."""

from concurrent.futures import ThreadPoolExecutor

import argon2
import pytest
from argon2.exceptions import VerifyMismatchError

from control_plane.services.accounts import TRIES_PER_ACCOUNT
from control_plane.services.passwords import Passwords
from scripts.bench import BENCHES
from scripts.benches import sign_in
from scripts.benches.bare_argon2 import verify_for
from scripts.benches.doors import door_environment
from scripts.benches.sign_in import PASSWORD, Lengths, Servers, Turn, Turns, figures_of, take_turns
from scripts.stack.postgres import EmbeddedPostgres
from scripts.stack.processes import StackError
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase


@pytest.fixture
def servers(postgres: EmbeddedPostgres, valkey: EmbeddedValkey, database: TestDatabase) -> Servers:
    return Servers(door_environment(database.app_url, valkey.url()), postgres.pid, valkey.pid)


async def test_people_sign_in_at_a_real_door_in_turn_with_the_peer(servers: Servers) -> None:
    lengths = Lengths(rounds=2, measured_s=0.1, door_alone_s=0.1, warm_up_s=0.1)

    turns = await take_turns(servers, lengths)

    assert [len(kind) for kind in (turns.ours, turns.peer, turns.door_alone)] == [2, 2, 2]
    assert all(one.done > 0 and one.cpu_s > 0 for kind in (turns.ours, turns.peer, turns.door_alone) for one in kind)
    assert all(one.postgres_cpu_s > 0 and one.valkey_cpu_s > 0 for one in (*turns.ours, *turns.door_alone))
    assert BENCHES["sign-in"] is sign_in.measure


async def test_a_refused_sign_in_ends_the_measurement(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(servers.environment, "TR_SIGN_IN_ATTEMPTS", "1")
    monkeypatch.setitem(servers.environment, "TR_SIGN_IN_REFILL_PER_MINUTE", "1")
    # A Valkey's database of its own: in the first one this address may have attempts left from the test above.
    monkeypatch.setitem(servers.environment, "REDIS_URL", servers.environment["REDIS_URL"].removesuffix("/0") + "/7")

    with pytest.raises(StackError, match=r"not signed in: b'HTTP/1\.1 429"):
        await take_turns(servers, Lengths(rounds=1, measured_s=0.1))


def test_nobody_signs_in_so_often_that_the_door_takes_another_way() -> None:
    people = sign_in._People(["ann@example.com", "bob@example.com"])
    asked = [people.next_request() for _ in range(2 * TRIES_PER_ACCOUNT)]

    with pytest.raises(StackError, match="as often as it may"):
        people.next_request()

    assert sum(b"ann@example.com" in one for one in asked) == TRIES_PER_ACCOUNT


async def test_the_peer_verifies_with_the_parameters_of_the_door() -> None:
    passwords = Passwords()
    try:
        password_hash = await passwords.hash(PASSWORD)
    finally:
        passwords.close()

    with ThreadPoolExecutor(max_workers=2) as pool:
        assert verify_for(PASSWORD, password_hash, 0.0, pool) == 2
        with pytest.raises(VerifyMismatchError):
            verify_for("another password", password_hash, 0.0, pool)

    assert argon2.extract_parameters(password_hash).memory_cost == 19_456


def test_the_ratio_is_of_the_medians_and_the_servers_stand_beside_it() -> None:
    turns = Turns(
        ours=[Turn(40, 1.0, 0.1, 0.02), Turn(40, 1.0, 0.1, 0.02), Turn(10, 1.0, 0.1, 0.02)],
        peer=[Turn(50, 1.0), Turn(50, 1.0), Turn(90, 1.0)],
        door_alone=[Turn(500, 1.0)],
    )

    ratio, besides = figures_of(turns)

    assert (ratio.name, ratio.ours, ratio.peer, ratio.ratio) == ("sign_in", 40.0, 50.0, 0.8)
    assert (ratio.facts["sign_in_cpu_ms"], ratio.facts["argon2_cpu_ms"]) == (25.0, 20.0)
    assert (ratio.facts["postgres_cpu_ms"], ratio.facts["postgres_share"]) == (2.5, 0.089)
    assert ratio.facts["ratio_with_servers"] == 0.71
    assert (besides.name, besides.ours, besides.unit) == ("sign_in_besides_argon2", 2.0, "CPU-ms")
