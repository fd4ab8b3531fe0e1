"""What is to go says so, for a year at least."""

from __future__ import annotations

from datetime import date
from email.utils import parsedate_to_datetime

import pytest
from litestar import get
from litestar.testing import create_test_client

from control_plane.rest.deprecation import going


def test_an_operation_that_is_to_go_says_so_in_its_answers_and_in_the_document() -> None:
    @get("/old", sync_to_thread=False, **going(since=date(2027, 1, 1), gone_on=date(2028, 1, 1), instead="/new"))
    def old() -> None: ...

    with create_test_client([old]) as client:
        answer = client.get("/old")
        document = client.app.openapi_schema.to_schema()

    assert answer.headers["deprecation"] == "@1798761600"
    assert parsedate_to_datetime(answer.headers["sunset"]).isoformat() == "2028-01-01T00:00:00+00:00"
    assert answer.headers["sunset"].endswith("GMT")
    assert answer.headers["link"] == '</new>; rel="successor-version"'
    assert document["paths"]["/old"]["get"]["deprecated"] is True


def test_a_notice_of_less_than_a_year_is_refused() -> None:
    with pytest.raises(ValueError, match="365 days"):
        going(since=date(2027, 1, 1), gone_on=date(2027, 12, 31))
