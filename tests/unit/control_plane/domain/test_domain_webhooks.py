"""Where webhooks may go, and how they are signed."""

# ruff: noqa: S104 - addresses are looked at, not bound

from __future__ import annotations

from ipaddress import ip_address
from uuid import UUID

import pytest

from control_plane.domain.abilities import ABILITIES, ability_for, ability_to_read
from control_plane.domain.webhooks import EVENTS, POLICY, is_public, sign


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
        "192.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1",
        "168.63.129.16", "::", "::1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fc00::1", "fd00:ec2::254", "fe80::1", "ff02::1",
        "2001:db8::1", "100::1", "192.0.0.9", "192.0.0.170", "fec0::1", "3fff::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_public(ip_address(text))


def test_the_signature_is_the_one_of_the_specification() -> None:
    # Of the specification's example, with our form of the id: computed by `openssl dgst -sha256 -hmac`.
    signature = sign([b"key"], UUID(int=1), 1614265330, '{"test": 2432232314}')

    assert signature == "v1,SYahNcTTXGlx8jJubrjO6CYjs02OCd4DQBmgckJBAo0="


def test_a_delivery_is_tried_for_a_day() -> None:
    pauses = [POLICY.pause(attempt, 0.0) for attempt in range(1, POLICY.max_attempts)]

    assert sum(pause.total_seconds() for pause in pauses if pause is not None) > 24 * 3600
    assert POLICY.pause(POLICY.max_attempts, 0.0) is None


@pytest.mark.parametrize(
    ("method", "rest", "ability"),
    [
        ("GET", "", "organization:read"),
        ("DELETE", "", None),
        ("GET", "rooms", "rooms:read"),
        ("POST", "rooms", "rooms:write"),
        ("POST", "rooms/x/start", "sessions:write"),
        ("GET", "rooms/x/events", "feed:read"),
        ("POST", "rooms/x/alerts/y/steps", "alerts:write"),
        ("POST", "rooms/x/messages", "chat:write"),
        ("PATCH", "members/x", "members:write"),
        ("GET", "api-tokens", None),
        ("POST", "api-tokens", None),
        ("POST", "transfer", None),
        ("GET", "something/new", None),
    ],
)
def test_every_operation_needs_its_noun_and_what_is_unknown_is_closed(
    method: str, rest: str, ability: str | None
) -> None:
    assert ability_for(method, rest) == ability
    assert ability is None or ability in ABILITIES


def test_every_event_has_the_ability_that_reads_it() -> None:
    assert {ability_to_read(event) for event in EVENTS} <= {name for name in ABILITIES if name.endswith(":read")}
    assert ability_to_read("something.new") is None
