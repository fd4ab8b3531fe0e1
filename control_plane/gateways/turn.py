"""Short-lived TURN credentials, as coturn's `use-auth-secret` checks them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

from control_plane.domain.ice import IceServer
from control_plane.domain.ids import ParticipantId

CREDENTIAL_LIFETIME_S = 12 * 3600
"""As long as a resume token: an allocation must be renewable for a whole session."""


class TurnServers:
    """Servers by address; fills `services.ports.Turn`.

    Args:
        urls: stun:, turn: and turns: addresses; empty when there are none.
        secret: shared with the TURN servers.
        now: the present moment, UTC.
    """

    def __init__(self, urls: Sequence[str], secret: str, now: Callable[[], datetime]) -> None:
        self._stun = [url for url in urls if url.startswith("stun")]
        self._turn = [url for url in urls if url.startswith("turn")]
        self._secret = secret.encode()
        self._now = now

    def ice_servers(self, participant_id: ParticipantId) -> list[IceServer]:
        """Servers for one participant; empty when none is configured.

        The username is `expiry:participant`, the credential base64(HMAC-SHA1(secret, username)).
        Source: draft-uberti-behave-turn-rest-00, 2.2; the hash is coturn's, not ours to choose.
        """
        servers = [IceServer(urls=self._stun)] if self._stun else []
        if self._turn:
            expires_at = int(self._now().timestamp()) + CREDENTIAL_LIFETIME_S
            username = f"{expires_at}:{participant_id}"
            digest = hmac.new(self._secret, username.encode(), hashlib.sha1).digest()
            credential = base64.b64encode(digest).decode()
            servers.append(IceServer(urls=self._turn, username=username, credential=credential))
        return servers
