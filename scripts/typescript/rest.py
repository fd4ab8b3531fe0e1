"""The REST API's types: Litestar's OpenAPI document, made TypeScript by openapi-typescript."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, cast

import msgspec

from control_plane.rest.observing import Metrics
from control_plane.rest.problems import Problem
from control_plane.rest.server import create_api
from control_plane.services.platform import Platform
from control_plane.settings import Settings
from scripts.typescript.schema import HEADER

WEBAPP = Path(__file__).resolve().parent.parent.parent / "webapp"
TIMEOUT_S = 60.0
"""Making the types takes two seconds; a minute means that it hangs."""


def openapi_document() -> dict[str, Any]:
    """The document that the API serves at /api/v1/openapi.json, made without a server, a database or Redis."""
    settings = Settings(
        host="127.0.0.1",
        port=1,
        signaling_port=1,
        jobs_port=0,
        database_url="",
        database_pool_size=1,
        database_statement_cache=0,
        redis_url="",
        secret_key=b"",
        public_url="http://localhost",
        signaling_url="ws://localhost",
        allowed_origins=frozenset(),
        node_enrolment_token="",
        webapp_dir=None,
        demo_file=None,
        turn_urls=(),
        turn_secret="",
        sign_in_attempts=1,
        sign_in_refill_per_s=1.0,
        log_format="json",
    )
    # Routes only: describing them calls no service.
    api = create_api(cast("Platform", None), settings, Metrics())
    document = api.openapi_schema.to_schema()
    # Litestar drops the schemas of `components` that no handler names, and every refusal refers to this one.
    (_, refusal) = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    document["components"]["schemas"].setdefault("Problem", refusal["Problem"])
    return document


def rest_source() -> str:
    """`webapp/src/api/generated/rest.ts`.

    Raises:
        subprocess.CalledProcessError: openapi-typescript refuses the document; its words are on stderr.
        subprocess.TimeoutExpired: it hangs.
    """
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "openapi.json"
        document.write_text(json.dumps(openapi_document(), sort_keys=True, default=str), encoding="utf-8")
        made = subprocess.run(
            ["node", WEBAPP / "node_modules" / "openapi-typescript" / "bin" / "cli.js", document, "--immutable=false"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            env={**os.environ, "NO_COLOR": "1"},
        )
    body = made.stdout.partition("*/\n")[2] if made.stdout.startswith("/**") else made.stdout
    return HEADER.format(source="the API's OpenAPI document (control_plane/rest)") + body
