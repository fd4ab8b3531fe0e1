"""Media of live sessions: what doors ask of media nodes, in business words.

Nothing is remembered here: a caller hands in the placement it believes in, and hears `MediaMoved` when the media is not
there (any more). RTP, ICE and DTLS values pass through sealed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypedDict, TypeVar
from uuid import UUID, uuid5

import msgspec

from control_plane.domain.bitrates import Bitrates
from control_plane.domain.errors import Conflict, DomainError, InvalidInput, NotFound, RoomNotLive, Unavailable
from control_plane.domain.ids import LiveSessionId, NodeId, OrganizationId, ParticipantId
from control_plane.domain.rooms import LiveSession
from control_plane.services import media_pipes
from control_plane.services.ports import MediaNodes
from media_plane.contract import messages as contract
from media_plane.contract.errors import LinkError, LinkErrorCode

RETRY_AFTER_S = 2
AnswerT = TypeVar("AnswerT", bound=contract.Wire)


class MediaMoved(Unavailable):
    """The room's media is not where the caller believed: it was rebuilt or moved, or its worker died. Rebuild it."""


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a live session's media lives, as its row said. epoch >= 1."""

    organization_id: OrganizationId
    live_session_id: LiveSessionId
    node_id: NodeId
    epoch: int


class Placements(Protocol):
    """The rows behind placements; `LiveService` fills it."""

    async def find_session(self, organization_id: OrganizationId, live_session_id: LiveSessionId) -> LiveSession | None:
        """The live session's row, ended or not; None when there is none."""
        ...

    async def replace_placement(
        self,
        organization_id: OrganizationId,
        live_session_id: LiveSessionId,
        *,
        from_epoch: int,
        avoid: NodeId | None,
    ) -> LiveSession:
        """Give the session a new placement with a higher epoch, unless someone already did: then theirs is answered.

        Raises:
            NoMediaNode: no node can take it.
            RoomNotLive: it is over.
        """
        ...


def placement_of(live: LiveSession) -> Placement:
    """Where the row says the media lives."""
    return Placement(
        organization_id=live.organization_id, live_session_id=live.id, node_id=live.node_id, epoch=live.epoch
    )


def name_consumer(transport_id: str, producer_id: str) -> str:
    """The id of the consumer of a producer on a receive transport.

    It follows from the two, so that any process can tell what a consumer it never made is for, and a repeat is a repeat.

    Args:
        transport_id: UUID text of the receive transport.
        producer_id: UUID text.
    """
    return str(uuid5(UUID(transport_id), producer_id))


