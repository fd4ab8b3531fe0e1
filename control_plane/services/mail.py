"""Mail as an effect: a letter is put in the outbox with what causes it, and sent by the jobs door."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from control_plane.domain.ids import OrganizationId
from control_plane.domain.mail import MAIL_KIND, TEMPLATES, Mail, Template, render
from control_plane.domain.outbox import GiveUp, OutboxMessage
from control_plane.services.outbox import OutboxService
from control_plane.services.ports import Mailer
from control_plane.stores import mailbox as store
from control_plane.stores.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class MailService:
    """Writes letters and sends them.

    Attributes:
        mailer: sends; None: there is no SMTP server.
        has_mailbox: letters are kept in the mailbox of development instead.
    """

    db: Database
    outbox: OutboxService
    mailer: Mailer | None
    has_mailbox: bool

    @property
    def can_send(self) -> bool:
        """Whether letters get anywhere."""
        return self.mailer is not None or self.has_mailbox

    async def put(
        self,
        tx: Transaction,
        to: str,
        template: str,
        facts: dict[str, str],
        *,
        organization_id: OrganizationId | None = None,
    ) -> None:
        """Write a letter of a known template in the transaction that causes it; see `domain.mail.render` for the facts.

        organization_id: the tenant of the scope; None in a platform scope.
        """
        await self.put_letter(tx, to, TEMPLATES[template], facts, organization_id=organization_id)

    async def put_letter(
        self,
        tx: Transaction,
        to: str,
        template: Template,
        facts: dict[str, str],
        *,
        organization_id: OrganizationId | None = None,
    ) -> None:
        """As `put`, with words of the caller's own."""
        letter = msgspec.to_builtins(render(to, template, facts))
        await self.outbox.put(tx, MAIL_KIND, letter, organization_id=organization_id)

    async def send(self, message: OutboxMessage) -> None:
        """Have the effect: send the letter, or keep it. Raises GiveUp: it can't be sent, now or later."""
        try:
            mail = msgspec.convert(message.body, Mail)
        except msgspec.ValidationError as error:
            raise GiveUp(f"not a letter: {error}") from error
        if self.mailer is not None:
            await self.mailer.send(mail, message.id)
        elif self.has_mailbox:
            async with self.db.platform() as tx:
                await store.keep(tx, message.id, mail, message.created_at)
        else:
            raise GiveUp("there is no SMTP server: TR_SMTP_URL is not set")

    async def list_mailbox(self, to: str | None, limit: int) -> list[store.KeptMail]:
        """The mailbox of development, newest first. Raises Unavailable."""
        async with self.db.platform() as tx:
            return await store.list_mail(tx, to, limit)
