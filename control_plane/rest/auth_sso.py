"""`/auth/v1`: signing in by an organization's identity provider, as GoTrue's clients ask for it (`signInWithSSO`).

The browser goes: client → `sso/authorize` (a cookie binds the sign-in to it) → provider → `callback/<connection>` (OIDC), or
`sso/saml/acs` and `sso/saml/finish` (SAML: cookies do not come with another site's form, but with the page after it) → the
client's page.
"""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import msgspec
from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect

from control_plane.domain.errors import DomainError, InvalidInput, SsoProviderNotFound
from control_plane.domain.mailed_proofs import FlowStarted
from control_plane.domain.sign_ins import make_challenge
from control_plane.domain.sso import FLOW_LIFETIME
from control_plane.rest.auth_limits import limit_guesses, limit_leaving
from control_plane.rest.auth_links import lead, signed_in_words
from control_plane.rest.auth_wire import code_of, read_body
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep, origin_of
from control_plane.services.platform import Platform
from control_plane.services.sso_landing import Landing, Tested
from control_plane.services.sso_returning import OidcReturn

COOKIE = "tradingroom-sso"
MAX_FORM_BYTES = 512 * 1024
"""Of a SAML provider's form: a response of `RESPONSE_MAX_BYTES` as base64, URL-encoded."""
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")


class SsoStart(msgspec.Struct):
    """Body of sso. domain: of the person's mail; provider_id: the connection; one of them."""

    domain: str | None = None
    provider_id: str | None = None
    redirect_to: str | None = None
    skip_http_redirect: bool | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


@post("/sso", status_code=200)
async def start(request: AnyRequest, platform: PlatformDep) -> Response[Any]:
    """Begin a sign-in. Answers `{url}`, or leads there unless skip_http_redirect."""
    body = await read_body(request, SsoStart)
    await limit_guesses(request, platform)
    if bool(body.domain) is bool(body.provider_id):
        raise InvalidInput("Only one of domain or provider_id needs to be provided", field="domain")
    connection_id = None
    if body.provider_id:
        try:
            connection_id = UUID(body.provider_id)
        except ValueError as error:
            raise SsoProviderNotFound("No such SSO provider") from error
    url = await platform.sso_sign_in.start(
        domain=body.domain,
        connection_id=connection_id,
        redirect_to=platform.confirmations.redirect_for(body.redirect_to),
        challenge=make_challenge(body.code_challenge, body.code_challenge_method),
    )
    return Response({"url": url}) if body.skip_http_redirect else Redirect(url, status_code=303)


@get("/sso/authorize")
async def leave(request: AnyRequest, platform: PlatformDep) -> Redirect:
    """The browser leaves for the provider, and gets the cookie it has to come back with."""
    browser = _browser_of(request, platform) or secrets.token_urlsafe(32)
    try:
        await limit_guesses(request, platform)
        state = request.query_params.get("state", "")
        await limit_leaving(platform, state)
        goal = await platform.sso_sign_in.leave(state, browser)
    except DomainError as error:
        return _lead_to(_lost(platform, error))
    if isinstance(goal, Landing):
        return _lead_to(goal)
    return Redirect(goal, status_code=303, cookies=[_cookie(platform, browser)])


@get("/callback/{connection_id:uuid}")
async def finish_oidc(request: AnyRequest, platform: PlatformDep, connection_id: FromPath[UUID]) -> Redirect:
    """The browser is back from an OIDC provider, at the redirect URI of its connection."""
    query = request.query_params
    back = OidcReturn(
        connection_id=connection_id,
        state=query.get("state", ""),
        code=query.get("code", ""),
        error=query.get("error", ""),
        issuer=query.get("iss"),
    )
    try:
        await limit_guesses(request, platform)
        landing = await platform.sso_returning.finish_oidc(
            back, _browser_of(request, platform), origin_of(request.scope)
        )
    except DomainError as error:
        landing = _lost(platform, error)
    return _lead_to(landing)


@post("/sso/saml/acs", status_code=303, request_max_body_size=MAX_FORM_BYTES)
async def take_saml(request: AnyRequest, platform: PlatformDep) -> Redirect:
    """A SAML provider has the browser post its response here."""
    state = ""
    try:
        await limit_guesses(request, platform)
        form = _read_form(await request.body())
        state = form.get("RelayState", "")
        landing = await platform.sso_returning.post_saml(state, form.get("SAMLResponse", ""))
    except DomainError as error:
        landing = _lost(platform, error)
    if landing is not None:
        return _lead_to(landing)
    return Redirect(
        f"{platform.sso_connections.public_url}/auth/v1/sso/saml/finish?{urlencode({'state': state})}", status_code=303
    )


