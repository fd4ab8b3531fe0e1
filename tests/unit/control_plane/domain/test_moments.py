"""Which moments may be named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from control_plane.domain.errors import InvalidInput
from control_plane.domain.moments import require_moment


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-06-01T00:00:00Z", "2026-11-22T19:00:00"],
)
def test_a_moment_that_utc_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_moment(datetime.fromisoformat(text), "since")

    assert refused.value.facts["field"] == "since"


@pytest.mark.parametrize("text", ["0002-01-01T00:00:00+14:00", "9998-12-31T23:59:59-14:00"])
def test_what_passes_can_be_written_in_utc(text: str) -> None:
    moment = datetime.fromisoformat(text)

    require_moment(moment, "since")

    assert moment.astimezone(UTC) == moment
