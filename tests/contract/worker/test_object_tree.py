"""The objects against the real worker: what they hold, how they close, what they refuse."""

from pathlib import Path

import msgspec
import pytest

from media_plane.ortc.errors import NegotiationError
from media_plane.ortc.rtp import RtpCapabilities, RtpParameters
from media_plane.sfu.errors import InvalidState, InvalidValue, WorkerRejected
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import DtlsFingerprint, DtlsParameters, ListenInfo, SctpOptions
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker
from tests.contract.worker.rtp import opus_parameters, vp8_parameters
from tests.contract.worker.stage import CODECS, LOOPBACK, until

pytestmark = pytest.mark.worker

FINGERPRINT = DtlsFingerprint(algorithm="sha-256", value=":".join(["AB"] * 32))


@pytest.fixture
async def server(worker: Worker) -> WebRtcServer:
    return await worker.create_webrtc_server(listen_infos=[LOOPBACK, ListenInfo(ip="127.0.0.1", protocol="tcp")])


async def test_webrtc_transport_offers_the_server_sockets(server: WebRtcServer, router: Router) -> None:
    transport = await router.create_webrtc_transport(
        webrtc_server=server, transport_id="t", prefer_udp=True, initial_available_outgoing_bitrate=1_000_000
    )

    sockets = await server.dump()
    dump = await transport.dump()
    assert transport.id == "t"
    assert [(c.protocol, c.port, c.tcp_type) for c in transport.ice_candidates] == [
        ("udp", sockets.udp_sockets[0].port, None),
        ("tcp", sockets.tcp_servers[0].port, "passive"),
    ]
    assert transport.ice_candidates[0].priority > transport.ice_candidates[1].priority
    assert transport.ice_parameters.ice_lite
    assert {f.algorithm for f in transport.dtls_parameters.fingerprints} >= {"sha-256"}
    assert (transport.ice_role, transport.ice_state, transport.dtls_state) == ("controlled", "new", "new")
    assert dump.ice_parameters == transport.ice_parameters
    assert sockets.web_rtc_transport_ids == ["t"]
    assert list(sockets.local_ice_username_fragments.values()) == ["t"]
    assert server.transports == [transport]
    shown = msgspec.json.decode(msgspec.json.encode(transport.ice_parameters))
    assert shown.keys() == {"usernameFragment", "password", "iceLite"}


async def test_connect_takes_a_role_and_only_once(server: WebRtcServer, router: Router) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)

    await transport.connect(dtls_parameters=DtlsParameters(fingerprints=[FINGERPRINT], role="client"))

    assert transport.dtls_parameters.role == "server"
    with pytest.raises(WorkerRejected):
        await transport.connect(dtls_parameters=DtlsParameters(fingerprints=[FINGERPRINT]))


async def test_ice_restart_changes_credentials(server: WebRtcServer, router: Router) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)
    before = transport.ice_parameters

    after = await transport.restart_ice()

    assert after == transport.ice_parameters
    assert after.password != before.password
    assert (await transport.dump()).ice_parameters == after


async def test_bitrates_are_set_and_their_limits_kept(server: WebRtcServer, router: Router) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)

    await transport.set_max_incoming_bitrate(1_500_000)
    await transport.set_max_outgoing_bitrate(2_000_000)
    await transport.set_min_outgoing_bitrate(100_000)

    stats = await transport.get_stats()
    assert (stats.max_incoming_bitrate, stats.max_outgoing_bitrate, stats.min_outgoing_bitrate) == (
        1_500_000,
        2_000_000,
        100_000,
    )
    with pytest.raises(WorkerRejected) as caught:
        await transport.set_max_outgoing_bitrate(50_000)
    assert caught.value.error == "TypeError"
    with pytest.raises(InvalidValue):
        await transport.set_max_incoming_bitrate(-1)


async def test_transport_with_sctp_tells_its_parameters(server: WebRtcServer, router: Router) -> None:
    transport = await router.create_webrtc_transport(
        webrtc_server=server, sctp=SctpOptions(max_send_message_size=100_000)
    )
    plain = await router.create_webrtc_transport(webrtc_server=server)

    assert transport.sctp_parameters is not None
    assert transport.sctp_parameters.port == 5000
    assert transport.sctp_parameters.max_send_message_size == 100_000
    assert transport.sctp_state == "new"
    assert (plain.sctp_parameters, plain.sctp_state) == (None, None)
    transport.close()
    assert transport.close_reason == "closed"
    assert str(transport.sctp_state) == "closed"


