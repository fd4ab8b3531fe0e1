from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.settings import BadSettings, read_settings

GOOD = {
    "DATABASE_URL": "postgresql://app:pass-of-app@127.0.0.1:5432/tradingroom",
    "REDIS_URL": "redis://:pass-of-redis@127.0.0.1:6379/0",
    "TR_SECRET_KEY": "ab" * 32,
    "TR_NODE_ENROLMENT_TOKEN": "an-enrolment-token",
}


def test_defaults_follow_the_port() -> None:
    settings = read_settings({**GOOD, "TR_PORT": "8100"})

    assert (settings.host, settings.port, settings.signaling_port) == ("127.0.0.1", 8100, 8101)
    assert settings.public_url == "http://localhost:8100"
    assert settings.signaling_url == "ws://localhost:8101/signaling"
    assert settings.allowed_origins == {"http://localhost:8100", "http://127.0.0.1:8100"}
    assert settings.webapp_dir is None


def test_addresses_are_confirmed_where_mail_can_be_sent_and_letters_are_kept_only_where_it_cant() -> None:
    without = read_settings({**GOOD, "TR_DEV_MAILBOX": "on"})
    with_mail = read_settings({**GOOD, "TR_DEV_MAILBOX": "on", "TR_SMTP_URL": "smtp://mail.example"})

    assert (without.needs_confirmation, without.has_mailbox) == (False, True)
    assert (with_mail.needs_confirmation, with_mail.has_mailbox) == (True, False)


def test_without_a_word_there_is_no_mailbox_and_no_service_key() -> None:
    settings = read_settings(GOOD)

    assert (settings.has_mailbox, settings.service_key, settings.supabase_url) == (False, None, None)


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"TR_PUBLIC_URL": "https://app.example"},
        {"TR_PUBLIC_URL": "http://localhost.app.example"},
        {"TR_PUBLIC_URL": "http://192.0.2.1:8000"},
        {"DATABASE_URL": "postgresql://app:pass@db.internal/tradingroom"},
    ],
)
def test_letters_are_shown_to_anybody_only_where_page_and_database_are_the_machines_own(
    elsewhere: dict[str, str],
) -> None:
    with pytest.raises(BadSettings, match="TR_DEV_MAILBOX"):
        read_settings({**GOOD, **elsewhere, "TR_DEV_MAILBOX": "on"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://[::1]:8000", "http://demo.localhost"])
def test_a_mailbox_may_be_had_at_every_address_of_the_machine_itself(url: str) -> None:
    assert read_settings({**GOOD, "TR_PUBLIC_URL": url, "TR_DEV_MAILBOX": "on"}).has_mailbox


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_is_named(name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TR_PORT", "0"),
        ("TR_PORT", "65535"),
        ("TR_PORT", "eight"),
        ("TR_HOST", "localhost"),
        ("DATABASE_URL", "mysql://a@b/c"),
        ("REDIS_URL", "http://x"),
        ("TR_SECRET_KEY", "short"),
        ("TR_NODE_ENROLMENT_TOKEN", "short"),
        ("TR_PUBLIC_URL", "ftp://x"),
        ("TR_PUBLIC_URL", "https://x/?a=b"),
        ("TR_SIGNALING_URL", "http://x"),
        ("TR_ALLOWED_ORIGINS", "https://x/path"),
        ("TR_TURN_URLS", "http://x"),
        ("TR_WEBAPP_DIR", "/nowhere"),
        ("TR_LOG_FORMAT", "xml"),
        ("TR_SIGN_IN_ATTEMPTS", "0"),
        ("TR_SMTP_URL", "http://mail.example"),
        ("TR_MAIL_FROM", "nobody"),
        ("TR_CONFIRM_EMAIL", "maybe"),
        ("TR_SERVICE_KEY", "short"),
        ("SUPABASE_URL", "ftp://x"),
        ("SUPABASE_JWT_SECRET", "short"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings({**GOOD, name: value})


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "TR_SECRET_KEY", "TR_NODE_ENROLMENT_TOKEN"])
def test_a_wrong_secret_is_not_repeated(name: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read_settings({**GOOD, name: "hush"})

    assert "hush" not in str(refused.value)


def test_settings_do_not_print_their_secrets() -> None:
    printed = repr(read_settings(GOOD))

    assert "pass-of" not in printed
    assert "enrolment" not in printed


def test_a_turn_server_needs_its_secret() -> None:
    with pytest.raises(BadSettings, match="TR_TURN_SECRET"):
        read_settings({**GOOD, "TR_TURN_URLS": "turn:turn.example:3478"})


def test_hex_and_base64_are_both_keys(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>")
    settings = read_settings({**GOOD, "TR_SECRET_KEY": "A" * 43 + "=", "TR_WEBAPP_DIR": str(tmp_path)})

    assert settings.secret_key == bytes(32)
    assert settings.webapp_dir == tmp_path
