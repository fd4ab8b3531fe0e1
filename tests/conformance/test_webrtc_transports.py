"""WebRTC transports against the real worker."""

import socket
from typing import Any

import pytest

from media_plane.channel.fbs.FBS.WebRtcTransport.DtlsState import DtlsState
from media_plane.channel.fbs.FBS.WebRtcTransport.IceState import IceState
from media_plane.sfu.errors import ChannelClosed, InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.transport import MediaTransport
from media_plane.sfu.transport_types import (
    DtlsFingerprint,
    DtlsParameters,
    ListenInfo,
    PortRange,
    SctpOptions,
    SocketFlags,
    TransportTuple,
)
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.inject import dtls_state, ice_selected_tuple, ice_state
from tests.conformance.stage import LOOPBACK, LOOPBACK_TCP, SCTP, free_port, shown

pytestmark = pytest.mark.worker

FINGERPRINT = DtlsFingerprint(algorithm="sha-256", value=":".join(f"{number:02X}" for number in range(32)))
RANGE = PortRange(min=20_000, max=30_000)


@pytest.fixture
async def transport(router: Router) -> WebRtcTransport:
    return await router.create_webrtc_transport(
        listen_infos=[ListenInfo(ip="127.0.0.1", announced_address="9.9.9.1", port_range=RANGE)]
    )


async def test_webrtc_transport_offers_every_address_in_order(router: Router) -> None:
    announced: list[MediaTransport] = []
    router.on_new_transport(announced.append)
    addresses = [("127.0.0.1", "9.9.9.1"), ("0.0.0.0", "foo.bar.org"), ("127.0.0.1", None)]  # noqa: S104 - announced

    made = await router.create_webrtc_transport(
        listen_infos=[
            ListenInfo(
                ip=ip,
                protocol=protocol,
                announced_address=announced_address,
                # Offers one more candidate with `ip`.
                expose_internal_ip=protocol == "udp" and announced_address == "9.9.9.1",
                port_range=RANGE,
            )
            for ip, announced_address in addresses
            for protocol in ("udp", "tcp")
        ],
        prefer_udp=True,
        sctp=SctpOptions(
            max_send_message_size=1_000_001,
            max_receive_message_size=1_000_002,
            send_buffer_size=2_000_001,
            per_stream_send_queue_limit=2_000_002,
            max_receiver_window_buffer_size=2_000_003,
        ),
        app_data="a",
    )

    assert announced == [made]
    assert (made.type, made.closed, made.app_data, made.ice_role) == ("webrtc", False, "a", "controlled")
    assert made.ice_parameters.ice_lite
    assert made.ice_parameters.username_fragment
    assert made.ice_parameters.password
    assert [(c.ip, c.address, c.protocol, c.type, c.tcp_type) for c in made.ice_candidates] == [
        ("9.9.9.1", "9.9.9.1", "udp", "host", None),
        ("127.0.0.1", "127.0.0.1", "udp", "host", None),
        ("9.9.9.1", "9.9.9.1", "tcp", "host", "passive"),
        ("foo.bar.org", "foo.bar.org", "udp", "host", None),
        ("foo.bar.org", "foo.bar.org", "tcp", "host", "passive"),
        ("127.0.0.1", "127.0.0.1", "udp", "host", None),
        ("127.0.0.1", "127.0.0.1", "tcp", "host", "passive"),
    ]
    priorities = [candidate.priority for candidate in made.ice_candidates]
    assert sorted(set(priorities), reverse=True) == priorities
    assert shown(made.sctp_parameters) == {
        "port": 5000,
        "maxSendMessageSize": 1_000_001,
        "maxReceiveMessageSize": 1_000_002,
        "sendBufferSize": 2_000_001,
        "perStreamSendQueueLimit": 2_000_002,
        "maxReceiverWindowBufferSize": 2_000_003,
        "isDataChannel": True,
    }
    await check_begins_new(router, made)


