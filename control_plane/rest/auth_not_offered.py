"""`/auth/v1`: what GoTrue can do and this issuer does not, refused in GoTrue's words, so that clients can branch on them.

Source: supabase/auth, internal/api/{signup,otp,verify,resend,token,web3,mfa,api,external}.go, with everything turned off.
"""

from __future__ import annotations

import re

from litestar import get

from control_plane.rest.auth_wire import AuthRefusal

_FEATURES = re.compile(r"/auth/v1/(oauth|passkeys|user/oauth|admin/(oauth|custom-providers|users/[^/]+/passkeys))(/|$)")
"""Paths of whole features of GoTrue that are not here: its OAuth server, passkeys, providers of one's own."""
_FACTORS = {
    "phone": ("mfa_phone_enroll_not_enabled", "MFA enroll is disabled for Phone"),
    "webauthn": ("mfa_webauthn_enroll_not_enabled", "MFA enroll is disabled for WebAuthn"),
}


def refuse_phone(phone: str | None, sentence: str, status: int = 400) -> None:
    """Refuse a request that goes by a telephone number; an empty one asks for nothing. Raises AuthRefusal."""
    if phone:
        raise AuthRefusal(status, "phone_provider_disabled", sentence)


def refuse_anonymous(email: str | None) -> None:
    """Refuse a sign-up that names nobody: it asks for an anonymous login. Raises AuthRefusal."""
    if not email:
        raise AuthRefusal(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")


def refuse_factor(kind: str) -> None:
    """Refuse a kind of second factor that is not totp. Raises AuthRefusal."""
    if kind in _FACTORS:
        raise AuthRefusal(422, *_FACTORS[kind])
    if kind != "totp":
        raise AuthRefusal(400, "validation_failed", "factor_type needs to be totp, phone, or webauthn")


def other_grant(grant_type: str | None) -> AuthRefusal:
    """The refusal of a grant that is none of ours."""
    if grant_type == "id_token":
        return AuthRefusal(400, "provider_disabled", "Signing in by a provider's id token is not enabled")
    if grant_type == "web3":
        return AuthRefusal(422, "web3_provider_disabled", "Web3 provider is disabled")
    return AuthRefusal(400, "invalid_credentials", "unsupported_grant_type")


def no_such_path(path: str) -> AuthRefusal:
    """The refusal of a path under `/auth/v1` that nothing answers."""
    if _FEATURES.match(path):
        return AuthRefusal(404, "feature_disabled", "This issuer does not offer this.")
    return AuthRefusal(404, "not_found", "Not found.")


@get("/authorize")
async def sign_in_by_provider() -> None:
    """A browser is sent here by `signInWithOAuth`: no provider is there for everybody."""
    raise AuthRefusal(400, "validation_failed", "Unsupported provider: provider is not enabled")


@get("/user/identities/authorize")
async def link_identity() -> None:
    """auth-js' `linkIdentity`: people are linked by signing in by their organization's provider."""
    raise AuthRefusal(404, "manual_linking_disabled", "Manual linking is disabled")


HANDLERS = [sign_in_by_provider, link_identity]