def _read_form(body: bytes) -> dict[str, str]:
    """The fields of a form. Raises InvalidInput: there are more than a provider sends."""
    try:
        return dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=20))
    except ValueError as error:
        raise InvalidInput("This is no form of an identity provider.", reason="malformed") from error


@get("/sso/saml/finish")
async def finish_saml(request: AnyRequest, platform: PlatformDep) -> Redirect:
    """The browser is back from a SAML provider, with its cookie."""
    try:
        await limit_guesses(request, platform)
        landing = await platform.sso_returning.finish_saml(
            request.query_params.get("state", ""), _browser_of(request, platform), origin_of(request.scope)
        )
    except DomainError as error:
        landing = _lost(platform, error)
    return _lead_to(landing)


@get("/sso/saml/metadata")
async def metadata(request: AnyRequest, platform: PlatformDep) -> Response[bytes]:
    """Our SAML metadata for a connection."""
    try:
        connection_id = UUID(request.query_params.get("connection", ""))
    except ValueError as error:
        raise SsoProviderNotFound("No such SSO provider") from error
    xml = await platform.sso_sign_in.metadata(connection_id)
    return Response(xml, media_type="application/samlmetadata+xml")


@delete("/user/identities/{identity_id:str}", status_code=200)
async def unlink_identity(
    request: AnyRequest, platform: PlatformDep, caller: CallerDep, identity_id: FromPath[str]
) -> dict[str, Any]:
    """Unlink one's own account from a provider (auth-js: `unlinkIdentity`)."""
    await limit_guesses(request, platform, str(caller.user_id))
    try:
        wanted = UUID(identity_id)
    except ValueError as error:
        raise InvalidInput("identity_id must be an UUID") from error
    await platform.sso_identities.unlink_own(caller, wanted)
    return {}


def _cookie_name(platform: Platform) -> str:
    """With TLS, a name that no neighbour under our domain can write (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{COOKIE}" if _is_secure(platform) else COOKIE


def _is_secure(platform: Platform) -> bool:
    return urlsplit(platform.sso_connections.public_url).scheme == "https"


def _browser_of(request: AnyRequest, platform: Platform) -> str:
    """What the browser's cookie says; empty: it has none. One serves all sign-ins of a browser, also at the same time."""
    found = request.cookies.get(_cookie_name(platform), "")
    return found if _BROWSER.fullmatch(found) else ""


def _cookie(platform: Platform, browser: str) -> Cookie:
    return Cookie(
        key=_cookie_name(platform),
        value=browser,
        max_age=int(FLOW_LIFETIME.total_seconds()),
        path="/",
        secure=_is_secure(platform),
        httponly=True,
        samesite="lax",
    )


def _lost(platform: Platform, error: DomainError) -> Landing:
    """Nobody knows where the browser wanted to: to the site."""
    return Landing(redirect_to=platform.confirmations.redirect_for(None), is_pkce=False, is_test=False, outcome=error)


def _lead_to(landing: Landing) -> Redirect:
    """To the client's page with a sign-in, a code or an error behind `#` or `?`; after a test with `sso` in the query."""
    outcome = landing.outcome
    if isinstance(outcome, DomainError):
        status, code = code_of(outcome)
        if landing.is_test:
            reason = str(outcome.facts.get("reason") or code)
            return lead(landing.redirect_to, {}, {"sso": "failed", "code": code, "reason": reason})
        word = "server_error" if status >= 500 else "access_denied"
        said = {"error": word, "error_code": code, "error_description": outcome.message}
        return lead(landing.redirect_to, said, said if landing.is_pkce else {})
    if isinstance(outcome, Tested):
        return lead(landing.redirect_to, {}, {"sso": "worked"})
    if isinstance(outcome, FlowStarted):
        return lead(landing.redirect_to, {}, {"code": outcome.code})
    return lead(landing.redirect_to, signed_in_words(outcome, "sso"), {})


HANDLERS = [start, leave, finish_oidc, take_saml, finish_saml, metadata, unlink_identity]