async def check_begins_new(router: Router, made: WebRtcTransport) -> None:
    assert (made.ice_state, made.ice_selected_tuple, made.dtls_state, made.dtls_remote_cert) == (
        "new",
        None,
        "new",
        None,
    )
    assert (made.dtls_parameters.role, made.sctp_state, made.sctp_negotiated_capabilities) == ("auto", "new", None)
    dump = await made.dump()
    assert (dump.id, dump.producer_ids, dump.consumer_ids, dump.ice_role) == (made.id, [], [], made.ice_role)
    assert (dump.ice_parameters, dump.ice_candidates) == (made.ice_parameters, made.ice_candidates)
    assert (dump.ice_state, dump.ice_selected_tuple, dump.dtls_state) == ("new", None, "new")
    assert (dump.dtls_parameters, dump.sctp_parameters) == (made.dtls_parameters, made.sctp_parameters)
    assert dump.sctp_state == "new"
    # Until the association is there the worker answers zeros, and we nothing.
    assert shown(dump.sctp_negotiated_capabilities) == {
        "negotiatedMaxOutboundStreams": 0,
        "negotiatedMaxInboundStreams": 0,
    }
    assert (dump.rtp_listener.ssrc_table, dump.recv_rtp_header_extensions.mid) == ({}, None)
    assert (await router.dump()).transport_ids == [made.id]
    made.close()
    assert made.closed


async def test_udp_comes_before_tcp_by_itself(router: Router) -> None:
    made = await router.create_webrtc_transport(
        listen_infos=[LOOPBACK, LOOPBACK_TCP], initial_available_outgoing_bitrate=1_000_000
    )

    first, second = made.ice_candidates
    assert (first.ip, first.protocol, first.type, first.tcp_type) == ("127.0.0.1", "udp", "host", None)
    assert (second.ip, second.protocol, second.type, second.tcp_type) == ("127.0.0.1", "tcp", "host", "passive")
    assert first.priority > second.priority


async def test_transport_listens_on_the_port_it_is_told(router: Router) -> None:
    port = free_port(socket.SOCK_STREAM)

    # Sharing a port is for UDP; TCP has no use for the flag.
    made = await router.create_webrtc_transport(
        listen_infos=[ListenInfo(ip="127.0.0.1", protocol="tcp", port=port, flags=SocketFlags(udp_reuse_port=True))]
    )

    assert made.ice_candidates[0].port == port


async def test_transports_take_ports_of_the_range_until_there_are_none(router: Router) -> None:
    port = free_port()
    addresses = [ListenInfo(ip="127.0.0.1", port_range=PortRange(min=port, max=port))]

    made = await router.create_webrtc_transport(listen_infos=addresses)
    assert (made.ice_candidates[0].port, made.ice_candidates[0].protocol) == (port, "udp")
    with pytest.raises(WorkerRejected):
        await router.create_webrtc_transport(listen_infos=addresses)

    made.close()
    again = await router.create_webrtc_transport(listen_infos=addresses)
    assert again.ice_candidates[0].port == port


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"listen_infos": [ListenInfo(ip="127.0.0.1", port_range=PortRange(min=4000, max=3000))]},
        {"listen_infos": [ListenInfo(ip=123)]},  # type: ignore[arg-type]  # the point
        {"listen_infos": [ListenInfo(ip=None)]},  # type: ignore[arg-type]  # the point
        {"listen_infos": [LOOPBACK], "ice_consent_timeout_s": 256},
        {"listen_infos": [LOOPBACK], "initial_available_outgoing_bitrate": -1},
    ],
    ids=["nothing", "range", "number", "null", "consent", "bitrate"],
)
async def test_wrong_settings_are_refused(router: Router, settings: dict[str, Any]) -> None:
    with pytest.raises((WorkerRejected, InvalidValue)):
        await router.create_webrtc_transport(**settings)

    assert (await router.dump()).transport_ids == []


