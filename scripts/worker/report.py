"""Lines for people, on standard error, so that standard output stays a clean answer."""

import sys


class SetupError(Exception):
    """Set-up cannot go on. The message says what to do; no traceback is shown."""


def say(line: str) -> None:
    """Print one line of progress on standard error, at once.

    Args:
        line: a sentence without a line end.
    """
    print(f"worker: {line}", file=sys.stderr, flush=True)
