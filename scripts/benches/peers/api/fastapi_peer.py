# ruff: noqa: INP001 - a program of its own
"""The other peer of `scripts/bench api`: FastAPI and asyncpg, with the same statements after the same checks.

Environment: PORT, DATABASE_URL, PUBLIC_KEY (PEM), ISSUER, POOL, SSO_TIERS (of plans, with commas between).
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, Response

KEY, ISSUER = os.environ["PUBLIC_KEY"], os.environ["ISSUER"]
SSO_TIERS = os.environ["SSO_TIERS"].split(",")


@asynccontextmanager
async def open_pool(app: FastAPI) -> AsyncIterator[None]:
    """The pool, for as long as the app runs."""

    async def reset(_: Any) -> None:
        """Nothing outlives its transaction."""

    size = int(os.environ["POOL"])
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=0, max_size=size, reset=reset) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=open_pool)


def read_claims(request: Request) -> dict[str, Any]:
    """The claims of a good access token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims: dict[str, Any] = jwt.decode(token, KEY, algorithms=["ES256"], audience="authenticated", issuer=ISSUER)
    except jwt.InvalidTokenError as error:
        raise HTTPException(401) from error
    if scheme != "Bearer":
        raise HTTPException(401)
    return claims


@app.get("/api/v1/organizations/{organization}/rooms")
async def list_rooms(organization: UUID, claims: Annotated[dict[str, Any], Depends(read_claims)]) -> Response:
    """The page."""
    person, session = UUID(claims["sub"]), UUID(claims["session_id"])
    async with app.state.pool.acquire() as connection:
        row = await connection.fetchrow(
            "select standing, member_role, items, last_id, has_more, needs_sso from tenant_rooms($1, $2, $3, $4, $5, $6)",
            organization,
            person,
            session,
            None,
            100,
            SSO_TIERS,
        )
    if row is None:
        raise HTTPException(404)
    if row["standing"] != "good":
        raise HTTPException(401)
    if row["needs_sso"] is not None:
        raise HTTPException(403)
    cursor = urlsafe_b64encode(json.dumps([str(row["last_id"])]).encode()).decode() if row["has_more"] else None
    body = f'{{"items":{row["items"]},"nextCursor":{json.dumps(cursor)}}}'
    return Response(body, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", access_log=False)
