"""Chat: what a message may be."""

from __future__ import annotations

from control_plane.domain.errors import InvalidInput

MESSAGE_MAX_LENGTH = 2000
"""Characters in one chat message."""


def clean_text(text: str) -> str:
    """A message as it is kept: line breaks allowed, other control characters refused, ends trimmed.

    Raises:
        InvalidInput: empty after trimming, over MESSAGE_MAX_LENGTH, or with control characters.
    """
    cleaned = text.replace("\r\n", "\n").strip()
    if any((ord(character) < 32 and character not in "\n\t") or ord(character) == 127 for character in cleaned):
        raise InvalidInput("A message can't hold control characters.", field="text")
    if not 1 <= len(cleaned) <= MESSAGE_MAX_LENGTH:
        raise InvalidInput(f"A message has 1 to {MESSAGE_MAX_LENGTH} characters.", field="text")
    return cleaned
