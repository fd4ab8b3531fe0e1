"""Settings of the control plane, read once from the environment. The only reader of `os.environ` here."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from typing_extensions import override

Network = IPv4Network | IPv6Network
LogFormat = Literal["json", "console"]
Value = TypeVar("Value")

LOWEST_PORT, HIGHEST_PORT = 1, 65535
SECRET_MIN_BYTES = 32
"""AES-256 needs as much (NIST SP 800-38D)."""
SERVICE_KEY_MIN_LENGTH = 32
"""Characters: it opens every login."""
TOKEN_MIN_LENGTH = 16
"""Characters in the enrolment token; fewer can be guessed."""


class BadSettings(Exception):
    """The environment can't be used; the message names the variable and says what it should hold."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A bucket. capacity: requests at once, > 0; per_second: how many of them come back each second, > 0."""

    capacity: int
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the control plane is told from outside.

    Attributes:
        host: address both doors listen on.
        port: TCP port of the REST door; signaling_port: of the signaling door; jobs_port: of the jobs door.
        database_url: DSN of the app's login, which owns nothing.
        database_pool_size: connections one process opens at most.
        database_statement_cache: prepared statements kept per connection; 0 behind a transaction pooler.
        redis_url: `redis://` or `rediss://`.
        secret_key: 32 bytes; seals signing keys at rest (AES-256-GCM).
        public_url: where browsers reach the REST door, no trailing slash; issuer of access tokens is `{public_url}/auth/v1`.
        signaling_url: where browsers reach the signaling door.
        allowed_origins: pages that may call the API and open sockets; no trailing slashes.
        allowed_hosts: names (with ports) by which the REST door may be called, lower case.
        trusted_proxies: networks whose X-Forwarded-For and -Proto are believed; empty: nobody's.
        rate_limit_user: requests of one person; rate_limit_token: of one API token; rate_limit_tenant: of all members of
            one organization together; rate_limit_address: of one address without a good token.
        allows_private_webhooks: development only: webhooks may go to any address, and without TLS; identity providers of
            single sign-on may be there too.
        dns_servers: asked for the records that prove domains; empty: those of the machine.
        node_enrolment_token: bearer token of `POST /internal/media-nodes`.
        webapp_dir: folder of the built web app; None: this process serves no pages.
        demo_file: people whom the sign-in page offers with their passwords (`scripts/run --demo`); None everywhere else.
        turn_urls: `turn:` and `stun:` addresses; empty: none. turn_secret: shared with coturn (use-auth-secret).
        supabase_url: hosted Supabase is the issuer instead of `/auth/v1`; supabase_jwt_secret: its legacy HS256 secret;
            supabase_anon_key: told to pages, which send it along.
        smtp_url: `smtp://` or `smtps://` server for mail; None: no mail is sent. mail_from: the From line.
        has_mailbox: letters are kept and shown to anybody at /dev/mailbox instead: `scripts/run` with its own database says
            so, and it is believed only where page and database are this machine's own.
        needs_confirmation: a sign-up counts once its mailbox has answered.
        service_key: bearer of `/auth/v1/admin`; None: nobody is let in there.
        sign_in_attempts: sign-ups and sign-ins one address may try at once; sign_in_refill_per_s: regained a second.
        log_format: `json` for machines, `console` for people.
    """

    host: str
    port: int
    signaling_port: int
    jobs_port: int
    database_url: str
    database_pool_size: int
    database_statement_cache: int
    redis_url: str
    secret_key: bytes
    public_url: str
    signaling_url: str
    allowed_origins: frozenset[str]
    allowed_hosts: frozenset[str]
    trusted_proxies: tuple[Network, ...]
    rate_limit_user: RateLimit
    rate_limit_token: RateLimit
    rate_limit_tenant: RateLimit
    rate_limit_address: RateLimit
    allows_private_webhooks: bool
    dns_servers: tuple[tuple[str, int], ...]
    node_enrolment_token: str
    webapp_dir: Path | None
    demo_file: Path | None
    turn_urls: tuple[str, ...]
    turn_secret: str
    supabase_url: str | None
    supabase_jwt_secret: bytes | None = field(repr=False)
    supabase_anon_key: str
    smtp_url: str | None = field(repr=False)
    mail_from: str
    has_mailbox: bool
    needs_confirmation: bool
    service_key: str | None = field(repr=False)
    sign_in_attempts: int
    sign_in_refill_per_s: float
    log_format: LogFormat

    @override
    def __repr__(self) -> str:
        return f"Settings(public_url={self.public_url!r}, port={self.port}, signaling_port={self.signaling_port})"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings:
    """What `scripts/migrate` is told: the owner's DSN, and the app's (its password is set from it)."""

    owner_url: str
    app_url: str

    @override
    def __repr__(self) -> str:
        return "MigrationSettings()"


class _Reader:
    """Reads typed values out of a mapping and names the variable that is wrong."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def required(self, name: str, meaning: str) -> str:
        """A value that has no default; `meaning` tells the operator what to put there."""
        value = self._env.get(name, "").strip()
        if not value:
            raise BadSettings(f"{name} is not set: {meaning}.")
        return value

    def optional(self, name: str, default: str) -> str:
        """A value, or its default when unset or empty."""
        return self._env.get(name, "").strip() or default

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within `low`-`high`, both included."""
        text = self.optional(name, str(default))
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise BadSettings(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
        return int(text)

    def parsed(self, name: str, default: str, parse: Callable[[str], Value], meaning: str) -> Value:
        """A value put through `parse`, whose ValueError becomes a clear message. Never used for secrets: it shows them."""
        text = self.optional(name, default)
        try:
            return parse(text)
        except ValueError:
            raise BadSettings(f"{name} must be {meaning}, not {text!r}.") from None

    def secret(self, name: str, parse: Callable[[str], Value], meaning: str) -> Value:
        """As `required` and `parsed`, but the message does not repeat the value."""
        try:
            return parse(self.required(name, meaning))
        except ValueError:
            raise BadSettings(f"{name} must be {meaning}.") from None


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings of a door.

    Args:
        env: variables to read; None means the process's environment.

    Raises:
        BadSettings: a variable is missing or wrong.
    """
    read = _Reader(os.environ if env is None else env)
    port = read.number("TR_PORT", 8000, LOWEST_PORT, HIGHEST_PORT - 1)
    signaling_port = read.number("TR_SIGNALING_PORT", port + 1, LOWEST_PORT, HIGHEST_PORT)
    jobs_port = read.number("TR_JOBS_PORT", min(port + 3, HIGHEST_PORT), LOWEST_PORT, HIGHEST_PORT)
    public_url = read.parsed("TR_PUBLIC_URL", f"http://localhost:{port}", _http_url, "an http:// or https:// URL")
    turn_urls = read.parsed("TR_TURN_URLS", "", _turn_urls, "a comma list of stun:, turn: or turns: addresses")
    turn_secret = read.optional("TR_TURN_SECRET", "")
    if any(url.startswith("turn") for url in turn_urls) and not turn_secret:
        raise BadSettings("TR_TURN_SECRET is not set: the secret shared with the TURN servers of TR_TURN_URLS.")
    signaling_url = read.parsed(
        "TR_SIGNALING_URL", f"ws://localhost:{signaling_port}/signaling", _ws_url, "a ws:// or wss:// URL"
    )
    origins = ",".join((public_url, f"http://127.0.0.1:{port}", f"http://localhost:{port}"))
    allowed_origins = read.parsed("TR_ALLOWED_ORIGINS", origins, _origins, "a comma list of http(s):// origins")
    hosts = ",".join((urlsplit(public_url).netloc, f"127.0.0.1:{port}", f"localhost:{port}"))
    smtp_url = None
    if read.optional("TR_SMTP_URL", ""):
        smtp_url = read.secret("TR_SMTP_URL", _smtp_url, "the mail server, as smtp://user:password@host:587")
    database_url = _database_url(read, "DATABASE_URL", "DSN of the login of the running system")
    has_mailbox = read.parsed("TR_DEV_MAILBOX", "off", _switch, "on or off") and smtp_url is None
    if has_mailbox and not (is_own_machine(public_url) and is_own_machine(database_url)):
        raise BadSettings(
            "TR_DEV_MAILBOX shows everybody's letters to everybody: it is for development, "
            "where TR_PUBLIC_URL and DATABASE_URL are addresses of this machine."
        )
    supabase_jwt_secret = None
    if read.optional("SUPABASE_JWT_SECRET", ""):
        meaning = f"the project's legacy JWT secret, at least {SECRET_MIN_BYTES} characters"
        supabase_jwt_secret = read.secret("SUPABASE_JWT_SECRET", _jwt_secret, meaning)
    service_key = None
    if read.optional("TR_SERVICE_KEY", ""):
        service_key = read.secret(
            "TR_SERVICE_KEY", _service_key, f"a secret of at least {SERVICE_KEY_MIN_LENGTH} characters"
        )
    return Settings(
        host=read.parsed("TR_HOST", "127.0.0.1", _ip, "an IP address"),
        port=port,
        signaling_port=signaling_port,
        jobs_port=jobs_port,
        database_url=database_url,
        database_pool_size=read.number("TR_DATABASE_POOL_SIZE", 10, 1, 500),
        database_statement_cache=read.number("TR_DATABASE_STATEMENT_CACHE", 200, 0, 10_000),
        redis_url=read.secret("REDIS_URL", _redis_url, "a redis:// or rediss:// address"),
        secret_key=read.secret("TR_SECRET_KEY", _secret_key, "at least 32 random bytes, as hex or base64"),
        public_url=public_url,
        signaling_url=signaling_url,
        allowed_origins=allowed_origins,
        allowed_hosts=read.parsed("TR_ALLOWED_HOSTS", hosts, _hosts, "a comma list of host names, with their ports"),
        trusted_proxies=read.parsed("TR_TRUSTED_PROXIES", "", _networks, "a comma list of networks such as 10.0.0.0/8"),
        rate_limit_user=read.parsed("TR_RATE_LIMIT_USER", "600/50", _rate_limit, _RATE_LIMIT_MEANING),
        rate_limit_token=read.parsed("TR_RATE_LIMIT_TOKEN", "600/50", _rate_limit, _RATE_LIMIT_MEANING),
        rate_limit_tenant=read.parsed("TR_RATE_LIMIT_TENANT", "3000/300", _rate_limit, _RATE_LIMIT_MEANING),
        allows_private_webhooks=read.parsed("TR_WEBHOOKS_PRIVATE", "off", _on_or_off, "on or off"),
        dns_servers=read.parsed("TR_DNS_SERVERS", "", _dns_servers, "a comma list of addresses such as 10.0.0.2:53"),
        rate_limit_address=read.parsed("TR_RATE_LIMIT_ADDRESS", "600/50", _rate_limit, _RATE_LIMIT_MEANING),
        node_enrolment_token=read.secret(
            "TR_NODE_ENROLMENT_TOKEN", _token, f"a secret of at least {TOKEN_MIN_LENGTH} characters for media nodes"
        ),
        webapp_dir=read.parsed("TR_WEBAPP_DIR", "", _webapp_dir, "a folder with an index.html"),
        demo_file=read.parsed("TR_DEMO_FILE", "", lambda text: Path(text) if text else None, "a file"),
        turn_urls=turn_urls,
        turn_secret=turn_secret,
        supabase_url=read.parsed("SUPABASE_URL", "", _maybe_url, "an http:// or https:// URL"),
        supabase_jwt_secret=supabase_jwt_secret,
        supabase_anon_key=read.optional("SUPABASE_ANON_KEY", ""),
        smtp_url=smtp_url,
        mail_from=read.parsed(
            "TR_MAIL_FROM", "Trading room <no-reply@localhost>", _mail_from, "a From line with an address"
        ),
        has_mailbox=has_mailbox,
        needs_confirmation=read.parsed(
            "TR_CONFIRM_EMAIL", "on" if smtp_url is not None else "off", _switch, "on or off"
        ),
        service_key=service_key,
        sign_in_attempts=read.number("TR_SIGN_IN_ATTEMPTS", 200, 1, 1_000_000),
        sign_in_refill_per_s=read.number("TR_SIGN_IN_REFILL_PER_MINUTE", 120, 1, 1_000_000) / 60,
        log_format=read.parsed("TR_LOG_FORMAT", "json", _log_format, "json or console"),
    )


