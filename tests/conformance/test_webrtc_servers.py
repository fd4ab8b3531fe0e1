"""WebRTC servers against the real worker."""

import socket
from collections.abc import Sequence

import pytest

from media_plane.channel.values.worker import IpPort
from media_plane.sfu.errors import ChannelClosed, InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.transport import MediaTransport
from media_plane.sfu.transport_types import ListenInfo, PortRange
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.stage import LOOPBACK, free_port

pytestmark = pytest.mark.worker


async def check_made(worker: Worker, listen_infos: Sequence[ListenInfo], ports: Sequence[int | None]) -> None:
    """A server on these addresses listens on these ports (None for any), is announced and goes with its worker."""
    announced: list[WebRtcServer] = []
    worker.on_new_webrtc_server(announced.append)

    server = await worker.create_webrtc_server(listen_infos=listen_infos, app_data="a")

    assert (announced, worker.webrtc_servers) == ([server], [server])
    assert (server.closed, server.app_data) == (False, "a")
    held = await worker.dump()
    assert (held.web_rtc_server_ids, held.router_ids) == ([server.id], [])
    assert (held.request_handler_ids, held.notification_handler_ids) == ([server.id], [])
    dump = await server.dump()
    (udp,), (tcp,) = dump.udp_sockets, dump.tcp_servers
    assert (dump.id, udp.ip, tcp.ip) == (server.id, "127.0.0.1", "127.0.0.1")
    for found, wanted in zip((udp.port, tcp.port), ports, strict=True):
        assert found == wanted if wanted else found > 0
    assert (dump.web_rtc_transport_ids, dump.local_ice_username_fragments) == ([], {})
    worker.close()
    assert (server.closed, worker.webrtc_servers) == (True, [])


def both(udp_port: int, tcp_port: int, announced_address: str | None = None) -> list[ListenInfo]:
    return [
        ListenInfo(ip="127.0.0.1", port=udp_port),
        ListenInfo(ip="127.0.0.1", protocol="tcp", port=tcp_port, announced_address=announced_address),
    ]


async def test_server_listens_on_the_ports_it_is_told(worker: Worker) -> None:
    ports = (free_port(), free_port(socket.SOCK_STREAM))

    await check_made(worker, both(*ports, announced_address="foo.bar.org"), ports)


async def test_server_takes_a_port_of_the_range(worker: Worker) -> None:
    ports = (free_port(), free_port(socket.SOCK_STREAM))
    ranges = [PortRange(min=port, max=port) for port in ports]

    listen_infos = [
        ListenInfo(ip="127.0.0.1", port_range=ranges[0]),
        ListenInfo(ip="127.0.0.1", protocol="tcp", port_range=ranges[1], announced_address="1.2.3.4"),
    ]

    await check_made(worker, listen_infos, ports)


async def test_server_takes_any_port_otherwise(worker: Worker) -> None:
    await check_made(worker, both(0, 0, announced_address="1.2.3.4"), (None, None))


@pytest.mark.parametrize(
    "listen_infos",
    [[], [ListenInfo(ip="nowhere")], [ListenInfo(ip=None)]],  # type: ignore[arg-type]  # the point
    ids=["none", "no address", "null"],
)
async def test_server_needs_addresses(worker: Worker, listen_infos: list[ListenInfo]) -> None:
    with pytest.raises((WorkerRejected, InvalidValue)):
        await worker.create_webrtc_server(listen_infos=listen_infos)

    assert (await worker.dump()).web_rtc_server_ids == []


async def test_address_that_can_not_be_bound_is_refused(worker: Worker, second_worker: Worker) -> None:
    port, other_port = free_port(), free_port()
    here = ListenInfo(ip="127.0.0.1", port=port)
    again = ListenInfo(ip="127.0.0.1", port=port, announced_address="1.2.3.4")

    with pytest.raises(WorkerRejected):
        await worker.create_webrtc_server(listen_infos=[here, ListenInfo(ip="1.2.3.4", port=other_port)])
    with pytest.raises(WorkerRejected):
        await worker.create_webrtc_server(listen_infos=[here, again])
    await worker.create_webrtc_server(listen_infos=[here])
    with pytest.raises(WorkerRejected):
        await second_worker.create_webrtc_server(listen_infos=[here])

    assert len((await worker.dump()).web_rtc_server_ids) == 1
    assert (await second_worker.dump()).web_rtc_server_ids == []


async def test_closed_worker_makes_no_server(worker: Worker) -> None:
    worker.close()

    with pytest.raises(InvalidState):
        await worker.create_webrtc_server(listen_infos=[LOOPBACK])


