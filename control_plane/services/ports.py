"""What services need from the outside world. `gateways/` fills these, `app.py` plugs them in, tests plug in others.

The values they speak of live in `domain`, because gateways may not import services; they are named here too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from control_plane.domain.callers import Caller, JoinClaims
from control_plane.domain.events import Event
from control_plane.domain.ice import IceServer
from control_plane.domain.ids import LiveSessionId, NodeId, ParticipantId
from control_plane.domain.keys import KeyPurpose, PublicKey, SigningKey
from control_plane.domain.mail import Mail
from control_plane.domain.seats import SeatCount
from control_plane.domain.sso import OidcEndpoints, SamlCertificate, SamlIdp, SamlSp, SsoIdentity
from media_plane.contract.messages import RequestBase, Wire

__all__ = [
    "Bus",
    "Caller",
    "Clock",
    "DomainNames",
    "Fetcher",
    "IceServer",
    "Ids",
    "JoinClaims",
    "Locks",
    "Mailer",
    "MediaNodes",
    "OidcEndpoints",
    "OidcProvider",
    "Presence",
    "PublicKey",
    "RateLimits",
    "SamlIdp",
    "SamlProvider",
    "SamlSp",
    "SeatCount",
    "Seats",
    "SigningKey",
    "SigningKeys",
    "SsoIdentity",
    "Tokens",
    "Turn",
    "WebhookSender",
]

AnswerT = TypeVar("AnswerT", bound=Wire)


class Clock(Protocol):
    """The time, from outside."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...


class Ids(Protocol):
    """Fresh ids, from outside."""

    def new(self) -> UUID:
        """A new UUIDv7; later ones sort later."""
        ...


class Bus(Protocol):
    """Fan-out between processes. A push may be lost: rows are the truth, clients repair by `seq`."""

    async def publish(self, topic: str, event: Event) -> None:
        """Tell every process that listens. Never raises: a failure is logged and counted."""
        ...

    async def subscribe(self, topic: str, listener: Callable[[Event], None]) -> Callable[[], Awaitable[None]]:
        """Listen from now on; returns once the subscription stands. The answer ends it.

        Raises:
            Unavailable: Redis does not answer within its deadline.
        """
        ...

    def on_gap(self, listener: Callable[[], None]) -> None:
        """Call back after the connection to Redis was lost and is back: pushes may be missing."""
        ...


