from __future__ import annotations

from uuid import uuid4

import pytest

from control_plane.domain import events
from control_plane.domain.events import Event
from control_plane.domain.ids import LiveSessionId, ParticipantId, UserId
from control_plane.domain.participants import Participant, grant_for
from control_plane.domain.roles import Role
from control_plane.signaling.roster import Roster
from media_plane.contract.messages import ProducerFacts

LIVE = LiveSessionId(uuid4())
HOST = Participant(
    id=ParticipantId(uuid4()), user_id=UserId(uuid4()), display_name="H", role=Role.HOST, grant=grant_for(Role.HOST)
)


def joined() -> Event:
    return events.ParticipantJoined(live_session_id=LIVE, participant=HOST)


def opened(producer_id: str, epoch: int = 0) -> Event:
    return events.ProducerOpened(
        live_session_id=LIVE,
        participant_id=HOST.id,
        producer_id=producer_id,
        kind="video",
        source="screen",
        epoch=epoch,
    )


def gone(producer_id: str) -> Event:
    return events.ProducerGone(live_session_id=LIVE, participant_id=HOST.id, producer_id=producer_id)


def paused(producer_id: str) -> Event:
    return events.ProducerPausedChanged(
        live_session_id=LIVE, participant_id=HOST.id, producer_id=producer_id, paused=True
    )


def away(*, is_connected: bool) -> Event:
    return events.ParticipantConnectionChanged(live_session_id=LIVE, participant_id=HOST.id, is_connected=is_connected)


@pytest.mark.parametrize(
    "event",
    [joined(), opened("b"), paused("a"), gone("a"), away(is_connected=False)],
    ids=["joined", "opened", "paused", "gone", "away"],
)
def test_event_changes_once(event: Event) -> None:
    roster = Roster()
    if not isinstance(event, events.ParticipantJoined):
        roster.apply(joined())
        roster.apply(opened("a"))

    assert roster.apply(event)
    before = roster.views()
    assert not roster.apply(event)
    assert roster.views() == before


def test_late_opened_does_not_bring_a_closed_track_back() -> None:
    roster = Roster()
    roster.apply(gone("a"))

    assert not roster.apply(opened("a"))
    assert roster.tracks == {}


@pytest.mark.parametrize(("epoch", "is_news"), [(1, False), (2, True)])
def test_closed_track_comes_again_at_a_newer_placement_only(epoch: int, is_news: bool) -> None:  # noqa: FBT001 - a table
    roster = Roster()
    roster.replace_tracks([], 1)
    roster.apply(opened("a", 1))
    roster.move([], 2)
    roster.apply(gone("a"))

    assert roster.apply(opened("a", epoch)) is is_news


def test_coming_back_is_a_change() -> None:
    roster = Roster()
    roster.apply(joined())
    roster.apply(away(is_connected=False))

    assert roster.apply(joined())
    assert roster.views()[0].is_connected


def test_tracks_of_others_leave_out_ones_own() -> None:
    roster = Roster()
    roster.apply(opened("a"))

    assert roster.tracks_of(HOST.id) == ["a"]
    assert roster.tracks_of_others(HOST.id) == []
    assert roster.tracks_of_others(ParticipantId(uuid4())) == ["a"]


def test_node_is_believed_about_tracks_and_what_comes_later_counts_too() -> None:
    roster = Roster()
    roster.apply(opened("old"))
    fact = ProducerFacts(producer_id="b", participant_id=str(HOST.id), kind="audio", source="microphone", paused=True)

    roster.replace_tracks([fact])

    assert list(roster.tracks) == ["b"]
    assert roster.apply(opened("on its way"))


def test_view_of_nobody_is_none() -> None:
    assert Roster().view(HOST.id) is None
