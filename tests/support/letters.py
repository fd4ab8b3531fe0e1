"""Letters as people get them, where the jobs door is no process of its own."""

from __future__ import annotations

from control_plane.jobs.kinds import kinds_of
from control_plane.services.platform import Platform
from tests.contract.auth.issuer import Letter


async def do_what_is_due(platform: Platform) -> None:
    """What the jobs door does, until nothing is due; all of it has to succeed."""
    kinds = kinds_of(platform)
    while messages := await platform.outbox.claim(kinds, 50):
        for message in messages:
            assert await platform.outbox.have(message, kinds[message.kind]) == "done"


async def letters_to(platform: Platform, to: str) -> list[Letter]:
    """Letters to an address, newest first, once what is due was done."""
    await do_what_is_due(platform)
    return [Letter(one.mail.subject, one.mail.text) for one in await platform.mail.list_mailbox(to, 50)]
