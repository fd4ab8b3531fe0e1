"""`/auth/v1/factors`: second factors and recovery codes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
import segno
from litestar import delete, get, post
from litestar.params import FromPath

from control_plane.domain.errors import Forbidden, InvalidInput
from control_plane.domain.factors import RECOVERY_CODES
from control_plane.rest.auth_limits import limit_codes
from control_plane.rest.auth_not_offered import refuse_factor
from control_plane.rest.auth_wire import AuthRefusal, SessionView, factor_view, read_body, session_view
from control_plane.rest.callers import AnyRequest, CallerDep, PlatformDep


class Enrol(msgspec.Struct):
    """Body of factors."""

    factor_type: str
    friendly_name: str | None = None
    issuer: str | None = None


class Answer(msgspec.Struct):
    """Body of verify. code: six digits, or a recovery code."""

    code: str
    challenge_id: UUID | None = None


@contextmanager
def _second_factor_wanted(status: int) -> Iterator[None]:
    """Refuse who has not shown the factor they have, with the status GoTrue has at this endpoint."""
    try:
        yield
    except Forbidden as error:
        if error.facts.get("reason") != "insufficient_aal":
            raise
        raise AuthRefusal(status, "insufficient_aal", error.message) from error


@get("/factors")
async def list_factors(platform: PlatformDep, caller: CallerDep) -> list[dict[str, Any]]:
    """One's own factors. auth-js reads them from the user; this is for others."""
    _, factors = await platform.accounts.read(caller)
    return [factor_view(factor) for factor in factors]


@post("/factors", status_code=200)
async def enrol(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> dict[str, Any]:
    """Begin a factor: answers its secret as text, as key URI and as QR code (SVG), once."""
    body = await read_body(request, Enrol)
    refuse_factor(body.factor_type)
    with _second_factor_wanted(403):
        enrolled = await platform.factors.enrol(caller, body.friendly_name, body.issuer)
    return {
        "id": str(enrolled.factor.id),
        "type": "totp",
        "friendly_name": enrolled.factor.friendly_name,
        "totp": {"qr_code": _qr_code(enrolled.uri), "secret": enrolled.secret, "uri": enrolled.uri},
    }


def _qr_code(uri: str) -> str:
    """A key URI as an SVG image.

    auth-js puts `data:image/svg+xml;utf-8,` before it, and a # would end that address: colours go by their names.
    """
    drawn = io.BytesIO()
    code = segno.make(uri, error="m")
    code.save(drawn, kind="svg", scale=5, border=4, dark="black", light="white", xmldecl=False, nl=False)
    return drawn.getvalue().decode().replace("#000", "black").replace("#fff", "white")


@post("/factors/{factor_id:uuid}/challenge", status_code=200)
async def ask(platform: PlatformDep, caller: CallerDep, factor_id: FromPath[UUID]) -> dict[str, Any]:
    """Ask a factor: the answer's id goes with the code."""
    asked = await platform.factors.ask(caller, factor_id)
    return {"id": str(asked.id), "type": "totp", "expires_at": int(asked.expires_at.timestamp())}


@post("/factors/{factor_id:uuid}/verify", status_code=200)
async def answer(
    request: AnyRequest, platform: PlatformDep, caller: CallerDep, factor_id: FromPath[UUID]
) -> SessionView:
    """Answer with a code: the sign-in is worth aal2 from then on."""
    body = await read_body(request, Answer)
    if body.challenge_id is None:
        raise InvalidInput("The request is incomplete: challenge_id", field="challenge_id")
    await limit_codes(platform, caller.user_id)
    signed_in = await platform.factors.verify(caller, factor_id, body.challenge_id, body.code)
    return session_view(signed_in)


@delete("/factors/{factor_id:uuid}", status_code=200)
async def unenrol(platform: PlatformDep, caller: CallerDep, factor_id: FromPath[UUID]) -> dict[str, str]:
    """Let go of a factor."""
    with _second_factor_wanted(422):
        await platform.factors.remove(caller, factor_id)
    return {"id": str(factor_id)}


@get("/factors/recovery-codes")
async def count_codes(platform: PlatformDep, caller: CallerDep) -> dict[str, Any]:
    """How many recovery codes there are."""
    total, remaining = await platform.factors.count_recovery_codes(caller)
    return {"id": str(caller.user_id), "type": "recovery_code", "total": total, "remaining": remaining}


@post(["/factors/recovery-codes", "/factors/recovery-codes/regenerate"], status_code=200)
async def make_codes(platform: PlatformDep, caller: CallerDep) -> dict[str, Any]:
    """A new set of recovery codes, shown once; older ones are no good any more."""
    with _second_factor_wanted(403):
        codes = await platform.factors.make_recovery_codes(caller)
    return {"id": str(caller.user_id), "type": "recovery_code", "total": RECOVERY_CODES, "codes": codes}


@post("/factors/recovery-codes/verify", status_code=200)
async def use_code(request: AnyRequest, platform: PlatformDep, caller: CallerDep) -> SessionView:
    """A recovery code in the place of a factor's."""
    body = await read_body(request, Answer)
    await limit_codes(platform, caller.user_id)
    return session_view(await platform.factors.use_recovery_code(caller, body.code))


@delete("/factors/recovery-codes", status_code=200)
async def drop_codes(platform: PlatformDep, caller: CallerDep) -> dict[str, str]:
    """Delete the recovery codes."""
    await platform.factors.drop_recovery_codes(caller)
    return {"id": str(caller.user_id)}


HANDLERS = [list_factors, enrol, ask, answer, unenrol, count_codes, make_codes, use_code, drop_codes]
