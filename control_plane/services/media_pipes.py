"""Tracks of a live session on another node than its publishers': pipes between the two, as the contract has them.

Nothing is remembered here. Whoever wants a track on another node says so; that it flows there already is found out on
the way, so any number of processes may want it at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, TypedDict, TypeVar

from control_plane.domain.errors import Conflict, DomainError, InvalidInput, NotFound, Unavailable
from control_plane.domain.ids import LiveSessionId, NodeId
from media_plane.contract import messages as contract

ATTEMPTS = 4
"""How often a pipe is begun anew: each end may turn out to be connected with one that is gone."""
PAUSE_S = 0.05
"""Between two attempts, seconds, jittered, so that processes at odds step out of each other's way."""
AnswerT = TypeVar("AnswerT", bound=contract.Wire)


class Place(Protocol):
    """Where a live session's media lives: a `Placement`."""

    @property
    def live_session_id(self) -> LiveSessionId:
        """Which live session."""

    @property
    def node_id(self) -> NodeId:
        """On which node."""

    @property
    def epoch(self) -> int:
        """By which placement, >= 1."""


PlaceT_contra = TypeVar("PlaceT_contra", bound=Place, contravariant=True)


class Ask(Protocol[PlaceT_contra]):
    """Sends a contract request to the node of a placement. Raises DomainError."""

    async def __call__(self, at: PlaceT_contra, request: contract.RequestBase, answer: type[AnswerT], /) -> AnswerT:
        """Send it and decode the answer."""


class Carried(NamedTuple):
    """Producers that can be consumed at an edge, and the name of the origin's end of the pipe."""

    producer_ids: set[str]
    pipe_id: str


class EdgeGone(Unavailable):
    """The other node can't take part now: the room is not open there, or the node is away."""


async def carry(ask: Ask[Any], origin: Place, edge: Place, producer_ids: Iterable[str]) -> Carried:
    """Make sure that producers of the origin can be consumed at the edge, where the room is open already.

    Args:
        ask: sends requests.
        origin: where the producers are.
        edge: the same live session on another node, by the same epoch.
        producer_ids: which.

    Returns:
        Those that come out there (the others are gone from the origin), and the name of the origin's end.

    Raises:
        EdgeGone: the edge does not do its part, or one of the two has no address for pipes.
        DomainError: the origin does not; `MediaMoved` when the room is gone from it.
    """
    wanted = list(producer_ids)
    for attempt in range(ATTEMPTS):
        pipe = _Pipe(ask, origin, edge)
        try:
            return await pipe.carry(wanted)
        except InvalidInput as error:
            raise EdgeGone("These two nodes can't share a session.", retry_after_s=2) from error
        except (NotFound, Conflict):
            # Connected with an end that is gone, or gone itself: it was dropped, by us or by others. Begin again.
            await asyncio.sleep(PAUSE_S * (attempt + random.random()))  # noqa: S311 - jitter, no secret
    raise EdgeGone("The other media node can't be reached. Try again in a moment.", retry_after_s=2)


async def drop(ask: Ask[Any], at: Place, peer: NodeId, producer_ids: list[str]) -> None:
    """Take producers out of the pipe at one end. Raises DomainError."""
    await ask(at, contract.PipeDrop(**_ends(at, peer), producer_ids=producer_ids), contract.Empty)


async def drop_end(ask: Ask[Any], at: Place, peer: NodeId, pipe_id: str) -> None:
    """Close one end, unless it is another by now. Raises DomainError."""
    await ask(at, contract.PipeDrop(**_ends(at, peer), pipe_id=pipe_id), contract.Empty)


class _Pipe:
    """One attempt at one pipe."""

    def __init__(self, ask: Ask[Any], origin: Place, edge: Place) -> None:
        self._ask = ask
        self._origin = origin
        self._edge = edge

    async def carry(self, producer_ids: list[str]) -> Carried:
        """Open, connect, send, receive. Raises as the function, and NotFound or Conflict to begin again."""
        origin, edge = self._origin, self._edge
        here, there = await asyncio.gather(
            self._ask(origin, contract.PipeOpen(**_ends(origin, edge.node_id)), contract.PipeOpened),
            self._at_edge(contract.PipeOpen(**_ends(edge, origin.node_id)), contract.PipeOpened),
        )
        await asyncio.gather(self._connect(origin, here, there), self._connect(edge, there, here))
        sending = contract.PipeSend(**_ends(origin, edge.node_id), pipe_id=here.pipe_id, producer_ids=producer_ids)
        tracks = (await self._ask(origin, sending, contract.PipeSent)).tracks
        receiving = contract.PipeReceive(**_ends(edge, origin.node_id), pipe_id=there.pipe_id, tracks=tracks)
        await self._at_edge(receiving, contract.Empty)
        return Carried({track.producer.producer_id for track in tracks}, here.pipe_id)

    async def _connect(self, at: Place, own: contract.PipeOpened, other: contract.PipeOpened) -> None:
        peer = self._edge.node_id if at is self._origin else self._origin.node_id
        request = contract.PipeConnect(
            **_ends(at, peer), pipe_id=own.pipe_id, ip=other.ip, port=other.port, srtp_parameters=other.srtp_parameters
        )
        try:
            await self._ask_at(at, request, contract.Empty)
        except Conflict:
            # It knows another end. Ours was open a moment ago, so that one is old: drop the end that was true to it.
            await self._ask_at(at, contract.PipeDrop(**_ends(at, peer), pipe_id=own.pipe_id), contract.Empty)
            raise

    async def _ask_at(self, at: Place, request: contract.RequestBase, answer: type[AnswerT]) -> AnswerT:
        if at is self._edge:
            return await self._at_edge(request, answer)
        return await self._ask(at, request, answer)

    async def _at_edge(self, request: contract.RequestBase, answer: type[AnswerT]) -> AnswerT:
        try:
            return await self._ask(self._edge, request, answer)
        except (NotFound, Conflict):
            raise
        except DomainError as error:
            raise EdgeGone("The other media node is away. Try again in a moment.", retry_after_s=2) from error


class _Ends(TypedDict):
    id: int
    live_session_id: str
    epoch: int
    peer_node_id: str


def _ends(at: Place, peer: NodeId) -> _Ends:
    """The fields of every request about a pipe."""
    return {"id": 0, "live_session_id": str(at.live_session_id), "epoch": at.epoch, "peer_node_id": str(peer)}
