"""Plain transports against the real worker."""

from typing import Any

import pytest

from media_plane.sfu.errors import ChannelClosed, InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.plain_transport import PlainTransport
from media_plane.sfu.router import Router
from media_plane.sfu.transport import MediaTransport
from media_plane.sfu.transport_types import ListenInfo, PortRange, SocketFlags, SrtpParameters
from media_plane.sfu.worker import Worker
from tests.conformance.stage import GCM_256_KEY, LOOPBACK, LOOPBACK_TCP, SCTP, free_port, shown

pytestmark = pytest.mark.worker

MULTICAST = "224.0.0.1"
SHA1_KEY = SrtpParameters(crypto_suite="AES_CM_128_HMAC_SHA1_80", key_base64="AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd")


@pytest.fixture
async def transport(router: Router) -> PlainTransport:
    return await router.create_plain_transport(listen_info=LOOPBACK)


async def test_plain_transport_is_made_and_announced(router: Router) -> None:
    announced: list[MediaTransport] = []
    router.on_new_transport(announced.append)

    made = await router.create_plain_transport(
        listen_info=ListenInfo(
            ip="127.0.0.1", announced_address="9.9.9.1", port_range=PortRange(min=20_000, max=30_000)
        ),
        sctp=SCTP,
        app_data="a",
    )

    assert announced == [made]
    assert (made.type, made.closed, made.app_data, made.rtcp_tuple, made.srtp_parameters) == (
        "plain",
        False,
        "a",
        None,
        None,
    )
    assert (made.tuple.local_address, made.tuple.protocol) == ("9.9.9.1", "udp")
    assert 20_000 <= made.tuple.local_port <= 30_000
    assert shown(made.sctp_parameters) == {
        "port": 5000,
        "maxSendMessageSize": 262144,
        "maxReceiveMessageSize": 262144,
        "sendBufferSize": 2000000,
        "perStreamSendQueueLimit": 2000000,
        "maxReceiverWindowBufferSize": 5242880,
        "isDataChannel": False,
    }
    assert (made.sctp_state, made.sctp_negotiated_capabilities) == ("new", None)
    dump = await made.dump()
    assert (dump.id, dump.producer_ids, dump.consumer_ids) == (made.id, [], [])
    assert (dump.tuple, dump.rtcp_tuple, dump.sctp_parameters) == (made.tuple, None, made.sctp_parameters)
    assert (dump.sctp_state, dump.rtp_listener.ssrc_table, dump.recv_rtp_header_extensions.mid) == ("new", {}, None)
    made.close()
    assert made.closed
    await check_two_ports(router)


async def check_two_ports(router: Router) -> None:
    rtp_port, rtcp_port = free_port(), free_port()
    made = await router.create_plain_transport(
        listen_info=ListenInfo(ip="127.0.0.1", port=rtp_port),
        rtcp_listen_info=ListenInfo(ip="127.0.0.1", port=rtcp_port),
        rtcp_mux=False,
    )
    assert made.rtcp_tuple is not None
    assert (made.tuple.local_address, made.tuple.local_port, made.tuple.protocol) == ("127.0.0.1", rtp_port, "udp")
    assert (made.rtcp_tuple.local_address, made.rtcp_tuple.local_port) == ("127.0.0.1", rtcp_port)
    assert (made.sctp_parameters, made.sctp_state, made.sctp_negotiated_capabilities) == (None, None, None)
    dump = await made.dump()
    assert (dump.tuple, dump.rtcp_tuple, dump.sctp_state) == (made.tuple, made.rtcp_tuple, None)


@pytest.mark.parametrize(
    "listen_info",
    [
        ListenInfo(ip="127.0.0.1", port_range=PortRange(min=4000, max=3000)),
        ListenInfo(ip="123"),
        LOOPBACK_TCP,
        ListenInfo(ip=["127.0.0.1"]),  # type: ignore[arg-type]  # the point
    ],
    ids=["range", "address", "tcp", "list"],
)
async def test_wrong_address_is_refused(router: Router, listen_info: ListenInfo) -> None:
    with pytest.raises((WorkerRejected, InvalidValue)):
        await router.create_plain_transport(listen_info=listen_info)

    assert (await router.dump()).transport_ids == []


async def test_srtp_takes_only_a_whole_key_and_the_peers_suite(router: Router) -> None:
    made = await router.create_plain_transport(
        listen_info=LOOPBACK, enable_srtp=True, srtp_crypto_suite="AES_CM_128_HMAC_SHA1_80"
    )
    assert made.srtp_parameters is not None
    assert (made.srtp_parameters.crypto_suite, len(made.srtp_parameters.key_base64)) == (
        "AES_CM_128_HMAC_SHA1_80",
        40,
    )

    wrong: list[Any] = [
        None,
        SrtpParameters(crypto_suite=None, key_base64=SHA1_KEY.key_base64),  # type: ignore[arg-type]  # the point
        SrtpParameters(crypto_suite="FOO", key_base64=SHA1_KEY.key_base64),  # type: ignore[arg-type]  # the point
        SrtpParameters(crypto_suite="AES_CM_128_HMAC_SHA1_80", key_base64=""),
        SrtpParameters(crypto_suite="AES_CM_128_HMAC_SHA1_80", key_base64=[]),  # type: ignore[arg-type]  # the point
        SrtpParameters(crypto_suite="AEAD_AES_256_GCM", key_base64=SHA1_KEY.key_base64),
    ]
    for key in wrong:
        with pytest.raises((WorkerRejected, InvalidValue)):
            await made.connect(ip="127.0.0.2", port=9999, srtp_parameters=key)
    await made.connect(ip="127.0.0.2", port=9999, srtp_parameters=GCM_256_KEY)

    assert (made.srtp_parameters.crypto_suite, len(made.srtp_parameters.key_base64)) == ("AEAD_AES_256_GCM", 60)


