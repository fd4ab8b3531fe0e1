"""What is written by one half of the codec is read by the other."""

from typing import Any

import pytest
from flatbuffers import Builder
from hypothesis import given
from hypothesis import strategies as st

from media_plane.channel.codec import (
    consumer,
    listen_info,
    plain_transport,
    producer,
    rtp_parameters,
    web_rtc_transport,
)
from media_plane.channel.codec import router as router_codec
from media_plane.channel.codec.message import Response, decode_message
from media_plane.channel.codec.tables import TableWriter, snake_case, write_text
from media_plane.channel.errors import BrokenMessage, InvalidValue
from media_plane.channel.fbs.FBS.Message import Message as MessageModule
from media_plane.channel.fbs.FBS.Request.Request import Request
from media_plane.channel.fbs.FBS.RtpParameters.RtpMapping import RtpMapping as FbsRtpMapping
from media_plane.channel.fbs.FBS.RtpParameters.RtpParameters import RtpParameters as FbsRtpParameters
from media_plane.channel.fbs.FBS.Transport import Tuple as TupleModule
from media_plane.channel.fbs.FBS.Transport.ConsumeRequest import ConsumeRequest
from media_plane.channel.fbs.FBS.Transport.ListenInfo import ListenInfo as FbsListenInfo
from media_plane.channel.fbs.FBS.Transport.ProduceRequest import ProduceRequest
from media_plane.channel.fbs.FBS.Transport.Tuple import Tuple
from media_plane.channel.framing import LENGTH_BYTES
from media_plane.channel.values.media import ConsumerLayers
from media_plane.channel.values.transport import ListenInfo, PortRange, SctpOptions, SocketFlags
from media_plane.ortc.rtp import (
    CodecMapping,
    EncodingMapping,
    RtcpFeedback,
    RtcpParameters,
    RtpCodecParameters,
    RtpEncodingParameters,
    RtpHeaderExtensionParameters,
    RtpMapping,
    RtpParameters,
    RtxParameters,
)

names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
optional_names = st.none() | names
ssrcs = st.integers(min_value=1, max_value=2**32 - 1)
payload_types = st.integers(min_value=0, max_value=127)
values = st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False) | names
named_values = st.dictionaries(names, values, max_size=4)
codecs = st.builds(
    RtpCodecParameters,
    mime_type=names,
    payload_type=payload_types,
    clock_rate=st.integers(1, 2**32 - 1),
    channels=st.none() | st.integers(1, 255),
    parameters=named_values,
    rtcp_feedback=st.lists(st.builds(RtcpFeedback, type=names, parameter=st.just("") | names), max_size=3),
)
extensions = st.builds(
    RtpHeaderExtensionParameters,
    uri=st.sampled_from(sorted(rtp_parameters.URIS)),
    id=st.integers(1, 255),
    encrypt=st.booleans(),
    parameters=named_values,
)
encodings = st.builds(
    RtpEncodingParameters,
    ssrc=st.none() | ssrcs,
    rid=optional_names,
    codec_payload_type=st.none() | payload_types,
    rtx=st.none() | st.builds(RtxParameters, ssrc=ssrcs),
    dtx=st.booleans(),
    scalability_mode=optional_names,
    max_bitrate=st.none() | st.integers(0, 2**64 - 1),
)
parameters = st.builds(
    RtpParameters,
    mid=optional_names,
    msid=optional_names,
    codecs=st.lists(codecs, max_size=3),
    header_extensions=st.lists(extensions, max_size=3),
    encodings=st.lists(encodings, max_size=3),
    rtcp=st.builds(RtcpParameters, cname=optional_names, reduced_size=st.booleans()),
)
mappings = st.builds(
    RtpMapping,
    codecs=st.lists(st.builds(CodecMapping, payload_type=payload_types, mapped_payload_type=payload_types), max_size=3),
    encodings=st.lists(
        st.builds(EncodingMapping, ssrc=st.none() | ssrcs, rid=optional_names, mapped_ssrc=ssrcs), max_size=3
    ),
)


def finished(builder: Builder, offset: int, table_class: type[Any]) -> Any:
    builder.Finish(offset)
    return table_class.GetRootAs(bytes(builder.Output()), 0)


def sent(data: bytes | bytearray, body_class: type[Any]) -> tuple[Any, Any]:
    """A request and its body as the worker would read them."""
    message: Any = MessageModule.Message.GetRootAs(bytes(data[LENGTH_BYTES:]), 0)  # type: ignore[no-untyped-call]
    request: Any = Request()
    request.Init(message.Data().Bytes, message.Data().Pos)
    body = body_class()
    body.Init(request.Body().Bytes, request.Body().Pos)
    return request, body


@given(parameters=parameters)
def test_rtp_parameters_come_back_as_they_went(parameters: RtpParameters) -> None:
    builder = Builder(64)

    table = finished(builder, rtp_parameters.write_rtp_parameters(builder, parameters), FbsRtpParameters)

    assert rtp_parameters.read_rtp_parameters(table) == parameters


@given(mapping=mappings)
def test_rtp_mappings_come_back_as_they_went(mapping: RtpMapping) -> None:
    builder = Builder(64)

    table = finished(builder, rtp_parameters.write_rtp_mapping(builder, mapping), FbsRtpMapping)

    assert rtp_parameters.read_rtp_mapping(table) == mapping


