"""Bytes of the node link."""

from __future__ import annotations

import msgspec
import pytest

from media_plane.agent.wire import NO_ID, check_ids, decode_request, encode_refusal, encode_response
from media_plane.contract import messages as m
from media_plane.contract.errors import LinkError, LinkErrorCode

ID = "018f3b6e-7c1a-7000-8000-000000000001"


def test_a_request_is_read_with_its_sealed_parts_untouched() -> None:
    raw = b'{ "a":1.50,"b":[1, 2] }'
    message = (
        b'{"id":7,"method":"transport.connect","liveSessionId":"%b","epoch":1,"participantId":"%b",'
        b'"transportId":"%b","dtlsParameters":%b}' % (ID.encode(), ID.encode(), ID.encode(), raw)
    )

    request = decode_request(message)

    assert isinstance(request, m.TransportConnect)
    assert bytes(request.dtls_parameters) == raw


@pytest.mark.parametrize(
    ("message", "request_id"),
    [
        (b"", NO_ID),
        (b"null", NO_ID),
        (b"[]", NO_ID),
        (b"\xff\xfe", NO_ID),
        (b'{"id":7', NO_ID),
        (b'{"id":7,', 7),
        (b'{ "method" : "room.open" , "id" : 7 , "x":', 7),
        (b'{"x":{"id":7},', NO_ID),
        (b'{"id":7777777777777777777777777777,"x"', NO_ID),
        (b'{"id":7}', 7),
        (b'{"id":7,"method":"room.explode"}', 7),
        (b'{"id":7,"method":"room.open"}', 7),
        (b'{"id":7,"method":"room.open","liveSessionId":5,"epoch":1}', 7),
        (b'{"id":7,"method":"room.open","liveSessionId":"x","epoch":1e400}', 7),
        (b'{"id":"7","method":"room.open"}', NO_ID),
        (b'{"id":1.5,"method":"room.open"}', NO_ID),
        (b'{"id":7,"method":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 7),
    ],
)
def test_what_does_not_decode_is_malformed_with_the_id_if_readable(message: bytes, request_id: int) -> None:
    with pytest.raises(LinkError) as refused:
        decode_request(message)

    assert refused.value.code is LinkErrorCode.MALFORMED
    assert refused.value.facts["id"] == request_id


@pytest.mark.parametrize("bad", ["", "x", ID.upper().replace("018F", "018F"), ID + "\n", ID[:-1], "{" + ID + "}"])
def test_ids_are_uuids_in_lower_case(bad: str) -> None:
    with pytest.raises(LinkError, match="live_session_id"):
        check_ids(m.RoomOpen(id=1, live_session_id=bad, epoch=1))


def test_ids_inside_lists_are_checked_too() -> None:
    wish = m.ConsumerWish(producer_id=ID, consumer_id="nope")
    request = m.ConsumerCreate(
        id=1,
        live_session_id=ID,
        epoch=1,
        participant_id=ID,
        transport_id=ID,
        rtp_capabilities=msgspec.Raw(b"{}"),
        wishes=[wish],
    )

    with pytest.raises(LinkError, match="consumer_id"):
        check_ids(request)
    with pytest.raises(LinkError, match="consumer_ids"):
        check_ids(m.ConsumerPause(id=1, live_session_id=ID, epoch=1, participant_id=ID, consumer_ids=[ID, "x"]))


def test_an_answer_holds_data_or_error_never_both() -> None:
    good = msgspec.json.decode(encode_response(7, m.Empty()))
    bad = msgspec.json.decode(encode_refusal(8, LinkError(LinkErrorCode.STALE_EPOCH, "Too old.", epoch=3)))

    assert good == {"id": 7, "data": {}}
    assert bad == {"id": 8, "error": {"code": "stale_epoch", "message": "Too old.", "facts": {"epoch": 3}}}
