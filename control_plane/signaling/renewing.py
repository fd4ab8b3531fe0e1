"""A standing socket goes on by a newer token: its end moves, and a new resume token takes the old one's place."""

from __future__ import annotations

import msgspec

from control_plane.signaling.connection import Connection
from control_plane.signaling.messages import SessionRenewed
from control_plane.signaling.needs import Needs


async def renew(needs: Needs, connection: Connection, access_token: str) -> SessionRenewed:
    """Look at the token, then let the socket and its way back live as long as it.

    Raises:
        DomainError: see `services.renewals`. The socket then goes on to its own end.
    """
    renewed = await needs.renewals.renew(connection.admission, access_token)
    token_id, expires_at = renewed.claims.token_id, renewed.claims.expires_at
    # Their role, node or generation may have changed while the rows were asked: no more than this is replaced.
    now = connection.admission
    claims = msgspec.structs.replace(now.claims, token_id=token_id, expires_at=expires_at)
    connection.admission = msgspec.structs.replace(now, claims=claims, resume_token=renewed.resume_token)
    return SessionRenewed(resume_token=renewed.resume_token, expires_at=expires_at)