class MediaService:
    """Requests to media nodes.

    Args:
        nodes: the links.
        placements: the rows.
    """

    def __init__(self, nodes: MediaNodes, placements: Placements) -> None:
        self._nodes = nodes
        self._placements = placements

    # --- rooms --------------------------------------------------------------------------------------------------

    async def ensure_room(self, placement: Placement) -> tuple[Placement, contract.RoomOpenAnswer]:
        """Make sure the room is open at its placement, or, when that is outdated or its node refuses, at a new one.

        Returns:
            Where it is now, and what is open there.

        Raises:
            RoomNotLive: the session is over.
            Unavailable: no node can take it now.
        """
        try:
            return placement, await self._open(placement)
        except MediaMoved:
            return await self.rebuild_room(placement, avoid=None)
        except Unavailable:
            return await self.rebuild_room(placement, avoid=placement.node_id)

    async def rebuild_room(self, lost: Placement, *, avoid: NodeId | None) -> tuple[Placement, contract.RoomOpenAnswer]:
        """Open the room at a newer placement than the lost one; processes that do it at once meet at the same.

        Args:
            lost: the placement whose media is gone.
            avoid: a node that does not answer; None when it may be the same again.

        Returns:
            Where it is now, and what is open there.

        Raises:
            RoomNotLive: the session is over.
            Unavailable: no node can take it now, or the new one does not answer; try again.
        """
        row = await self._placements.find_session(lost.organization_id, lost.live_session_id)
        if row is None or not row.is_live:
            raise RoomNotLive("This live session is over.")
        if row.epoch <= lost.epoch:
            row = await self._placements.replace_placement(
                lost.organization_id, lost.live_session_id, from_epoch=lost.epoch, avoid=avoid
            )
        placement = placement_of(row)
        try:
            return placement, await self._open(placement)
        except MediaMoved:
            raise
        except Unavailable:
            # The new node does not answer either: once more, elsewhere.
            row = await self._placements.replace_placement(
                lost.organization_id, lost.live_session_id, from_epoch=placement.epoch, avoid=placement.node_id
            )
        placement = placement_of(row)
        return placement, await self._open(placement)

    async def inspect_room(self, placement: Placement) -> contract.RoomOpenAnswer:
        """What is open at this placement. Raises MediaMoved, Unavailable."""
        return await self._open(placement)

    async def close_room(self, placement: Placement) -> None:
        """Close everything of a live session; also when nothing is open. Raises MediaMoved (it runs on), Unavailable."""
        request = contract.RoomClose(id=0, live_session_id=str(placement.live_session_id), epoch=placement.epoch)
        await self._call(placement, request, contract.Empty)

    # --- other nodes --------------------------------------------------------------------------------------------

    async def carry(self, origin: Placement, edge: Placement, producer_ids: Iterable[str]) -> media_pipes.Carried:
        """Make sure that producers of the origin can be consumed on another node; the room is opened there if needed.

        Returns:
            Those that can be (the others are gone), and the name of the origin's end.

        Raises:
            EdgeGone: the other node does not do its part.
            Unavailable: the origin does not; MediaMoved when the room is gone from it.
        """
        try:
            await self._open(edge)
        except DomainError as error:
            raise media_pipes.EdgeGone("The other media node is away.", retry_after_s=RETRY_AFTER_S) from error
        return await media_pipes.carry(self._call, origin, edge, producer_ids)

    async def drop_piped(self, edge: Placement, origin_id: NodeId, producer_ids: list[str]) -> None:
        """Producers are gone from the origin: take them from an edge too. Raises MediaMoved, Unavailable."""
        await media_pipes.drop(self._call, edge, origin_id, producer_ids)

    async def drop_pipe(self, origin: Placement, edge_id: NodeId, pipe_id: str) -> None:
        """An edge is gone: nothing is sent to it any more. Raises MediaMoved, Unavailable."""
        await media_pipes.drop_end(self._call, origin, edge_id, pipe_id)

    async def _open(self, placement: Placement) -> contract.RoomOpenAnswer:
        request = contract.RoomOpen(id=0, live_session_id=str(placement.live_session_id), epoch=placement.epoch)
        return await self._call(placement, request, contract.RoomOpenAnswer)

    # --- participants -------------------------------------------------------------------------------------------

    async def adopt(self, at: Placement, participant_id: ParticipantId) -> contract.ParticipantMedia | None:
        """Take over what a participant has open; None when nothing is left. Raises MediaMoved, Unavailable."""
        try:
            return await self._call(
                at, contract.ParticipantAdopt(**_who(at, participant_id)), contract.ParticipantMedia
            )
        except NotFound:
            return None

    async def close_participant(
        self, at: Placement, participant_id: ParticipantId, *, once_unwatched: bool = False
    ) -> None:
        """Close everything a participant has open; also when there is nothing.

        Args:
            at: where.
            participant_id: whose.
            once_unwatched: what they publish only when nobody consumes it there any more.

        Raises:
            MediaMoved, Unavailable.
        """
        request = contract.ParticipantClose(**_who(at, participant_id), once_unwatched=once_unwatched)
        await self._call(at, request, contract.Empty)

    # --- transports ---------------------------------------------------------------------------------------------

    async def create_transport(
        self,
        at: Placement,
        participant_id: ParticipantId,
        transport_id: str,
        direction: contract.Direction,
        *,
        bitrates: Bitrates | None = None,
    ) -> contract.TransportOptions:
        """Make a transport; a repeat answers the same. Raises Conflict, MediaMoved, Unavailable.

        bitrates: what the person may send and be sent; None: no limits.
        """
        request = contract.TransportCreate(**_who(at, participant_id), transport_id=transport_id, direction=direction)
        if bitrates is not None and direction == "send":
            request.max_incoming_bitrate_bps = bitrates.max_send_bps
        elif bitrates is not None:
            request.max_outgoing_bitrate_bps = bitrates.max_receive_bps
            request.initial_outgoing_bitrate_bps = bitrates.first_receive_bps
        return await self._call(at, request, contract.TransportOptions)

    async def connect_transport(
        self, at: Placement, participant_id: ParticipantId, transport_id: str, dtls_parameters: msgspec.Raw
    ) -> None:
        """Hand over the browser's DTLS parameters. Raises NotFound, InvalidInput, Conflict, MediaMoved, Unavailable."""
        request = contract.TransportConnect(
            **_who(at, participant_id), transport_id=transport_id, dtls_parameters=dtls_parameters
        )
        await self._call(at, request, contract.Empty)

    async def restart_ice(self, at: Placement, participant_id: ParticipantId, transport_id: str) -> msgspec.Raw:
        """New ICE parameters, sealed. Raises NotFound, MediaMoved, Unavailable."""
        request = contract.TransportRestartIce(**_who(at, participant_id), transport_id=transport_id)
        return (await self._call(at, request, contract.IceRestarted)).ice_parameters

    # --- producers ----------------------------------------------------------------------------------------------

    async def create_producer(
        self,
        at: Placement,
        participant_id: ParticipantId,
        *,
        transport_id: str,
        producer_id: str,
        kind: contract.MediaKind,
        source: contract.Source,
        rtp_parameters: msgspec.Raw,
        paused: bool,
    ) -> contract.ProducerFacts:
        """Publish a track; a repeat answers the same.

        Raises:
            NotFound: the transport.
            InvalidInput: the RTP parameters make no sense, or their codec is none of ours.
            Conflict: the id is someone else's.
            Unavailable: the node; MediaMoved when the room is gone from it.
        """
        request = contract.ProducerCreate(
            **_who(at, participant_id),
            transport_id=transport_id,
            producer_id=producer_id,
            kind=kind,
            source=source,
            rtp_parameters=rtp_parameters,
            paused=paused,
        )
        return (await self._call(at, request, contract.ProducerCreated)).producer

    async def set_producer_paused(
        self, at: Placement, participant_id: ParticipantId, producer_id: str, *, paused: bool
    ) -> None:
        """Hold a track or let it flow. Raises NotFound, MediaMoved, Unavailable."""
        kind = contract.ProducerPause if paused else contract.ProducerResume
        await self._call(at, kind(**_who(at, participant_id), producer_id=producer_id), contract.Empty)

    async def close_producer(self, at: Placement, participant_id: ParticipantId, producer_id: str) -> None:
        """Stop a track; also when it is gone. Raises MediaMoved, Unavailable."""
        request = contract.ProducerClose(**_who(at, participant_id), producer_id=producer_id)
        await self._call(at, request, contract.Empty)

    # --- consumers ----------------------------------------------------------------------------------------------

    async def consume(
        self,
        at: Placement,
        participant_id: ParticipantId,
        *,
        transport_id: str,
        rtp_capabilities: msgspec.Raw,
        producer_ids: Iterable[str],
    ) -> contract.ConsumersCreated:
        """Consume producers on a receive transport, each paused; ids by `name_consumer`. A repeat answers the same.

        Raises:
            NotFound: the transport.
            InvalidInput: the capabilities make no sense.
            Unavailable: the node; MediaMoved when the room is gone from it.
        """
        wishes = [
            contract.ConsumerWish(producer_id=producer_id, consumer_id=name_consumer(transport_id, producer_id))
            for producer_id in producer_ids
        ]
        request = contract.ConsumerCreate(
            **_who(at, participant_id), transport_id=transport_id, rtp_capabilities=rtp_capabilities, wishes=wishes
        )
        return await self._call(at, request, contract.ConsumersCreated)

    async def set_consumers_paused(
        self, at: Placement, participant_id: ParticipantId, consumer_ids: list[str], *, paused: bool
    ) -> None:
        """Hold consumers or let them flow; ids already gone are skipped. Raises MediaMoved, Unavailable."""
        kind = contract.ConsumerPause if paused else contract.ConsumerResume
        await self._call(at, kind(**_who(at, participant_id), consumer_ids=consumer_ids), contract.Empty)

    async def set_preferred_layers(
        self,
        at: Placement,
        participant_id: ParticipantId,
        consumer_id: str,
        *,
        spatial_layer: int,
        temporal_layer: int | None,
    ) -> None:
        """Cap a consumer's layers, 0 is the lowest. Raises NotFound, InvalidInput, MediaMoved, Unavailable."""
        request = contract.ConsumerSetPreferredLayers(
            **_who(at, participant_id),
            consumer_id=consumer_id,
            spatial_layer=spatial_layer,
            temporal_layer=temporal_layer,
        )
        await self._call(at, request, contract.Empty)

    async def set_priority(
        self, at: Placement, participant_id: ParticipantId, consumer_id: str, *, priority: int
    ) -> None:
        """Say who gets bits first, 1-255. Raises NotFound, InvalidInput, MediaMoved, Unavailable."""
        request = contract.ConsumerSetPriority(**_who(at, participant_id), consumer_id=consumer_id, priority=priority)
        await self._call(at, request, contract.Empty)

    async def _call(self, at: Placement, request: contract.RequestBase, answer: type[AnswerT]) -> AnswerT:
        try:
            return await self._nodes.call(at.node_id, request, answer)
        except LinkError as error:
            raise to_domain_error(error) from error


