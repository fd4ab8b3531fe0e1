"""Mail over SMTP to a real server on this machine: what arrives, what is tried again, what is given up."""

# ruff: noqa: ARG002 - the SMTP library calls its handlers with all of these

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from control_plane.domain.mail import TEMPLATES, Mail, Template, render
from control_plane.domain.outbox import GiveUp
from control_plane.gateways.mail import SmtpMailer
from scripts.stack.ports import free_port

SENDER = "Acme Rooms <rooms@acme.example>"


class Postman:
    """Takes letters; refuses some by their address."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        if address.startswith("busy@"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        letter: Any = message_from_bytes(content, policy=default)
        self.letters.append(letter)
        return "250 OK"


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def url(postman: Postman) -> Iterator[str]:
    """Where the SMTP server is."""
    port = free_port()
    controller = Controller(postman, hostname="127.0.0.1", port=port)
    controller.start()
    yield f"smtp://127.0.0.1:{port}"
    controller.stop()


def _mail(to: str = "ada@example.com", **facts: str) -> Mail:
    return render(to, TEMPLATES["signup"], {"link": "https://rooms.example/x?a=1&b=2", "code": "123456", **facts})


async def test_a_letter_arrives_as_text_and_as_html(url: str, postman: Postman) -> None:
    await SmtpMailer(url, SENDER).send(_mail(), uuid4())

    (letter,) = postman.letters
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (letter["From"], letter["To"]) == (SENDER, "ada@example.com")
    assert "https://rooms.example/x?a=1&b=2" in text.get_content()
    assert 'href="https://rooms.example/x?a=1&amp;b=2"' in html.get_content()
    assert "123456" in text.get_content()


async def test_a_repeat_of_a_letter_can_be_told(url: str, postman: Postman) -> None:
    letter_id = uuid4()

    for _ in range(2):
        await SmtpMailer(url, SENDER).send(_mail(), letter_id)

    assert all(letter_id.hex in letter["Message-ID"] for letter in postman.letters)
    assert len(postman.letters) == 2


async def test_an_address_that_is_refused_for_good_is_given_up(url: str) -> None:
    with pytest.raises(GiveUp, match="refused"):
        await SmtpMailer(url, SENDER).send(_mail("nobody@example.com"), uuid4())


async def test_a_server_that_is_busy_or_away_is_tried_again(url: str) -> None:
    for address, server in (("busy@example.com", url), ("ada@example.com", f"smtp://127.0.0.1:{free_port()}")):
        with pytest.raises(Exception) as failed:  # noqa: PT011 - whatever is no GiveUp is tried again
            await SmtpMailer(server, SENDER).send(_mail(address), uuid4())
        assert not isinstance(failed.value, GiveUp)


async def test_a_password_never_travels_without_tls(url: str, postman: Postman) -> None:
    with pytest.raises(Exception, match="STARTTLS"):
        await SmtpMailer(url.replace("smtp://", "smtp://user:secret@"), SENDER).send(_mail(), uuid4())

    assert postman.letters == []


def test_what_others_wrote_is_text_in_a_letter_and_never_a_header_or_markup() -> None:
    template = Template(subject="{who} invites you", lines=("{who} has a room.",))

    mail = render("ada@example.com", template, {"who": "<b>Eve</b>\r\nBcc: all@example.com {link}", "link": "x"})

    assert "\n" not in mail.subject
    assert "<b>" not in mail.html
    assert "{link}" in mail.subject
