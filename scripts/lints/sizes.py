"""Files stay small enough to read in one go: Python 500 lines at most (over 400 is a warning), the web app's 250.

Generated files do not count. Source: "Layout and imports" in the style guide: files 100-400 lines, web 250.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.lints._files import REPOSITORY, list_files, report

PYTHON_WARN_LINES = 400
PYTHON_MAX_LINES = 500
WEB_MAX_LINES = 250
GENERATED_FOLDER = "generated"


def judge(name: Path, lines: int) -> tuple[str | None, str | None]:
    """Judge one file by its length.

    Args:
        name: path relative to the project's folder.
        lines: how many lines it has, >= 0.

    Returns:
        (warning, finding); None for what does not apply.
    """
    if GENERATED_FOLDER in name.parts:
        return None, None
    if name.suffix == ".py":
        if lines > PYTHON_MAX_LINES:
            return None, f"{name}:1: {lines} lines, at most {PYTHON_MAX_LINES}; split it by noun"
        if lines > PYTHON_WARN_LINES:
            return f"{name}:1: {lines} lines, better below {PYTHON_WARN_LINES} (warning)", None
    if name.suffix in {".ts", ".tsx"} and name.parts[0] == "webapp" and lines > WEB_MAX_LINES:
        return None, f"{name}:1: {lines} lines, at most {WEB_MAX_LINES}; split it by noun"
    return None, None


def find(root: Path) -> Iterator[str]:
    """Look through the committed files; prints warnings on standard error.

    Args:
        root: a git working copy.

    Yields:
        One finding each, as `file:line: sentence`.
    """
    for name in list_files(root):
        if name.suffix not in {".py", ".ts", ".tsx"}:
            continue
        warning, finding = judge(name, len((root / name).read_text(encoding="utf-8").splitlines()))
        if warning:
            print(warning, file=sys.stderr)
        if finding:
            yield finding


if __name__ == "__main__":
    sys.exit(report(find(REPOSITORY)))
