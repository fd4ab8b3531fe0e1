"""Sign-ins on their way to an identity provider and back; platform scope. Only hashes of what the browser holds are kept."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.ids import UserId
from control_plane.domain.sign_ins import Challenge
from control_plane.domain.sso import SsoEntrance, SsoFlow, SsoIdentity
from control_plane.stores.database import Rows, Transaction

_COLUMNS = (
    "id, connection_id, browser_hash, request_id, answer, redirect_to, code_challenge, code_challenge_method, tester_id, "
    "expires_at, generation"
)


def _flow(row: Rows) -> SsoFlow:
    challenge, answer = row["code_challenge"], row["answer"]
    return SsoFlow(
        id=row["id"],
        connection_id=row["connection_id"],
        browser_hash=row["browser_hash"],
        request_id=row["request_id"],
        answer=None if answer is None else msgspec.json.decode(answer, type=SsoIdentity),
        redirect_to=row["redirect_to"],
        challenge=None if challenge is None else Challenge(value=challenge, method=row["code_challenge_method"]),
        tester_id=None if row["tester_id"] is None else UserId(row["tester_id"]),
        expires_at=row["expires_at"],
        generation=row["generation"],
    )


async def insert_flow(tx: Transaction, flow: SsoFlow, state_hash: bytes, now: datetime) -> None:
    """Write a flow that begins."""
    await tx.execute(
        "insert into sso_flows (id, connection_id, state_hash, browser_hash, request_id, redirect_to, code_challenge, "
        "code_challenge_method, tester_id, created_at, expires_at, generation) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        flow.id,
        flow.connection_id,
        state_hash,
        flow.browser_hash,
        flow.request_id,
        flow.redirect_to,
        None if flow.challenge is None else flow.challenge.value,
        None if flow.challenge is None else flow.challenge.method,
        flow.tester_id,
        now,
        flow.expires_at,
        flow.generation,
    )


async def lock_flow(tx: Transaction, state_hash: bytes) -> SsoFlow | None:
    """A flow, held until commit; None when it is unknown or over."""
    row = await tx.fetchrow(f"select {_COLUMNS} from sso_flows where state_hash = $1 for update", state_hash)  # noqa: S608
    return None if row is None else _flow(row)


async def take_flow(tx: Transaction, state_hash: bytes) -> SsoFlow | None:
    """Take a flow: it is gone then, so one of two gets it. None when it is unknown or over."""
    row = await tx.fetchrow(f"delete from sso_flows where state_hash = $1 returning {_COLUMNS}", state_hash)  # noqa: S608
    return None if row is None else _flow(row)


async def bind_browser(tx: Transaction, flow: SsoFlow, browser_hash: bytes) -> None:
    """This browser left for the provider: only it may come back."""
    await tx.execute("update sso_flows set browser_hash = $2 where id = $1", flow.id, browser_hash)


async def keep_answer(tx: Transaction, flow: SsoFlow, answer: SsoIdentity) -> None:
    """What a SAML provider said, until the browser comes for it with its cookie."""
    await tx.execute(
        "update sso_flows set answer = $2::jsonb where id = $1", flow.id, msgspec.json.encode(answer).decode()
    )


async def forget_expired(tx: Transaction, now: datetime) -> int:
    """Delete flows nobody came back from. Answers how many."""
    return await tx.execute("delete from sso_flows where expires_at < $1", now)


async def forget_codes(tx: Transaction, connection_id: UUID) -> None:
    """Void the codes of a connection that nobody has changed for a sign-in yet."""
    await tx.execute("delete from auth_flow_codes where sso_connection_id = $1", connection_id)


async def forget_flows(tx: Transaction, connection_id: UUID) -> None:
    """Void what is on its way by a connection, answers that wait for their browser included."""
    await tx.execute("delete from sso_flows where connection_id = $1", connection_id)


# --- who opens, and who shuts


async def hold_open(tx: Transaction, entrance: SsoEntrance) -> bool:
    """Whether a connection is on as it was when it vouched; until commit nobody shuts it. Platform scope."""
    await tx.execute(
        "select pg_advisory_xact_lock_shared(hashtext('sso_connection'), hashtext($1))", str(entrance.connection_id)
    )
    # A statement of its own: it sees what was committed while the lock was waited for.
    found = await tx.fetchval(
        "select 1 from sso_connections where id = $1 and is_enabled and generation = $2",
        entrance.connection_id,
        entrance.generation,
    )
    return found is not None


async def hold_shut(tx: Transaction, connection_id: UUID) -> None:
    """Wait for whoever opens sign-ins by a connection, and let nobody until commit: it is about to be shut. Any scope."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('sso_connection'), hashtext($1))", str(connection_id))
