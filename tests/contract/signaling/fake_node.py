"""A media node behind `ports.MediaNodes`, true to the contract, with faults to inject and no media at all."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from uuid import uuid4

import msgspec

from control_plane.domain.errors import Unavailable
from control_plane.domain.ids import NodeId
from control_plane.domain.nodes import MediaNode
from media_plane.contract import messages as c
from media_plane.contract.errors import LinkError, LinkErrorCode

AnswerT = TypeVar("AnswerT", bound=c.Wire)
SEALED = msgspec.Raw(b"{}")


class FakeNode:
    """A media node behind `ports.MediaNodes`: keeps what the contract says it keeps, and no media at all."""

    def __init__(self) -> None:
        self.id = NodeId(uuid4())
        self.epoch = 0
        self.is_up = True
        self.failure: BaseException | None = None
        self.calls: list[c.RequestBase] = []
        self.gate: asyncio.Event | None = None
        """When set, requests wait for it."""
        self.transports: dict[str, dict[str, c.Direction]] = {}
        self.producers: dict[str, c.ProducerFacts] = {}
        self.consumers: dict[str, set[str]] = {}
        self.unsupported: set[str] = set()
        self.piped: set[str] = set()
        self.has_pipes = True
        self.facts = MediaNode(
            id=self.id,
            link_url="ws://nowhere/",
            region="test",
            cpu=0.1,
            consumers=0,
            capacity_consumers=100,
            is_draining=False,
            last_seen_at=datetime.now(UTC),
        )
        self.pipe_ids: dict[str, str] = {}

    def forget(self) -> None:
        """The agent was killed and is back, empty."""
        self.epoch = 0
        self._clear()

    def forget_participant(self, who: str) -> None:
        """Everything one person had open is gone."""
        self.transports.pop(who, None)
        self.consumers.pop(who, None)

    def _clear(self) -> None:
        self.transports.clear()
        self.producers.clear()
        self.consumers.clear()
        self.piped.clear()
        self.pipe_ids.clear()

    def methods(self) -> list[str]:
        """What was asked, in order."""
        return [str(call.__struct_config__.tag) for call in self.calls]

    async def call(self, node_id: NodeId, request: c.RequestBase, answer: type[AnswerT]) -> AnswerT:
        self.calls.append(request)
        if not self.is_up or node_id != self.id:
            raise Unavailable("No link.")
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        made = getattr(self, "_" + str(request.__struct_config__.tag).replace(".", "_"))(cast("Any", request))
        assert isinstance(made, answer)
        return made

    def _check(self, request: Any) -> None:
        if request.epoch < self.epoch:
            raise LinkError(LinkErrorCode.STALE_EPOCH, "stale")
        if request.epoch > self.epoch:
            raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "not open")

    def _room_open(self, request: c.RoomOpen) -> c.RoomOpenAnswer:
        if request.epoch < self.epoch:
            raise LinkError(LinkErrorCode.STALE_EPOCH, "stale")
        if request.epoch > self.epoch:
            self.epoch = request.epoch
            self._clear()
        return c.RoomOpenAnswer(
            rtp_capabilities=SEALED,
            participants=[self._media(who) for who in self.transports],
            piped_producer_ids=sorted(self.piped),
        )

    def _pipe_open(self, request: c.PipeOpen) -> c.PipeOpened:
        self._check(request)
        if not self.has_pipes:
            raise LinkError(LinkErrorCode.UNSUPPORTED, "This node has no address for pipes.")
        pipe_id = self.pipe_ids.setdefault(request.peer_node_id, str(uuid4()))
        return c.PipeOpened(pipe_id=pipe_id, ip="192.0.2.1", port=20_000, srtp_parameters=SEALED)

    def _require_pipe(self, request: Any) -> None:
        self._check(request)
        if self.pipe_ids.get(request.peer_node_id) != request.pipe_id:
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such pipe.")

    def _pipe_connect(self, request: c.PipeConnect) -> c.Empty:
        self._require_pipe(request)
        return c.Empty()

    def _pipe_send(self, request: c.PipeSend) -> c.PipeSent:
        self._require_pipe(request)
        known = [self.producers[one] for one in request.producer_ids if one in self.producers]
        return c.PipeSent(tracks=[c.PipedTrack(producer=facts, rtp_parameters=SEALED) for facts in known])

    def _pipe_receive(self, request: c.PipeReceive) -> c.Empty:
        self._require_pipe(request)
        for track in request.tracks:
            self.producers[track.producer.producer_id] = track.producer
            self.piped.add(track.producer.producer_id)
        return c.Empty()

    def _pipe_drop(self, request: c.PipeDrop) -> c.Empty:
        if not request.producer_ids:
            self.pipe_ids.pop(request.peer_node_id, None)
        for producer_id in request.producer_ids:
            self.producers.pop(producer_id, None)
            self.piped.discard(producer_id)
        return c.Empty()

    def _media(self, who: str) -> c.ParticipantMedia:
        by_direction = {direction: known for known, direction in self.transports[who].items()}
        return c.ParticipantMedia(
            participant_id=who,
            send_transport_id=by_direction.get("send"),
            recv_transport_id=by_direction.get("recv"),
            producers=[facts for facts in self.producers.values() if facts.participant_id == who],
            consumer_ids=sorted(self.consumers.get(who, ())),
        )

    def _room_close(self, request: c.RoomClose) -> c.Empty:
        if request.epoch < self.epoch:
            raise LinkError(LinkErrorCode.STALE_EPOCH, "stale")
        self._clear()
        return c.Empty()

    def _participant_adopt(self, request: c.ParticipantAdopt) -> c.ParticipantMedia:
        self._check(request)
        if request.participant_id not in self.transports:
            raise LinkError(LinkErrorCode.NOT_FOUND, "nothing is left")
        return self._media(request.participant_id)

    def _participant_close(self, request: c.ParticipantClose) -> c.Empty:
        if request.once_unwatched and any(self.consumers.values()):
            return c.Empty()
        self.transports.pop(request.participant_id, None)
        self.consumers.pop(request.participant_id, None)
        self.producers = {
            known: facts for known, facts in self.producers.items() if facts.participant_id != request.participant_id
        }
        return c.Empty()

    def _transport_create(self, request: c.TransportCreate) -> c.TransportOptions:
        self._check(request)
        self.transports.setdefault(request.participant_id, {})[request.transport_id] = request.direction
        return c.TransportOptions(
            id=request.transport_id, ice_parameters=SEALED, ice_candidates=SEALED, dtls_parameters=SEALED
        )

    def _transport_connect(self, request: c.TransportConnect) -> c.Empty:
        self._require_transport(request)
        return c.Empty()

    def _transport_restartIce(self, request: c.TransportRestartIce) -> c.IceRestarted:  # noqa: N802 - the wire's name
        self._require_transport(request)
        return c.IceRestarted(ice_parameters=SEALED)

    def _require_transport(self, request: Any) -> None:
        self._check(request)
        if request.transport_id not in self.transports.get(request.participant_id, {}):
            raise LinkError(LinkErrorCode.NOT_FOUND, "There is no such transport.")

    def _producer_create(self, request: c.ProducerCreate) -> c.ProducerCreated:
        self._require_transport(request)
        facts = c.ProducerFacts(
            producer_id=request.producer_id,
            participant_id=request.participant_id,
            kind=request.kind,
            source=request.source,
            paused=request.paused,
        )
        self.producers[request.producer_id] = facts
        return c.ProducerCreated(producer=facts)

    def _producer_pause(self, request: c.ProducerPause) -> c.Empty:
        self._check(request)
        return c.Empty()

    _producer_resume = _producer_pause

    def _producer_close(self, request: c.ProducerClose) -> c.Empty:
        self.producers.pop(request.producer_id, None)
        return c.Empty()

    def _consumer_create(self, request: c.ConsumerCreate) -> c.ConsumersCreated:
        self._require_transport(request)
        consumers, refused = [], []
        for wish in request.wishes:
            facts = self.producers.get(wish.producer_id)
            if facts is None or wish.producer_id in self.unsupported:
                code = "not_found" if facts is None else "unsupported"
                refused.append(c.ConsumerRefused(producer_id=wish.producer_id, code=code))
                continue
            self.consumers.setdefault(request.participant_id, set()).add(wish.consumer_id)
            consumers.append(
                c.ConsumerOptions(
                    id=wish.consumer_id,
                    producer_id=wish.producer_id,
                    participant_id=facts.participant_id,
                    kind=facts.kind,
                    source=facts.source,
                    rtp_parameters=SEALED,
                    producer_paused=facts.paused,
                )
            )
        return c.ConsumersCreated(consumers=consumers, refused=refused)

    def _consumer_resume(self, request: c.ConsumerResume) -> c.Empty:
        self._check(request)
        return c.Empty()

    _consumer_pause = _consumer_resume
    _consumer_setPreferredLayers = _consumer_resume  # noqa: N815 - the wire's name
    _consumer_setPriority = _consumer_resume  # noqa: N815 - the wire's name
