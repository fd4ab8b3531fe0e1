"""The web app calls the API through `src/api/` only, where every call is typed by the OpenAPI document.

An address written by hand, another client or the document's types taken past `api/types.ts` would be a call that no change
of the document can break at compile time.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.lints._files import REPOSITORY, list_files, read_lines, report

WEB = Path("webapp/src")
OWN = WEB / "api"
_HAND_MADE = {
    re.compile(r"/api/v\d"): "names an address of the API",
    re.compile(r"""from ['"]openapi-fetch['"]"""): "makes a client of its own",
    re.compile(r"""from ['"][^'"]*generated/rest['"]"""): "takes types past api/types.ts",
}


def find(root: Path) -> Iterator[str]:
    """Look through the web app's sources.

    Args:
        root: a git working copy.

    Yields:
        One finding each, as `file:line: sentence`.
    """
    for name in list_files(root):
        if name.suffix not in {".ts", ".tsx"} or not name.is_relative_to(WEB) or name.is_relative_to(OWN):
            continue
        for number, line in read_lines(root / name):
            for pattern, what in _HAND_MADE.items():
                if pattern.search(line):
                    yield f"{name}:{number}: {what}; calls go through `call` of api/client.ts"


if __name__ == "__main__":
    sys.exit(report(find(REPOSITORY)))
