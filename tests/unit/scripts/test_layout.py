from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from scripts.benches.figures import percentile
from scripts.stack.layout import MAX_WORKERS, Layout, choose_ports, count_workers
from scripts.stack.processes import StackError


def _layout(tmp_path: Path, port: int = 8000) -> Layout:
    return Layout(
        data_dir=tmp_path,
        ports=choose_ports(port, 2),
        database_url="postgresql://app:a@127.0.0.1:1/db",
        database_owner_url="postgresql://owner:b@127.0.0.1:1/db",
        redis_url="redis://:c@127.0.0.1:2/0",
        worker_binary=Path("/worker"),
    )


def test_every_port_follows_the_first_one() -> None:
    ports = choose_ports(9100, 3)

    assert (ports.rest, ports.signaling, ports.node_link) == (9100, 9101, 9102)
    assert list(ports.media) == [9110, 9111, 9112]
    assert len({ports.rest, ports.signaling, ports.node_link, ports.postgres, ports.valkey, *ports.media}) == 8
    assert max(ports.media) == ports.rest + ports.count - 1


@pytest.mark.parametrize(("port", "workers"), [(32_756, 2), (1024, 16), (32_757, 1)])
def test_ports_up_to_the_ephemeral_range_are_taken(port: int, workers: int) -> None:
    assert choose_ports(port, workers).media.stop <= 32_768


@pytest.mark.parametrize(("port", "workers"), [(32_757, 2), (1023, 1), (0, 1), (-5, 1), (65_535, 1)])
def test_ports_beyond_are_refused(port: int, workers: int) -> None:
    with pytest.raises(StackError, match="1024 to 32767"):
        choose_ports(port, workers)


@pytest.mark.parametrize(("named", "wanted"), [("3", 3), ("0", 1), ("999", MAX_WORKERS)])
def test_the_operator_may_name_the_number_of_workers(monkeypatch: pytest.MonkeyPatch, named: str, wanted: int) -> None:
    monkeypatch.setenv("TR_WORKERS", named)

    assert count_workers() == wanted


def test_the_agent_gets_no_database_password_and_the_control_plane_all_it_needs(tmp_path: Path) -> None:
    layout = _layout(tmp_path)

    agent, rest = layout.agent().env, layout.rest().env

    assert not {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "TR_SECRET_KEY"} & set(agent)
    assert agent["TR_NODE_ENROLMENT_TOKEN"] == rest["TR_NODE_ENROLMENT_TOKEN"]
    assert {"DATABASE_URL", "REDIS_URL", "TR_SECRET_KEY", "TR_PORT", "TR_SIGNALING_PORT"} <= set(rest)


def test_the_running_doors_do_not_know_the_owner_of_the_tables(tmp_path: Path) -> None:
    layout = _layout(tmp_path)

    assert "DATABASE_OWNER_URL" in layout.migrations().env
    assert "DATABASE_OWNER_URL" not in layout.rest().env
    assert "DATABASE_OWNER_URL" not in layout.signaling().env


def test_settings_of_the_operator_reach_the_processes_but_not_our_own_ports(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TR_MEDIA_LISTEN_IP", "192.0.2.7")
    monkeypatch.setenv("TR_PORT", "1")
    monkeypatch.setenv("SOMETHING_ELSE", "secret")

    environment = _layout(tmp_path).rest().env

    assert environment["TR_MEDIA_LISTEN_IP"] == "192.0.2.7"
    assert environment["TR_PORT"] == "8000"
    assert "SOMETHING_ELSE" not in environment


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 3), (0.95, 5), (1.0, 5)])
def test_percentiles_take_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([5, 1, 4, 2, 3], share) == value


def test_only_the_rest_door_of_a_demo_is_told_of_its_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TR_DEMO_FILE", "/of/the/operator")
    demo = dataclasses.replace(_layout(tmp_path), demo_file=tmp_path / "demo.json")

    assert demo.rest().env["TR_DEMO_FILE"] == str(tmp_path / "demo.json")
    assert "TR_DEMO_FILE" not in demo.signaling().env
    assert "TR_DEMO_FILE" not in _layout(tmp_path).rest().env


def test_letters_are_kept_only_with_a_database_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TR_DEV_MAILBOX", "on")
    ours = dataclasses.replace(_layout(tmp_path), has_mailbox=True)

    assert ours.rest().env["TR_DEV_MAILBOX"] == ours.jobs().env["TR_DEV_MAILBOX"] == "on"
    assert "TR_DEV_MAILBOX" not in _layout(tmp_path).rest().env


def test_letters_are_not_kept_where_the_world_could_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TR_PUBLIC_URL", "https://app.example")

    environment = dataclasses.replace(_layout(tmp_path), has_mailbox=True).rest().env

    assert "TR_DEV_MAILBOX" not in environment
