"""A copy of the repository where mistakes are planted and tests run; the checkout itself is never touched."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.mutations.planted import Mutation

ROOT = Path(__file__).resolve().parents[2]
_PARTS = ("control_plane", "media_plane", "tests", "scripts", "pyproject.toml")
_TESTS_FAILED = 1
"""pytest's exit code when tests ran and some failed; others mean that it could not run them."""
_DEADLINE_S = 180


class MutationError(Exception):
    """A mutation can't be planted, or tests could not be run."""


class Field:
    """One copy.

    Args:
        folder: an empty folder that exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(source, folder / part)

    def is_noticed(self, mutation: Mutation) -> bool:
        """Whether a test turns red when this mistake is there; afterwards it isn't.

        Raises:
            MutationError: the text to change is not there once, or pytest could not run.
        """
        path = self._folder / mutation.path
        text = path.read_text()
        if text.count(mutation.right) != 1:
            raise MutationError(f"{mutation.path} does not hold this text once: {mutation.right}")
        path.write_text(text.replace(mutation.right, mutation.wrong))
        try:
            return not self.passes(mutation.tests)
        finally:
            path.write_text(text)

    def passes(self, tests: Sequence[str]) -> bool:
        """Whether these tests pass in the copy.

        Raises:
            MutationError: pytest could not run them.
        """
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        # Without bytecode, as a file changed twice in a second would keep its old one.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=self._folder, env=environment, capture_output=True, text=True, timeout=_DEADLINE_S, check=False
        )
        if done.returncode not in {0, _TESTS_FAILED}:
            raise MutationError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.returncode == 0
