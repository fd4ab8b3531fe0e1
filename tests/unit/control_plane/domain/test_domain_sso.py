"""Single sign-on's own rules: mail domains, and where the DNS is asked."""

from __future__ import annotations

import pytest

from control_plane.domain.errors import InvalidInput
from control_plane.domain.sso import clean_domain, domain_of
from control_plane.settings import BadSettings, read_settings
from tests.conftest import ENROLMENT_TOKEN, SECRET_KEY

_ENVIRONMENT = {
    "DATABASE_URL": "postgresql://app:x@localhost/db",
    "REDIS_URL": "redis://localhost",
    "TR_SECRET_KEY": SECRET_KEY,
    "TR_NODE_ENROLMENT_TOKEN": ENROLMENT_TOKEN,
}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Example.COM.", "example.com"), (" bücher.example ", "xn--bcher-kva.example"), ("a.b.c", "a.b.c")],
)
def test_a_domain_is_kept_as_the_dns_knows_it(typed: str, kept: str) -> None:
    assert clean_domain(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", ".", "com", "a..b", "a b.c", "x" * 64 + ".example", "10.0.0.1", "a@b.c", "a_b.c"]
)
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        clean_domain(typed)


@pytest.mark.parametrize(
    ("email", "domain"),
    [("ada@Example.com", "example.com"), ('"a@b.example"@c.example', "c.example"), ("nobody", "")],
)
def test_an_addresss_domain_stands_behind_its_last_at(email: str, domain: str) -> None:
    assert domain_of(email) == domain


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ()),
        ("10.0.0.2", (("10.0.0.2", 53),)),
        ("10.0.0.2:5353, 2001:db8::1", (("10.0.0.2", 5353), ("2001:db8::1", 53))),
        ("[2001:db8::1]:5353", (("2001:db8::1", 5353),)),
    ],
)
def test_name_servers_are_addresses_with_or_without_a_port(text: str, servers: tuple[tuple[str, int], ...]) -> None:
    assert read_settings({**_ENVIRONMENT, "TR_DNS_SERVERS": text}).dns_servers == servers


@pytest.mark.parametrize("text", ["dns.example.com", "10.0.0.2:x", "10.0.0"])
def test_name_servers_that_are_no_addresses_are_refused(text: str) -> None:
    with pytest.raises(BadSettings, match="TR_DNS_SERVERS"):
        read_settings({**_ENVIRONMENT, "TR_DNS_SERVERS": text})
