"""A real WebRTC client sends VP8 and Opus, and others decode them: the first true thing."""

import pytest

from media_plane.sfu.router import Router
from media_plane.sfu.transport_types import ListenInfo
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.worker import Worker
from scripts.headless.reader import PictureReader, SoundReader
from scripts.headless.tracks import CounterTrack, ToneTrack
from tests.contract.worker.peer import Peer
from tests.contract.worker.stage import LOOPBACK, until

pytestmark = pytest.mark.worker


@pytest.fixture
async def server(worker: Worker) -> WebRtcServer:
    return await worker.create_webrtc_server(listen_infos=[LOOPBACK, ListenInfo(ip="127.0.0.1", protocol="tcp")])


async def test_picture_and_tone_reach_two_viewers(router: Router, server: WebRtcServer) -> None:
    host = await Peer.join(router, server, is_sender=True)
    states: list[str] = []
    host.transport.on_ice_state_change(states.append)
    host.transport.on_dtls_state_change(states.append)
    picture, tone = CounterTrack(), ToneTrack()
    video, audio = await host.send(picture), await host.send(tone)
    viewers = [await Peer.join(router, server, is_sender=False) for _ in range(2)]
    seen: list[PictureReader] = []
    heard: list[SoundReader] = []
    scores: list[int] = []

    for viewer in viewers:
        video_consumer, video_track = await viewer.watch(video)
        _, audio_track = await viewer.watch(audio)
        video_consumer.on_score(lambda score: scores.append(score.score))
        seen.append(PictureReader(video_track))
        heard.append(SoundReader(audio_track))

    for reader in seen:
        assert await reader.wait_for(lambda it: it.counters_read >= 15, timeout_s=40)
        assert reader.advanced_by > 0
    for listener in heard:
        assert await listener.wait_for(lambda it: it.tone_windows >= 3, timeout_s=40)
    assert "connected" in states
    assert (host.transport.ice_state, host.transport.dtls_state) == ("completed", "connected")
    assert host.transport.ice_selected_tuple is not None
    assert host.transport.ice_selected_tuple.protocol == "udp"
    assert (host.transport.dtls_remote_cert or "").startswith("-----BEGIN CERTIFICATE-----")
    stats = await host.transport.get_stats()
    assert stats.dtls_state == "connected"
    assert stats.rtp_bytes_received > 0
    await until(lambda: video.score and video.score[0].score == 10)
    (outbound, *_) = await viewers[0].transport.consumers[0].get_stats()
    assert outbound.type == "outbound-rtp"
    assert outbound.packet_count > 0

    for track in (picture, tone):
        track.stop()
    for viewer in viewers:
        await viewer.close()
    await host.close()
    assert router.transports == []
    for one in (*seen, *heard):
        await one.close()


async def test_viewer_stops_and_starts_again_with_a_key_frame(router: Router, server: WebRtcServer) -> None:
    host = await Peer.join(router, server, is_sender=True)
    picture = CounterTrack()
    video = await host.send(picture)
    viewer = await Peer.join(router, server, is_sender=False)
    consumer, track = await viewer.watch(video)
    reader = PictureReader(track)
    assert await reader.wait_for(lambda it: it.counters_read >= 3, timeout_s=40)

    await consumer.pause()
    before = (await consumer.dump()).paused
    frames = reader.frames
    await consumer.resume()

    assert before
    assert await reader.wait_for(lambda it: it.frames >= frames + 10, timeout_s=40)
    picture.stop()
    await viewer.close()
    await host.close()
    await reader.close()
