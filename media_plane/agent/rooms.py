"""The live sessions on this node: which are open, at which epoch, on which worker, and whose they are.

Three ends a live session can come to here: somebody says so (`room.close`, or a higher epoch), its worker dies, or nobody
holds it any more: no participant, and no link that ever asked about it, for one orphan grace.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Literal, Protocol

import structlog

from media_plane.agent.node_pipes import PipeAddress
from media_plane.agent.participants import LinkEnd
from media_plane.agent.placement import choose_worker
from media_plane.agent.room_media import RouterGroup
from media_plane.agent.router_seats import SeatRules, Workers
from media_plane.contract.errors import LinkError, LinkErrorCode
from media_plane.contract.messages import NodeLoad, Notification, ParticipantClosed, RoomLost
from media_plane.contract.pipes import PIPE_IDLE_S
from media_plane.sfu.worker import Worker

MOST_EPOCHS = 10_000
"""Live sessions whose last epoch is remembered after they closed."""
LossReason = Literal["worker_died", "replaced", "closed"]

log = structlog.get_logger("rooms")


class Audience(Protocol):
    """All links of the node."""

    def tell_all(self, notification: Notification, *, but: object = None) -> None:
        """Notify every link, except `but`."""


class Rooms:
    """All RouterGroups of the node.

    Args:
        workers: where routers can stand.
        audience: who hears that a room is lost.
        now: monotonic seconds.
        orphan_grace_s: how long media without a link is kept.
        rules: when a live session gets more than one router, and when a worker takes no new one.
        pipe_address: where pipes from other nodes come in; None: this node takes part in none.
    """

    def __init__(
        self,
        *,
        workers: Workers,
        audience: Audience,
        now: Callable[[], float],
        orphan_grace_s: float,
        rules: SeatRules,
        pipe_address: PipeAddress | None = None,
    ) -> None:
        self._workers = workers
        self._audience = audience
        self._now = now
        self._orphan_grace_s = orphan_grace_s
        self._rules = rules
        self._pipe_address = pipe_address
        self._groups: dict[str, RouterGroup] = {}
        self._openings: dict[str, asyncio.Task[RouterGroup]] = {}
        self._epochs: OrderedDict[str, int] = OrderedDict()
        self._deserted_since_s: dict[str, float] = {}
        """Live sessions that are fed by another node and watched by nobody here, and since when."""
        self.is_draining = False
        """Whether new live sessions are refused; see `draining`."""

    # --- what links ask -----------------------------------------------------------------------------------------

    async def open(self, link: LinkEnd, live_session_id: str, epoch: int) -> RouterGroup:
        """The live session's RouterGroup at this epoch, made if needed. Many may ask at once; one is made.

        Args:
            link: who asks; it holds the room from now on.
            live_session_id: which live session.
            epoch: >= 1; a higher one than ours replaces what is here.

        Raises:
            LinkError: stale_epoch, draining, overloaded, worker_failed.
            MediaError: the worker refused.
        """
        while True:
            self._refuse_stale(live_session_id, epoch)
            group = self._groups.get(live_session_id)
            if group is not None and group.epoch == epoch:
                group.hold(link)
                return group
            opening = self._openings.get(live_session_id)
            if opening is None:
                if group is not None:
                    self._drop(group, "replaced", but=None)
                opening = self._begin(live_session_id, epoch)
            # Shielded: whoever gives up waiting must not take the router from those who still wait.
            await asyncio.shield(opening)

    async def find(self, link: LinkEnd, live_session_id: str, epoch: int) -> RouterGroup:
        """The open RouterGroup at exactly this epoch; waits for one being opened.

        Raises:
            LinkError: room_not_open or stale_epoch.
        """
        opening = self._openings.get(live_session_id)
        if opening is not None:
            await asyncio.wait([opening])
        self._refuse_stale(live_session_id, epoch)
        group = self._groups.get(live_session_id)
        if group is None or group.epoch != epoch:
            raise LinkError(LinkErrorCode.ROOM_NOT_OPEN, "The live session is not open on this node.")
        group.hold(link)
        return group

    async def close_room(self, link: LinkEnd | None, live_session_id: str, epoch: int) -> None:
        """Close a live session; all links but the asking one are told.

        Raises:
            LinkError: stale_epoch.
        """
        opening = self._openings.get(live_session_id)
        if opening is not None:
            await asyncio.wait([opening])
        self._refuse_stale(live_session_id, epoch)
        self._remember(live_session_id, epoch)
        group = self._groups.get(live_session_id)
        if group is not None:
            self._drop(group, "closed", but=link)

    # --- what happens to us -------------------------------------------------------------------------------------

    def link_lost(self, link: LinkEnd) -> None:
        """A link dropped: what it held are orphans from now on."""
        for group in self._groups.values():
            group.release(link)

    def worker_died(self, worker: Worker) -> None:
        """All routers of a worker are gone: live sessions end whose origin was there, others lose an edge at most."""
        for group in list(self._groups.values()):
            if group.stands_on(worker):
                self._drop(group, "worker_died", but=None)
            else:
                group.lose_edges(worker)

    def close_orphans(self) -> None:
        """Close what nobody has held for the orphan grace. Called about once a second."""
        limit_s = self._now() - self._orphan_grace_s
        for group in list(self._groups.values()):
            for participant in group.orphans(limit_s):
                had_media = bool(participant.transports)
                group.close_participant(participant)
                if had_media:
                    log.info("participant_orphaned", live_session_id=group.live_session_id)
                    self._audience.tell_all(
                        ParticipantClosed(
                            live_session_id=group.live_session_id,
                            participant_id=participant.participant_id,
                            reason="orphaned",
                        ),
                    )
            group.close_idle_edges()
            group.close_leaving()
            group.pipes.close_unused(self._now() - PIPE_IDLE_S)
            if group.is_abandoned_since(limit_s) or self._is_deserted(group):
                self._drop(group, "closed", but=None)

    def _is_deserted(self, group: RouterGroup) -> bool:
        """Whether what other nodes send us of it has been for nobody, for `PIPE_IDLE_S`."""
        if group.participant_count or not group.pipes.incoming_ids():
            self._deserted_since_s.pop(group.live_session_id, None)
            return False
        since_s = self._deserted_since_s.setdefault(group.live_session_id, self._now())
        return self._now() - since_s > PIPE_IDLE_S

    def close_empty(self, live_session_ids: Iterable[str]) -> None:
        """Close these live sessions as far as no participant has anything open; for a node that drains."""
        for live_session_id in live_session_ids:
            group = self._groups.get(live_session_id)
            if group is not None and group.participant_count == 0:
                self._drop(group, "closed", but=None)

    def empty_ids(self) -> set[str]:
        """Live sessions in which no participant has anything open here."""
        return {group.live_session_id for group in self._groups.values() if group.participant_count == 0}

    @property
    def count(self) -> int:
        """Live sessions open or being opened here, >= 0."""
        return len(self._groups.keys() | self._openings.keys())

    def close(self) -> None:
        """Forget all live sessions; the workers are about to stop. May be called twice."""
        self.is_draining = True
        for opening in self._openings.values():
            opening.cancel()
        for group in list(self._groups.values()):
            group.close()
        self._groups.clear()

    def groups(self) -> list[RouterGroup]:
        """All open live sessions."""
        return list(self._groups.values())

    def load(self, *, cpu: float) -> NodeLoad:
        """What the node carries.

        Args:
            cpu: share of the machine in use, 0.0-1.0.
        """
        groups = self._groups.values()
        return NodeLoad(
            cpu=cpu,
            workers=sum(facts.is_alive for facts in self._workers.facts()),
            rooms=len(groups),
            transports=sum(group.transport_count for group in groups),
            producers=sum(group.producer_count for group in groups),
            consumers=sum(group.consumer_count for group in groups),
            draining=self.is_draining,
        )

    # --- inside -------------------------------------------------------------------------------------------------

    def _refuse_stale(self, live_session_id: str, epoch: int) -> None:
        newest = self._epochs.get(live_session_id, 0)
        if epoch < newest:
            raise LinkError(LinkErrorCode.STALE_EPOCH, "The live session has a newer placement.", epoch=newest)

    def _remember(self, live_session_id: str, epoch: int) -> None:
        self._epochs[live_session_id] = max(epoch, self._epochs.get(live_session_id, 0))
        self._epochs.move_to_end(live_session_id)
        if len(self._epochs) > MOST_EPOCHS:
            # Open rooms keep theirs: the oldest closed one goes.
            for known in self._epochs:
                if known not in self._groups and known not in self._openings:
                    del self._epochs[known]
                    break

    def _begin(self, live_session_id: str, epoch: int) -> asyncio.Task[RouterGroup]:
        if self.is_draining:
            raise LinkError(LinkErrorCode.DRAINING, "This node takes no new live sessions.")
        index = choose_worker(self._workers.facts(), max_consumers=self._rules.max_consumers_per_worker)
        if index is None:
            raise LinkError(LinkErrorCode.OVERLOADED, "No media worker can take the live session now.")
        self._remember(live_session_id, epoch)
        opening = asyncio.get_running_loop().create_task(self._open_on(index, live_session_id, epoch))
        self._openings[live_session_id] = opening
        # Retrieved here too: all who waited may have given up, and nobody else would look at the error.
        opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return opening

    async def _open_on(self, index: int, live_session_id: str, epoch: int) -> RouterGroup:
        try:
            seat = await self._workers.open_router(index)
            if seat.worker.closed:
                raise LinkError(LinkErrorCode.WORKER_FAILED, "The media worker died.")
            group = RouterGroup(
                live_session_id=live_session_id,
                epoch=epoch,
                origin=seat,
                workers=self._workers,
                rules=self._rules,
                now=self._now,
                pipe_address=self._pipe_address,
            )
            self._groups[live_session_id] = group
        finally:
            del self._openings[live_session_id]
        log.info("room_opened", live_session_id=live_session_id, epoch=epoch, worker=index)
        return group

    def _drop(self, group: RouterGroup, reason: LossReason, *, but: LinkEnd | None) -> None:
        if self._groups.get(group.live_session_id) is group:
            del self._groups[group.live_session_id]
            self._deserted_since_s.pop(group.live_session_id, None)
        group.close()
        log.info("room_lost", live_session_id=group.live_session_id, epoch=group.epoch, reason=reason)
        notice = RoomLost(live_session_id=group.live_session_id, epoch=group.epoch, reason=reason)
        self._audience.tell_all(notice, but=but)
