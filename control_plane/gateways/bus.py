"""The bus: events fan out between processes over Redis pub/sub, one topic per room and per live session.

Listeners in this process hear an event at once, before Redis does, so that one machine goes on while Redis is away; the
copy that comes back is recognised by its origin and dropped. Between processes a push may be lost: after every
reconnect the `on_gap` listeners run, and rows are read again (decisions.md 8).
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from control_plane.domain.errors import Unavailable
from control_plane.domain.events import Event
from control_plane.gateways.redis_client import connect

SUBSCRIBE_TIMEOUT_S = 2.0
"""How long a subscription may take to stand, seconds."""
SILENCE_S = 6.0
"""A subscriber connection that answers no PING for this long is given up, seconds."""
PING_S = 2.0
"""How often the subscriber connection is pinged, seconds."""
LATEST_S = 5.0
"""An event that could not be published for this long is dropped: it would be news no more."""
MAX_OUTBOX = 10_000
"""Events that may wait for Redis; the oldest go first."""
BACKOFF_S = (0.05, 2.0)
"""First and longest pause between attempts to connect, seconds."""

DROPPED = Counter("tr_bus_dropped", "Events that could not be published in time.")

Listener = Callable[[Event], None]
log = structlog.get_logger("bus")


class _Envelope(msgspec.Struct):
    """What travels: origin names the publishing process."""

    origin: str
    event: Event


class RedisBus:
    """One connection publishes, one listens; both come back by themselves. Fills `services.ports.Bus`.

    Args:
        redis_url: where Redis is.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._origin = uuid4().hex
        self._listeners: dict[str, list[Listener]] = {}
        self._gap_listeners: list[Callable[[], None]] = []
        self._standing: set[str] = set()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._connection: Any = None
        self._heard_at = 0.0
        self._outbox: deque[tuple[float, str, bytes]] = deque()
        self._outbox_filled = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(_Envelope)

    @property
    def is_connected(self) -> bool:
        """Whether the listening connection stands."""
        return self._connection is not None

    # --- publishing ---------------------------------------------------------------------------------------------

    async def publish(self, topic: str, event: Event) -> None:
        """Tell every process that listens, this one first. Never raises and never waits for Redis."""
        self._tell(topic, event)
        if len(self._outbox) >= MAX_OUTBOX:
            self._outbox.popleft()
            DROPPED.inc()
        payload = self._encoder.encode(_Envelope(origin=self._origin, event=event))
        self._outbox.append((asyncio.get_running_loop().time(), topic, payload))
        self._outbox_filled.set()
        self.start()

    async def _publish_forever(self) -> None:
        pause_s = BACKOFF_S[0]
        while True:
            await self._outbox_filled.wait()
            try:
                await self._publish_waiting()
                pause_s = BACKOFF_S[0]
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("bus_publish_failed", error=type(error).__name__, waiting=len(self._outbox))
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
                pause_s = min(pause_s * 2, BACKOFF_S[1])
                self._drop_late()

    async def _publish_waiting(self) -> None:
        """Send what waits, in order, in one round trip; it leaves the outbox only when Redis has it.

        A connection that breaks in between makes some events arrive twice: applying them twice changes nothing.
        """
        while self._outbox:
            batch = list(self._outbox)[:500]
            async with self._redis.pipeline(transaction=False) as pipeline:
                for _, topic, payload in batch:
                    # A pipeline collects; the answer comes with `execute`.
                    pipeline.execute_command("PUBLISH", topic, payload)
                await pipeline.execute()
            sent = set(map(id, batch))
            while self._outbox and id(self._outbox[0]) in sent:
                self._outbox.popleft()
        self._outbox_filled.clear()

    def _drop_late(self) -> None:
        oldest = asyncio.get_running_loop().time() - LATEST_S
        while self._outbox and self._outbox[0][0] < oldest:
            self._outbox.popleft()
            DROPPED.inc()

    # --- listening ----------------------------------------------------------------------------------------------

    async def subscribe(self, topic: str, listener: Listener) -> Callable[[], Awaitable[None]]:
        """Listen from now on; returns once Redis confirmed the subscription. The answer ends it, and may be called twice.

        Raises:
            Unavailable: Redis does not confirm within `SUBSCRIBE_TIMEOUT_S`.
        """
        self.start()
        self._listeners.setdefault(topic, []).append(listener)
        is_over = False

        async def unsubscribe() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                await self._remove(topic, listener)

        try:
            await self._stand(topic)
        except TimeoutError as error:
            await unsubscribe()
            raise Unavailable("Live updates are away. Try again in a moment.", retry_after_s=1) from error
        except BaseException:
            await unsubscribe()
            raise
        return unsubscribe

    def on_gap(self, listener: Callable[[], None]) -> None:
        """Call back after the connection to Redis was lost and is back: pushes may be missing."""
        self._gap_listeners.append(listener)

    async def _stand(self, topic: str) -> None:
        if topic in self._standing:
            return
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(topic, [])
        waiting.append(confirmed)
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
                # Without a connection, the one to come subscribes to everything in `_listeners`.
                if len(waiting) == 1:
                    await self._send("SUBSCRIBE", topic)
                await confirmed
        finally:
            if confirmed in waiting:
                waiting.remove(confirmed)
            if not waiting and self._waiting.get(topic) is waiting:
                del self._waiting[topic]

    async def _remove(self, topic: str, listener: Listener) -> None:
        listeners = self._listeners.get(topic, [])
        if listener in listeners:
            listeners.remove(listener)
        if topic in self._listeners and not listeners:
            del self._listeners[topic]
            self._standing.discard(topic)
            await self._send("UNSUBSCRIBE", topic)

    async def _send(self, *words: str) -> None:
        """Send a command on the listening connection, if there is one; a broken one is noticed by its reader."""
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.send_command(*words)
        except (RedisError, OSError, TimeoutError):
            await connection.disconnect(nowait=True)

    async def _listen_forever(self) -> None:
        pause_s = BACKOFF_S[0]
        was_connected = False
        while True:
            connection: Any = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py
            try:
                await connection.connect()
                await self._resubscribe(connection)
                if was_connected:
                    log.info("bus_reconnected", topics=len(self._listeners))
                    self._tell_gap()
                was_connected = True
                pause_s = BACKOFF_S[0]
                await self._read(connection)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("bus_connection_lost", error=type(error).__name__)
            except Exception:
                # Whatever redis-py does when its socket is cut under it: the bus must come back.
                log.exception("bus_reader_failed")
            finally:
                self._connection = None
                self._standing.clear()
                await connection.disconnect(nowait=True)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause_s = min(pause_s * 2, BACKOFF_S[1])

    async def _resubscribe(self, connection: Any) -> None:
        """Subscribe to everything wanted and wait until it stands: only then is a gap over."""
        self._heard_at = asyncio.get_running_loop().time()
        wanted = list(self._listeners)
        if wanted:
            await connection.send_command("SUBSCRIBE", *wanted)
        self._connection = connection
        # Topics added since are subscribed twice at worst, which Redis does not mind.
        for topic in self._listeners.keys() - set(wanted):
            await connection.send_command("SUBSCRIBE", topic)
        async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
            while not self._standing.issuperset(wanted):
                self._receive(await connection.read_response(timeout=math.inf, disconnect_on_error=False))

    async def _read(self, connection: Any) -> None:
        watchdog = asyncio.create_task(self._watch(connection))
        try:
            while True:
                message = await connection.read_response(timeout=math.inf, disconnect_on_error=False)
                self._heard_at = asyncio.get_running_loop().time()
                self._receive(message)
        finally:
            watchdog.cancel()

    async def _watch(self, connection: Any) -> None:
        """Ping, and cut a connection that is silent: the reader then fails and starts again."""
        while True:
            await asyncio.sleep(PING_S)
            if asyncio.get_running_loop().time() - self._heard_at > SILENCE_S:
                await connection.disconnect(nowait=True)
                return
            await self._send("PING")

    def _receive(self, message: Any) -> None:
        if not isinstance(message, list) or len(message) < 3:
            return
        kind, topic = message[0], message[1].decode()
        if kind == b"subscribe":
            # A confirmation may come after the last listener left again.
            if topic in self._listeners:
                self._standing.add(topic)
            for confirmed in self._waiting.get(topic, []):
                if not confirmed.done():
                    confirmed.set_result(None)
        elif kind == b"message":
            self._receive_event(topic, message[2])

    def _receive_event(self, topic: str, payload: bytes) -> None:
        try:
            envelope = self._decoder.decode(payload)
        except msgspec.MsgspecError:
            # A newer process may tell what we don't know yet; rows repair it.
            log.warning("bus_event_unreadable", topic=topic)
            return
        if envelope.origin != self._origin:
            self._tell(topic, envelope.event)

    def _tell(self, topic: str, event: Event) -> None:
        for listener in list(self._listeners.get(topic, [])):
            try:
                listener(event)
            except Exception:
                # One listener's fault must not keep the others from hearing.
                log.exception("bus_listener_failed", topic=topic)

    def _tell_gap(self) -> None:
        for listener in self._gap_listeners:
            try:
                listener()
            except Exception:
                log.exception("bus_gap_listener_failed")

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect now rather than on first use. May be called twice."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._publish_forever()), asyncio.create_task(self._listen_forever())]

    async def close(self) -> None:
        """Publish what waits for at most a second, then close. May be called twice."""
        tasks, self._tasks = self._tasks, []
        while tasks:
            for task in tasks:
                task.cancel()
            # redis-py may swallow a cancellation that meets it at work: ask until they are gone.
            _, still_running = await asyncio.wait(tasks, timeout=0.1)
            tasks = list(still_running)
        if self._outbox:
            try:
                async with asyncio.timeout(1):
                    await self._publish_waiting()
            except (RedisError, OSError, TimeoutError):
                log.warning("bus_closed_with_unsent", count=len(self._outbox))
        await self._redis.aclose()
