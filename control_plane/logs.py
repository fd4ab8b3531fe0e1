"""Logs: one JSON object a line for machines, or colours for people; on standard output, other libraries' too."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

import msgspec
import structlog

# Never with local variables: they hold tokens and passwords.
_TRACEBACKS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)

_encoder = msgspec.json.Encoder()


class AccessLog:
    """A line a request, of the same form as every logger's, for a fifth of its CPU time.

    Args:
        name: the logger's.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._log = structlog.get_logger(name)

    def info(self, event: str, **facts: str | float) -> None:
        """Write a line with these facts; for people with those bound to the context, too."""
        self.write(event, [(time.time(), facts)])

    def write(self, event: str, lines: Sequence[tuple[float, dict[str, str | float]]]) -> None:
        """Write lines at once. lines: when it happened, Unix seconds, and the facts."""
        if not _is_json:
            for _, facts in lines:
                self._log.info(event, **facts)
            return
        fixed = {"event": event, "level": "info", "logger": self._name}
        text = [_one_line({**facts, **fixed, "timestamp": _written(at)}) + "\n" for at, facts in lines]
        # As logging's handlers: a reader that went away keeps no request from its answer.
        with suppress(OSError, ValueError):
            sys.stdout.write("".join(text))
            sys.stdout.flush()


def _written(at: float) -> str:
    """A time as structlog writes it."""
    return datetime.fromtimestamp(at, UTC).isoformat()[:-6] + "Z"


def _one_line(line: dict[str, str | float]) -> str:
    """A line of printable ASCII: paths are strangers' text, and terminals and readers of lines obey some characters."""
    text = _encoder.encode(line).decode()
    return text if text.isascii() and text.isprintable() else json.dumps(line)


_is_json = False
"""Whether `configure_logs` chose lines for machines."""


def configure_logs(log_format: Literal["json", "console"]) -> None:
    """Set up structlog and the standard library's logging, once per process."""
    global _is_json  # noqa: PLW0603 - one log a process, as structlog's and logging's own
    _is_json = log_format == "json"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.ExceptionRenderer(_TRACEBACKS), structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("asyncio", "litestar"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Its warnings are about requests that are none: every stranger could fill the log with them.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
