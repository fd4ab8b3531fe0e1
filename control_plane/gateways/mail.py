"""SMTP: one connection per letter, TLS where the address says so."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from ssl import create_default_context
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import aiosmtplib

from control_plane.domain.mail import Mail
from control_plane.domain.outbox import GiveUp
from control_plane.gateways.clock import SystemClock

TIMEOUT_S = 15.0
"""How long the server may take for each step, seconds."""
PERMANENT = range(500, 600)
"""Source: RFC 5321, 4.2.1: a 5yz reply is permanent."""


class SmtpMailer:
    """Sends letters; fills `services.ports.Mailer`.

    Args:
        url: `smtp://[user:password@]host[:port]` (STARTTLS when offered; `?starttls=required` insists), or `smtps://…`.
        sender: the From line.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        required = parse_qs(parts.query).get("starttls", [""])[0] == "required"
        # A password must not travel in the clear.
        self._start_tls = None if self._is_tls else (True if required or self._password else None)
        self._sender = sender

    async def send(self, mail: Mail, letter_id: UUID) -> None:
        """Send one letter; its Message-ID is made of letter_id, so that a repeat can be told.

        Raises:
            GiveUp: the server refuses it for good. OSError, aiosmtplib.SMTPException: it may work later.
        """
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(SystemClock().now())
        message["Message-ID"] = make_msgid(idstring=letter_id.hex, domain=self._sender.rpartition("@")[2].strip("> "))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._is_tls,
                start_tls=False if self._is_tls else self._start_tls,
                tls_context=create_default_context(),
                timeout=TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(one.code in PERMANENT for one in error.recipients):
                raise GiveUp(f"the address is refused: {error.recipients[0].message}") from error
            raise
        except aiosmtplib.SMTPResponseException as error:
            # Wrong passwords are our trouble and may be put right; they are tried again.
            if error.code in PERMANENT and not isinstance(error, aiosmtplib.SMTPAuthenticationError):
                raise GiveUp(f"the server refuses it: {error.code} {error.message}") from error
            raise
