"""Settings of the agent from the environment."""

from __future__ import annotations

import sys

import pytest

from media_plane.agent.settings import BadSettings, read_settings

NEEDED = {
    "MEDIASOUP_WORKER_BIN": sys.executable,
    "TR_CONTROL_URL": "http://127.0.0.1:8000/",
    "TR_NODE_ENROLMENT_TOKEN": "secret",
    "TR_NODE_DATA_DIR": "/tmp/node",  # noqa: S108 - never opened here
}


def test_defaults_fit_one_machine() -> None:
    settings = read_settings(NEEDED | {"TR_WORKERS": "2"})

    assert settings.link_url == "ws://127.0.0.1:8002/"
    assert settings.media_base_port == 8010
    assert settings.control_url == "http://127.0.0.1:8000"
    assert settings.capacity_consumers == 1000
    assert settings.media_announced_address is None
    assert settings.region == "local"
    assert settings.log_format == "json"


def test_a_node_carries_what_its_workers_do_unless_told_otherwise() -> None:
    environment = NEEDED | {"TR_WORKERS": "3", "TR_MAX_CONSUMERS_PER_WORKER": "40"}

    assert read_settings(environment).max_consumers_per_worker == 40
    assert read_settings(environment).capacity_consumers == 120
    assert read_settings(environment | {"TR_NODE_CAPACITY_CONSUMERS": "99"}).capacity_consumers == 99


def test_the_secret_is_not_shown() -> None:
    assert "secret" not in repr(read_settings(NEEDED))


def test_an_any_address_is_reached_by_loopback() -> None:
    assert read_settings(NEEDED | {"TR_NODE_BIND_HOST": "::"}).link_url == "ws://[::1]:8002/"


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_what_has_no_default_must_be_given(name: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings(NEEDED | {name: " "})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TR_WORKERS", "0"),
        ("TR_WORKERS", "-1"),
        ("TR_WORKERS", "two"),
        ("TR_WORKERS", "²"),
        ("TR_NODE_LINK_PORT", "80"),
        ("TR_NODE_LINK_PORT", "65536"),
        ("TR_MEDIA_BASE_PORT", "65535"),
        ("TR_NODE_BIND_HOST", "localhost"),
        ("TR_MEDIA_LISTEN_IP", "300.1.1.1"),
        ("TR_NODE_LINK_URL", "http://x/"),
        ("TR_CONTROL_URL", "127.0.0.1:8000"),
        ("TR_NODE_CAPACITY_CONSUMERS", "0"),
        ("TR_MAX_CONSUMERS_PER_WORKER", "0"),
        ("TR_LOG_FORMAT", "xml"),
        ("MEDIASOUP_WORKER_BIN", "/nowhere/worker"),
    ],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(BadSettings, match=name):
        read_settings(NEEDED | {"TR_WORKERS": "2", name: value})


def test_the_link_port_may_not_be_a_workers_port() -> None:
    with pytest.raises(BadSettings, match="TR_NODE_LINK_PORT"):
        read_settings(NEEDED | {"TR_WORKERS": "2", "TR_MEDIA_BASE_PORT": "8001"})
