"""Callbacks for what happens to an object."""

import logging
from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")

log = logging.getLogger(__name__)


class Listeners(Generic[P]):
    """Who wants to know when one kind of thing happens.

    Calling it registers a callback: `transport.on_close(forget_it)`. Callbacks run at once, in the order they came, in
    the loop's thread; they must not block. What one raises is logged and does not keep the others from hearing.
    """

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        # Most events of most objects have no listener: no list until the first.
        self._callbacks: list[Callable[P, None]] | None = None

    def __call__(self, callback: Callable[P, None]) -> Callable[[], None]:
        """Register a callback.

        Args:
            callback: called with the event's values.

        Returns:
            A function that takes it out again; harmless when called twice.
        """
        callbacks = self._callbacks
        if callbacks is None:
            callbacks = self._callbacks = []
        callbacks.append(callback)

        def unregister() -> None:
            if callback in callbacks:
                callbacks.remove(callback)

        return unregister

    def tell(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call everybody."""
        for callback in tuple(self._callbacks or ()):
            try:
                callback(*args, **kwargs)
            except Exception:
                log.exception("A listener failed.")
