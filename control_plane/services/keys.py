"""Our signing keys: made on first need, sealed in the database, shared by all replicas (decisions.md 5).

The private half lies in the database as nonce || AES-256-GCM(PKCS#8), bound to its kid, under TR_SECRET_KEY.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

import jwt
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from control_plane.domain.keys import KeyPurpose, PublicKey, SigningKey
from control_plane.services.ports import Clock
from control_plane.services.sealing import seal, unseal
from control_plane.stores import keys as store
from control_plane.stores.database import Database
from control_plane.stores.keys import SealedKey

REFRESH_S = 300.0
"""How long keys are kept before they are read again, seconds: how soon a rotated key is used by all."""
STRANGER_PAUSE_S = 5.0
"""An unknown key id asks the database at most this often: forgers must not."""
ACTIVATION = timedelta(minutes=10)
"""How long a new key is published before it signs: longer than REFRESH_S and than the JWKS may be cached (300 s), so that
nobody meets a token whose key they can't know yet."""
KEEP_RETIRED = timedelta(hours=24)
"""How long a retired key verifies: longer than any token lives (resume tokens: 12 h) and than it goes on signing."""


class WrongSecretKey(Exception):
    """TR_SECRET_KEY is not the one these keys were sealed with."""


class _Loaded(msgspec.Struct, frozen=True, kw_only=True):
    signing: dict[KeyPurpose, list[tuple[datetime, SigningKey]]]
    """By purpose, newest first, with their dates."""
    public: dict[tuple[KeyPurpose, str], PublicKey]
    jwks: dict[KeyPurpose, bytes]


class KeyService:
    """The key ring; fills `services.ports.SigningKeys`.

    Args:
        db: where keys are kept.
        clock: for their dates.
        secret_key: 32 bytes.
    """

    def __init__(self, db: Database, clock: Clock, secret_key: bytes) -> None:
        self._db = db
        self._clock = clock
        self._secret_key = secret_key
        self._loaded: _Loaded | None = None
        self._loaded_at = 0.0
        self._lock = asyncio.Lock()

    async def signing(self, purpose: KeyPurpose) -> SigningKey:
        """The key that signs now; made on first need. Raises Unavailable, WrongSecretKey."""
        keys = (await self._current(REFRESH_S)).signing[purpose]
        known_since = self._clock.now() - ACTIVATION
        return next((key for created_at, key in keys if created_at <= known_since), keys[-1][1])

    async def rotate(self, *, at_once: bool = False) -> None:
        """Make new keys for every purpose. They sign after ACTIVATION; what older ones signed stays good.

        Args:
            at_once: the old ones are known to strangers: they are deleted, and everybody has to sign in again.

        Raises:
            Unavailable.
        """
        now = self._clock.now()
        async with self._db.platform() as tx:
            for purpose in KeyPurpose:
                await store.retire_keys(tx, purpose, now)
                if at_once:
                    await store.delete_keys(tx, purpose, now + timedelta(seconds=1))
                await store.insert_key(tx, self._make(purpose), now)
        self._loaded = None

    async def forget(self) -> int:
        """Delete keys that were retired KEEP_RETIRED ago. Answers how many. Raises Unavailable."""
        before = self._clock.now() - KEEP_RETIRED
        async with self._db.platform() as tx:
            return sum([await store.delete_keys(tx, purpose, before) for purpose in KeyPurpose])

    async def find(self, purpose: KeyPurpose, kid: str) -> PublicKey | None:
        """The public half of a key we made; None for a stranger's id. Raises Unavailable."""
        known = (await self._current(REFRESH_S)).public.get((purpose, kid))
        if known is not None:
            return known
        return (await self._current(STRANGER_PAUSE_S)).public.get((purpose, kid))

    async def jwks(self, purpose: KeyPurpose) -> bytes:
        """The public halves as a JWKS (RFC 7517), JSON. Raises Unavailable."""
        return (await self._current(REFRESH_S)).jwks[purpose]

    async def _current(self, max_age_s: float) -> _Loaded:
        loop = asyncio.get_running_loop()
        loaded = self._loaded
        if loaded is not None and loop.time() - self._loaded_at < max_age_s:
            return loaded
        async with self._lock:
            loaded = self._loaded
            if loaded is None or loop.time() - self._loaded_at >= max_age_s:
                loaded = self._loaded = self._open(await self._read())
                self._loaded_at = loop.time()
            return loaded

    async def _read(self) -> list[SealedKey]:
        """All keys; those missing are made. Two replicas may try at once: the index lets one win, both read it."""
        async with self._db.platform() as tx:
            keys = await store.list_keys(tx)
            missing = [
                purpose for purpose in KeyPurpose if not any(k.purpose is purpose and k.is_current for k in keys)
            ]
            if not missing:
                return keys
            for purpose in missing:
                await store.insert_key(tx, self._make(purpose), self._clock.now())
        async with self._db.platform() as tx:
            return await store.list_keys(tx)

    def _make(self, purpose: KeyPurpose) -> SealedKey:
        key = ec.generate_private_key(ec.SECP256R1())
        kid = os.urandom(16).hex()
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        public = {**jwk, "kid": kid, "use": "sig", "alg": "ES256", "key_ops": ["verify"]}
        raw = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return SealedKey(
            kid=kid,
            purpose=purpose,
            private_key=seal(self._secret_key, raw, kid.encode()),
            public_jwk=msgspec.json.encode(public).decode(),
            is_current=True,
            created_at=self._clock.now(),
        )

    def _open(self, keys: Sequence[SealedKey]) -> _Loaded:
        opened = {key.kid: self._unseal(key) for key in keys}
        return _Loaded(
            signing={
                purpose: [
                    (k.created_at, SigningKey(kid=k.kid, key=opened[k.kid])) for k in keys if k.purpose is purpose
                ]
                for purpose in KeyPurpose
            },
            public={(k.purpose, k.kid): PublicKey(kid=k.kid, key=opened[k.kid].public_key()) for k in keys},
            jwks={
                purpose: msgspec.json.encode(
                    {"keys": [msgspec.json.decode(k.public_jwk) for k in keys if k.purpose is purpose]}
                )
                for purpose in KeyPurpose
            },
        )

    def _unseal(self, key: SealedKey) -> ec.EllipticCurvePrivateKey:
        try:
            raw = unseal(self._secret_key, key.private_key, key.kid.encode())
        except InvalidTag as error:
            raise WrongSecretKey("TR_SECRET_KEY is not the one the signing keys were sealed with.") from error
        return cast("ec.EllipticCurvePrivateKey", load_der_private_key(raw, password=None))
