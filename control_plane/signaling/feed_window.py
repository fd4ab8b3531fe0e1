"""The newest entries of a room's feed, in order and without holes. Pure.

Pushes may be lost, doubled or cross on their way here. The window lets an entry out only after the one before it, so that
every socket gets the feed as it is written; a hole is filled by reading the rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from control_plane.domain.events import FeedEvent

WINDOW = 200
"""Entries kept: the most that a welcome carries."""


class FeedWindow:
    """One room's feed as told so far.

    Args:
        entries: the newest ones, oldest first, consecutive.
        last_seq: number of the newest, >= 0; 0 means an empty feed.
    """

    def __init__(self, entries: Iterable[FeedEvent] = (), last_seq: int = 0) -> None:
        self._entries: deque[FeedEvent] = deque(entries, maxlen=WINDOW)
        self._early: dict[int, FeedEvent] = {}
        self._known_seq = last_seq
        self.told_seq = last_seq
        """Number of the newest entry that was let out, >= 0."""

    @property
    def last_seq(self) -> int:
        """Number of the newest entry known to exist, >= told_seq."""
        return self._known_seq

    @property
    def has_hole(self) -> bool:
        """Whether entries are known to be missing."""
        return self._known_seq > self.told_seq

    def note_last_seq(self, last_seq: int) -> None:
        """The rows say that the feed has reached this number."""
        self._known_seq = max(self._known_seq, last_seq)

    def add(self, entries: Iterable[FeedEvent]) -> list[FeedEvent]:
        """Take in entries in any order, also repeated ones.

        Returns:
            What may be told now, in order; each entry is let out once.
        """
        for entry in entries:
            if entry.seq > self.told_seq:
                self._early[entry.seq] = entry
                self._known_seq = max(self._known_seq, entry.seq)
        told = []
        while self.told_seq + 1 in self._early:
            self.told_seq += 1
            entry = self._early.pop(self.told_seq)
            self._entries.append(entry)
            told.append(entry)
        if len(self._early) > WINDOW:
            # So far behind that reading the rows is cheaper; they are read anyway.
            self._early.clear()
        return told

    def newest(self, count: int) -> list[FeedEvent]:
        """The newest entries let out, at most `count`, oldest first."""
        return list(self._entries)[-count:] if count > 0 else []

    def after(self, seq: int) -> list[FeedEvent]:
        """Entries let out with a number above `seq`, oldest first; only those still kept."""
        return [entry for entry in self._entries if entry.seq > seq]
