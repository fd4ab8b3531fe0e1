"""SCTP of a transport. Schemas: sctpParameters.fbs, sctpAssociation.fbs."""

from typing import Any

from media_plane.channel.codec.tables import accessors_for, name_of, read_fields
from media_plane.channel.fbs.FBS.SctpAssociation.SctpState import SctpState as FbsSctpState
from media_plane.channel.values.transport import SctpNegotiatedCapabilities, SctpParameters, SctpState

SCTP_STATE_NAMES: dict[int, SctpState] = {
    FbsSctpState.NEW: "new",
    FbsSctpState.CONNECTING: "connecting",
    FbsSctpState.CONNECTED: "connected",
    FbsSctpState.FAILED: "failed",
    FbsSctpState.CLOSED: "closed",
}
_PARAMETERS = accessors_for(*SctpParameters.__struct_fields__)
_NEGOTIATED = accessors_for(*SctpNegotiatedCapabilities.__struct_fields__)


def read_sctp_parameters(table: Any) -> SctpParameters | None:
    """Read SctpParameters, None when absent."""
    return None if table is None else SctpParameters(**read_fields(table, _PARAMETERS))


def read_sctp_state(number: int | None) -> SctpState | None:
    """The word for a state, None for none."""
    return None if number is None else name_of(SCTP_STATE_NAMES, number, "SCTP state")


def read_sctp_negotiated_capabilities(table: Any) -> SctpNegotiatedCapabilities | None:
    """Read what both ends agreed on, None when absent."""
    return None if table is None else SctpNegotiatedCapabilities(**read_fields(table, _NEGOTIATED))
