"""How fast anybody may ask: buckets per person, API token, tenant and address, shared by all processes.

A process does not ask Redis for every request: it leases some tokens of a bucket at once and spends them within a second.
It begins with one, doubles while they are used up and goes on with a quarter of what the last second took, so a slow caller
is counted exactly and a fast one costs Redis a few questions a second; of those who come together one asks for all. The sum
over all processes never passes the bucket. Refusals are remembered for as long as the bucket says.

    who                       bucket     charged
    a person                  user       by every request with a good access token
    an API token              token      by every request with it
    nobody (or a bad token)   address    by every other request; of IPv6 the /64
    an organization           tenant     by its members only: a stranger can't use up another's

Without Redis requests pass (decision of `docs/api.md`), and signing in waits: guessing must not get cheaper by an outage.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple, cast
from urllib.parse import parse_qsl

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.domain.api_tokens import PREFIX as API_TOKEN_PREFIX
from control_plane.domain.callers import Caller
from control_plane.domain.errors import DomainError, NotFound, RateLimited, Unavailable
from control_plane.rest.answers import Answer, send_answer
from control_plane.rest.callers import recognize
from control_plane.rest.heads import headers_of
from control_plane.rest.problems import problem_of
from control_plane.rest.routes import is_misnamed, organization_of
from control_plane.services.platform import Platform
from control_plane.services.ports import RateLimits
from control_plane.settings import RateLimit, Settings

LEASE_S = 1.0
"""How long leased tokens are good, seconds."""
REMEMBERED_MAX = 50_000
"""Buckets one process remembers; past that it forgets the ones that are over."""
MEMBER_S = 60.0
"""How long a person who was answered as a member counts as one for charging the tenant; never for letting in."""
LIMITED = ("/api/", "/auth/", "/internal/", "/webhooks/", "/dev/")
GUESSABLE = frozenset({"signup", "token", "otp", "magiclink", "recover", "verify", "resend", "factors"})
"""Of /auth/v1: where secrets could be tried by POST; at `user` by PUT."""
GRANT = "grant_type"
_API_TOKEN = API_TOKEN_PREFIX.encode()
_SCHEME_MAX_LENGTH = 24
"""Bytes of an Authorization header in which a token begins."""
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Lease:
    left: int = 0
    size: int = 1
    good_until: float = 0.0
    refused_until: float = 0.0
    left_for_others: float = 0.0
    spent: int = 0
    """Since `counted_from`."""
    counted_from: float = 0.0
    waiting: int = 0
    """Requests that have no token yet."""
    failures: int = 0
    failure: Unavailable | None = None
    """The last one of them."""
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Verdict(NamedTuple):
    """What a bucket said. remaining: about how many are left; wait_s: 0 when the request may pass."""

    name: str
    limit: RateLimit
    remaining: int
    wait_s: float


class Admission(NamedTuple):
    """A request that may pass. headers: of its answer. member: a person and a tenant, if it is one's of the other."""

    headers: list[tuple[bytes, bytes]]
    member: tuple[int, str] | None


