import subprocess
from pathlib import Path

import pytest

from scripts.lints import api_calls


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.mark.parametrize(
    "line",
    [
        "await fetch(`/api/v1/organizations/${id}`);",
        "const socket = new URL('/api/v2/rooms', location.origin);",
        "import createClient from 'openapi-fetch';",
        'import type { paths } from "@/api/generated/rest";',
    ],
)
def test_a_call_past_the_client_is_found(repository: Path, line: str) -> None:
    put(repository, "webapp/src/features/rooms/api.ts", f"// rooms\n{line}\n")

    assert [found.split(": ")[0] for found in api_calls.find(repository)] == ["webapp/src/features/rooms/api.ts:2"]


def test_the_client_itself_and_other_doors_are_left_alone(repository: Path) -> None:
    put(repository, "webapp/src/api/client.ts", "import createClient from 'openapi-fetch';\nfetch('/api/v1/me');\n")
    put(repository, "webapp/src/features/account/mailbox-page.tsx", "await fetch('/dev/mailbox');\n")
    put(repository, "docs/api.md", "GET /api/v1/me\n")

    assert list(api_calls.find(repository)) == []