async def test_address_of_another_machine_can_not_be_listened_on(router: Router) -> None:
    with pytest.raises(WorkerRejected):
        await router.create_webrtc_transport(listen_infos=[ListenInfo(ip="8.8.8.8", port_range=RANGE)])


async def test_stats_begin_with_nothing(transport: WebRtcTransport) -> None:
    stats = await transport.get_stats()

    assert (stats.transport_id, stats.ice_role, stats.ice_state, stats.dtls_state, stats.sctp_state) == (
        transport.id,
        "controlled",
        "new",
        "new",
        None,
    )
    assert (stats.ice_selected_tuple, stats.max_incoming_bitrate) == (None, None)
    assert stats.timestamp > 0
    counts = {
        name: value
        for name, value in shown(stats).items()
        if name.endswith(("Received", "Sent", "Bitrate")) and not name.startswith("available")
    }
    assert len(counts) >= 14
    assert set(counts.values()) == {0}


async def test_connecting_takes_the_other_role_and_only_once(transport: WebRtcTransport) -> None:
    theirs = DtlsParameters(fingerprints=[FINGERPRINT], role="client")

    await transport.connect(dtls_parameters=theirs)

    with pytest.raises(WorkerRejected):
        await transport.connect(dtls_parameters=theirs)
    assert transport.dtls_parameters.role == "server"


@pytest.mark.parametrize(
    ("fingerprints", "role"),
    [
        ([DtlsFingerprint(algorithm="sha-256000", value=FINGERPRINT.value)], "client"),  # type: ignore[arg-type]
        ([DtlsFingerprint(algorithm="sha-256", value=None)], "client"),  # type: ignore[arg-type]
        ([FINGERPRINT], "chicken"),
        ([], "client"),
    ],
    ids=["algorithm", "value", "role", "none"],
)
async def test_wrong_dtls_parameters_are_refused(
    transport: WebRtcTransport, fingerprints: list[DtlsFingerprint], role: Any
) -> None:
    with pytest.raises((WorkerRejected, InvalidValue)):
        await transport.connect(dtls_parameters=DtlsParameters(fingerprints=fingerprints, role=role))

    assert transport.dtls_parameters.role == "auto"
    assert (await transport.dump()).dtls_state == "new"


async def test_incoming_bitrate_is_limited_and_freed(transport: WebRtcTransport) -> None:
    await transport.set_max_incoming_bitrate(1_000_000)
    assert (await transport.get_stats()).max_incoming_bitrate == 1_000_000

    await transport.set_max_incoming_bitrate(0)

    assert not (await transport.get_stats()).max_incoming_bitrate


async def test_outgoing_bitrate_is_limited_and_freed(transport: WebRtcTransport) -> None:
    await transport.set_max_outgoing_bitrate(2_000_000)
    assert (await transport.get_stats()).max_outgoing_bitrate == 2_000_000

    await transport.set_max_outgoing_bitrate(0)

    assert not (await transport.get_stats()).max_outgoing_bitrate


async def test_outgoing_bitrate_has_a_floor_and_loses_it(transport: WebRtcTransport) -> None:
    await transport.set_min_outgoing_bitrate(100_000)
    assert (await transport.get_stats()).min_outgoing_bitrate == 100_000

    await transport.set_min_outgoing_bitrate(0)

    assert not (await transport.get_stats()).min_outgoing_bitrate


async def test_maximum_under_the_minimum_is_refused(transport: WebRtcTransport) -> None:
    await transport.set_min_outgoing_bitrate(3_000_000)

    with pytest.raises(WorkerRejected):
        await transport.set_max_outgoing_bitrate(2_000_000)

    await transport.set_min_outgoing_bitrate(0)
    await transport.set_max_outgoing_bitrate(2_000_000)


async def test_minimum_over_the_maximum_is_refused(transport: WebRtcTransport) -> None:
    await transport.set_max_outgoing_bitrate(2_000_000)

    with pytest.raises(WorkerRejected):
        await transport.set_min_outgoing_bitrate(3_000_000)

    await transport.set_max_outgoing_bitrate(0)
    await transport.set_min_outgoing_bitrate(3_000_000)


