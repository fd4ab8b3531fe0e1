"""Write the TypeScript that the web app reads of the server and the pages made from the code, or check them.

python -m scripts.generate            writes webapp/src/api/generated/ and pages of docs/
python -m scripts.generate --check    changes nothing; exits 1 and names the files that differ
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from scripts.documents.permissions import permissions_page
from scripts.documents.schema import schema_page
from scripts.typescript.errors import errors_source
from scripts.typescript.rest import rest_source
from scripts.typescript.signaling import roles_source, signaling_source

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "webapp" / "src" / "api" / "generated"
FILES: Mapping[str, Callable[[], str]] = {
    "errors.ts": errors_source,
    "rest.ts": rest_source,
    "roles.ts": roles_source,
    "signaling.ts": signaling_source,
}
"""Name in `GENERATED` -> what makes its text."""
DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "database-schema.md": schema_page,
    "permissions.md": permissions_page,
}
"""Name in docs/ -> what makes its text."""


def main() -> int:
    """Exit code: 0 written or equal, 1 `--check` found a difference."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.generate", description="Write the TypeScript and the pages made of the server's types."
    )
    parser.add_argument("--check", action="store_true", help="change nothing, fail where committed files differ")
    is_check = parser.parse_args().check
    stale = []
    pages = [(GENERATED / name, make) for name, make in FILES.items()]
    pages += [(ROOT / "docs" / name, make) for name, make in DOCUMENTS.items()]
    for path, make in pages:
        text = make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if not is_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{'differs' if is_check else 'wrote'} {path}")
    if is_check and stale:
        print("Run scripts/generate and commit the result.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
