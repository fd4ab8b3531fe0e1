import pytest
from typing_extensions import override

from media_plane.sfu.closable import Closable, CloseReason
from media_plane.sfu.errors import InvalidState


class Door(Closable):
    """Notes in which order it was shut and told."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.on_close(lambda reason: self.events.append(f"told {reason}"))

    @override
    def _shut(self, reason: CloseReason) -> None:
        self.events.append(f"shut {reason}")


def test_close_shuts_then_tells_once() -> None:
    door = Door()

    door.close()
    door.close()
    door.closed_by("router_closed")

    assert door.events == ["shut closed", "told closed"]
    assert (door.closed, door.close_reason) == (True, "closed")


def test_parent_closes_with_its_reason() -> None:
    door = Door()

    door.closed_by("worker_died")
    door.close()

    assert door.events == ["shut worker_died", "told worker_died"]


def test_open_object_may_be_used_and_a_closed_one_says_why_not() -> None:
    door = Door()
    door.require_open()

    door.closed_by("transport_closed")

    with pytest.raises(InvalidState, match=r"The Door is closed \(transport_closed\)"):
        door.require_open()


def test_closing_again_while_being_told_does_nothing() -> None:
    door = Door()
    door.on_close(lambda _reason: door.close())

    door.close()

    assert door.events == ["shut closed", "told closed"]