def read_migration_settings(env: Mapping[str, str] | None = None) -> MigrationSettings:
    """Read what migrating needs. Raises BadSettings."""
    read = _Reader(os.environ if env is None else env)
    return MigrationSettings(
        owner_url=_database_url(read, "DATABASE_OWNER_URL", "DSN of the role that owns the tables"),
        app_url=_database_url(read, "DATABASE_URL", "DSN of the login of the running system"),
    )


def read_database_url(env: Mapping[str, str] | None = None) -> str:
    """Read only the app's DSN, for operator commands. Raises BadSettings."""
    read = _Reader(os.environ if env is None else env)
    return _database_url(read, "DATABASE_URL", "DSN of the login of the running system")


def _database_url(read: _Reader, name: str, meaning: str) -> str:
    def parse(text: str) -> str:
        url = urlsplit(text)
        if url.scheme not in {"postgres", "postgresql"} or not url.username:
            raise ValueError
        return text

    return read.secret(name, parse, f"{meaning}, as postgresql://user:password@host/database")


def is_own_machine(url: str) -> bool:
    """Whether an address can only be reached from the machine itself: a loopback address, or localhost and names below."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _dns_servers(text: str) -> tuple[tuple[str, int], ...]:
    """`address` or `address:port`, IPv6 in brackets when a port follows."""
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        has_port = part.startswith("[") or part.count(":") == 1
        url = urlsplit(f"//{part}" if has_port else f"//[{part}]" if ":" in part else f"//{part}")
        found.append((str(ip_address(url.hostname or "")), url.port or 53))
    return tuple(found)


def _ip(text: str) -> str:
    return str(ip_address(text))


def _http_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise ValueError(text)
    return text.rstrip("/")


def _ws_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in {"ws", "wss"} or not url.hostname or url.fragment:
        raise ValueError(text)
    return text


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss"}:
        raise ValueError
    return text


def _origins(text: str) -> frozenset[str]:
    origins = {part.strip().rstrip("/") for part in text.split(",") if part.strip()}
    for origin in origins:
        url = urlsplit(origin)
        if url.scheme not in {"http", "https"} or not url.hostname or url.path or url.query:
            raise ValueError(text)
    return frozenset(origins)


_RATE_LIMIT_MEANING = "requests at once and how many come back each second, such as 600/50"


def _rate_limit(text: str) -> RateLimit:
    capacity, _, per_second = text.partition("/")
    limit = RateLimit(int(capacity), float(per_second))
    if not 1 <= limit.capacity <= 10**9 or not 0.01 <= limit.per_second <= 10**9:
        raise ValueError(text)
    return limit


def _on_or_off(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError(text)
    return text == "on"


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _hosts(text: str) -> frozenset[str]:
    hosts = frozenset(part.strip().lower() for part in text.split(",") if part.strip())
    if any("/" in host or "@" in host or " " in host for host in hosts):
        raise ValueError(text)
    return hosts


def _turn_urls(text: str) -> tuple[str, ...]:
    urls = tuple(part.strip() for part in text.split(",") if part.strip())
    if any(url.split(":", 1)[0] not in {"stun", "stuns", "turn", "turns"} for url in urls):
        raise ValueError(text)
    return urls


def _maybe_url(text: str) -> str | None:
    return _http_url(text) if text else None


def _jwt_secret(text: str) -> bytes:
    if len(text.encode()) < SECRET_MIN_BYTES:
        raise ValueError
    return text.encode()


def _smtp_url(text: str) -> str:
    if urlsplit(text).scheme not in {"smtp", "smtps"} or not urlsplit(text).hostname:
        raise ValueError
    return text


def _mail_from(text: str) -> str:
    if "@" not in text or any(ord(sign) < 32 for sign in text):
        raise ValueError(text)
    return text


def _switch(text: str) -> bool:
    if text not in {"on", "off"}:
        raise ValueError(text)
    return text == "on"


def _service_key(text: str) -> str:
    if len(text) < SERVICE_KEY_MIN_LENGTH or not text.isascii():
        raise ValueError
    return text


def _token(text: str) -> str:
    if len(text) < TOKEN_MIN_LENGTH:
        raise ValueError
    return text


def _secret_key(text: str) -> bytes:
    """The first 32 bytes of a hex or base64 secret (hex is tried first: it also reads as base64, but as other bytes)."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        try:
            raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)
        except binascii.Error as error:
            raise ValueError from error
    if len(raw) < SECRET_MIN_BYTES:
        raise ValueError
    return raw[:SECRET_MIN_BYTES]


def _webapp_dir(text: str) -> Path | None:
    if not text:
        return None
    folder = Path(text)
    if not (folder / "index.html").is_file():
        raise ValueError(text)
    return folder


def _log_format(text: str) -> LogFormat:
    if text == "json":
        return "json"
    if text == "console":
        return "console"
    raise ValueError(text)