class _Who(TypedDict):
    id: int
    live_session_id: str
    epoch: int
    participant_id: str


def _who(at: Placement, participant_id: ParticipantId) -> _Who:
    """The fields of every request about a participant."""
    return {
        "id": 0,
        "live_session_id": str(at.live_session_id),
        "epoch": at.epoch,
        "participant_id": str(participant_id),
    }


_AS_DOMAIN: dict[LinkErrorCode, type[DomainError]] = {
    LinkErrorCode.MALFORMED: InvalidInput,
    LinkErrorCode.UNSUPPORTED: InvalidInput,
    LinkErrorCode.TOO_LARGE: InvalidInput,
    LinkErrorCode.NOT_FOUND: NotFound,
    LinkErrorCode.CONFLICT: Conflict,
    LinkErrorCode.STALE_EPOCH: MediaMoved,
    LinkErrorCode.ROOM_NOT_OPEN: MediaMoved,
}
"""The rest is `Unavailable`: the node can't now."""


def to_domain_error(error: LinkError) -> DomainError:
    """What a door answers for a node's refusal: the node's sentence where it is about the input, ours otherwise."""
    kind = _AS_DOMAIN.get(error.code, Unavailable)
    if issubclass(kind, Unavailable):
        return kind("The room's media is away. Try again in a moment.", retry_after_s=RETRY_AFTER_S)
    field = error.facts.get("field")
    return kind(error.message, **({"field": field} if isinstance(field, str) else {}))
