"""`/auth/v1`: mailed links and digits: ask for them, use them."""

from __future__ import annotations

from html import escape
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import msgspec
from litestar import MediaType, Response, get, post
from litestar.response import Redirect

from control_plane.domain.errors import DomainError, Forbidden, InvalidInput
from control_plane.domain.mailed_proofs import FlowStarted, Halfway, Wish
from control_plane.domain.sign_ins import make_challenge
from control_plane.gateways.tokens import ACCESS_LIFETIME_S
from control_plane.rest.auth_limits import limit_digits, limit_guesses, limit_mails
from control_plane.rest.auth_not_offered import refuse_phone
from control_plane.rest.auth_wire import SessionView, code_of, read_body, session_view
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep, origin_of
from control_plane.services.sessions import SignedIn

HALFWAY = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
"""Source: supabase/auth, internal/api/verify.go."""
_FORM_BYTES = 1000
"""Of a form that is read; a token is short."""


class Verify(msgspec.Struct):
    """Body of verify: token_hash, or email and token (the digits)."""

    type: str
    token: str = ""
    token_hash: str = ""
    email: str = ""
    phone: str = ""


class AskForMail(msgspec.Struct):
    """Body of otp, magiclink, recover and resend. create_user and data: a magic link to somebody new; type: of resend."""

    email: str = ""
    phone: str = ""
    type: str = ""
    create_user: bool = True
    data: dict[str, Any] | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


@post("/verify", status_code=200)
async def verify(request: AnyRequest, platform: PlatformDep) -> SessionView | dict[str, Any]:
    """Use a link's token hash, or the digits mailed to an address: answers a sign-in."""
    body = await read_body(request, Verify)
    refuse_phone(body.phone, "Phone logins are disabled")
    await limit_guesses(request, platform, body.email)
    origin = origin_of(request.scope)
    if body.token_hash:
        outcome = await platform.confirmations.verify_link(body.type, body.token_hash, origin, starts_flow=False)
    elif body.token and body.email:
        await limit_digits(platform, body.email)
        outcome = await platform.confirmations.verify_otp(body.type, body.email, body.token, origin)
    else:
        raise InvalidInput("Verify requires a token or a token hash", field="token")
    if isinstance(outcome, Halfway):
        return {"msg": HALFWAY, "code": "200"}
    return session_view(cast("SignedIn", outcome))


@get("/verify")
async def open_link(request: AnyRequest, platform: PlatformDep) -> Redirect:
    """A mailed link is opened: answers by leading to the app, with a sign-in, a code or an error behind `#` or `?`."""
    query = request.query_params
    goal = platform.confirmations.redirect_for(query.get("redirect_to"))
    try:
        await limit_guesses(request, platform)
        outcome = await platform.confirmations.verify_link(
            query.get("type", ""), query.get("token", ""), origin_of(request.scope), starts_flow=True
        )
    except DomainError as error:
        status, code = code_of(error)
        word = "server_error" if status >= 500 else "access_denied"
        said = {"error": word, "error_code": code, "error_description": error.message}
        return lead(goal, said, said if query.get("token", "").startswith("pkce_") else {})
    if isinstance(outcome, Halfway):
        return lead(goal, {"message": HALFWAY}, {})
    if isinstance(outcome, FlowStarted):
        return lead(goal, {}, {"code": outcome.code})
    return lead(goal, signed_in_words(outcome, query.get("type", "")), {})


def signed_in_words(signed_in: SignedIn, link_type: str) -> dict[str, str]:
    """A sign-in as it stands behind the `#` of a page's address. link_type: what led there, as clients know it."""
    return {
        "access_token": signed_in.access_token,
        "expires_at": str(signed_in.expires_at),
        "expires_in": str(ACCESS_LIFETIME_S),
        "refresh_token": signed_in.refresh_token,
        "token_type": "bearer",
        "type": link_type,
    }


