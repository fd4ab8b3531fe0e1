"""Hosted Supabase as the issuer: its public keys (JWKS), fetched and kept; or its legacy secret.

A key is believed because it stands at the project's own address, never because a token names it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import jwt
import structlog

from control_plane.domain.errors import Unavailable

KEEP_S = 600.0
"""How long keys are used without asking again, seconds: Supabase's own edge keeps them as long."""
PAUSE_S = 10.0
"""An unknown key id asks again at most this often: forgers must not make us."""
TIMEOUT_S = 5.0
MAX_BYTES = 64 * 1024
KEY_TYPES = {"ES256": "EC", "RS256": "RSA"}
"""The algorithms a project may sign with, and the kind of key each needs."""
log = structlog.get_logger(__name__)


class SupabaseKeys:
    """Fills `gateways.tokens.OutsideKeys`.

    Args:
        project_url: `https://<ref>.supabase.co`, no trailing slash.
        legacy_secret: of HS256 tokens; None: none are taken.
        transport: how to reach it; None: the network.
    """

    def __init__(
        self, project_url: str, legacy_secret: bytes | None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.legacy_secret = legacy_secret
        self._url = f"{project_url}/auth/v1/.well-known/jwks.json"
        # No proxies and no redirects: what answers must be that address itself.
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_S, follow_redirects=False, transport=transport, trust_env=False
        )
        self._keys: dict[tuple[str, str], Any] = {}
        self._asked_at: float | None = None
        self._fetched_at: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str, algorithm: str) -> Any | None:
        """The project's public key of that id, if it is one for that algorithm; None for a stranger's.

        Raises:
            Unavailable: no key is known, and the project does not answer.
        """
        await self._refresh(KEEP_S)
        if (kid, algorithm) not in self._keys:
            await self._refresh(PAUSE_S)
        if self._fetched_at is None:
            raise Unavailable("The sign-in service does not answer. Try again in a moment.", retry_after_s=2)
        return self._keys.get((kid, algorithm))

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._client.aclose()

    async def _refresh(self, max_age_s: float) -> None:
        """Ask when what we have is older. Failing keeps what is known: keys outlive outages."""
        async with self._lock:
            now_s = asyncio.get_running_loop().time()
            if self._fetched_at is not None and now_s - self._fetched_at < max_age_s:
                return
            if self._asked_at is not None and now_s - self._asked_at < PAUSE_S:
                return
            self._asked_at = now_s
            try:
                answer = await self._client.get(self._url)
                if answer.status_code != 200 or len(answer.content) > MAX_BYTES:
                    log.warning("jwks_refused", status=answer.status_code, size=len(answer.content))
                    return
                self._keys = _read(answer.json())
                self._fetched_at = now_s
            except (httpx.HTTPError, ValueError) as error:
                log.warning("jwks_not_read", error=type(error).__name__)


def _read(document: Any) -> dict[tuple[str, str], Any]:
    """The usable keys of a JWKS, by id and algorithm; what is no signing key of ours is passed over."""
    found = {}
    keys = document.get("keys") if isinstance(document, dict) else None
    for jwk in keys if isinstance(keys, list) else []:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("use", "sig") != "sig":
            continue
        algorithm = jwk.get("alg") or {"EC": "ES256", "RSA": "RS256"}.get(str(jwk.get("kty")), "")
        if KEY_TYPES.get(algorithm) != jwk.get("kty"):
            continue
        try:
            found[jwk["kid"], algorithm] = jwt.PyJWK(jwk, algorithm=algorithm).key
        except jwt.PyJWTError:
            log.warning("jwk_not_read", kid=jwk["kid"])
    return found
