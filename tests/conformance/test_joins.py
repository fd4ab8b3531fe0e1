"""The join path takes shortcuts; what comes out is what the worker has."""

import msgspec
import pytest

from media_plane.ortc.rtp import RtpHeaderExtension
from media_plane.sfu.offers import MOST_OFFERS
from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import SctpOptions
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker
from tests.conformance.stage import DEVICE, LOOPBACK, LOOPBACK_TCP, MID, VIDEO, made

pytestmark = pytest.mark.worker


@pytest.mark.parametrize("sctp", [None, SctpOptions(max_send_message_size=1000)], ids=["media", "data"])
async def test_later_transports_of_a_server_are_as_the_worker_sees_them(
    worker: Worker, router: Router, sctp: SctpOptions | None
) -> None:
    server = await worker.create_webrtc_server(listen_infos=[LOOPBACK, LOOPBACK_TCP])
    made_transports = [
        await router.create_webrtc_transport(webrtc_server=server, prefer_udp=prefer_udp, sctp=sctp)
        for prefer_udp in (True, True, False, False)
    ]

    for transport in made_transports:
        dump = await transport.dump()
        assert dump.id == transport.id
        assert dump.ice_parameters == transport.ice_parameters
        assert dump.ice_candidates == transport.ice_candidates
        assert dump.dtls_parameters == transport.dtls_parameters
        assert dump.sctp_parameters == transport.sctp_parameters
        assert (dump.ice_state, dump.dtls_state, dump.sctp_state) == ("new", "new", transport.sctp_state)
    assert len({transport.ice_parameters.password for transport in made_transports}) == 4


async def test_viewers_alike_get_equal_parameters_under_their_own_ssrcs(
    router: Router, sender: WebRtcTransport, receiver: WebRtcTransport
) -> None:
    video = await sender.produce(kind="video", rtp_parameters=VIDEO)

    consumers = [await receiver.consume(producer_id=video.id, rtp_capabilities=DEVICE) for _ in range(12)]

    first = consumers[0].rtp_parameters
    for number, consumer in enumerate(consumers):
        params, dump = consumer.rtp_parameters, await consumer.dump()
        assert (params.codecs, params.header_extensions, params.mid) == (
            first.codecs,
            first.header_extensions,
            str(number),
        )
        assert dump.rtp_parameters.mid == params.mid
        assert [(e.ssrc, e.rtx) for e in dump.rtp_parameters.encodings] == [(e.ssrc, e.rtx) for e in params.encodings]
        assert (dump.id, dump.producer_id) == (consumer.id, video.id)
    assert len({consumer.rtp_parameters.encodings[0].ssrc for consumer in consumers}) == 12
    assert len((await router.dump()).map_consumer_id_producer_id) == 12


async def test_offers_are_not_kept_without_end(sender: WebRtcTransport, receiver: WebRtcTransport) -> None:
    video = await sender.produce(kind="video", rtp_parameters=VIDEO)

    for number in range(MOST_OFFERS + 3):
        device = msgspec.structs.replace(
            DEVICE,
            header_extensions=[made(RtpHeaderExtension, kind="video", uri=MID, preferredId=number + 1)],
        )
        consumer = await receiver.consume(producer_id=video.id, rtp_capabilities=device)
        assert [extension.id for extension in consumer.rtp_parameters.header_extensions] == [1] * (number == 0)

    assert len(video.offers._made) == 3
