"""The REST API's types: Litestar's OpenAPI document, made TypeScript by openapi-typescript."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, cast

from control_plane.rest.observing import Metrics
from control_plane.rest.openapi import document_of
from control_plane.rest.server import create_api
from control_plane.services.platform import Platform
from control_plane.settings import read_settings
from scripts.typescript.schema import HEADER

WEBAPP = Path(__file__).resolve().parent.parent.parent / "webapp"
OPENAPI_TYPESCRIPT = WEBAPP / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
TIMEOUT_S = 60.0
"""Making the types takes two seconds; a minute means that it hangs."""


def openapi_document() -> dict[str, Any]:
    """The document that the API serves at /api/v1/openapi.json, made without a server, a database or Redis."""
    settings = read_settings(
        {
            "DATABASE_URL": "postgresql://nobody@localhost/none",
            "REDIS_URL": "redis://localhost",
            "TR_SECRET_KEY": "00" * 32,
            "TR_NODE_ENROLMENT_TOKEN": "0" * 16,
        }
    )
    # Routes only: describing them calls no service.
    api = create_api(cast("Platform", None), settings, Metrics())
    return document_of(api)


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
            # A field with a default may be left out of a request; answers name all of theirs as required.
            ["node", OPENAPI_TYPESCRIPT, document, "--immutable=false", "--default-non-nullable=false"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            env={**os.environ, "NO_COLOR": "1"},
        )
    body = made.stdout.partition("*/\n")[2] if made.stdout.startswith("/**") else made.stdout
    return HEADER.format(source="the API's OpenAPI document (control_plane/rest)") + body
