"""What signing in needs beside a password: mailed tokens, PKCE codes, second factors, the mailbox of development.

No tenant: seen by the platform role only.
"""

from __future__ import annotations

from piccolo.columns import UUID, BigInt, Bytea, ForeignKey, Integer, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.constraints import Unique
from piccolo.table import Table

from control_plane.stores.tables.accounts import Users


class AuthMailedTokens(Table, tablename="auth_mailed_tokens"):
    """One mailed link and its six digits. token_hash: SHA-256 of the link's token; otp_hash: HMAC of address and digits.

    email: the address it was sent to; code_challenge: of the PKCE flow that asked for it; failures: wrong digits so far.
    """

    id = UUID(primary_key=True, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None)
    purpose = Varchar(length=24, default=None)
    email = Varchar(length=254, default=None)
    token_hash = Bytea(default=None, unique=True)
    otp_hash = Bytea(default=None)
    failures = Integer(default=0)
    code_challenge = Varchar(length=128, default=None, null=True)
    code_challenge_method = Varchar(length=8, default=None, null=True)
    created_at = Timestamptz(default=None)
    expires_at = Timestamptz(default=None)
    one_per_purpose = Unique(["user_id", "purpose"])


class AuthFlowCodes(Table, tablename="auth_flow_codes"):
    """A PKCE code waiting to be changed for a sign-in. code_hash: SHA-256; method: how the person proved themselves.

    sso_connection_id: the connection they came by, if one; sso_generation: which of its times of being on that was.
    """

    id = UUID(primary_key=True, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    code_hash = Bytea(default=None, unique=True)
    code_challenge = Varchar(length=128, default=None)
    code_challenge_method = Varchar(length=8, default=None)
    method = Varchar(length=24, default=None)
    expires_at = Timestamptz(default=None)
    sso_connection_id = UUID(default=None, null=True)
    sso_generation = Integer(default=0)


class AuthFactors(Table, tablename="auth_factors"):
    """A second factor. secret: nonce and AES-256-GCM of 20 bytes; last_step: the newest time step a code was taken of."""

    id = UUID(primary_key=True, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    friendly_name = Varchar(length=80, default=None)
    factor_type = Varchar(length=16, default=None)
    status = Varchar(length=16, default=None)
    secret = Bytea(default=None)
    last_step = BigInt(default=0)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)


class AuthChallenges(Table, tablename="auth_challenges"):
    """A question to a factor, good for one right answer."""

    id = UUID(primary_key=True, default=None)
    factor_id = ForeignKey(AuthFactors, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    expires_at = Timestamptz(default=None)


class AuthRecoveryCodes(Table, tablename="auth_recovery_codes"):
    """A code on paper, for when the factor is lost. code_hash: HMAC of the person's id and the code."""

    code_hash = Bytea(primary_key=True, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    created_at = Timestamptz(default=None)
    used_at = Timestamptz(default=None, null=True)


class DevMailbox(Table, tablename="dev_mailbox"):
    """Mail that was not sent: in development it is read at /dev/mailbox. Always empty elsewhere."""

    id = UUID(primary_key=True, default=None)
    to_address = Varchar(length=254, default=None)
    subject = Text(default=None)
    text = Text(default=None)
    html = Text(default=None)
    created_at = Timestamptz(default=None)
