"""Names, slugs, messages, alerts, addresses, passwords: what may be written where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.accounts import check_password, clean_email, display_name_of
from control_plane.domain.alerts import AlertDraft, Side, make_alert
from control_plane.domain.chat import clean_text
from control_plane.domain.errors import InvalidInput
from control_plane.domain.rooms import clean_name, make_slug


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("  Opening   bell ", "Opening bell"), ("x", "x"), ("n" * 80, "n" * 80), ("Börse 📈", "Börse 📈")],
)
def test_a_name_is_trimmed(typed: str, kept: str) -> None:
    assert clean_name(typed) == kept


@pytest.mark.parametrize("typed", ["", "   ", "n" * 81, "a\x00b", "a\nb", "a\x7fb", "\x1b[31m"])
def test_a_bad_name_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_name(typed)

    assert refused.value.facts["field"] == "name"


@given(st.text(max_size=200))
def test_a_slug_is_always_fit_for_an_address(name: str) -> None:
    slug = make_slug(name, "room")

    assert 1 <= len(slug) <= 60
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert "--" not in slug


@pytest.mark.parametrize(("typed", "kept"), [(" hi \n", "hi"), ("a\r\nb", "a\nb"), ("x" * 2000, "x" * 2000)])
def test_a_message_is_kept_with_its_line_breaks(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


@pytest.mark.parametrize("typed", ["", " \n ", "x" * 2001, "a\x00b", "a\x1bb"])
def test_a_bad_message_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        clean_text(typed)


DRAFT = AlertDraft(symbol="AAPL", side=Side.LONG, entry=Decimal("181.20"))


@pytest.mark.parametrize(
    "changes",
    [
        {"stop": Decimal(180), "targets": [Decimal(190), Decimal(200)]},
        {"side": Side.SHORT, "stop": Decimal(190), "targets": [Decimal(170)]},
        {"entry": Decimal("0.00000001")},
        {"entry": Decimal("1E+12")},
        {"symbol": " es=f "},
        {"note": "n" * 500},
    ],
)
def test_a_sound_alert_is_kept(changes: dict[str, Any]) -> None:
    draft = msgspec.structs.replace(DRAFT, **changes)

    assert make_alert(draft).symbol == draft.symbol.strip().upper()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"symbol": ""}, "symbol"),
        ({"symbol": "A" * 25}, "symbol"),
        ({"symbol": "<b>"}, "symbol"),
        ({"entry": Decimal(0)}, "entry"),
        ({"entry": Decimal(-1)}, "entry"),
        ({"entry": Decimal("NaN")}, "entry"),
        ({"entry": Decimal("sNaN")}, "entry"),
        ({"entry": Decimal("Infinity")}, "entry"),
        ({"entry": Decimal("1E+13")}, "entry"),
        ({"entry": Decimal("1.123456789")}, "entry"),
        ({"entry": Decimal("1E-1000000")}, "entry"),
        ({"stop": Decimal("181.20")}, "stop"),
        ({"stop": Decimal(182)}, "stop"),
        ({"side": Side.SHORT, "stop": Decimal(180)}, "stop"),
        ({"targets": [Decimal(180)]}, "targets"),
        ({"targets": [Decimal(190)] * 6}, "targets"),
        ({"note": "n" * 501}, "note"),
        ({"note": "zero\x00"}, "note"),
    ],
)
def test_an_alert_that_makes_no_sense_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make_alert(msgspec.structs.replace(DRAFT, **changes))

    assert refused.value.facts["field"] == field


@pytest.mark.parametrize(
    ("typed", "kept"), [(" Ada@Example.COM ", "ada@example.com"), ("a+b@x-y.co.uk", "a+b@x-y.co.uk")]
)
def test_an_address_is_kept_in_lower_case(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example", "ada@-x.com", "a\x00@x.com", f"{'a' * 65}@x.com",
     f"a@{'x' * 250}.com", "ada@exämple.com", "ada@example.com\n.org"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput):
        clean_email(typed)


@pytest.mark.parametrize("password", ["", "1234567", "x" * 1025])
def test_a_password_has_a_fitting_length(password: str) -> None:
    with pytest.raises(InvalidInput):
        check_password(password)


@pytest.mark.parametrize(
    ("metadata", "name"),
    [
        ({"display_name": "Ada"}, "Ada"),
        ({"full_name": " Ada  Lovelace "}, "Ada Lovelace"),
        ({"name": 5}, "ada"),
        ({"display_name": "\x00\x1b"}, "ada"),
        ({"display_name": "n" * 200}, "n" * 80),
        ({}, "ada"),
    ],
)
def test_a_person_is_called_by_what_they_gave(metadata: dict[str, Any], name: str) -> None:
    assert display_name_of("ada@example.com", metadata) == name