async def test_producer_and_consumer_as_the_worker_sees_them(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    producer = await transport.produce(
        kind="video", rtp_parameters=vp8_parameters(layers=3), producer_id="p", key_frame_request_delay_ms=500
    )
    audio = await transport.produce(kind="audio", rtp_parameters=opus_parameters(), paused=True)
    consumer = await transport.consume(
        producer_id="p", rtp_capabilities=router.rtp_capabilities, consumer_id="c", app_data={"tile": 1}
    )
    hearing = await transport.consume(producer_id=audio.id, rtp_capabilities=router.rtp_capabilities)

    await consumer.set_preferred_layers(spatial_layer=1, temporal_layer=0)
    await consumer.set_priority(7)
    await consumer.request_key_frame()

    seen = await producer.dump()
    assert (producer.type, seen.type, seen.kind, seen.paused) == ("simulcast", "simulcast", "video", False)
    assert [e.ssrc for e in seen.rtp_parameters.encodings] == [2000, 2001, 2002]
    assert seen.rtp_parameters.codecs[0].mime_type == "video/VP8"
    assert len(seen.rtp_mapping.encodings) == 3
    assert (await audio.dump()).paused
    heard = (await audio.dump()).rtp_parameters.codecs[0].parameters
    assert heard == opus_parameters().codecs[0].parameters
    dump = await consumer.dump()
    assert (dump.id, dump.producer_id, dump.type, dump.paused, dump.priority) == ("c", "p", "simulcast", True, 7)
    assert (dump.preferred_spatial_layer, dump.preferred_temporal_layer) == (1, 0)
    assert len(dump.rtp_streams) == 1
    assert [e.ssrc for e in dump.rtp_parameters.encodings] == [consumer.rtp_parameters.encodings[0].ssrc]
    assert consumer.preferred_layers is not None
    assert consumer.preferred_layers.spatial_layer == 1
    assert (consumer.priority, consumer.app_data) == (7, {"tile": 1})
    assert consumer.rtp_parameters.mid == "0"
    assert hearing.rtp_parameters.mid == "1"
    assert hearing.producer_paused
    await hearing.set_preferred_layers(spatial_layer=0)
    assert hearing.preferred_layers is None
    whole = await router.dump()
    assert whole.map_producer_id_consumer_ids == {"p": ["c"], audio.id: [hearing.id]}
    assert whole.map_consumer_id_producer_id == {"c": "p", hearing.id: audio.id}
    holder = await transport.dump()
    assert sorted(holder.producer_ids) == sorted(["p", audio.id])
    assert holder.rtp_listener.ssrc_table.keys() == {1000, 2000, 2001, 2002}


async def test_tracks_of_one_transport_share_a_cname(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    first = await transport.produce(kind="audio", rtp_parameters=opus_parameters())
    nameless = msgspec.structs.replace(vp8_parameters(), rtcp=RtpParameters(codecs=[]).rtcp)

    second = await transport.produce(kind="video", rtp_parameters=nameless)

    assert first.rtp_parameters.rtcp.cname == "sender"
    assert second.rtp_parameters.rtcp.cname == "sender"


async def test_closing_a_producer_closes_its_consumers(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    producer = await transport.produce(kind="audio", rtp_parameters=opus_parameters())
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    reasons: list[str] = []
    consumer.on_close(reasons.append)

    producer.close()
    producer.close()

    await until(lambda: consumer.closed)
    assert reasons == ["producer_closed"]
    assert (producer.close_reason, transport.producers, transport.consumers) == ("closed", [], [])
    dump = await transport.dump()
    assert (dump.producer_ids, dump.consumer_ids) == ([], [])
    with pytest.raises(InvalidState):
        await producer.pause()
    with pytest.raises(InvalidState, match="no such producer"):
        await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)


async def test_closing_a_consumer_leaves_the_producer(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    producer = await transport.produce(kind="audio", rtp_parameters=opus_parameters())
    consumer = await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)

    consumer.close()

    assert (await router.dump()).map_producer_id_consumer_ids == {producer.id: []}
    assert not producer.closed


async def test_closing_a_server_closes_its_transports_and_tells_the_router(
    worker: Worker, server: WebRtcServer, router: Router
) -> None:
    transport = await router.create_webrtc_transport(webrtc_server=server)
    producer = await transport.produce(kind="video", rtp_parameters=vp8_parameters())

    server.close()

    assert (transport.close_reason, producer.close_reason) == ("server_closed", "transport_closed")
    assert (router.transports, worker.webrtc_servers) == ([], [])
    assert (await worker.dump()).request_handler_ids == [router.id]
    assert not router.can_consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    with pytest.raises(InvalidState):
        await router.create_webrtc_transport(webrtc_server=server)


async def test_closing_a_router_leaves_the_worker_empty(worker: Worker, server: WebRtcServer, router: Router) -> None:
    for _ in range(3):
        transport = await router.create_webrtc_transport(webrtc_server=server)
        producer = await transport.produce(kind="video", rtp_parameters=vp8_parameters())
        await transport.consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)

    router.close()

    dump = await worker.dump()
    assert dump.router_ids == []
    assert dump.request_handler_ids == [server.id]
    assert dump.notification_handler_ids == []
    assert worker.routers == []
    assert server.transports == []
    assert worker._channel.handler_count == 0


async def test_can_consume_asks_for_a_codec_in_common(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    producer = await transport.produce(kind="video", rtp_parameters=vp8_parameters())
    audio_only = RtpCapabilities(codecs=[c for c in router.rtp_capabilities.codecs if c.kind == "audio"])

    assert router.can_consume(producer_id=producer.id, rtp_capabilities=router.rtp_capabilities)
    assert not router.can_consume(producer_id=producer.id, rtp_capabilities=audio_only)
    assert not router.can_consume(producer_id="nobody", rtp_capabilities=router.rtp_capabilities)
    with pytest.raises(NegotiationError):
        await transport.consume(producer_id=producer.id, rtp_capabilities=audio_only)


async def test_two_producers_of_one_ssrc_are_refused_by_the_worker(router: Router) -> None:
    transport = await router.create_plain_transport(listen_info=LOOPBACK)
    await transport.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=2000))

    with pytest.raises(WorkerRejected, match="ssrc") as caught:
        await transport.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=2000), producer_id="again")

    assert caught.value.method == "TRANSPORT_PRODUCE"
    fine = await transport.produce(kind="video", rtp_parameters=vp8_parameters(ssrc=3000), producer_id="again")
    assert fine.id == "again"


