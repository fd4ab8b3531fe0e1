"""Node link: one live session over two nodes, by PipeTransports between their routers.

The session's origin node holds its publishers; an edge node holds viewers only. The control plane carries the parameters
from one to the other; the nodes never speak with each other but by SRTP:

    origin  pipe.open {peer = edge}    -> its end: name, where it listens, its key
    edge    pipe.open {peer = origin}  -> its end: name, where it listens, its key
    both    pipe.connect with the other's answer
    origin  pipe.send {producer ids}   -> the tracks as they leave
    edge    pipe.receive {tracks}      -> they can be consumed there under the same producer ids

All are harmless when repeated, by any link. An end is connected once. When the other one is another by now (its worker
died, or it was unused for `PIPE_IDLE_S` and closed) `pipe.connect` answers conflict: whoever hears that drops the end
by its name and begins again. Requests name the end they mean, so that nobody drops or feeds a newer one by old news.
A producer that closes at the origin leaves the pipe there; the edge is told by `pipe.drop`.
"""

from __future__ import annotations

import msgspec

from media_plane.contract.base import ProducerFacts, RequestBase, Wire

PIPE_IDLE_S = 60.0
"""How long an end without tracks is kept, seconds."""


class PipeRequest(RequestBase):
    """Base of requests about the pipe from a live session here to the same one on another node."""

    live_session_id: str
    epoch: int
    peer_node_id: str


class PipeEndRequest(PipeRequest):
    """Base of requests about one end, named by `PipeOpened.pipe_id`. Errors: not_found when it is not there any more."""

    pipe_id: str


class PipeOpen(PipeRequest, tag="pipe.open"):
    """Make this node's end of the pipe. Answer: `PipeOpened`; a repeat answers the same.

    Errors: room_not_open, stale_epoch, worker_failed, unsupported (this node has no address for pipes).
    """


class PipeConnect(PipeEndRequest, tag="pipe.connect"):
    """Tell this end where the other one is. Answer: `Empty`; a repeat with the same values is harmless.

    Errors: not_found, malformed, conflict (connected with other values).
    """

    ip: str
    port: int
    srtp_parameters: msgspec.Raw


class PipeSend(PipeEndRequest, tag="pipe.send"):
    """At the origin: let these producers flow into the pipe. Answer: `PipeSent`, without those that are gone.

    Errors: not_found, conflict (not connected).
    """

    producer_ids: list[str]


class PipedTrack(Wire):
    """A producer as it leaves the origin: `rtp_parameters` is the pipe consumer's, sealed."""

    producer: ProducerFacts
    rtp_parameters: msgspec.Raw


class PipeReceive(PipeEndRequest, tag="pipe.receive"):
    """At the edge: these tracks come out of the pipe. Answer: `Empty`; a known track takes its newest facts.

    Errors: not_found, malformed, conflict (not connected, or a producer id is taken).
    """

    tracks: list[PipedTrack]


class PipeDrop(PipeRequest, tag="pipe.drop"):
    """Take producers out of the pipe at this end; consumers fed by them close at the edge. Answer: `Empty`, always.

    producer_ids: empty means the whole end. pipe_id: only if it is this end; "" means whichever there is.
    """

    producer_ids: list[str] = []
    pipe_id: str = ""


class PipeOpened(Wire):
    """This end: its name (UUID), where it listens and the key it sends with (SrtpParameters, sealed)."""

    pipe_id: str
    ip: str
    port: int
    srtp_parameters: msgspec.Raw


class PipeSent(Wire):
    """The tracks that flow into the pipe now."""

    tracks: list[PipedTrack]
