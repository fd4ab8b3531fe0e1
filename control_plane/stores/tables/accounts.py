"""People and how they sign in. No tenant: the `auth_*` tables are seen by the platform role only."""

from __future__ import annotations

from piccolo.columns import JSONB, UUID, Boolean, Bytea, ForeignKey, Text, Timestamptz, Varchar
from piccolo.columns.base import OnDelete
from piccolo.table import Table


class Users(Table, tablename="users"):
    """A login. email: lower case. Tenants see the users who are their members."""

    id = UUID(primary_key=True, default=None)
    email = Varchar(length=254, unique=True, default=None)
    display_name = Varchar(length=80, default=None)
    created_at = Timestamptz(default=None)
    updated_at = Timestamptz(default=None)


class AuthCredentials(Table, tablename="auth_credentials"):
    """One person's password (argon2id, PHC string; empty: none) and what Supabase clients keep beside it.

    app_metadata: what the person may not write; email_change: the address they want, until both have confirmed;
    email_change_agreed: the purpose of the mailed token whose mailbox has; email_change_halfway: whether one has.
    """

    user_id = UUID(primary_key=True, default=None)
    password_hash = Text(default=None)
    user_metadata = JSONB(default="{}")
    last_sign_in_at = Timestamptz(default=None, null=True)
    app_metadata = JSONB(default="{}")
    email_confirmed_at = Timestamptz(default=None, null=True)
    confirmation_sent_at = Timestamptz(default=None, null=True)
    recovery_sent_at = Timestamptz(default=None, null=True)
    invited_at = Timestamptz(default=None, null=True)
    banned_until = Timestamptz(default=None, null=True)
    email_change = Varchar(length=254, default=None, null=True)
    email_change_sent_at = Timestamptz(default=None, null=True)
    email_change_halfway = Boolean(default=False)
    email_change_agreed = Varchar(length=24, default=None, null=True)


class AuthSessions(Table, tablename="auth_sessions"):
    """One sign-in: the family of its refresh tokens. revoked_at: signed out, or a stolen token was noticed.

    aal: aal1 or aal2; amr: how the person proved themselves, [{method, timestamp}]; refreshed_at: when last heard of.
    sso_connection_id: by which connection it came; without it, or with it off, the sign-in is over. No foreign key: a
    connection that is gone must not leave an ordinary sign-in behind.
    """

    id = UUID(primary_key=True, default=None)
    user_id = ForeignKey(Users, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    created_at = Timestamptz(default=None)
    revoked_at = Timestamptz(default=None, null=True)
    refreshed_at = Timestamptz(default=None, null=True)
    aal = Varchar(length=8, default="aal1")
    amr = JSONB(default="[]")
    ip = Varchar(length=64, default=None, null=True)
    user_agent = Varchar(length=256, default=None, null=True)
    sso_connection_id = UUID(default=None, null=True, index=True)


class AuthRefreshTokens(Table, tablename="auth_refresh_tokens"):
    """SHA-256 of a refresh token; used_at: when it was changed for the next one."""

    token_hash = Bytea(primary_key=True, default=None)
    session_id = ForeignKey(AuthSessions, on_delete=OnDelete.cascade, null=False, default=None, index=True)
    created_at = Timestamptz(default=None)
    used_at = Timestamptz(default=None, null=True)


class AuthSigningKeys(Table, tablename="auth_signing_keys"):
    """ES256 keys. private_key: PKCS#8 DER sealed with AES-256-GCM under TR_SECRET_KEY; public_jwk: as served."""

    kid = Varchar(length=64, primary_key=True, default=None)
    purpose = Varchar(length=16, default=None)
    private_key = Bytea(default=None)
    public_jwk = JSONB(default=None)
    created_at = Timestamptz(default=None)
    retired_at = Timestamptz(default=None, null=True)
