"""How often one may try at `/auth/v1`: per address, and per address and account.

Redis away lets people in: argon2 is slow too.
"""

from __future__ import annotations

import hashlib
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import cast

import structlog

from control_plane.domain.errors import RateLimited, Unavailable
from control_plane.domain.mail import MAILS, MAILS_PER_S, mail_bucket, short_of
from control_plane.domain.sso import FLOW_LIFETIME
from control_plane.rest.callers import AnyRequest, origin_of
from control_plane.services.platform import Platform

SIGN_IN_LIMIT_KEY = "sign_in_limit"
"""Under which the app's state keeps (attempts at once, regained a second)."""
PER_ACCOUNT_SHARE = 10
"""One address may try one account a tenth as often as all accounts together."""
CODES, CODES_PER_S = 10, 1 / 30
"""Codes typed for one person's second factors: at this rate six digits last for years."""
DIGITS, DIGITS_PER_S = 20, 20 / 86_400
"""Mailed digits typed for one address, from everywhere: each letter brings five tries of a million, and letters can be asked
for all day. The letter's link goes on working."""
MAILS_A_DAY = 50
"""To one address, whoever asks: at once at most MAILS of them, see `domain.mail`."""
LEAVINGS, LEAVINGS_PER_S = 5, 1 / FLOW_LIFETIME.total_seconds()
"""How often one sign-in is led to its provider: each time has us ask a server that a tenant named."""
log = structlog.get_logger(__name__)


async def limit_guesses(request: AnyRequest, platform: Platform, email: str = "") -> None:
    """Before something that could be guessed. Raises RateLimited."""
    attempts, refill_per_s = cast("tuple[int, float]", request.app.state[SIGN_IN_LIMIT_KEY])
    address = guesser_of(origin_of(request.scope).ip)
    buckets = [(f"sign-in:{address}", attempts, refill_per_s)]
    if email:
        share = (max(1, attempts // PER_ACCOUNT_SHARE), refill_per_s / PER_ACCOUNT_SHARE)
        buckets.append((f"sign-in:{address}:{short_of(email)}", *share))
    for key, capacity, refill in buckets:
        await _take(platform, key, capacity, refill)


def guesser_of(ip: str | None) -> str:
    """Who guesses, as far as an address tells: one IPv6 customer has a whole /64 (RFC 6177), which counts as one.

    Args:
        ip: as the server heard it; None: it did not.
    """
    try:
        address = ip_address(ip or "")
    except ValueError:
        return ip or "unknown"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), 64), strict=False))


async def limit_mails(request: AnyRequest, platform: Platform, email: str) -> None:
    """Before a mail is asked for; the address may be unknown, so that the refusal tells nothing. Raises RateLimited."""
    await limit_guesses(request, platform)
    for key, capacity, refill_per_s in (
        (mail_bucket(email), MAILS, MAILS_PER_S),
        (f"{mail_bucket(email)}:day", MAILS_A_DAY, MAILS_A_DAY / 86_400),
    ):
        await _take(platform, key, capacity, refill_per_s, reason="over_email_send_rate_limit")


async def limit_digits(platform: Platform, email: str) -> None:
    """Before mailed digits are looked at; the address may be unknown. Raises RateLimited."""
    await _take(platform, f"digits:{short_of(email)}", DIGITS, DIGITS_PER_S)


async def limit_codes(platform: Platform, user_id: object) -> None:
    """Before a code of a second factor is looked at. Raises RateLimited."""
    await _take(platform, f"factor:{user_id}", CODES, CODES_PER_S)


async def limit_leaving(platform: Platform, state: str) -> None:
    """Before a browser is led to an identity provider. Raises RateLimited."""
    hashed = hashlib.sha256(state.encode("utf-8", "surrogatepass")).hexdigest()
    await _take(platform, f"sso-leave:{hashed}", LEAVINGS, LEAVINGS_PER_S)


async def _take(platform: Platform, key: str, capacity: int, refill_per_s: float, reason: str | None = None) -> None:
    try:
        wait_s = await platform.rate_limits.take(key, capacity=capacity, refill_per_s=refill_per_s)
    except Unavailable:
        log.warning("sign-in not rate-limited: redis is away")
        return
    if wait_s > 0:
        facts = {} if reason is None else {"reason": reason}
        raise RateLimited("Request rate limit reached", retry_after_s=wait_s, **facts)
