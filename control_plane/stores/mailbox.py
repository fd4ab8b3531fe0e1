"""The mailbox of development: mail that was not sent; platform scope."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from control_plane.domain.mail import Mail
from control_plane.stores.database import Transaction

KEPT = 500
"""Letters kept; older ones go."""


class KeptMail(msgspec.Struct, frozen=True, kw_only=True):
    """A letter in the mailbox."""

    id: UUID
    mail: Mail
    created_at: datetime


async def keep(tx: Transaction, letter_id: UUID, mail: Mail, now: datetime) -> None:
    """Put a letter in; a repeat is harmless."""
    await tx.execute(
        "insert into dev_mailbox (id, to_address, subject, text, html, created_at) values ($1, $2, $3, $4, $5, $6) "
        "on conflict (id) do nothing",
        letter_id,
        mail.to,
        mail.subject,
        mail.text,
        mail.html,
        now,
    )
    await tx.execute(
        "delete from dev_mailbox where id < (select id from dev_mailbox order by id desc offset $1 limit 1)", KEPT
    )


async def list_mail(tx: Transaction, to: str | None, limit: int) -> list[KeptMail]:
    """Letters, newest first. to: only this address's; None: everybody's."""
    rows = await tx.fetch(
        "select id, to_address, subject, text, html, created_at from dev_mailbox "
        "where $1::text is null or to_address = $1 order by id desc limit $2",
        to,
        limit,
    )
    return [
        KeptMail(
            id=row["id"],
            mail=Mail(to=row["to_address"], subject=row["subject"], text=row["text"], html=row["html"]),
            created_at=row["created_at"],
        )
        for row in rows
    ]
