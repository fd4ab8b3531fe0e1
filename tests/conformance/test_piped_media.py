"""Beyond mediasoup's suite: packets through pipes between two real workers."""

import msgspec
import pytest

from media_plane.ortc.rtp import RtpParameters
from media_plane.sfu.router import Router
from media_plane.sfu.worker import Worker
from tests.conformance.rtp import opus_packet
from tests.conformance.stage import AUDIO, DEVICE, LOOPBACK, OPUS, until

pytestmark = pytest.mark.worker


@pytest.fixture
async def other_router(second_worker: Worker) -> Router:
    return await second_worker.create_router(media_codecs=[OPUS])


async def hear(router: Router, producer_id: str) -> list[bytes]:
    """Packets of a producer as a consumer of this router gets them."""
    packets: list[bytes] = []
    ours = await router.create_direct_transport()
    consumer = await ours.consume(producer_id=producer_id, rtp_capabilities=DEVICE, paused=False)
    consumer.on_rtp(packets.append)
    return packets


@pytest.mark.parametrize("enable_srtp", [False, True], ids=["plain", "encrypted"])
@pytest.mark.parametrize("enable_rtx", [False, True], ids=["once", "resent"])
async def test_packets_pass_between_workers(
    router: Router, other_router: Router, *, enable_srtp: bool, enable_rtx: bool
) -> None:
    source = await (await router.create_direct_transport()).produce(kind="audio", rtp_parameters=AUDIO)

    piped = await router.pipe_to_router(
        producer_id=source.id, router=other_router, enable_srtp=enable_srtp, enable_rtx=enable_rtx
    )
    packets = await hear(other_router, piped.producer.id)
    for number in range(20):
        source.send(opus_packet(AUDIO, number))

    await until(lambda: len(packets) == 20)
    numbers = [int.from_bytes(packet[2:4], "big") for packet in packets]
    # The router counts on from a number of its own choice.
    assert [(number - numbers[0]) & 0xFFFF for number in numbers] == list(range(20))


async def test_two_processes_pipe_by_what_can_be_sent_as_json(router: Router, other_router: Router) -> None:
    source = await (await router.create_direct_transport()).produce(kind="audio", rtp_parameters=AUDIO)
    near = await router.create_pipe_transport(listen_info=LOOPBACK, enable_srtp=True)
    far = await other_router.create_pipe_transport(listen_info=LOOPBACK, enable_srtp=True)
    await near.connect(ip=far.tuple.local_address, port=far.tuple.local_port, srtp_parameters=far.srtp_parameters)
    await far.connect(ip=near.tuple.local_address, port=near.tuple.local_port, srtp_parameters=near.srtp_parameters)

    consumer = await near.consume(producer_id=source.id)
    sent = msgspec.json.encode(consumer.rtp_parameters)
    piped = await far.produce(
        producer_id=source.id,
        kind=consumer.kind,
        rtp_parameters=msgspec.json.decode(sent, type=RtpParameters),
        paused=consumer.producer_paused,
    )
    packets = await hear(other_router, piped.id)
    source.send(opus_packet(AUDIO, 7))

    await until(lambda: packets)
    assert packets[0].endswith(b"opus" * 5)
