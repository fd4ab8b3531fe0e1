"""`python -m scripts.worker`: obtain the worker, print its path as the last line of standard output.

Progress goes to standard error. Exit 0: the path is printed. Exit 1: the reason is on standard error.
"""

import signal
import sys
from types import FrameType

from scripts.worker.obtain import obtain
from scripts.worker.report import SetupError, say


def main() -> int:
    """Run the command; returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        print(obtain())
    except SetupError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM unwinds like an exit, so that compilers are ended and temporary folders removed."""
    sys.exit(143)


if __name__ == "__main__":
    sys.exit(main())
