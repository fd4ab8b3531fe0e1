"""Accounts, organizations, rooms and joining, by the public REST API."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import msgspec

AnswerT = TypeVar("AnswerT")

TIMEOUT_S = 10.0
"""Limit for one request, seconds; signing up hashes a password and takes longest."""


class RestError(Exception):
    """The API refused a request.

    Attributes:
        status: the HTTP status.
        code: the problem's stable code; "" when the body was no problem+json.
        facts: everything else the problem says.
    """

    def __init__(self, request: str, status: int, code: str, message: str, facts: dict[str, Any]) -> None:
        super().__init__(f"{request}: {status} {code}: {message}")
        self.status = status
        self.code = code
        self.facts = facts


class _Wire(msgspec.Struct, rename="camel", kw_only=True):
    """Base of what the API answers; fields we do not know are ignored."""


class User(msgspec.Struct, kw_only=True):
    """The person behind a login (GoTrue's shape: snake_case)."""

    id: str
    email: str = ""


class SignedIn(msgspec.Struct, kw_only=True):
    """Answer of sign-up and sign-in (GoTrue's shape: snake_case)."""

    access_token: str
    refresh_token: str
    user: User


class Organization(_Wire):
    """A tenant."""

    id: str
    name: str


class Room(_Wire):
    """A lasting room. state: idle, live or ended, where the API says it."""

    id: str
    name: str


class Invitation(_Wire):
    """A code that makes a member of whoever accepts it."""

    code: str


class IceServer(_Wire):
    """One entry of RTCConfiguration.iceServers."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class Joined(_Wire):
    """Answer of a join: where and with what to open the socket. The token is good for one hello within 30 s."""

    participant_id: str
    live_session_id: str
    room_id: str
    signaling_url: str
    token: str
    rtp_capabilities: msgspec.Raw
    ice_servers: list[IceServer] = []


class Rest:
    """One person's connection to the API: `async with Rest(url) as rest: await rest.sign_up(...)`.

    Args:
        base_url: address of the control plane, without a trailing slash.
        access_token: of someone signed in already; None until sign_up or sign_in.
    """

    def __init__(self, base_url: str, *, access_token: str | None = None) -> None:
        self.base_url = base_url
        self.access_token = access_token
        self.user: User | None = None
        self.signed_in: SignedIn | None = None
        # trust_env off: a proxy of the environment has no business between us and our own server.
        self._http = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        await self._http.aclose()

    # --- accounts

    async def sign_up(self, email: str, password: str, display_name: str) -> SignedIn:
        """Make an account and be signed in as it. Raises RestError."""
        body = {"email": email, "password": password, "data": {"display_name": display_name}}
        return self._remember(await self.call("POST", "/auth/v1/signup", SignedIn, body))

    async def sign_in(self, email: str, password: str) -> SignedIn:
        """Sign in with a password. Raises RestError."""
        body = {"email": email, "password": password}
        return self._remember(await self.call("POST", "/auth/v1/token?grant_type=password", SignedIn, body))

    def _remember(self, signed_in: SignedIn) -> SignedIn:
        self.access_token = signed_in.access_token
        self.user = signed_in.user
        self.signed_in = signed_in
        return signed_in

    # --- organizations and rooms

    async def create_organization(self, name: str) -> Organization:
        """Make an organization; the caller owns it. Raises RestError."""
        return await self.call("POST", "/api/v1/organizations", Organization, {"name": name})

    async def invite(self, organization_id: str, role: str, *, max_uses: int | None = None) -> str:
        """A code for new members of that role (viewer, moderator, …); max_uses None: the API decides. Raises RestError."""
        body: dict[str, object] = {"role": role}
        if max_uses is not None:
            body["maxUses"] = max_uses
        path = f"/api/v1/organizations/{organization_id}/invitations"
        return (await self.call("POST", path, Invitation, body)).code

    async def accept_invitation(self, code: str) -> None:
        """Become a member. Raises RestError."""
        await self.call("POST", "/api/v1/invitations/accept", msgspec.Raw, {"code": code})

    async def create_room(self, organization_id: str, name: str) -> Room:
        """Make a room. Raises RestError."""
        return await self.call("POST", f"/api/v1/organizations/{organization_id}/rooms", Room, {"name": name})

    async def start_session(self, organization_id: str, room_id: str) -> None:
        """Go live in a room. Raises RestError (room_already_live)."""
        await self.call("POST", f"/api/v1/organizations/{organization_id}/rooms/{room_id}/start", msgspec.Raw)

    async def end_session(self, organization_id: str, room_id: str) -> None:
        """End the live session. Raises RestError (room_not_live)."""
        await self.call("POST", f"/api/v1/organizations/{organization_id}/rooms/{room_id}/end", msgspec.Raw)

    async def join(self, organization_id: str, room_id: str) -> Joined:
        """Ask for a place in the live session. Raises RestError (room_not_live, plan_limit_reached, not_found)."""
        return await self.call("POST", f"/api/v1/organizations/{organization_id}/rooms/{room_id}/join", Joined)

    # --- the wire

    async def call(
        self,
        method: str,
        path: str,
        answer: type[AnswerT],
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
    ) -> AnswerT:
        """Send one request and decode the answer's JSON as `answer` (`msgspec.Raw`: whatever it is).

        Args:
            method: HTTP's word.
            path: from the root, with query.
            answer: what to decode.
            body: JSON-ready; None sends none.
            headers: added to Authorization and Content-Type.

        Raises:
            RestError: any status from 400 on.
            httpx.HTTPError: no answer.
            msgspec.ValidationError: the answer is not what was expected.
        """
        sent = dict(headers or {})
        if self.access_token is not None:
            sent["Authorization"] = f"Bearer {self.access_token}"
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = msgspec.json.encode(body)
        response = await self._http.request(method, path, content=content, headers=sent)
        if response.status_code >= 400:
            raise _error_of(f"{method} {path}", response)
        return msgspec.json.decode(response.content or b"null", type=answer)


def _error_of(request: str, response: httpx.Response) -> RestError:
    try:
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return RestError(request, response.status_code, "", response.text[:200], {})
    code = str(problem.get("code") or problem.get("error_code") or "")
    message = str(problem.get("detail") or problem.get("title") or problem.get("msg") or "")
    return RestError(request, response.status_code, code, message, problem)