async def test_ice_restart_changes_both_credentials(transport: WebRtcTransport) -> None:
    before = transport.ice_parameters

    after = await transport.restart_ice()

    assert after == transport.ice_parameters
    assert after.ice_lite
    assert after.username_fragment != before.username_fragment
    assert after.password != before.password


async def test_trace_events_are_switched_on_and_off(transport: WebRtcTransport) -> None:
    for wanted in (["probation"], [], ["probation", "bwe"], []):
        await transport.enable_trace_event(wanted)  # type: ignore[arg-type]  # the table's list is of plain texts

        assert (await transport.dump()).trace_event_types == wanted


@pytest.mark.parametrize("wrong", ["probation", ["probation", 1.5], ["foo", "bwe"]], ids=str)
async def test_trace_events_that_are_none_are_refused(transport: WebRtcTransport, wrong: Any) -> None:
    with pytest.raises(InvalidValue):
        await transport.enable_trace_event(wrong)

    assert (await transport.dump()).trace_event_types == []


async def test_ice_and_dtls_events_are_told_and_kept(transport: WebRtcTransport) -> None:
    told: list[object] = []
    transport.on_ice_state_change(told.append)
    transport.on_ice_selected_tuple_change(told.append)
    transport.on_dtls_state_change(told.append)
    chosen = TransportTuple(
        local_address="1.1.1.1", local_port=1111, remote_ip="2.2.2.2", remote_port=2222, protocol="udp"
    )

    ice_state(transport, IceState.COMPLETED)
    ice_selected_tuple(transport, local=("1.1.1.1", 1111), remote=("2.2.2.2", 2222))
    dtls_state(transport, DtlsState.CONNECTING)
    dtls_state(transport, DtlsState.CONNECTED, certificate="PEM")

    assert told == ["completed", chosen, "connecting", "connected"]
    assert (transport.ice_state, transport.ice_selected_tuple, transport.dtls_state) == (
        "completed",
        chosen,
        "connected",
    )
    assert transport.dtls_remote_cert == "PEM"


async def test_closed_webrtc_transport_refuses_everything(transport: WebRtcTransport) -> None:
    told: list[str] = []
    transport.on_close(told.append)

    transport.close()

    assert told == ["closed"]
    assert (transport.ice_state, transport.ice_selected_tuple, transport.dtls_state, transport.sctp_state) == (
        "closed",
        None,
        "closed",
        None,
    )
    for call in (
        transport.dump(),
        transport.get_stats(),
        transport.connect(dtls_parameters=DtlsParameters(fingerprints=[FINGERPRINT])),
        transport.set_max_incoming_bitrate(200_000),
        transport.set_max_outgoing_bitrate(200_000),
        transport.set_min_outgoing_bitrate(100_000),
        transport.restart_ice(),
        transport.enable_trace_event(["bwe"]),
    ):
        with pytest.raises(InvalidState):
            await call


async def test_router_closes_its_webrtc_transports(router: Router) -> None:
    made = await router.create_webrtc_transport(listen_infos=[LOOPBACK], sctp=SCTP)
    told: list[str] = []
    made.on_close(told.append)

    router.close()

    assert told == ["router_closed"]
    assert (made.ice_state, made.dtls_state, made.sctp_state) == ("closed", "closed", "closed")
    with pytest.raises(InvalidState):
        await made.dump()


async def test_worker_closes_webrtc_transports(worker: Worker, transport: WebRtcTransport) -> None:
    told: list[str] = []
    transport.on_close(told.append)

    worker.close()

    assert told == ["router_closed"]
    assert (transport.ice_state, transport.dtls_state, transport.sctp_state) == ("closed", "closed", None)
    with pytest.raises(InvalidState):
        await transport.dump()
    with pytest.raises(ChannelClosed):
        await worker.dump()
