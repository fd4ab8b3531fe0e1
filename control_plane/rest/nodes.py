"""Where media nodes enrol. Not part of the public API."""

from __future__ import annotations

import hmac

import msgspec
from litestar import Response, post

from control_plane.domain.errors import InvalidInput, Unauthenticated
from control_plane.rest.callers import AnyRequest, PlatformDep, bearer_token
from media_plane.contract.messages import NodeEnrolment

ENROLMENT_TOKEN_KEY = "node_enrolment_token"  # noqa: S105 - the name under which the app's state keeps it


@post("/internal/media-nodes", status_code=200, include_in_schema=False)
async def enrol(request: AnyRequest, platform: PlatformDep) -> Response[bytes]:
    """Register a media node at its boot. Answer: `NodeEnrolled`. Refused: 401 wrong token, 422 malformed."""
    expected: str = request.app.state[ENROLMENT_TOKEN_KEY]
    if not hmac.compare_digest(bearer_token(request).encode(), expected.encode()):
        raise Unauthenticated("This enrolment token is not good.")
    try:
        # The contract's own decoder: its sealed values must arrive as they were sent.
        enrolment = msgspec.json.decode(await request.body(), type=NodeEnrolment)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("The enrolment does not decode.") from error
    return Response(msgspec.json.encode(await platform.nodes.enrol(enrolment)), media_type="application/json")
