"""Tests that fail beside everything else are tried once more by themselves, and named when they then pass.

    python -m scripts.second_try first NAME ARGUMENTS...   run pytest; a few failures are kept for the second try
    python -m scripts.second_try again NAME...             try what was kept, with nothing beside it

Stacks, browsers and media share two cores with the rest of the suite, and a machine of CI may be slower than any we know.
A test that fails twice fails the run, and so do more than MOST_KEPT of them at once. One that passes the second time is
said to be unsteady, in the last lines of the run: it is a defect of the test or, more often, a race in what it tests, and
somebody's to find.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".pytest_cache" / "second_try"
MOST_KEPT = 5
"""More failures of one run are no accident."""
TESTS_FAILED = 1
"""pytest's exit code when tests ran and some failed; every other one but 0 is not about tests."""


def first(name: str, arguments: list[str]) -> int:
    """Run pytest; answers 0 when all passed, or when so few failed that they are tried again."""
    cache, kept = KEPT / name, KEPT / f"{name}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.unlink(missing_ok=True)
    code = _pytest(["--cache-clear", "-o", f"cache_dir={cache}", *arguments])
    if code != TESTS_FAILED:
        return code
    failed = sorted(json.loads((cache / "v" / "cache" / "lastfailed").read_text(encoding="utf-8")))
    if not failed or len(failed) > MOST_KEPT:
        return code
    kept.write_text(json.dumps(failed), encoding="utf-8")
    print(f"{len(failed)} failed; tried once more at the end, by themselves:", *failed, sep="\n  ")
    return 0


def again(names: list[str]) -> int:
    """Try what the first runs kept; answers 0 when there was nothing, or all of it passed."""
    kept = [KEPT / f"{name}.json" for name in names]
    failed = [one for path in kept if path.exists() for one in json.loads(path.read_text(encoding="utf-8"))]
    if not failed:
        print("Every test passed at the first try.")
        return 0
    code = _pytest(["-o", f"cache_dir={KEPT / 'again'}", *failed])
    if code == 0:
        print("UNSTEADY: these failed beside the others and passed by themselves:", *failed, sep="\n  ")
    return code


def _pytest(arguments: list[str]) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["first", name, *arguments]:
            sys.exit(first(name, arguments))
        case ["again", *names] if names:
            sys.exit(again(names))
        case _:
            sys.exit(__doc__)
