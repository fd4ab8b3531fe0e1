"""Node link: one live session over two nodes, by PipeTransports between their routers.

The session's origin node holds its publishers; an edge node holds viewers only. The control plane carries the parameters
from one to the other; the nodes never speak with each other but by SRTP:

    origin  pipe.open {peer = edge}    -> where its end listens, its key
    edge    pipe.open {peer = origin}  -> where its end listens, its key
    both    pipe.connect with the other's answer
    origin  pipe.send {producer ids}   -> the tracks as they leave
    edge    pipe.receive {tracks}      -> they can be consumed there under the same producer ids

All are harmless when repeated, by any link. A producer that closes at the origin closes there and its pipe with it; the
edge is told by `pipe.drop`.
"""

from __future__ import annotations

import msgspec

from media_plane.contract.base import ProducerFacts, RequestBase, Wire


class PipeRequest(RequestBase):
    """Base of requests about the pipe from a live session here to the same one on another node."""

    live_session_id: str
    epoch: int
    peer_node_id: str


class PipeOpen(PipeRequest, tag="pipe.open"):
    """Make this node's end of the pipe. Answer: `PipeOpened`; a repeat answers the same.

    Errors: room_not_open, stale_epoch, worker_failed.
    """


class PipeConnect(PipeRequest, tag="pipe.connect"):
    """Tell this end where the other one is. Answer: `Empty`; a repeat with the same values is harmless.

    Errors: not_found (no such pipe), malformed, conflict (connected with other values).
    """

    ip: str
    port: int
    srtp_parameters: msgspec.Raw


class PipeSend(PipeRequest, tag="pipe.send"):
    """At the origin: let these producers flow into the pipe. Answer: `PipeSent`, without those that are gone.

    Errors: not_found (no such pipe).
    """

    producer_ids: list[str]


class PipedTrack(Wire):
    """A producer as it leaves the origin: `rtp_parameters` is the pipe consumer's, sealed."""

    producer: ProducerFacts
    rtp_parameters: msgspec.Raw


class PipeReceive(PipeRequest, tag="pipe.receive"):
    """At the edge: these tracks come out of the pipe. Answer: `Empty`. Errors: not_found (no such pipe), malformed."""

    tracks: list[PipedTrack]


class PipeDrop(PipeRequest, tag="pipe.drop"):
    """Take producers out of the pipe at this end; consumers fed by them close at the edge. Answer: `Empty`, always.

    producer_ids: empty means the whole pipe.
    """

    producer_ids: list[str] = []


class PipeOpened(Wire):
    """Where this end listens and the key it sends with (SrtpParameters, sealed)."""

    ip: str
    port: int
    srtp_parameters: msgspec.Raw


class PipeSent(Wire):
    """The tracks that flow into the pipe now."""

    tracks: list[PipedTrack]
