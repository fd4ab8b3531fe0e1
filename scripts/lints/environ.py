"""The environment is read in `settings.py` only ("One way in"), so that all a program can be told stands in one file.

Holds for `control_plane` and `media_plane`; scripts and tests are free.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.lints._files import REPOSITORY, list_files, report

PACKAGES = ("control_plane", "media_plane")
ALLOWED_NAME = "settings.py"
NAMES = frozenset({"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"})
"""What `os` offers to read and change the environment."""


def find_in(source: str) -> Iterator[tuple[int, str]]:
    """Uses of the environment in one module.

    Args:
        source: Python.

    Yields:
        Line number, from 1, and the name used, as `os.environ`.

    Raises:
        SyntaxError: the source is not Python.
    """
    tree = ast.parse(source)
    modules = {
        alias.asname or "os"
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name == "os" or (alias.name.startswith("os.") and alias.asname is None)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if alias.name in NAMES:
                    yield node.lineno, f"os.{alias.name}"
        if isinstance(node, ast.Attribute) and node.attr in NAMES and _names(node.value, modules):
            yield node.lineno, f"os.{node.attr}"


def _names(node: ast.expr, modules: set[str]) -> bool:
    """Whether an expression is one of these modules."""
    return isinstance(node, ast.Name) and node.id in modules


def find(root: Path) -> Iterator[str]:
    """Look through the committed files of the product.

    Args:
        root: a git working copy.

    Yields:
        One finding each, as `file:line: sentence`.
    """
    for name in list_files(root):
        if name.suffix != ".py" or name.parts[0] not in PACKAGES or name.name == ALLOWED_NAME:
            continue
        for line, used in find_in((root / name).read_text(encoding="utf-8")):
            yield f"{name}:{line}: {used}: the environment is read in {ALLOWED_NAME} only"


if __name__ == "__main__":
    sys.exit(report(find(REPOSITORY)))