class Seats(Protocol):
    """Viewer seats as leases of `LEASE_S` (decisions.md 11)."""

    async def take(
        self, live_session_id: LiveSessionId, participant_id: ParticipantId, *, limit: int | None, started_at: datetime
    ) -> SeatCount:
        """Take or renew one seat; one who holds a seat gets it again.

        Args:
            live_session_id: the room's run.
            participant_id: who sits there.
            limit: seats the plan allows; None means no limit.
            started_at: when the session began: sessions older than Redis itself get no new seat for one lease time.

        Raises:
            Unavailable: Redis is away, or was restarted less than one lease ago (facts: retry_after_s).
        """
        ...

    async def renew(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        """Keep these seats for another lease, also ones that expired meanwhile. Raises Unavailable."""
        ...

    async def release(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        """Give a seat back; nothing happens when there is none. Raises Unavailable."""
        ...

    async def count(self, live_session_id: LiveSessionId) -> int:
        """Seats leased now, >= 0. Raises Unavailable."""
        ...


class Presence(Protocol):
    """Which participants some signaling process holds, as leases; for finding those whose process died."""

    async def touch(self, live_session_id: LiveSessionId, participant_ids: Iterable[ParticipantId]) -> None:
        """They are held by this process now. Raises Unavailable."""
        ...

    async def drop(self, live_session_id: LiveSessionId, participant_id: ParticipantId) -> None:
        """No longer held. Raises Unavailable."""
        ...

    async def present(self, live_session_id: LiveSessionId) -> set[ParticipantId]:
        """Everyone with a lease that runs. Raises Unavailable."""
        ...


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail, letter_id: UUID) -> None:
        """Send one letter. letter_id: the same for every try. Raises GiveUp: refused for good; else it may work later."""
        ...


class MediaNodes(Protocol):
    """The pool of node links. Only signaling processes have one."""

    async def call(self, node_id: NodeId, request: RequestBase, answer: type[AnswerT]) -> AnswerT:
        """Send one contract request (its `id` is filled in by the link) and decode the answer.

        Raises:
            LinkError: the node refused (media_plane.contract.errors).
            Unavailable: no link to that node now, or no answer within REQUEST_TIMEOUT_S.
        """
        ...


class Tokens(Protocol):
    """Tokens we issue ourselves (ES256). Join: 30 s. Resume: 12 h, revoked by the row's generation. Node link: 60 s."""

    async def issue_join(self, claims: JoinClaims) -> str:
        """A join token for these claims, valid 30 s."""
        ...

    async def verify_join(self, token: str) -> JoinClaims:
        """Raises Unauthenticated: forged, expired, or of another kind."""
        ...

    async def issue_resume(self, claims: JoinClaims) -> str:
        """A resume token for these claims."""
        ...

    async def verify_resume(self, token: str) -> JoinClaims:
        """Raises Unauthenticated: forged, expired, or of another kind."""
        ...

    async def issue_node_link(self, node_id: NodeId) -> str:
        """A token for one hello on a node link: aud = node id, exp 60 s, its own jti."""
        ...

    async def issue_access(self, claims: dict[str, Any]) -> tuple[str, int]:
        """An access token (Supabase-style, 1 h) and when it expires, Unix seconds."""
        ...

    async def verify_access(self, token: str) -> Caller:
        """The caller behind a Supabase-style access token. Raises Unauthenticated."""
        ...


class Turn(Protocol):
    """Short-lived TURN credentials."""

    def ice_servers(self, participant_id: ParticipantId) -> list[IceServer]:
        """Servers for one participant; empty when no TURN is configured."""
        ...


class RateLimits(Protocol):
    """Token buckets shared by all processes."""

    async def take(self, key: str, *, capacity: int, refill_per_s: float) -> float:
        """Take one token from a bucket that holds at most `capacity` and gains `refill_per_s` a second.

        Returns:
            0 when there was one, otherwise how long to wait for the next, seconds. Raises Unavailable.
        """
        ...

    async def lease(self, key: str, *, capacity: int, refill_per_s: float, count: int) -> tuple[int, float]:
        """Take up to `count` tokens at once; answers how many, and how many are left. Raises Unavailable."""
        ...


class Locks(Protocol):
    """Short locks by name, across processes."""

    async def take(self, name: str) -> str:
        """Wait for a lock and hold it; answers what to release it with. Raises Unavailable: away, or taken for too long."""
        ...

    async def release(self, name: str, holder: str) -> None:
        """Let go of a lock. Never raises: one that can't be let go of runs out."""
        ...


class WebhookSender(Protocol):
    """Sends to other people's servers, and only to where that may go."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, int, str, str | None]:
        """POST once; answers status (None: no answer), milliseconds, the answer's beginning, and why there was none."""
        ...


class DomainNames(Protocol):
    """Asks the DNS."""

    async def txt(self, name: str) -> list[str]:
        """The TXT records of a name, each one's strings put together; empty: there are none. Raises Unavailable."""
        ...


class Fetcher(Protocol):
    """Reads from servers that tenants name, and only where that may go."""

    async def get(self, url: str) -> bytes:
        """The body of a 200. Raises SsoFailed: reason unreachable, or too_large."""
        ...


class OidcProvider(Protocol):
    """Speaks OpenID Connect with a tenant's identity provider. Raises SsoFailed, with its reason, but from begin."""

    async def discover(self, issuer: str) -> OidcEndpoints:
        """What the provider's discovery document says; its issuer is the one that was asked."""
        ...

    def begin(  # noqa: PLR0917 - the parameters of one request
        self, endpoints: OidcEndpoints, client_id: str, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Where to send the browser: a code request with PKCE (S256), state and nonce."""
        ...

    async def finish(
        self,
        endpoints: OidcEndpoints,
        *,
        client_id: str,
        client_secret: str | None,
        redirect_uri: str,
        code: str,
        nonce: str,
        verifier: str,
        now: datetime,
    ) -> SsoIdentity:
        """Whom the provider vouches for: the code is changed for an ID token, and that is verified."""
        ...


class SamlProvider(Protocol):
    """Speaks SAML 2.0 with a tenant's identity provider. Raises SsoFailed, with its reason, from reading and finishing."""

    async def read_metadata(self, xml: bytes) -> SamlIdp:
        """The identity provider of a metadata document."""
        ...

    def check(self, entity_id: str, sso_url: str, certificates: tuple[str, ...]) -> SamlIdp:
        """A provider as it was typed in. certificates: PEM, or base64 of DER."""
        ...

    def certificate_expires_at(self, idp: SamlIdp) -> datetime | None:
        """When the last of its certificates ends; None: it has none."""
        ...

    def list_certificates(self, idp: SamlIdp) -> list[SamlCertificate]:
        """Its certificates, in their order."""
        ...

    def metadata(self, sp: SamlSp) -> bytes:
        """Our own metadata for one connection: XML in UTF-8."""
        ...

    def begin(self, idp: SamlIdp, sp: SamlSp, *, request_id: str, relay_state: str, now: datetime) -> str:
        """Where to send the browser: an AuthnRequest of that id, by redirect."""
        ...

    async def finish(
        self, idp: SamlIdp, sp: SamlSp, *, saml_response: str, request_id: str, now: datetime
    ) -> SsoIdentity:
        """Whom a response vouches for.

        Args:
            idp: who has to have signed it.
            sp: for whom it has to be.
            saml_response: base64, as it was posted.
            request_id: of our request; a response to none, or to another, is refused.
            now: the time.
        """
        ...


class SigningKeys(Protocol):
    """Our ES256 keys, by purpose; `services/keys.py` reads them from the database."""

    async def signing(self, purpose: KeyPurpose) -> SigningKey:
        """The key that signs now; made on first need. Raises Unavailable."""
        ...

    async def find(self, purpose: KeyPurpose, kid: str) -> PublicKey | None:
        """The public half of a key we made; None for a stranger's id. Raises Unavailable."""
        ...
