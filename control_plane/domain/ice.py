"""ICE servers as browsers take them."""

from __future__ import annotations

import msgspec


class IceServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry of RTCConfiguration.iceServers (W3C WebRTC, 4.2.2)."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None