@dataclass(slots=True)
class Leases:
    """Buckets on Redis, asked seldom.

    Args:
        limits: the buckets.
        monotonic: seconds that only rise.
    """

    limits: RateLimits
    monotonic: Callable[[], float] = time.monotonic
    _leases: dict[str, _Lease] = field(default_factory=dict)

    async def take(self, name: str, who: str, limit: RateLimit) -> Verdict:
        """Take one token of `name:who`. Raises Unavailable: Redis is away."""
        key = f"api:{name}:{who}"
        lease, now = self._find(key), self.monotonic()
        if lease.refused_until <= now and (lease.left <= 0 or lease.good_until <= now):
            lease.waiting += 1
            failures = lease.failures
            try:
                async with lease.asking:
                    if lease.failure is not None and lease.failures != failures:
                        # Who asked for all of us waited for Redis in vain; waiting in turn would take minutes.
                        raise Unavailable(lease.failure.message, **lease.failure.facts)
                    now = self.monotonic()
                    if lease.refused_until <= now and (lease.left <= 0 or lease.good_until <= now):
                        await self._ask(key, lease, limit, now)
            finally:
                lease.waiting -= 1
        if lease.refused_until > now:
            return Verdict(name, limit, 0, lease.refused_until - now)
        lease.left -= 1
        lease.spent += 1
        return Verdict(name, limit, int(lease.left_for_others) + lease.left, 0.0)

    def refused_for(self, name: str, who: str) -> float:
        """How long `name:who` is known to be empty, seconds; 0: there may be tokens, or nobody asked."""
        lease = self._leases.get(f"api:{name}:{who}")
        return 0.0 if lease is None else max(0.0, lease.refused_until - self.monotonic())

    async def _ask(self, key: str, lease: _Lease, limit: RateLimit, now: float) -> None:
        """Lease anew: some tokens for those who wait, or the knowledge that there are none. Raises Unavailable."""
        most = max(1, min(limit.capacity // 20, int(limit.per_second / 4)))
        if lease.good_until > now:
            lease.size *= 2
        elif lease.good_until + LEASE_S > now:
            lease.size = int(lease.spent / max(LEASE_S, now - lease.counted_from) / 4)
        else:
            lease.size = 1
        if now - lease.counted_from >= LEASE_S:
            lease.spent, lease.counted_from = 0, now
        # Whoever waits here spends one at once, so this much is never too much.
        lease.size = max(1, min(most, lease.size), min(most, lease.waiting))
        try:
            granted, left = await self.limits.lease(
                key, capacity=limit.capacity, refill_per_s=limit.per_second, count=lease.size
            )
        except Unavailable as error:
            lease.failures, lease.failure = lease.failures + 1, error
            raise
        lease.left, lease.left_for_others, lease.good_until = granted, left, now + LEASE_S
        if granted == 0:
            lease.refused_until = now + (1 - left) / limit.per_second

    def _find(self, key: str) -> _Lease:
        lease = self._leases.get(key)
        if lease is None:
            if len(self._leases) >= REMEMBERED_MAX:
                now = self.monotonic()
                self._leases = {
                    name: one for name, one in self._leases.items() if max(one.good_until, one.refused_until) > now
                }
            lease = self._leases[key] = _Lease()
        return lease


class Limited:
    """The ASGI app that stands in front of the API and counts.

    Args:
        app: what answers.
        platform: knows callers, and Redis.
        settings: how much is allowed.
    """

    def __init__(self, app: ASGIApp, platform: Platform, settings: Settings) -> None:
        self._app = app
        self._platform = platform
        self._settings = settings
        self._leases = Leases(platform.rate_limits)
        self._members: dict[tuple[int, str], float] = {}
        """Until when, by `time.monotonic`. A UUID's number: its own hash and comparison are Python's."""
        self._known: dict[bytes, float] = {}
        """API tokens that were good, hashed, and until when that counts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429 when a bucket is empty; otherwise pass on, and say in the answer how much is left."""
        if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(LIMITED):
            await self._app(scope, receive, send)
            return
        admission = await self.admit(scope)
        if isinstance(admission, Answer):
            await send_answer(send, admission)
            return

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *admission.headers]
                self.note(admission, message["status"])
            await send(message)

        await self._app(scope, receive, send_counted)

    async def admit(self, scope: Scope) -> Admission | Answer:
        """Count one request. An Answer: it is refused, by this."""
        text = _api_token_of(scope)
        if text is not None and not self._is_known(text):
            # Looking a token up takes the database; where the address may ask no more, a guess is not worth it.
            wait_s = self._leases.refused_for("address", address_of(scope))
            if wait_s > 0:
                return _refusal(scope, Verdict("address", self._settings.rate_limit_address, 0, wait_s))
        caller = await self._find_caller(scope)
        if text is not None and caller is not None:
            self._note_known(text)
        organization_id = None if caller is None else organization_of(scope["path"])
        try:
            verdict = await self._take(scope, caller, organization_id)
        except Unavailable as error:
            if _is_guessable(scope):
                return problem_of(scope, error)
            log.warning("not_rate_limited", reason="redis is away")
            return Admission([], None)
        if verdict.wait_s > 0:
            return _refusal(scope, verdict)
        headers = _headers(verdict)
        if organization_id is None and caller is not None and is_misnamed(scope["path"]):
            return problem_of(scope, NotFound("There is nothing at this address."), headers)
        member = None if caller is None or organization_id is None else (caller.user_id.int, organization_id)
        return Admission(headers, member)

    def note(self, admission: Admission, status: int) -> None:
        """Learn from an answer's status whether who asked is a member: from then on their tenant is charged."""
        if admission.member is not None and status not in {401, 404}:
            self._note_member(admission.member)

    async def _find_caller(self, scope: Scope) -> Caller | None:
        try:
            return await recognize(scope, self._platform)
        except DomainError:  # the handler raises it again
            return None

    async def _take(self, scope: Scope, caller: Caller | None, organization_id: str | None) -> Verdict:
        settings = self._settings
        if caller is None:
            return await self._leases.take("address", address_of(scope), settings.rate_limit_address)
        if caller.token_id is not None:
            verdict = await self._leases.take("token", caller.token_id.hex, settings.rate_limit_token)
        else:
            verdict = await self._leases.take("user", caller.user_id.hex, settings.rate_limit_user)
        if verdict.wait_s > 0 or organization_id is None or not self._is_member(caller, organization_id):
            return verdict
        tenant = await self._leases.take("tenant", organization_id, settings.rate_limit_tenant)
        return tenant if tenant.wait_s > 0 or tenant.remaining < verdict.remaining else verdict

    def _is_known(self, text: str) -> bool:
        """Whether an API token was good lately; never whether it still is."""
        return self._known.get(_short(text), 0.0) > time.monotonic()

    def _note_known(self, text: str) -> None:
        now = time.monotonic()
        if len(self._known) >= REMEMBERED_MAX:
            self._known = {one: until for one, until in self._known.items() if until > now}
        self._known[_short(text)] = now + MEMBER_S

    def _is_member(self, caller: Caller, organization_id: str) -> bool:
        if caller.organization_id is not None:
            return str(caller.organization_id) == organization_id
        return self._members.get((caller.user_id.int, organization_id), 0.0) > time.monotonic()

    def _note_member(self, key: tuple[int, str]) -> None:
        now = time.monotonic()
        if len(self._members) >= REMEMBERED_MAX:
            self._members = {one: until for one, until in self._members.items() if until > now}
        self._members[key] = now + MEMBER_S


def _refusal(scope: Scope, verdict: Verdict) -> Answer:
    """429 in the name of a bucket that is empty."""
    words = f"Too many requests from this {verdict.name}. Try again in a moment."
    refusal = RateLimited(words, retry_after_s=round(verdict.wait_s, 3), limit=verdict.name)
    return problem_of(scope, refusal, _headers(verdict))


def _api_token_of(scope: Scope) -> str | None:
    """The API token of a request, good or not; None: it has none."""
    header = headers_of(scope).get(b"authorization", b"")
    start = header.find(_API_TOKEN, 0, _SCHEME_MAX_LENGTH)
    return None if start < 0 else header[start:].decode("latin-1").strip()


def _short(text: str) -> bytes:
    return hashlib.sha256(text.encode("latin-1")).digest()


def address_of(scope: Scope) -> str:
    """Whose request it is when nobody signed it: the address, of IPv6 its /64, which one household has to itself."""
    client = scope.get("client")
    text = client[0] if client else "unknown"
    try:
        address = ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped.compressed if address.ipv4_mapped else f"{address.exploded[:19]}::/64"
    return address.compressed


def _headers(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """What the tightest bucket of a request says; the names most clients know (draft-ietf-httpapi-ratelimit-headers-07)."""
    limit = verdict.limit
    missing = limit.capacity - verdict.remaining
    reset_s = max(1 if verdict.wait_s > 0 else 0, int(missing / limit.per_second))
    return [
        *_fixed_headers(verdict.name, limit),
        (b"ratelimit-remaining", b"%d" % max(0, verdict.remaining)),
        (b"ratelimit-reset", b"%d" % reset_s),
    ]


@lru_cache(maxsize=64)
def _fixed_headers(name: str, limit: RateLimit) -> tuple[tuple[bytes, bytes], ...]:
    """What is the same for every answer of a bucket."""
    policy = f'{limit.capacity};w={int(limit.capacity / limit.per_second)};name="{name}"'
    return (b"ratelimit-limit", b"%d" % limit.capacity), (b"ratelimit-policy", policy.encode())


def _is_guessable(scope: Any) -> bool:
    path, method = cast("str", scope["path"]), cast("str", scope["method"])
    if not path.startswith("/auth/v1/"):
        return False
    what = path.split("/")[3]
    if what == "user":
        return method == "PUT"
    if method != "POST" or what not in GUESSABLE:
        return False
    # Staying signed in shows a secret of 256 bits that nobody guesses.
    grants = [value for name, value in parse_qsl(scope.get("query_string", b"").decode("latin-1")) if name == GRANT]
    return what != "token" or grants != ["refresh_token"]