async def test_nonsense_is_refused_before_the_worker_sees_it(server: WebRtcServer, router: Router) -> None:
    other = await router.create_plain_transport(listen_info=LOOPBACK)

    with pytest.raises(InvalidValue):
        await router.create_webrtc_transport()
    with pytest.raises(InvalidValue):
        await router.create_webrtc_transport(webrtc_server=server, transport_id="")
    with pytest.raises(InvalidValue):
        await router.create_plain_transport(listen_info=ListenInfo(ip="127.0.0.1", port=70_000))
    with pytest.raises(NegotiationError):
        await other.produce(kind="audio", rtp_parameters=RtpParameters(codecs=[]))
    assert len(router.transports) == 1


async def test_address_that_cannot_be_bound_is_refused_with_the_reason(worker: Worker, router: Router) -> None:
    nowhere = ListenInfo(ip="203.0.113.1")

    with pytest.raises(WorkerRejected, match="bind"):
        await worker.create_webrtc_server(listen_infos=[nowhere], webrtc_server_id="s")
    with pytest.raises(WorkerRejected):
        await router.create_plain_transport(listen_info=nowhere)

    assert worker.webrtc_servers == []
    assert (await worker.create_webrtc_server(listen_infos=[LOOPBACK], webrtc_server_id="s")).id == "s"


async def test_server_of_another_worker_is_refused(server: WebRtcServer, worker_binary: Path) -> None:
    other = await Worker.create(binary=worker_binary)
    try:
        stranger = await other.create_router(media_codecs=CODECS)

        with pytest.raises(InvalidState, match="another worker"):
            await stranger.create_webrtc_transport(webrtc_server=server)
    finally:
        other.close()
        await other.wait_closed()
