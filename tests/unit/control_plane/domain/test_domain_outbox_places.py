"""Places of the jobs door: who hangs keeps nobody prompt waiting, however many they are. The clock is an argument."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from control_plane.domain.ids import OrganizationId
from control_plane.domain.outbox import (
    AT_ONCE_PER_SIDE,
    AT_ONCE_PER_TENANT,
    LAST_TENANT,
    PLATFORM_PARTY,
    OutboxMessage,
)
from control_plane.domain.outbox_places import (
    HANGING_MAX,
    REMEMBER_S,
    REMEMBERED_MAX,
    SLOW_AFTER_S,
    SLOW_PLACES,
    PlaceBook,
)

AT_ONCE = 16
AT = datetime(2026, 11, 23, tzinfo=UTC)


def _effect(number: int, party: int | None) -> OutboxMessage:
    tenant = None if party is None else OrganizationId(UUID(int=party))
    return OutboxMessage(
        id=UUID(int=number), kind="test", body={}, organization_id=tenant, order_key=None, attempts=1, created_at=AT
    )


def _hang(book: PlaceBook, parties: range, now_s: float) -> None:
    """One effect of each begins, in as many goes as there are places, SLOW_AFTER_S apart."""
    book.take([_effect(party, party) for party in parties], now_s)


def test_a_tenant_nobody_knows_has_one_place_and_all_of_its_share_once_it_was_prompt() -> None:
    book, effect = PlaceBook(AT_ONCE, minds_slow=True), _effect(1, 7)

    before = book.free(0)[1]
    book.take([effect], 0)
    meanwhile = book.free(0.1)[1]
    book.give_back(effect, 0.2)

    assert before.share == 1
    assert meanwhile.shares == {UUID(int=7): 0}
    assert book.free(0.3)[1].shares == {UUID(int=7): AT_ONCE_PER_TENANT}


def test_an_effect_that_takes_long_gives_its_place_back() -> None:
    book = PlaceBook(AT_ONCE, minds_slow=True)
    _hang(book, range(1, AT_ONCE_PER_SIDE + 1), 0)

    young, old = book.free(SLOW_AFTER_S - 0.1), book.free(SLOW_AFTER_S)

    assert (young[0], young[1].tenants) == (AT_ONCE - AT_ONCE_PER_SIDE, 0)
    assert (old[0], old[1].tenants, old[1].slow) == (AT_ONCE, AT_ONCE_PER_SIDE, SLOW_PLACES - AT_ONCE_PER_SIDE)


def test_a_slow_tenant_has_no_place_among_the_prompt_ones_until_it_was_prompt_again() -> None:
    book, party, again = PlaceBook(AT_ONCE, minds_slow=True), UUID(int=7), _effect(2, 7)
    book.take([_effect(1, 7)], 0)
    book.free(1)
    book.give_back(_effect(1, 7), 15)

    slow = book.free(15)[1]
    book.take([again], 15)
    book.give_back(again, 15.1)

    assert (slow.shares[party], dict(slow.slow_shares)) == (0, {party: AT_ONCE_PER_TENANT})
    assert (book.free(16)[1].shares, book.free(16)[1].slow_shares) == ({party: AT_ONCE_PER_TENANT}, {})


@pytest.mark.parametrize(("count", "share"), [(8, 4), (16, 2), (17, 1), (200, 1)])
def test_slow_tenants_share_the_slow_places(count: int, share: int) -> None:
    book = PlaceBook(AT_ONCE, minds_slow=True)
    _hang(book, range(1, count + 1), 0)
    book.free(1)
    for number in range(1, count + 1):
        book.give_back(_effect(number, number), 15)

    places = book.free(15)[1]

    assert (places.slow, set(places.slow_shares.values()), len(places.slow_shares)) == (SLOW_PLACES, {share}, count)


def test_slow_tenants_begin_in_slow_places_only_and_by_turns() -> None:
    book = PlaceBook(AT_ONCE, minds_slow=True)
    _hang(book, range(1, 41), 0)
    book.free(1)
    for number in range(1, 41):
        book.give_back(_effect(number, number), 15)
    first = list(book.free(15)[1].slow_shares)[:SLOW_PLACES]

    book.take([_effect(party.int, party.int) for party in first], 15)
    limit, places = book.free(15.1)

    assert (limit, places.tenants, places.slow) == (AT_ONCE, AT_ONCE_PER_SIDE, 0)
    assert [party.int for party in places.slow_shares] == list(range(33, 41))


def test_more_that_hang_than_a_process_bears_keep_their_places() -> None:
    book = PlaceBook(AT_ONCE, minds_slow=True)
    _hang(book, range(1, HANGING_MAX + AT_ONCE_PER_SIDE), 0)

    limit, places = book.free(1)

    assert (limit, places.tenants) == (AT_ONCE - AT_ONCE_PER_SIDE + 1, 1)


def test_the_platform_is_never_slow() -> None:
    book = PlaceBook(AT_ONCE, minds_slow=True)
    book.take([_effect(number, None) for number in range(3)], 0)

    limit, places = book.free(60)

    assert (limit, places.platform, places.slow) == (AT_ONCE - 3, AT_ONCE_PER_SIDE - 3, SLOW_PLACES)
    assert not {PLATFORM_PARTY, LAST_TENANT} & set(places.slow_shares)


def test_where_nobody_chooses_receivers_nobody_is_slow() -> None:
    book = PlaceBook(AT_ONCE, minds_slow=False)
    _hang(book, range(1, 5), 0)

    limit, places = book.free(60)

    assert (limit, places.share, places.slow_shares) == (AT_ONCE - 4, AT_ONCE_PER_TENANT, {})


def test_what_tenants_are_is_forgotten_and_never_grows_without_end() -> None:
    book = PlaceBook(AT_ONCE, minds_slow=True)
    for number in range(1, REMEMBERED_MAX + 10):
        book.take([_effect(number, number)], 0)
        book.give_back(_effect(number, number), 15)

    remembered, later = book.free(15)[1], book.free(16 + REMEMBER_S)[1]

    assert len(remembered.slow_shares) == REMEMBERED_MAX
    assert UUID(int=1) not in remembered.slow_shares
    assert not later.slow_shares
