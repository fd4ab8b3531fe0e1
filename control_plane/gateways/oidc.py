"""OpenID Connect with a tenant's identity provider: discovery, code request, ID token (OpenID Connect Core 1.0, 3.1).

authlib writes requests and judges claims, joserfc verifies signatures; every request goes through `fetching`. Nothing is
kept between sign-ins: documents and keys are read anew, so a provider may change its keys at any time.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from control_plane.domain.errors import SsoFailed
from control_plane.domain.sso import SUBJECT_MAX_LENGTH, OidcEndpoints, SsoIdentity
from control_plane.gateways.fetching import GuardedFetcher
from control_plane.gateways.side_work import SideWork

SCOPE = "openid email profile"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a key that only the provider has: none, and those by a secret that we hold too (HS256), are no proof."""
LEEWAY_S = 60
"""How far the provider's clock may be off."""
ID_TOKEN_MAX_AGE_S = 600
"""A token of an older sign-in was not made for this one, whatever it says."""
KEYS_MAX = 100
"""A provider publishes; the large ones have about ten."""
ID_TOKEN_MAX_LENGTH = 64 * 1024
"""Characters; groups may make it long."""
NAME_MAX_LENGTH = 80
StructT = TypeVar("StructT", bound=msgspec.Struct)


class _Discovery(msgspec.Struct, frozen=True):
    """Source: OpenID Connect Discovery 1.0, 3; RFC 9207, 3."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str
    access_token: str = ""


class _Jwks(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class OidcGateway:
    """Fills `services.ports.OidcProvider`.

    Args:
        fetcher: asks the provider's servers.
        allows_http: development: endpoints need no TLS.
    """

    def __init__(self, fetcher: GuardedFetcher, *, allows_http: bool) -> None:
        self._fetcher = fetcher
        self._side_work = SideWork()
        self._schemes = {"https", "http"} if allows_http else {"https"}

    async def discover(self, issuer: str) -> OidcEndpoints:
        """What the provider's discovery document says. Raises SsoFailed."""
        raw = await self._fetcher.get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        found = _decode(raw, _Discovery, "discovery_malformed")
        if found.issuer.rstrip("/") != issuer.rstrip("/"):
            # Whoever answers here speaks for somebody else (OpenID Connect Discovery 1.0, 4.3).
            raise SsoFailed("The discovery document names another issuer.", reason="issuer_mismatch")
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint):
            if url is not None and not self._is_good(url):
                raise SsoFailed("The discovery document names an address that is none.", reason="discovery_malformed")
        return OidcEndpoints(
            issuer=found.issuer,
            authorization_endpoint=found.authorization_endpoint,
            token_endpoint=found.token_endpoint,
            jwks_uri=found.jwks_uri,
            userinfo_endpoint=found.userinfo_endpoint,
            token_auth_methods=found.token_endpoint_auth_methods_supported,
            id_token_algorithms=found.id_token_signing_alg_values_supported,
            tells_issuer=found.authorization_response_iss_parameter_supported,
        )

    def _is_good(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            is_whole = bool(parts.hostname) and parts.port != 0
        except ValueError:
            return False
        is_plain = parts.username is None and not parts.fragment and url.isascii() and not any(c <= " " for c in url)
        return is_whole and is_plain and parts.scheme in self._schemes and len(url) <= 2000

    def begin(  # noqa: PLR0917 - the parameters of one request
        self, endpoints: OidcEndpoints, client_id: str, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Where to send the browser."""
        return str(
            prepare_grant_uri(
                endpoints.authorization_endpoint,
                client_id,
                "code",
                redirect_uri,
                SCOPE,
                state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
            )
        )

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
        """Change the code for an ID token and verify that. Raises SsoFailed. Unavailable: too many are being verified."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        status, raw = await self._redeem(endpoints, form, client_id, client_secret)
        if status != 200:
            raise SsoFailed("The identity provider did not take the code.", reason="code_refused", status=status)
        tokens = _decode(raw, _Tokens, "token_malformed")
        claims = await self._verify(endpoints, tokens, client_id, nonce, now)
        if not claims.get("email") and endpoints.userinfo_endpoint is not None and tokens.access_token:
            claims = {**claims, **await self._user_info(endpoints.userinfo_endpoint, tokens.access_token, claims)}
        return _identity(claims)

    async def _redeem(
        self, endpoints: OidcEndpoints, form: dict[str, str], client_id: str, client_secret: str | None
    ) -> tuple[int, bytes]:
        """Ask for tokens (RFC 6749, 2.3.1 and 4.1.3). Answers status and body. Raises SsoFailed.

        Documents list every way a provider knows, and a client may be set up for one of them: the second is tried when the
        provider does not take the first; who is not known there has not used the code up.
        """
        url, headers = endpoints.token_endpoint, {"Content-Type": "application/x-www-form-urlencoded"}
        headers["Accept"] = "application/json"
        in_form = {**form, "client_id": client_id} | ({} if client_secret is None else {"client_secret": client_secret})
        is_basic = client_secret is not None and "client_secret_basic" in endpoints.token_auth_methods
        if is_basic or "client_secret_post" not in endpoints.token_auth_methods:
            basic = headers if client_secret is None else {**headers, "Authorization": _basic(client_id, client_secret)}
            sent = in_form if client_secret is None else form
            status, raw = await self._fetcher.request("POST", url, basic, urlencode(sent).encode())
            if "client_secret_post" not in endpoints.token_auth_methods or b"invalid_client" not in raw:
                return status, raw
        return await self._fetcher.request("POST", url, headers, urlencode(in_form).encode())

    async def _verify(
        self, endpoints: OidcEndpoints, tokens: _Tokens, client_id: str, nonce: str, now: datetime
    ) -> dict[str, Any]:
        """The claims of an ID token that was made by this provider, for us, for this sign-in, now."""
        raw_keys = await self._fetcher.get(endpoints.jwks_uri)
        return await self._side_work.run(
            lambda: _verified(tokens, raw_keys, issuer=endpoints.issuer, client_id=client_id, nonce=nonce, now=now)
        )

    async def _user_info(self, url: str, access_token: str, claims: Mapping[str, Any]) -> dict[str, Any]:
        """What the provider tells beside the ID token, when that lacks the address (OpenID Connect Core 1.0, 5.3)."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {access_token}"}
        status, raw = await self._fetcher.request("GET", url, headers)
        if status != 200:
            raise SsoFailed("The identity provider did not tell who it is.", reason="userinfo_refused", status=status)
        try:
            told = msgspec.json.decode(raw, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise SsoFailed("The identity provider's answer is malformed.", reason="userinfo_malformed") from error
        if told.get("sub") != claims["sub"]:
            # Otherwise somebody's token would do for somebody else's (OpenID Connect Core 1.0, 5.3.2).
            raise SsoFailed("The identity provider told of somebody else.", reason="subject_mismatch")
        return {name: told[name] for name in ("email", "email_verified", "name") if name in told}


def _verified(
    tokens: _Tokens, raw_keys: bytes, *, issuer: str, client_id: str, nonce: str, now: datetime
) -> dict[str, Any]:
    """As `OidcGateway._verify`. raw_keys: the provider's key set."""
    jwks = _decode(raw_keys, _Jwks, "keys_malformed")
    if len(jwks.keys) > KEYS_MAX:
        raise SsoFailed("The identity provider publishes too many keys.", reason="keys_malformed")
    if len(tokens.id_token) > ID_TOKEN_MAX_LENGTH:
        raise SsoFailed("The identity provider's ID token is too long.", reason="token_malformed")
    wanted = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "sub": {"essential": True},
        "nonce": {"essential": True, "value": nonce},
    }
    try:
        keys = KeySet.import_key_set({"keys": [key for key in jwks.keys if _is_signing(key)]})
        token = jwt.decode(tokens.id_token, keys, algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            token.claims,
            token.header,
            options=wanted,
            params={"nonce": nonce, "client_id": client_id, "access_token": tokens.access_token},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SsoFailed("The identity provider's ID token is not good.", reason=_reason_of(error)) from error
    issued_at = claims["iat"]
    if not isinstance(issued_at, int | float) or issued_at < now.timestamp() - ID_TOKEN_MAX_AGE_S:
        raise SsoFailed("The identity provider's ID token is too old.", reason="id_token_expired")
    return dict(claims)


def _basic(client_id: str, client_secret: str) -> str:
    """Source: RFC 6749, 2.3.1: both are form-encoded first."""
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _is_signing(key: Mapping[str, Any]) -> bool:
    """Whether a published key can sign: no secrets (`oct`), none for encryption."""
    return key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"


def _reason_of(error: Exception) -> str:
    """What was wrong with a token, for whoever set the connection up."""
    claim = str(getattr(error, "claim", "") or "")
    if claim in {"iss", "aud", "nonce", "exp", "nbf", "iat", "azp", "at_hash", "sub"}:
        return "id_token_expired" if claim == "exp" else f"id_token_{claim}"
    if type(error).__name__ == "ExpiredTokenError":
        return "id_token_expired"
    return "id_token_signature"


def _identity(claims: Mapping[str, Any]) -> SsoIdentity:
    subject, email, name = claims.get("sub"), claims.get("email"), claims.get("name")
    hosted = claims.get("hd")
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_MAX_LENGTH or "\0" in subject:
        raise SsoFailed("The identity provider named nobody.", reason="subject_missing")
    if not isinstance(email, str) or not email:
        raise SsoFailed("The identity provider told no e-mail address.", reason="email_missing")
    shown = "".join(sign for sign in name if sign.isprintable()).strip() if isinstance(name, str) else ""
    return SsoIdentity(
        subject=subject,
        email=email.strip().lower(),
        display_name=shown[:NAME_MAX_LENGTH].strip(),
        is_email_verified=_is_true(claims.get("email_verified", True)),
        hosted_domain=hosted.lower() if isinstance(hosted, str) and hosted.isprintable() else "",
    )


def _is_true(said: object) -> bool:
    """Some providers write booleans as strings; whatever else they write is no yes."""
    return said is True or (isinstance(said, str) and said.lower() == "true")


def _decode(raw: bytes, kind: type[StructT], reason: str) -> StructT:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SsoFailed("The identity provider's answer is malformed.", reason=reason) from error
