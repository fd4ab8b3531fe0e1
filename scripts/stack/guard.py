"""The supervisor's line to the warden: which process groups to end should the supervisor be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_WARDEN = Path(__file__).with_name("warden.py")


class Guard:
    """A warden that knows our process groups. One that was killed is replaced when there is something to tell."""

    def __init__(self) -> None:
        self._groups: dict[int, bool] = {}
        self._warden: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start the warden, in a session of its own: no Ctrl-C reaches it."""
        # Unbuffered: nothing is kept back that a broken pipe would then complain about.
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_WARDEN)], stdin=subprocess.PIPE, start_new_session=True, bufsize=0
        )

    def note(self, group: int, *, is_there: bool, is_orderly: bool) -> None:
        """A process group came or went; an orderly one ends by itself, given time."""
        if is_there:
            self._groups[group] = is_orderly
        else:
            self._groups.pop(group, None)
        if self._warden is None:
            return
        mark = ("~" if is_orderly else "+") if is_there else "-"
        if not self._write(f"{mark}{group}\n"):
            self._let_go()
            self.begin()
            self._write("".join(f"{'~' if orderly else '+'}{one}\n" for one, orderly in self._groups.items()))

    def end(self) -> None:
        """Let the warden go; nothing of ours may run any more. May be called twice."""
        self._let_go()

    def _write(self, lines: str) -> bool:
        assert self._warden is not None
        assert self._warden.stdin is not None
        try:
            self._warden.stdin.write(lines.encode())
        except BrokenPipeError:
            return False
        return True

    def _let_go(self) -> None:
        if self._warden is not None:
            assert self._warden.stdin is not None
            self._warden.stdin.close()
            self._warden.wait()
            self._warden = None
