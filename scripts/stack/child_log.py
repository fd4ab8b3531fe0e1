"""A child's output: every line into its log file, errors also on the console."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

from scripts.stack.console import say

MAX_LOG_BYTES = 10 * 1024 * 1024
"""A log file that grew past this becomes `NAME.log.1`, replacing the older one."""
_LAST_LINES = 12
_CONSOLE_LINES, _CONSOLE_WINDOW_S = 3, 10.0
"""Error lines of one process shown per window; the rest only stands in its log."""
_LOUD = frozenset({"error", "critical", "fatal"})
_LOUD_WORDS = (" FATAL: ", " PANIC: ", "# Fatal", "# Failed", "Traceback (most recent call last)")
_USUAL_WORDS = (
    "administrator command",
    "database system is ",
    "connection to client lost",
    "unexpected postmaster exit",
    "OnRemoteBitrateReport() | Received REMB",
)
"""Called errors, but nothing to look at: PostgreSQL's while it starts, stops or was killed; and the media worker's about
headless clients, whose aiortc sends an old kind of bandwidth report beside the new one."""


class ChildLog:
    """Reads a child's pipe in the event loop and writes `logs/NAME.log`.

    Args:
        name: the process's.
        folder: of the logs; made if missing.
    """

    def __init__(self, name: str, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = folder / f"{name}.log"
        self.last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._name = name
        self._file = self.path.open("ab")
        self._reading: int | None = None
        self._rest = b""
        self._shown: deque[float] = deque()
        self._is_hushed = False

    def attach(self) -> int:
        """A new pipe to this log: the writing end, to be closed by the caller once the child has it."""
        self.detach()
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        asyncio.get_running_loop().add_reader(self._reading, self._read)
        return writing

    def detach(self) -> None:
        """Read what is left in the pipe and close it. May be called twice."""
        if self._reading is None:
            return
        reading = self._reading
        self._read()
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(reading)
            os.close(reading)
            self._reading = None

    def close(self) -> None:
        """Close pipe and file. May be called twice."""
        self.detach()
        self._file.close()

    def _read(self) -> None:
        reading = self._reading
        while reading is not None:
            try:
                chunk = os.read(reading, 65536)
            except BlockingIOError:
                return
            if not chunk:
                asyncio.get_running_loop().remove_reader(reading)
                os.close(reading)
                self._reading = None
                return
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._file.flush()
        if self._file.tell() > MAX_LOG_BYTES:
            self._file.close()
            self.path.replace(self.path.with_suffix(".log.1"))
            self._file = self.path.open("ab")
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            self.last_lines.append(text)
            loud = loud_sentence(text)
            if loud is not None:
                self._show(loud)

    def _show(self, sentence: str) -> None:
        now = time.monotonic()
        while self._shown and now - self._shown[0] > _CONSOLE_WINDOW_S:
            self._shown.popleft()
            self._is_hushed = False
        if len(self._shown) < _CONSOLE_LINES:
            self._shown.append(now)
            say(f"{self._name}: {sentence}")
        elif not self._is_hushed:
            self._is_hushed = True
            say(f"{self._name}: more errors in {self.path}")


def loud_sentence(line: str) -> str | None:
    """One line for the console where a log line is an error, None where it is not.

    Args:
        line: structlog's JSON (`event`, `level`, facts), or PostgreSQL's or Valkey's plain text.
    """
    if any(word in line for word in _USUAL_WORDS):
        return None
    if not line.startswith("{"):
        return line[:300] if any(word in line for word in _LOUD_WORDS) else None
    try:
        facts = msgspec.json.decode(line.encode(), type=dict[str, Any])
    except msgspec.DecodeError:
        return None
    if str(facts.get("level", "")).lower() not in _LOUD:
        return None
    event = str(facts.get("event", ""))
    rest = " ".join(
        f"{key}={value}"
        for key, value in facts.items()
        if key not in {"event", "level", "timestamp", "logger", "exception", "exc_info"}
    )
    return f"{event} {rest}".strip()[:300]