def lead(goal: str, fragment: dict[str, str], query: dict[str, str]) -> Redirect:
    """Lead a browser to a page, with more behind its `#` and in its query."""
    url = urlsplit(goal)
    joined = "&".join(part for part in (url.query, urlencode(query)) if part)
    return Redirect(urlunsplit((url.scheme, url.netloc, url.path, joined, urlencode(fragment))), status_code=303)


@post(["/otp", "/magiclink"], status_code=200)
async def send_magic_link(request: AnyRequest, platform: PlatformDep) -> dict[str, Any]:
    """Mail a link and digits that sign in. The answer is the same for every address."""
    return await _ask(request, "magic_link", platform)


@post("/recover", status_code=200)
async def recover(request: AnyRequest, platform: PlatformDep) -> dict[str, Any]:
    """Mail a link to choose a new password. The answer is the same for every address."""
    return await _ask(request, "recover", platform)


@post("/resend", status_code=200)
async def resend(request: AnyRequest, platform: PlatformDep) -> dict[str, Any]:
    """Mail again: type signup or email_change. The answer is the same for every address."""
    return await _ask(request, None, platform)


async def _ask(request: AnyRequest, wish: Wish | None, platform: PlatformDep) -> dict[str, Any]:
    body = await read_body(request, AskForMail)
    refuse_phone(body.phone, "Phone logins are disabled" if wish is None else "Unsupported phone provider")
    resent: dict[str, Wish] = {"signup": "resend_sign_up", "email_change": "resend_email_change"}
    wish = wish or resent.get(body.type)
    if wish is None:
        raise InvalidInput("Missing one of these types: signup, email_change", field="type")
    challenge = make_challenge(body.code_challenge, body.code_challenge_method)
    await limit_mails(request, platform, body.email)
    await platform.confirmations.ask(
        wish,
        body.email,
        redirect_to=platform.confirmations.redirect_for(request.query_params.get("redirect_to")),
        challenge=challenge,
        user_metadata=body.data,
        may_create=body.create_user,
        origin=origin_of(request.scope),
    )
    return {}


@get("/reauthenticate")
async def reauthenticate(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> Response[dict[str, Any]]:
    """Mail the caller a code that lets them set a new password."""
    await limit_mails(request, platform, caller.email)
    await platform.confirmations.reauthenticate(caller)
    return Response({})


@get("/refuse", media_type=MediaType.HTML)
async def show_refusal(request: AnyRequest) -> str:
    """The page behind "It was not me" of a sign-up's letter. It only asks: programs that look into mail open every link."""
    token = escape(request.query_params.get("token", ""))
    return _page(
        "Was it not you?",
        "<p>Somebody signed up with your e-mail address. If it was not you, void it: its password and name are deleted.</p>"
        f'<form method="post"><input type="hidden" name="token" value="{token}"><button>It was not me</button></form>',
    )


@post("/refuse", media_type=MediaType.HTML, status_code=200)
async def refuse(request: AnyRequest, platform: PlatformDep) -> Response[str]:
    """Void a sign-up that the address's owner did not ask for. The token comes as of a form."""
    await limit_guesses(request, platform)
    token = parse_qs((await request.body())[:_FORM_BYTES].decode("utf-8", "replace")).get("token", [""])[0]
    try:
        await platform.confirmations.refuse(token)
    except Forbidden:
        words = (
            "<p>It was confirmed, voided, or replaced by a newer mail. If it was confirmed, choose a new password.</p>"
        )
        return Response(_page("This link is no longer good", words), status_code=403)
    return Response(_page("The sign-up is void", "<p>Nobody can sign in by it. You need do nothing more.</p>"))


def _page(title: str, body: str) -> str:
    """A page without a script or a style: the policy of this part of the server allows none."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light"></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )


HANDLERS = [show_refusal, refuse, verify, open_link, send_magic_link, recover, resend, reauthenticate]
