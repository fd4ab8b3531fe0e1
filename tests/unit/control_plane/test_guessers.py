"""Who is counted as one when sign-ins are guessed."""

from __future__ import annotations

import pytest

from control_plane.rest.auth_limits import guesser_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::2"),
        ("192.0.2.7", "::ffff:192.0.2.7"),
    ],
)
def test_addresses_of_one_customer_are_one_guesser(one: str, other: str) -> None:
    assert guesser_of(one) == guesser_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:2::1"),
        ("192.0.2.7", "192.0.2.8"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8"),
        (None, "not an address"),
    ],
)
def test_addresses_of_two_customers_are_two_guessers(one: str | None, other: str) -> None:
    assert guesser_of(one) != guesser_of(other)
