"""Supabase's own client against `/auth/v1`, over a real socket."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.stack.valkey import EmbeddedValkey
from tests.conftest import REPOSITORY, TestDatabase
from tests.integration.test_rest_door import Door

WEBAPP = REPOSITORY / "webapp"
NODE = Path(sys.executable).parent / "node"


@pytest.mark.skipif(
    not (WEBAPP / "node_modules" / "@supabase" / "auth-js").exists(), reason="webapp/node_modules is not there"
)
def test_auth_js_works_unmodified(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    node = str(NODE) if NODE.exists() else shutil.which("node")
    assert node is not None
    door = Door(database, valkey)
    process = door.start()
    try:
        door.wait(process)
        script = Path(__file__).with_name("auth_js.mjs")
        done = subprocess.run(
            [node, str(script), str(WEBAPP), f"http://127.0.0.1:{door.port}/auth/v1"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        process.send_signal(signal.SIGTERM)
        door.finish(process)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "signUp": "session",
        "signUpAgain": "user_already_exists",
        "weakPassword": "weak_password",
        "wrongPassword": "invalid_credentials",
        "signIn": "session",
        "refresh": "session",
        "name": "Ada",
        "theme": "dark",
        "algorithm": "ES256",
        "signOut": "ok",
        "otherAfterGlobalSignOut": "AuthSessionMissingError",
    }
