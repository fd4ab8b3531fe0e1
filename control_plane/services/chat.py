"""Chat: saying something in a room."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from control_plane.domain.chat import clean_text
from control_plane.domain.errors import Forbidden
from control_plane.domain.events import FeedEvent
from control_plane.domain.ids import MessageId
from control_plane.domain.roles import Permission
from control_plane.services.feed import Author, FeedService
from control_plane.stores import feed as store
from control_plane.stores.database import Transaction


@dataclass(frozen=True, slots=True)
class ChatService:
    """Posts messages."""

    feed: FeedService

    async def post(self, author: Author, message_id: MessageId, text: str) -> FeedEvent:
        """Post a message; committed when this returns. A repeat of the id by its author answers the first entry.

        Raises:
            Forbidden: the author may not chat. InvalidInput: the text. Conflict: the id is someone else's.
            NotFound: no such room. Unavailable.
        """
        if not author.can_post_chat:
            raise Forbidden("You can't write here.", permission=Permission.POST_CHAT.value)
        cleaned = clean_text(text)

        async def append(tx: Transaction, draft: FeedEvent) -> FeedEvent | None:
            return await store.append_chat(tx, author.organization_id, author.room_id, draft, cleaned)

        body = msgspec.json.encode({"text": cleaned})
        return await self.feed.post(author, "chat.posted", message_id, body, append)
