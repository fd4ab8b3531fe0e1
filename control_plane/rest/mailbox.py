"""`/dev/mailbox`: mail that was not sent, for developing without a mail server. Never there with a database of one's own."""

from __future__ import annotations

from typing import Any

from litestar import get

from control_plane.domain.errors import NotFound
from control_plane.rest.callers import AnyRequest, PlatformDep

SHOWN = 100


@get("/dev/mailbox", include_in_schema=False)
async def read_mailbox(request: AnyRequest, platform: PlatformDep) -> dict[str, Any]:
    """The newest letters: `{letters: [{id, to, subject, text, html, createdAt}]}`; `?to=` only one address's."""
    if not platform.mail.has_mailbox:
        raise NotFound("There is no mailbox here.")
    letters = await platform.mail.list_mailbox(request.query_params.get("to"), SHOWN)
    return {
        "letters": [
            {
                "id": str(letter.id),
                "to": letter.mail.to,
                "subject": letter.mail.subject,
                "text": letter.mail.text,
                "html": letter.mail.html,
                "createdAt": letter.created_at,
            }
            for letter in letters
        ]
    }
