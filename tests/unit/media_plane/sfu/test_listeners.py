import logging

import pytest

from media_plane.sfu.listeners import Listeners


def test_everybody_hears_in_order() -> None:
    heard: list[str] = []
    on_score: Listeners[[int]] = Listeners()
    on_score(lambda score: heard.append(f"first {score}"))
    on_score(lambda score: heard.append(f"second {score}"))

    on_score.tell(7)

    assert heard == ["first 7", "second 7"]


def test_telling_nobody_is_fine() -> None:
    on_close: Listeners[[]] = Listeners()

    on_close.tell()


def test_one_that_fails_is_logged_and_the_next_still_hears(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []
    on_score: Listeners[[int]] = Listeners()

    def fail(_: int) -> None:
        raise RuntimeError("listener")

    on_score(fail)
    on_score(heard.append)

    with caplog.at_level(logging.ERROR, "media_plane.sfu.listeners"):
        on_score.tell(1)

    assert heard == [1]
    assert "A listener failed" in caplog.text


def test_unregistered_listener_hears_no_more_even_twice() -> None:
    heard: list[int] = []
    on_score: Listeners[[int]] = Listeners()
    unregister = on_score(heard.append)

    on_score.tell(1)
    unregister()
    unregister()
    on_score.tell(2)

    assert heard == [1]


def test_listener_may_unregister_itself_while_hearing() -> None:
    heard: list[str] = []
    on_close: Listeners[[]] = Listeners()

    def once() -> None:
        heard.append("once")
        unregister()

    unregister = on_close(once)
    on_close(lambda: heard.append("always"))

    on_close.tell()
    on_close.tell()

    assert heard == ["once", "always", "always"]
