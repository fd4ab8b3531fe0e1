from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.errors import Forbidden
from control_plane.signaling import messages as m
from control_plane.signaling.wire import (
    BadRequest,
    Unreadable,
    decode_request,
    encode_answer,
    encode_notification,
    encode_refusal,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_our_words(message: bytes) -> None:
    with pytest.raises((BadRequest, Unreadable)):
        decode_request(message)


@given(JSON)
def test_any_json_is_read_or_refused_in_our_words(value: object) -> None:
    with pytest.raises((BadRequest, Unreadable)):
        decode_request(msgspec.json.encode(value))


def test_id_of_a_bad_request_is_kept() -> None:
    with pytest.raises(BadRequest) as bad:
        decode_request(b'{"method":"chat.post","id":12,"text":1}')

    assert bad.value.request_id == 12


@pytest.mark.parametrize("number", [b"-1", b"9007199254740992", b'"1"', b"1.5", b"null"])
def test_id_that_is_no_small_number_cannot_be_answered(number: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_request(b'{"method":"room.leave","id":' + number + b"}")


def test_sealed_values_pass_unread() -> None:
    sealed = b'{"iceLite": true,  "odd":[1,  2]}'

    request = decode_request(
        b'{"id":1,"method":"transport.connect","transportId":"01900000-0000-7000-8000-000000000000","dtlsParameters":'
        + sealed
        + b"}"
    )

    assert isinstance(request, m.TransportConnect)
    assert bytes(request.dtls_parameters) == sealed


def test_answers_and_refusals_name_their_request() -> None:
    assert encode_answer(3, m.Posted(seq=7)) == b'{"id":3,"data":{"seq":7}}'
    assert msgspec.json.decode(encode_refusal(4, Forbidden("No.", permission="chat.post"))) == {
        "id": 4,
        "error": {"code": "forbidden", "message": "No.", "facts": {"permission": "chat.post"}},
    }
    assert encode_notification(m.SessionEnded()) == b'{"method":"session.ended"}'
