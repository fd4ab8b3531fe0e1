"""What a letter tells of who caused it."""

from __future__ import annotations

import pytest

from control_plane.domain.origins import NAME_LENGTH, plain_name, rough_origin

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/604.1"


@pytest.mark.parametrize(
    ("ip", "agent", "words"),
    [
        ("203.0.113.77", CHROME, "Chrome on Linux, at an internet address beginning with 203.0"),
        ("2001:db8:1:2::3", SAFARI, "Safari on iOS, at an internet address beginning with 2001:db8"),
        ("::ffff:203.0.113.77", f"{CHROME} Edg/143.0", "Edge on Linux, at an internet address beginning with 203.0"),
        (None, None, "an unknown program, at an unknown internet address"),
        ("not an address", "<b>curl</b> see evil.example", "an unknown program, at an unknown internet address"),
    ],
)
def test_an_origin_is_told_roughly_and_in_our_words(ip: str | None, agent: str | None, words: str) -> None:
    assert rough_origin(ip, agent) == words


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Jean-Luc O'Neill", "Jean-Luc O'Neill"),
        ("Zoë Šťastná 李", "Zoë Šťastná 李"),
        ("Visit https://evil.example/win?x=1 now", "Visit https evil example win x 1 now"),
        ("a@b.example\r\nBcc: c", "a b example Bcc c"),
        ("…", ""),
    ],
)
def test_a_name_in_a_letter_can_not_be_an_address_to_follow(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_name_in_a_letter_is_short() -> None:
    assert len(plain_name("long " * 40)) <= NAME_LENGTH
