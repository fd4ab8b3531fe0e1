"""Chat: saying something in a room."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from control_plane.domain.chat import clean_text
from control_plane.domain.errors import Forbidden
from control_plane.domain.events import FeedEvent
from control_plane.domain.ids import MessageId
from control_plane.domain.roles import Permission
from control_plane.domain.rooms import may_chat
from control_plane.services.feed import Author, FeedService
from control_plane.stores import feed as store
from control_plane.stores.database import Transaction
from control_plane.stores.rooms import read_chat_rule


@dataclass(frozen=True, slots=True)
class ChatService:
    """Posts messages."""

    feed: FeedService

    async def post(self, author: Author, message_id: MessageId, text: str) -> FeedEvent:
        """Post a message; committed when this returns. A repeat of the id by its author answers the first entry.

        Raises:
            Forbidden: the author may not chat, or not in this room. InvalidInput: the text.
            Conflict: the id is someone else's, or the room is archived. NotFound: no such room. Unavailable.
        """
        if not author.can_post_chat:
            raise Forbidden("You can't write here.", permission=Permission.POST_CHAT.value)
        cleaned = clean_text(text)

        async def append(tx: Transaction, draft: FeedEvent) -> FeedEvent | None:
            who = await read_chat_rule(tx, author.organization_id, author.room_id)
            if who is not None and not may_chat(author.role, who):
                raise Forbidden("Only some may write in this room.", permission=Permission.POST_CHAT.value)
            return await store.append_chat(tx, author.organization_id, author.room_id, draft, cleaned)

        body = msgspec.json.encode({"text": cleaned})
        return await self.feed.post(author, "chat.posted", message_id, body, append)