@given(parameters=parameters, mapping=mappings, request_id=st.integers(1, 2**32 - 1))
def test_request_carries_its_id_and_body_whatever_their_size(
    parameters: RtpParameters, mapping: RtpMapping, request_id: int
) -> None:
    options = producer.ProduceOptions(
        producer_id="p", kind="video", rtp_parameters=parameters, rtp_mapping=mapping, key_frame_request_delay_ms=9
    )

    message = producer.produce("t", options)
    request, body = sent(message.with_id(request_id), ProduceRequest)

    assert (request.Id(), request.HandlerId(), body.ProducerId()) == (request_id, b"t", b"p")
    assert body.KeyFrameRequestDelay() == 9
    assert rtp_parameters.read_rtp_parameters(body.RtpParameters()) == parameters
    assert rtp_parameters.read_rtp_mapping(body.RtpMapping()) == mapping


def test_consume_request_carries_layers_and_flags() -> None:
    encoding = RtpEncodingParameters(ssrc=5, scalability_mode="L1T3")
    options = consumer.ConsumeOptions(
        consumer_id="c",
        producer_id="p",
        kind="video",
        rtp_parameters=RtpParameters(codecs=[]),
        type="simulcast",
        consumable_rtp_encodings=[encoding],
        paused=True,
        preferred_layers=ConsumerLayers(spatial_layer=2),
        ignore_dtx=True,
    )

    _, body = sent(consumer.consume("t", options).with_id(1), ConsumeRequest)

    layers = body.PreferredLayers()
    assert (body.Paused(), body.IgnoreDtx(), layers.SpatialLayer(), layers.TemporalLayer()) == (True, True, 2, None)
    assert rtp_parameters.read_encoding(body.ConsumableRtpEncodings(0)) == encoding


def test_a_message_made_once_can_be_sent_twice() -> None:
    message = producer.pause("p")

    first, second = message.with_id(1), message.with_id(2)

    assert first != second
    assert len(first) == len(second) == len(message.data)


@pytest.mark.parametrize("request_id", [1, 255, 2**31, 2**32 - 1])
def test_patching_the_id_changes_nothing_else(request_id: int) -> None:
    message = producer.pause("p")

    patched = message.with_id(request_id)

    start = message.id_offset
    assert patched[start : start + 4] == request_id.to_bytes(4, "little")
    assert patched[:start] + patched[start + 4 :] == message.data[:start] + message.data[start + 4 :]


def test_listen_info_is_written_whole() -> None:
    info = ListenInfo(
        ip="::1",
        protocol="tcp",
        announced_address="media.example.org",
        expose_internal_ip=True,
        port=20000,
        port_range=PortRange(min=1, max=2),
        flags=SocketFlags(ipv6_only=True, udp_reuse_port=True),
        send_buffer_size=3,
        recv_buffer_size=4,
    )
    builder = Builder(64)
    table = finished(builder, listen_info.write_listen_info(builder, info), FbsListenInfo)

    assert (table.Ip(), table.Protocol(), table.AnnouncedAddress()) == (b"::1", 2, b"media.example.org")
    assert (table.ExposeInternalIp(), table.Port(), table.SendBufferSize(), table.RecvBufferSize()) == (
        True,
        20000,
        3,
        4,
    )
    assert (table.PortRange().Min(), table.PortRange().Max()) == (1, 2)
    assert (table.Flags().Ipv6Only(), table.Flags().UdpReusePort()) == (True, True)


def test_tuple_without_a_remote_end_has_none() -> None:
    builder = Builder(64)
    offset = TableWriter(TupleModule)(builder, local_address=write_text(builder, "127.0.0.1"), local_port=9, protocol=2)

    read = listen_info.read_tuple(finished(builder, offset, Tuple))

    assert (read.local_address, read.local_port, read.remote_ip, read.remote_port, read.protocol) == (
        "127.0.0.1",
        9,
        None,
        None,
        "tcp",
    )


@pytest.mark.parametrize(
    "options",
    [
        web_rtc_transport.WebRtcTransportOptions(webrtc_server_id="s", ice_consent_timeout_s=256),
        web_rtc_transport.WebRtcTransportOptions(webrtc_server_id="s", initial_available_outgoing_bitrate=-1),
        web_rtc_transport.WebRtcTransportOptions(webrtc_server_id="s", sctp=SctpOptions(send_buffer_size=2**32)),
    ],
)
def test_number_without_room_is_refused_by_name(options: web_rtc_transport.WebRtcTransportOptions) -> None:
    with pytest.raises(InvalidValue, match="does not fit the field"):
        router_codec.create_webrtc_transport("r", "t", options)


def test_word_the_schema_does_not_have_is_refused() -> None:
    unknown: Any = "sctp"

    with pytest.raises(InvalidValue, match="protocol"):
        router_codec.create_plain_transport(
            "r", "t", plain_transport.PlainTransportOptions(listen_info=ListenInfo(ip="::", protocol=unknown))
        )
    with pytest.raises(InvalidValue, match="trace type"):
        producer.enable_trace_event("p", [unknown])


def test_header_extension_the_worker_does_not_know_is_refused() -> None:
    extension = RtpHeaderExtensionParameters(uri="urn:example:color-space", id=1)

    with pytest.raises(InvalidValue, match="header extension"):
        rtp_parameters.write_rtp_parameters(Builder(64), RtpParameters(codecs=[], header_extensions=[extension]))


@given(data=st.binary(max_size=200))
def test_bytes_that_are_no_message_are_told_so(data: bytes) -> None:
    try:
        message = decode_message(data)
    except BrokenMessage:
        return
    if isinstance(message, Response) and message.body is not None:
        assert message.body_type >= 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("AnnouncedAddress", "announced_address"),
        ("Ipv6Only", "ipv6_only"),
        ("WebRtcServerId", "web_rtc_server_id"),
        ("KeyBase64", "key_base64"),
        ("Id", "id"),
    ],
)
def test_schema_names_are_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected
