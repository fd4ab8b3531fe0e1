"""SCTP of a transport and of its streams. Schemas: sctpParameters.fbs, sctpAssociation.fbs."""

from typing import Any

from flatbuffers import Builder

from media_plane.channel.codec.tables import Offset, TableWriter, accessors_for, name_of, read_fields
from media_plane.channel.fbs.FBS.SctpAssociation.SctpState import SctpState as FbsSctpState
from media_plane.channel.fbs.FBS.SctpParameters import SctpStreamParameters as StreamParametersModule
from media_plane.channel.values.transport import SctpNegotiatedCapabilities, SctpParameters, SctpState
from media_plane.ortc.sctp import SctpStreamParameters

SCTP_STATE_NAMES: dict[int, SctpState] = {
    FbsSctpState.NEW: "new",
    FbsSctpState.CONNECTING: "connecting",
    FbsSctpState.CONNECTED: "connected",
    FbsSctpState.FAILED: "failed",
    FbsSctpState.CLOSED: "closed",
}
_PARAMETERS = accessors_for(*SctpParameters.__struct_fields__)
_NEGOTIATED = accessors_for(*SctpNegotiatedCapabilities.__struct_fields__)
_STREAM = accessors_for(*SctpStreamParameters.__struct_fields__)
_write_stream_parameters = TableWriter(StreamParametersModule)


def write_sctp_stream_parameters(builder: Builder, parameters: SctpStreamParameters | None) -> Offset | None:
    """Write how a stream travels, or nothing for None."""
    if parameters is None:
        return None
    return _write_stream_parameters(
        builder,
        stream_id=parameters.stream_id,
        ordered=parameters.ordered,
        max_packet_life_time=parameters.max_packet_life_time,
        max_retransmits=parameters.max_retransmits,
    )


def read_sctp_stream_parameters(table: Any) -> SctpStreamParameters | None:
    """Read how a stream travels, None when absent."""
    return None if table is None else SctpStreamParameters(**read_fields(table, _STREAM))


def read_sctp_parameters(table: Any) -> SctpParameters | None:
    """Read SctpParameters, None when absent."""
    return None if table is None else SctpParameters(**read_fields(table, _PARAMETERS))


def read_sctp_state(number: int | None) -> SctpState | None:
    """The word for a state, None for none."""
    return None if number is None else name_of(SCTP_STATE_NAMES, number, "SCTP state")


def read_sctp_negotiated_capabilities(table: Any) -> SctpNegotiatedCapabilities | None:
    """Read what both ends agreed on, None when absent."""
    return None if table is None else SctpNegotiatedCapabilities(**read_fields(table, _NEGOTIATED))
