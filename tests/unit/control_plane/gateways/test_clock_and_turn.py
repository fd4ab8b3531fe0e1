from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from uuid import UUID

from control_plane.domain.ids import ParticipantId
from control_plane.gateways.clock import SystemClock, SystemIds
from control_plane.gateways.turn import TurnServers

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PARTICIPANT = ParticipantId(UUID(int=7))


def test_ids_of_one_process_always_rise() -> None:
    ids = SystemIds()

    made = [ids.new() for _ in range(20_000)]

    assert made == sorted(set(made))
    assert {one.version for one in made} == {7}


def test_the_clock_is_aware_and_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_without_servers_there_are_none() -> None:
    assert TurnServers([], "", lambda: NOW).ice_servers(PARTICIPANT) == []


def test_credentials_are_what_coturn_computes() -> None:
    urls = ["stun:turn.example:3478", "turn:turn.example:3478?transport=udp"]

    stun, turn = TurnServers(urls, "secret", lambda: NOW).ice_servers(PARTICIPANT)

    assert (stun.urls, stun.username, stun.credential) == ([urls[0]], None, None)
    assert turn.username == f"{int(NOW.timestamp()) + 43_200}:{PARTICIPANT}"
    expected = hmac.new(b"secret", turn.username.encode(), hashlib.sha1).digest()
    assert turn.credential == base64.b64encode(expected).decode()