async def test_comedia_with_srtp_connects_by_key_alone(router: Router) -> None:
    made = await router.create_plain_transport(listen_info=LOOPBACK, enable_srtp=True, comedia=True)
    assert made.srtp_parameters is not None
    assert (made.srtp_parameters.crypto_suite, len(made.srtp_parameters.key_base64)) == ("AEAD_AES_128_GCM", 40)
    assert (made.tuple.local_address, made.tuple.protocol, made.tuple.remote_ip) == ("127.0.0.1", "udp", None)

    await made.connect(srtp_parameters=GCM_256_KEY)

    assert (made.srtp_parameters.crypto_suite, len(made.srtp_parameters.key_base64)) == ("AEAD_AES_256_GCM", 60)
    assert made.tuple.remote_ip is None


async def test_address_of_another_machine_can_not_be_listened_on(router: Router) -> None:
    with pytest.raises(WorkerRejected):
        await router.create_plain_transport(listen_info=ListenInfo(ip="8.8.8.8"))


def shared(port: int, *, reuse: bool, ipv6_only: bool = False) -> ListenInfo:
    return ListenInfo(ip=MULTICAST, port=port, flags=SocketFlags(udp_reuse_port=reuse, ipv6_only=ipv6_only))


async def test_two_transports_share_a_port_when_both_allow_it(router: Router) -> None:
    port = free_port()

    # An IPv4 socket has no use for the other flag.
    first = await router.create_plain_transport(listen_info=shared(port, reuse=True, ipv6_only=True))
    second = await router.create_plain_transport(listen_info=shared(port, reuse=True))

    assert (first.tuple.local_port, second.tuple.local_port) == (port, port)


async def test_two_transports_do_not_share_a_port_otherwise(router: Router) -> None:
    port = free_port()
    await router.create_plain_transport(listen_info=shared(port, reuse=False))

    with pytest.raises(WorkerRejected):
        await router.create_plain_transport(listen_info=shared(port, reuse=False))


async def test_stats_begin_with_nothing(transport: PlainTransport) -> None:
    stats = await transport.get_stats()

    assert (stats.transport_id, stats.tuple, stats.rtcp_tuple) == (transport.id, transport.tuple, None)
    assert stats.timestamp > 0
    counts = {
        name: value
        for name, value in shown(stats).items()
        if name.endswith(("Received", "Sent", "Bitrate")) and not name.startswith("available")
    }
    assert len(counts) >= 14
    assert set(counts.values()) == {0}


async def test_connecting_tells_the_remote_end_once(router: Router) -> None:
    made = await router.create_plain_transport(listen_info=LOOPBACK, rtcp_mux=False)

    await made.connect(ip="1.2.3.4", port=1234, rtcp_port=1235)

    with pytest.raises(WorkerRejected, match="already"):
        await made.connect(ip="1.2.3.4", port=1234, rtcp_port=1235)
    assert made.rtcp_tuple is not None
    assert (made.tuple.remote_ip, made.tuple.remote_port, made.tuple.protocol) == ("1.2.3.4", 1234, "udp")
    assert (made.rtcp_tuple.remote_ip, made.rtcp_tuple.remote_port) == ("1.2.3.4", 1235)


@pytest.mark.parametrize(
    "end",
    [
        {"ip": "127.0.0.2", "port": 9998, "rtcp_port": 9999, "srtp_parameters": SHA1_KEY},
        {},
        {"ip": "::::1234"},
        {"ip": "127.0.0.1", "port": 1234},
        {"ip": "127.0.0.1", "rtcp_port": 1235},
        {"ip": "127.0.0.1", "port": "chicken", "rtcp_port": 1235},
    ],
    ids=["key without SRTP", "nothing", "no address", "no RTCP port", "no port", "text"],
)
async def test_incomplete_remote_end_is_refused(router: Router, end: dict[str, Any]) -> None:
    made = await router.create_plain_transport(listen_info=LOOPBACK, rtcp_mux=False)

    with pytest.raises((WorkerRejected, InvalidValue)):
        await made.connect(**end)

    assert made.tuple.remote_port is None


async def test_closed_plain_transport_refuses_everything(transport: PlainTransport) -> None:
    told: list[str] = []
    transport.on_close(told.append)

    transport.close()

    assert told == ["closed"]
    for call in (transport.dump(), transport.get_stats(), transport.connect()):
        with pytest.raises(InvalidState):
            await call


async def test_plain_transport_listens_on_the_port_it_is_told(router: Router) -> None:
    port = free_port()

    made = await router.create_plain_transport(listen_info=ListenInfo(ip="127.0.0.1", port=port))

    assert made.tuple.local_port == port


async def test_router_closes_its_plain_transports(router: Router, transport: PlainTransport) -> None:
    told: list[str] = []
    transport.on_close(told.append)

    router.close()

    assert told == ["router_closed"]
    with pytest.raises(InvalidState):
        await transport.dump()


async def test_worker_closes_plain_transports(worker: Worker, transport: PlainTransport) -> None:
    told: list[str] = []
    transport.on_close(told.append)

    worker.close()

    assert told == ["router_closed"]
    with pytest.raises(InvalidState):
        await transport.dump()
    with pytest.raises(ChannelClosed):
        await worker.dump()