async def test_closed_server_refuses_everything(worker: Worker) -> None:
    server = await worker.create_webrtc_server(listen_infos=[LOOPBACK])
    told: list[str] = []
    server.on_close(told.append)

    server.close()

    assert told == ["closed"]
    with pytest.raises(InvalidState):
        await server.dump()
    assert (await worker.dump()).web_rtc_server_ids == []


async def test_worker_closes_its_servers(worker: Worker) -> None:
    server = await worker.create_webrtc_server(listen_infos=[ListenInfo(ip="127.0.0.1", protocol="tcp")])
    told: list[str] = []
    server.on_close(told.append)

    worker.close()

    assert told == ["worker_closed"]
    with pytest.raises(InvalidState):
        await server.dump()
    with pytest.raises(ChannelClosed):
        await worker.dump()


def watch(server: WebRtcServer) -> list[tuple[str, WebRtcTransport]]:
    told: list[tuple[str, WebRtcTransport]] = []
    server.on_transport_handled(lambda transport: told.append(("handled", transport)))
    server.on_transport_unhandled(lambda transport: told.append(("unhandled", transport)))
    return told


async def test_server_lets_go_of_a_closed_transport(worker: Worker, router: Router) -> None:
    udp_port, tcp_port = free_port(), free_port(socket.SOCK_STREAM)
    server = await worker.create_webrtc_server(
        listen_infos=[
            ListenInfo(ip="127.0.0.1", port=udp_port),
            ListenInfo(
                ip="127.0.0.1",
                protocol="tcp",
                port=tcp_port,
                announced_address="media1.foo.org",
                expose_internal_ip=True,
            ),
        ]
    )
    told = watch(server)
    announced: list[MediaTransport] = []
    router.on_new_transport(announced.append)

    transport = await router.create_webrtc_transport(webrtc_server=server, enable_udp=False, app_data="a")

    assert (told, announced, transport.app_data) == ([("handled", transport)], [transport], "a")
    first, second = transport.ice_candidates
    assert (first.address, first.ip, first.port, first.protocol) == (
        "media1.foo.org",
        "media1.foo.org",
        tcp_port,
        "tcp",
    )
    assert (second.address, second.ip, second.port, second.protocol) == ("127.0.0.1", "127.0.0.1", tcp_port, "tcp")
    assert (first.type, first.tcp_type, second.type, second.tcp_type) == ("host", "passive", "host", "passive")
    assert first.priority > second.priority
    assert (transport.ice_state, transport.ice_selected_tuple, transport.closed) == ("new", None, False)
    assert (server.transports, router.transports) == ([transport], [transport])
    dump = await server.dump()
    assert (dump.udp_sockets, dump.tcp_servers) == (
        [IpPort(ip="127.0.0.1", port=udp_port)],
        [IpPort(ip="127.0.0.1", port=tcp_port)],
    )
    assert (dump.web_rtc_transport_ids, list(dump.local_ice_username_fragments.values())) == (
        [transport.id],
        [transport.id],
    )
    transport.close()
    assert told[1:] == [("unhandled", transport)]
    assert (server.transports, router.transports) == ([], [])
    dump = await server.dump()
    assert (dump.web_rtc_transport_ids, dump.local_ice_username_fragments) == ([], {})


async def test_server_takes_its_transports_with_it(worker: Worker, router: Router) -> None:
    udp_port, tcp_port = free_port(), free_port(socket.SOCK_STREAM)
    server = await worker.create_webrtc_server(listen_infos=both(udp_port, tcp_port))
    told = watch(server)
    transport = await router.create_webrtc_transport(webrtc_server=server)
    first, second = transport.ice_candidates
    assert (first.ip, first.port, first.protocol, first.tcp_type) == ("127.0.0.1", udp_port, "udp", None)
    assert (second.ip, second.port, second.protocol, second.tcp_type) == ("127.0.0.1", tcp_port, "tcp", "passive")
    assert list((await server.dump()).local_ice_username_fragments.values()) == [transport.id]

    await transport.restart_ice()
    assert list((await server.dump()).local_ice_username_fragments.values()) == [transport.id] * 2
    closed: list[str] = []
    server.on_close(closed.append)
    transport.on_close(closed.append)
    server.close()

    assert closed == ["server_closed", "closed"]
    assert told == [("handled", transport), ("unhandled", transport)]
    assert (transport.ice_state, transport.ice_selected_tuple, transport.dtls_state, transport.sctp_state) == (
        "closed",
        None,
        "closed",
        None,
    )
    assert (server.transports, router.transports) == ([], [])
    held = await worker.dump()
    assert (held.web_rtc_server_ids, held.router_ids) == ([], [router.id])
    assert (held.request_handler_ids, held.notification_handler_ids) == ([router.id], [])
    assert (await router.dump()).transport_ids == []
