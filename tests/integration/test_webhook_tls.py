"""Webhooks over TLS: the receiver's certificate is checked against the name, while the connection goes to a checked address.

The receivers have real sockets and certificates of an authority that only this test believes in.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from control_plane.domain.plans import PlanTier
from control_plane.gateways import webhook_sender
from control_plane.gateways.webhook_sender import WebhookSender
from control_plane.jobs.kinds import kinds_of
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import TestDatabase, make_settings
from tests.factories import make_tenant

NAME = "hooks.example.com"
PUBLIC = "93.184.216.34"


@dataclass
class Receiver:
    """A TLS server. names: what clients asked for in their ClientHello; got: heads of requests that came through."""

    port: int = 0
    names: list[str | None] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            # A server without TLS answers the greeting of one who speaks it.
            is_plain = writer.get_extra_info("ssl_object") is None
            self.got.append((await (reader.read(1) if is_plain else reader.readuntil(b"\r\n\r\n"))).decode())
            await self.may_answer.wait()
            writer.write(b"HTTP/1.1 204 X\r\nConnection: close\r\n\r\n")
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def _receiver(certificate: trustme.LeafCert | None) -> AsyncIterator[Receiver]:
    """None: a server without TLS."""
    made, context = Receiver(), None
    made.may_answer.set()
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        context.set_servername_callback(lambda _, name, __: made.names.append(name))
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@pytest.fixture
def sender(authority: trustme.CA) -> WebhookSender:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return WebhookSender(allows_private=True, ssl_context=context)


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Says where NAME leads, one answer a question, the last one for good; notes the questions."""

    def say(*answers: list[str]) -> list[str]:
        asked: list[str] = []
        left, real = list(answers), socket.getaddrinfo

        def look(host: Any, port: Any, *more: Any, **named: Any) -> Any:
            if host != NAME:
                return real(host, port, *more, **named)
            asked.append(host)
            addresses = left.pop(0) if len(left) > 1 else left[0]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", look)
        return asked

    return say


async def test_a_name_is_asked_for_once_and_the_certificate_is_checked_against_it(
    authority: trustme.CA, sender: WebhookSender, resolve: Callable[..., list[str]]
) -> None:
    asked = resolve(["127.0.0.1"], [PUBLIC])
    async with _receiver(authority.issue_cert(NAME)) as receiver:
        status, _, _, error = await sender.send(f"https://{NAME}:{receiver.port}/hook", {}, b"{}")
    await sender.close()

    assert (status, error) == (204, None)
    assert asked == [NAME]
    assert receiver.names == [NAME]
    assert f"Host: {NAME}:{receiver.port}" in receiver.got[0]


async def test_a_certificate_for_the_address_is_none_for_the_name(
    authority: trustme.CA, sender: WebhookSender, resolve: Callable[..., list[str]]
) -> None:
    resolve(["127.0.0.1"])
    async with _receiver(authority.issue_cert("127.0.0.1", "other.example.com")) as receiver:
        status, _, _, error = await sender.send(f"https://{NAME}:{receiver.port}/hook", {}, b"{}")
    await sender.close()

    assert status is None
    assert error == f"the certificate was refused: Hostname mismatch, certificate is not valid for '{NAME}'."
    assert receiver.got == []


async def test_a_name_with_one_private_address_among_public_ones_is_not_connected_to(
    authority: trustme.CA, resolve: Callable[..., list[str]]
) -> None:
    resolve([PUBLIC, "127.0.0.1"])
    context = ssl.create_default_context()
    authority.configure_trust(context)
    strict = WebhookSender(allows_private=False, ssl_context=context)
    async with _receiver(authority.issue_cert(NAME)) as receiver:
        status, _, _, error = await strict.send(f"https://{NAME}:{receiver.port}/hook", {}, b"{}")
    await strict.close()

    assert (status, error) == (None, "the name leads to an address that is not public")
    assert receiver.names == []


