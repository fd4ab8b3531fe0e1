"""`Idempotency-Key` on every POST of `/api/v1`: the same key and body within 24 h is the same request.

An answer may hold a secret, such as a new token's text, so a good one of an organization is given again only to who is a
member still, in no lower role than when it was made.

What an answer of 5xx, 401, 402, 429 or `sso_required` says is over soon, so it is not kept: the next try is carried out.
Joining is left out, because its answer holds a token good for 30 s and joining twice takes one seat anyway.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from control_plane.domain.callers import Caller
from control_plane.domain.errors import DomainError, Forbidden, InvalidInput, NotFound, SsoRequired, Unavailable
from control_plane.domain.idempotency import KEY_MAX_LENGTH, KeptRequest, made_id
from control_plane.domain.ids import OrganizationId
from control_plane.domain.roles import Role, outranks
from control_plane.rest.bodies import given_again, read_whole
from control_plane.rest.callers import identify
from control_plane.rest.problems import HttpRefusal, send_problem
from control_plane.rest.routes import organization_of
from control_plane.services.idempotency import IdempotencyService
from control_plane.services.platform import Platform

HEADER = b"idempotency-key"
NOT_KEPT = frozenset({401, 402, 408, 425, 429})
"""Of what is below 500."""
ANSWER_MAX_BYTES = 256 * 1024
"""A larger answer is not kept; none of ours comes near."""
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_MAX_LENGTH}}}")
log = structlog.get_logger(__name__)


class _Refusal(msgspec.Struct, frozen=True):
    """What is read of a problem."""

    code: str = ""


class Idempotent:
    """The ASGI app that gives an answer again.

    Args:
        app: what answers.
        platform: knows callers.
        max_body_bytes: of a request.
        own_id_paths: patterns of paths whose body takes the id of what it makes.
    """

    def __init__(
        self, app: ASGIApp, platform: Platform, max_body_bytes: int, own_id_paths: Iterable[re.Pattern[str]]
    ) -> None:
        self._app = app
        self._platform = platform
        self._service: IdempotencyService = platform.idempotency
        self._max_body_bytes = max_body_bytes
        self._own_id_paths = tuple(own_id_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what carries no key; claim, carry out and keep what does."""
        key = _key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            caller = await identify(scope, self._platform)
        except DomainError:
            await self._app(scope, receive, send)  # which refuses
            return
        try:
            if not _KEY.fullmatch(key):
                words = f"An Idempotency-Key is 1-{KEY_MAX_LENGTH} visible ASCII characters."
                raise InvalidInput(words, field="Idempotency-Key")
            body = await read_whole(receive, self._max_body_bytes)
            role = await self._role_of(scope, caller)
            kept = await self._service.claim(caller, key, _fingerprint(scope, body))
        except (DomainError, HttpRefusal) as error:
            await send_problem(scope, send, error)
            return
        try:
            if kept.status is not None:
                await self._repeat(scope, send, caller, kept, key)
                return
        except DomainError as error:
            await send_problem(scope, send, error)
            return
        await self._carry_out(scope, send, kept, key, body, role)

    async def _role_of(self, scope: Scope, caller: Caller) -> Role | None:
        """The caller's role where the request acts; None: in no organization, or in none that lets them in.

        Raises:
            Unavailable.
        """
        organization_id = organization_of(scope["path"])
        if organization_id is None:
            return None
        try:
            return await self._service.read_role(caller, OrganizationId(UUID(organization_id)))
        except (NotFound, SsoRequired):
            return None  # the app refuses in its own words

    async def _repeat(self, scope: Scope, send: Send, caller: Caller, kept: KeptRequest, key: str) -> None:
        answer = self._service.open(kept, key)
        if answer is None:
            raise Unavailable("The kept answer can't be read any more.", retry_after_s=60)
        first_line, _, rest = answer.partition(b"\n")
        # Answers that were kept before roles were begin with their type at once; none is older than a day.
        has_role = b"/" not in first_line
        organization_id = organization_of(scope["path"])
        if organization_id is not None and kept.status is not None and kept.status < 300:
            role = await self._service.read_role(caller, OrganizationId(UUID(organization_id)))
            if has_role and (not first_line or outranks(Role(first_line.decode()), role)):
                words = "Your role was changed since: the answer is not given again."
                raise Forbidden(words, reason="role_changed")
        content_type, _, body = (rest if has_role else answer).partition(b"\n")
        headers = [
            (b"content-type", content_type),
            (b"content-length", str(len(body)).encode()),
            (b"idempotency-replayed", b"true"),
        ]
        await send(cast("Message", {"type": "http.response.start", "status": kept.status, "headers": headers}))
        await send(cast("Message", {"type": "http.response.body", "body": body, "more_body": False}))

    async def _carry_out(  # noqa: PLR0917 - the request, its claim, and who sent it
        self, scope: Scope, send: Send, kept: KeptRequest, key: str, body: bytes, role: Role | None
    ) -> None:
        body = self._with_id(scope, body, kept)
        start: Any = None
        parts: list[bytes] = []

        async def collect(message: Any) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        status = 500
        try:
            await self._app(scope, given_again(body), collect)
            status = start["status"]
        finally:
            # Also when we are being cancelled: the claim would otherwise stand in the way for a minute.
            await self._settle(kept, key, status, start, b"".join(parts), role)
        await send(start)
        await send(cast("Message", {"type": "http.response.body", "body": b"".join(parts), "more_body": False}))

    async def _settle(  # noqa: PLR0917 - as above
        self, kept: KeptRequest, key: str, status: int, start: Any, answer: bytes, role: Role | None
    ) -> None:
        try:
            if _is_passing(status, answer) or len(answer) > ANSWER_MAX_BYTES:
                await self._service.release(kept)
                return
            content_type = next((v for n, v in start["headers"] if n.lower() == b"content-type"), b"application/json")
            role_line = b"" if role is None else role.value.encode()
            await self._service.keep(kept, key, status, b"\n".join((role_line, content_type, answer)))
        except Unavailable:
            # The claim runs out, and a repeat is carried out again with the same id.
            log.warning("answer_not_kept")

    def _with_id(self, scope: Scope, body: bytes, kept: KeptRequest) -> bytes:
        """The body with an id in it, where it takes one and the caller named none."""
        if not any(pattern.fullmatch(scope["path"]) for pattern in self._own_id_paths):
            return body
        try:
            fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except (ValueError, RecursionError):
            return body  # which the API refuses
        if fields.get("id", msgspec.Raw(b"null")) != msgspec.Raw(b"null"):
            return body
        return msgspec.json.encode({**fields, "id": made_id(kept)})


def _is_passing(status: int, answer: bytes) -> bool:
    """Whether what an answer says may be over with the next try: who has to come in another way does so at once."""
    if status >= 500 or status in NOT_KEPT:
        return True
    if status != 403:
        return False
    try:
        return msgspec.json.decode(answer, type=_Refusal).code == SsoRequired.code
    except msgspec.MsgspecError:
        return False


def _key_of(scope: Scope) -> str | None:
    if scope["type"] != ScopeType.HTTP or scope["method"] != "POST" or not scope["path"].startswith("/api/v1/"):
        return None
    if scope["path"].endswith("/join"):
        return None
    found = next((value for name, value in scope["headers"] if name == HEADER), None)
    return None if found is None else found.decode("latin-1")


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    head = f"{cast('Any', scope)['method']} {scope['path']}?".encode() + scope["query_string"] + b"\n"
    return hashlib.sha256(head + body).digest()
