"""Rules of signing in: codes by the clock, where links may lead, PKCE's form, and how long the outbox tries."""

from __future__ import annotations

import pytest

from control_plane.domain.errors import InvalidInput
from control_plane.domain.factors import STEP_S, find_step, otpauth_uri, totp
from control_plane.domain.outbox import OutboxPolicy
from control_plane.domain.sign_ins import choose_redirect, make_challenge
from control_plane.services.account_admin import parse_ban

SECRET = b"12345678901234567890"
SITE = "https://rooms.example"
ORIGINS = frozenset({"https://rooms.example", "https://app.example:8443"})


@pytest.mark.parametrize(
    ("unix_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_rfc_6238(unix_s: int, code: str) -> None:
    # Appendix B, SHA1; six of its eight digits.
    assert totp(SECRET, unix_s // STEP_S) == code


@pytest.mark.parametrize(("shift", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_is_good_one_step_early_or_late(shift: int, *, is_good: bool) -> None:
    now = 1_000_000
    code = totp(SECRET, now // STEP_S + shift)

    assert (find_step(SECRET, code, now, 0) is not None) is is_good


def test_a_code_is_no_good_once_it_or_a_later_one_was_used() -> None:
    now, step = 1_000_000, 1_000_000 // STEP_S

    assert find_step(SECRET, totp(SECRET, step), now, step) is None
    assert find_step(SECRET, totp(SECRET, step - 1), now, step) is None
    assert find_step(SECRET, totp(SECRET, step + 1), now, step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦"])
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert find_step(SECRET, code, 59, 0) is None


def test_the_key_uri_keeps_names_apart() -> None:
    assert otpauth_uri(SECRET, "A:c/me", "ada+x@example.com").startswith(
        "otpauth://totp/A%3Ac%2Fme:ada%2Bx%40example.com?algorithm=SHA1&digits=6&issuer=A%3Ac%2Fme&period=30&secret="
    )


@pytest.mark.parametrize(
    "wanted", ["https://rooms.example/a?b=c", "https://app.example:8443/", "HTTPS://ROOMS.EXAMPLE/x"]
)
def test_a_link_may_lead_to_pages_of_ours(wanted: str) -> None:
    assert choose_redirect(wanted, ORIGINS, SITE) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        "",
        "/relative",
        "//rooms.example",
        "https://rooms.example.evil.example",
        "https://rooms.example@evil.example",
        "https://app.example",
        "http://rooms.example",
        "https:\\\\rooms.example",
        "https://rooms.example/\nx",
        "javascript:alert(1)",
        "https://[",
        "https://rooms.example/" + "a" * 3000,
    ],
)
def test_a_link_leads_to_the_site_instead_of_anywhere_else(wanted: str | None) -> None:
    assert choose_redirect(wanted, ORIGINS, SITE) == SITE


@pytest.mark.parametrize(("value", "method"), [("a" * 42, "s256"), ("a" * 43, "md5"), ("a" * 43, None), (None, "s256")])
def test_half_a_pkce_challenge_is_refused(value: str | None, method: str | None) -> None:
    with pytest.raises(InvalidInput):
        make_challenge(value, method)


def test_the_outbox_waits_longer_each_time_and_gives_up_in_the_end() -> None:
    policy = OutboxPolicy(max_attempts=4, first_s=2, longest_s=20)

    pauses = [policy.pause(attempts, 0.0) for attempts in range(1, 5)]

    assert [None if pause is None else pause.total_seconds() for pause in pauses] == [2, 8, 20, None]


@pytest.mark.parametrize(("text", "seconds"), [("none", 0), ("300s", 300), ("1h30m", 5400), ("1.5h", 5400)])
def test_a_bans_length_is_read_as_go_writes_it(text: str, seconds: float) -> None:
    assert parse_ban(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "h", "1", "1d", "-1h", "1..5h", "9999999h", "1h "])
def test_a_malformed_ban_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_ban(text)
