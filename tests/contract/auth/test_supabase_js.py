"""Supabase's whole JavaScript client against a running REST and jobs door, unmodified."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase
from tests.contract.auth.issuer import SERVICE_KEY, running_issuer
from tests.contract.auth.test_auth_js import NODE, WEBAPP

EXPECTED = {
    "signUp": "ok",
    "beforeConfirming": "email_not_confirmed",
    "confirm": "session",
    "confirmTwice": "otp_expired",
    "signUpAgain": "ok",
    "signIn": "session",
    "wrongPassword": "invalid_credentials",
    "weakPassword": "weak_password",
    "refresh": "session",
    "claims": ["authenticated", "authenticated", "aal1", True],
    "me": 200,
    "qrCode": True,
    "uri": True,
    "wrongCode": "mfa_verification_failed",
    "enrol": "ok",
    "assurance": "aal2",
    "amr": ["password", "totp"],
    "factors": ["verified"],
    "levels": ["aal1", "aal2"],
    "apiWithoutSecondFactor": 403,
    "replayedCode": "mfa_verification_failed",
    "apiWithSecondFactor": 200,
    "unenrol": "ok",
    "levelsWithoutFactor": ["aal1", "aal1"],
    "wrongDigits": "otp_expired",
    "digits": "session",
    "otp": "ok",
    "link": [True, "signup"],
    "setSession": "session",
    "strangerOtp": "ok",
    "pkce": "session",
    "recovery": "session",
    "samePassword": "same_password",
    "newPassword": "ok",
    "oldPassword": "invalid_credentials",
    "othersAfterNewPassword": "AuthSessionMissingError",
    "data": {"display_name": "Ada", "theme": "dark"},
    "newEmail": True,
    "halfway": [None, None],
    "moved": True,
    "badNonce": "reauthentication_not_valid",
    "nonce": "ok",
    "signOutOthers": ["ok", 200, 401],
    "signOutLocal": ["ok", 200],
    "signedOutToken": 401,
    "signOutGlobal": ["ok", "AuthSessionMissingError"],
    "adminCreate": [None, "x"],
    "adminGet": {"a": 1},
    "adminList": [2, True, 2],
    "adminUpdate": None,
    "banned": "user_banned",
    "generateLink": [None, "magiclink"],
    "generatedLink": "session",
    "adminFactors": {"factors": []},
    "invite": None,
    "inviteAgain": None,
    "lostInvitation": "otp_expired",
    "accepted": "session",
    "inviteThere": "email_exists",
    "softDelete": ["validation_failed", "ok"],
    "adminPhone": "phone_provider_disabled",
    "adminDelete": None,
    "deleted": "user_not_found",
    "deletedPerson": "AuthSessionMissingError",
    "notAdmin": "bad_jwt",
    "notOffered": {
        "anonymous": [422, "anonymous_provider_disabled"],
        "phoneSignUp": [400, "phone_provider_disabled"],
        "phoneSignIn": [422, "phone_provider_disabled"],
        "phoneOtp": [400, "phone_provider_disabled"],
        "phoneVerify": [400, "phone_provider_disabled"],
        "phoneResend": [400, "phone_provider_disabled"],
        "idToken": [400, "provider_disabled"],
        "changePhone": [400, "phone_provider_disabled"],
        "linking": [404, "manual_linking_disabled"],
        "phoneFactor": [422, "mfa_phone_enroll_not_enabled"],
        "oauthClients": [404, "feature_disabled"],
    },
}
"""What each call of supabase_js.mjs comes to."""


@pytest.mark.timeout(400)
@pytest.mark.skipif(
    not (WEBAPP / "node_modules" / "@supabase" / "supabase-js").exists(), reason="webapp/node_modules is not there"
)
def test_supabase_js_works_unmodified(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    node = str(NODE) if NODE.exists() else shutil.which("node")
    assert node is not None
    script = str(Path(__file__).with_name("supabase_js.mjs"))
    with running_issuer(database, valkey) as issuer:
        done = subprocess.run(
            [node, script, str(WEBAPP), issuer.url, SERVICE_KEY],
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == EXPECTED
