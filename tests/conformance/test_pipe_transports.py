"""Pipe transports by themselves, against the real worker."""

from typing import Any

import pytest

from media_plane.sfu.errors import InvalidValue, WorkerRejected
from media_plane.sfu.transport_types import ListenInfo, PortRange, SrtpParameters
from tests.conformance.stage import (
    DEPENDENCY,
    FIR,
    GCM_256_KEY,
    LOOPBACK,
    LOOPBACK_TCP,
    NACK,
    ORIENTATION,
    PACKET_ID,
    PLAYOUT_DELAY,
    PLI,
    TIME_OFFSET,
    Pipes,
    free_port,
    shown,
)

pytestmark = pytest.mark.worker


@pytest.mark.parametrize(
    "listen_info",
    [
        ListenInfo(ip="127.0.0.1", port_range=PortRange(min=4000, max=3000)),
        ListenInfo(ip="123"),
        LOOPBACK_TCP,
        ListenInfo(ip="127.0.0.1", protocol="carrier pigeon"),  # type: ignore[arg-type]  # the point
        ListenInfo(ip="127.0.0.1", port=65_536),
    ],
    ids=["range", "address", "tcp", "protocol", "port"],
)
async def test_wrong_address_is_refused(pipes: Pipes, listen_info: ListenInfo) -> None:
    with pytest.raises((WorkerRejected, InvalidValue)):
        await pipes.router.create_pipe_transport(listen_info=listen_info)

    assert len((await pipes.router.dump()).transport_ids) == 1


async def test_pipe_with_rtx_asks_for_lost_packets(pipes: Pipes) -> None:
    transport = await pipes.router.create_pipe_transport(listen_info=LOOPBACK, enable_rtx=True)

    consumer = await transport.consume(producer_id=pipes.video.id)

    assert (transport.type, transport.rtx, (await transport.dump()).rtx) == ("pipe", True, True)
    assert (consumer.kind, consumer.type, consumer.rtp_parameters.mid) == ("video", "pipe", None)
    assert shown(consumer.rtp_parameters.codecs) == [
        {"mimeType": "video/VP8", "payloadType": 101, "clockRate": 90000, "rtcpFeedback": [NACK, PLI, FIR]},
        {"mimeType": "video/rtx", "payloadType": 102, "clockRate": 90000, "parameters": {"apt": 101}},
    ]
    assert [(ext.uri, ext.id) for ext in consumer.rtp_parameters.header_extensions] == [
        (DEPENDENCY, 7),
        (ORIENTATION, 8),
        (TIME_OFFSET, 9),
        (PLAYOUT_DELAY, 11),
        (PACKET_ID, 12),
    ]
    assert all(encoding.rtx for encoding in consumer.rtp_parameters.encodings)
    assert (consumer.paused, consumer.producer_paused, consumer.app_data) == (False, False, None)
    assert (consumer.score.score, consumer.score.producer_score) == (10, 10)


async def test_pipe_with_srtp_connects_with_a_key(pipes: Pipes) -> None:
    transport = await pipes.router.create_pipe_transport(listen_info=LOOPBACK, enable_srtp=True)

    assert transport.srtp_parameters is not None
    assert transport.srtp_parameters.crypto_suite == "AEAD_AES_256_GCM"
    assert len(transport.srtp_parameters.key_base64) == 60

    await transport.connect(ip="127.0.0.2", port=9999, srtp_parameters=GCM_256_KEY)

    assert (transport.tuple.remote_ip, transport.tuple.remote_port) == ("127.0.0.2", 9999)
    assert (await transport.get_stats()).tuple == transport.tuple


async def test_key_is_refused_without_srtp(pipes: Pipes) -> None:
    transport = await pipes.router.create_pipe_transport(listen_info=LOOPBACK, enable_rtx=True)
    assert transport.srtp_parameters is None

    with pytest.raises(WorkerRejected) as caught:
        await transport.connect(ip="127.0.0.2", port=9999, srtp_parameters=GCM_256_KEY)

    assert caught.value.error == "TypeError"


@pytest.mark.parametrize(
    "key",
    [
        None,
        SrtpParameters(crypto_suite="FOO", key_base64=GCM_256_KEY.key_base64),  # type: ignore[arg-type]  # the point
        SrtpParameters(crypto_suite="AEAD_AES_256_GCM", key_base64=5),  # type: ignore[arg-type]  # the point
        SrtpParameters(crypto_suite="AEAD_AES_256_GCM", key_base64=""),
        SrtpParameters(crypto_suite="AEAD_AES_256_GCM", key_base64="c2hvcnQ="),
        SrtpParameters(crypto_suite="AEAD_AES_128_GCM", key_base64=GCM_256_KEY.key_base64),
    ],
    ids=["missing", "suite", "number", "empty", "short", "other suite"],
)
async def test_wrong_key_is_refused(pipes: Pipes, key: Any) -> None:
    transport = await pipes.router.create_pipe_transport(listen_info=LOOPBACK, enable_srtp=True)

    with pytest.raises((WorkerRejected, InvalidValue)):
        await transport.connect(ip="127.0.0.2", port=9999, srtp_parameters=key)

    assert transport.tuple.remote_port is None


async def test_pipe_listens_on_the_port_it_is_told(pipes: Pipes) -> None:
    port = free_port()

    transport = await pipes.router.create_pipe_transport(listen_info=ListenInfo(ip="127.0.0.1", port=port))

    assert transport.tuple.local_port == port
