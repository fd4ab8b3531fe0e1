"""What a name may be made of."""

from __future__ import annotations

import pytest

from control_plane.domain.errors import InvalidInput
from control_plane.domain.rooms import clean_name


@pytest.mark.parametrize(
    "sign",
    [
        "\u202e",
        "\u2066",
        "\u200b",
        "\u200d",
        "\u200c",
        "\u00ad",
        "\ufeff",
        "\u2028",
        "\u3164",
        "\u2800",
        "\ue000",
        "\ud800",
        "\x00",
        "\x7f",
        "\x85",
        "\U000e0041",
    ],
    ids=lambda sign: f"U+{ord(sign):04X}",
)
def test_what_cant_be_seen_or_turns_others_round_is_in_no_name(sign: str) -> None:
    for name in (f"Ad{sign}min", f"{sign}Admin", f"Admin{sign}", sign):
        with pytest.raises(InvalidInput) as refused:
            clean_name(name)

        assert refused.value.facts["field"] == "name"


@pytest.mark.parametrize(
    "name",
    [
        "Zoë O’Brien-Łukasz",  # noqa: RUF001 - names have it
        "東京デスク",
        "مكتب التداول",
        "می‌خواهم",
        "क्‍ष",
        "Family 👨‍👩‍👧",
        "Heart ❤️‍🔥",
        "Trader 👩🏽‍💻",
    ],
)
def test_names_of_every_script_and_emojis_stay_as_they_are(name: str) -> None:
    assert clean_name(f"  {name} ") == name


def test_any_white_space_becomes_one_space() -> None:
    assert clean_name("a\u3000 \u00a0b") == "a b"