async def test_a_server_without_tls_is_told_apart_from_a_bad_certificate(sender: WebhookSender) -> None:
    async with _receiver(None) as receiver:
        status, _, _, error = await sender.send(f"https://localhost:{receiver.port}/hook", {}, b"{}")
    await sender.close()

    assert (status, error) == (None, "TLS failed")


async def test_a_receiver_that_is_slow_is_told_apart_from_one_whose_tls_fails(
    authority: trustme.CA, sender: WebhookSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_sender, "ANSWER_TIMEOUT_S", 0.2)
    async with _receiver(authority.issue_cert("localhost")) as receiver:
        receiver.may_answer.clear()
        status, _, _, error = await sender.send(f"https://localhost:{receiver.port}/hook", {}, b"{}")
        receiver.may_answer.set()
    await sender.close()

    assert (status, error) == (None, "ReadTimeout")


# --- through the outbox, with the authorities the process itself believes


@pytest.fixture
def settings(
    database: TestDatabase,
    valkey: EmbeddedValkey,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    bundle = tmp_path / "authorities.pem"
    authority.cert_pem.write_to_path(str(bundle))
    # What OpenSSL reads for the machine's authorities; set before the sender is made.
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    return make_settings(database.app_url, valkey.url(), TR_WEBHOOKS_PRIVATE="on")


async def _deliver(api: httpx.AsyncClient, platform: Platform, receiver: Receiver) -> dict[str, Any]:
    """Send a test event to a receiver, once, and read its delivery."""
    tenant = await make_tenant(platform, PlanTier.PROFESSIONAL)
    body = {"url": f"https://localhost:{receiver.port}/hook", "events": ["*"]}
    webhook = (await api.post(f"{tenant.path}/webhooks", json=body, headers=tenant.owner.headers)).json()
    path = f"{tenant.path}/webhooks/{webhook['id']}"
    answer = await api.post(f"{path}/ping", headers=tenant.owner.headers)
    assert answer.status_code in {200, 201, 202}, answer.text
    kinds = kinds_of(platform)
    for message in await platform.outbox.claim(kinds, 16):
        await platform.outbox.have(message, kinds[message.kind])
    [delivery] = (await api.get(f"{path}/deliveries", headers=tenant.owner.headers)).json()["items"]
    found: dict[str, Any] = delivery
    return found


async def test_a_delivery_over_tls_arrives(api: httpx.AsyncClient, platform: Platform, authority: trustme.CA) -> None:
    async with _receiver(authority.issue_cert("localhost")) as receiver:
        delivery = await _deliver(api, platform, receiver)

    assert delivery["deliveredAt"] is not None
    assert receiver.names == ["localhost"]
    assert "webhook-signature" in receiver.got[0]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("name", "the certificate was refused: Hostname mismatch, certificate is not valid for 'localhost'."),
        ("expired", "the certificate was refused: certificate has expired"),
        ("early", "the certificate was refused: certificate is not yet valid"),
        ("unknown", "the certificate was refused: unable to get local issuer certificate"),
    ],
)
async def test_a_delivery_says_what_is_wrong_with_the_certificate(
    api: httpx.AsyncClient, platform: Platform, authority: trustme.CA, fault: str, words: str
) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    certificate = {
        "name": lambda: authority.issue_cert("other.example.com"),
        "expired": lambda: authority.issue_cert("localhost", not_before=now - 9 * day, not_after=now - day),
        "early": lambda: authority.issue_cert("localhost", not_before=now + day, not_after=now + 9 * day),
        "unknown": lambda: trustme.CA().issue_cert("localhost"),
    }[fault]()
    async with _receiver(certificate) as receiver:
        delivery = await _deliver(api, platform, receiver)

    [attempt] = delivery["attempts"]
    assert (attempt["status"], attempt["error"]) == (None, words)
    assert (delivery["deliveredAt"], receiver.got) == (None, [])
