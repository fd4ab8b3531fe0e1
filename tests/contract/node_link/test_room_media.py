"""Requests about rooms, transports, producers and consumers, through a real link to a real worker."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused, read
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import DTLS, Person, fingerprint, new_id, opus, raw, vp8

pytestmark = pytest.mark.worker


@pytest.fixture
async def host(link: LinkClient) -> Person:
    """Somebody with a send transport in an open room."""
    host = Person(link, new_id())
    await host.open()
    await host.transport("send")
    return host


@pytest.fixture
async def viewer(node: Node, host: Person) -> Person:
    """Somebody with a receive transport in the host's room, on a link of their own."""
    viewer = Person(await node.link(), host.room_id)
    await viewer.transport("recv")
    return viewer


@pytest.fixture
async def capabilities(host: Person) -> msgspec.Raw:
    """What a browser that can do everything says of itself: the router's own capabilities."""
    return (await host.open()).rtp_capabilities


# --- rooms --------------------------------------------------------------------------------------------------------


async def test_opening_a_room_again_tells_what_is_in_it(node: Node, host: Person) -> None:
    producer = await host.produce("microphone")

    answer = await Person(await node.link(), host.room_id).open()

    assert answer.participants == [
        m.ParticipantMedia(participant_id=host.id, send_transport_id=host.send_id, producers=[producer])
    ]
    assert msgspec.json.decode(answer.rtp_capabilities)["codecs"][0]["mimeType"] == "audio/opus"


async def test_many_who_open_one_room_at_once_get_one_room(node: Node) -> None:
    links = [await node.link() for _ in range(4)]
    room_id = new_id()

    answers = await asyncio.gather(*(Person(link, room_id).open() for link in links for _ in range(5)))

    assert len({bytes(answer.rtp_capabilities) for answer in answers}) == 1
    assert node.agent.load().rooms == 1


async def test_what_is_sent_right_behind_room_open_finds_it_open(link: LinkClient) -> None:
    room_id, transport_id = new_id(), new_id()

    opened = link.start(m.RoomOpen(id=901, live_session_id=room_id, epoch=1))
    made = link.start(
        m.TransportCreate(
            id=902,
            live_session_id=room_id,
            epoch=1,
            participant_id=new_id(),
            transport_id=transport_id,
            direction="recv",
        )
    )

    read(await opened, m.RoomOpenAnswer)
    assert read(await made, m.TransportOptions).id == transport_id


async def test_a_stale_epoch_is_refused_everywhere(link: LinkClient) -> None:
    room_id = new_id()
    await Person(link, room_id, epoch=5).open()
    late = Person(link, room_id, epoch=4)

    with pytest.raises(Refused, match="stale_epoch") as refused:
        await late.open()
    with pytest.raises(Refused, match="stale_epoch"):
        await late.transport("send")
    with pytest.raises(Refused, match="stale_epoch"):
        await link.request(m.RoomClose(id=900, live_session_id=room_id, epoch=4), m.Empty)

    assert refused.value.facts == {"epoch": 5}


async def test_a_higher_epoch_replaces_what_was_there(node: Node, host: Person) -> None:
    other = await node.link()
    newer = Person(other, host.room_id, epoch=2)
    with pytest.raises(Refused, match="room_not_open"):
        await newer.transport("send")

    assert (await newer.open()).participants == []

    for link in (host.link, other):
        lost = await link.until(m.RoomLost)
        assert (lost.live_session_id, lost.epoch, lost.reason) == (host.room_id, 1, "replaced")
    with pytest.raises(Refused, match="stale_epoch"):
        await host.produce("microphone")


async def test_an_epoch_starts_at_one(link: LinkClient) -> None:
    with pytest.raises(Refused, match="malformed"):
        await Person(link, new_id(), epoch=0).open()


async def test_closing_a_room_is_told_to_the_others_and_can_be_repeated(node: Node, host: Person) -> None:
    other = await node.link()
    closing = m.RoomClose(id=900, live_session_id=host.room_id, epoch=1)

    for _ in range(2):
        await host.link.request(closing, m.Empty)

    assert (await other.until(m.RoomLost)).reason == "closed"
    assert not any(isinstance(notification, m.RoomLost) for notification in host.link.notifications)
    with pytest.raises(Refused, match="room_not_open"):
        await host.transport("recv")
    assert node.agent.load().rooms == 0


# --- transports ---------------------------------------------------------------------------------------------------


async def test_a_transport_made_twice_is_one_transport(node: Node, host: Person) -> None:
    first = await host.transport("recv")
    again = await host.transport("recv")

    assert again == first
    assert node.agent.load().transports == 2
    candidates = msgspec.json.decode(first.ice_candidates)
    assert {candidate["protocol"] for candidate in candidates} == {"udp", "tcp"}
    assert msgspec.json.decode(first.dtls_parameters)["fingerprints"]
    assert msgspec.json.decode(first.ice_parameters)["iceLite"] is True


async def test_a_transport_id_belongs_to_one_participant_and_direction(host: Person, viewer: Person) -> None:
    with pytest.raises(Refused, match="conflict"):
        await viewer.transport("send", transport_id=host.send_id)
    with pytest.raises(Refused, match="conflict"):
        await host.transport("recv", transport_id=host.send_id)


@pytest.mark.parametrize("bitrate", [-1, 0, 10, 2**40])
async def test_bitrates_out_of_range_are_malformed(host: Person, bitrate: int) -> None:
    with pytest.raises(Refused, match="malformed"):
        await host.transport("recv", initial_outgoing_bitrate_bps=bitrate)
    with pytest.raises(Refused, match="malformed"):
        await host.transport("recv", max_incoming_bitrate_bps=bitrate)


async def test_bitrates_can_be_chosen(host: Person) -> None:
    await host.transport("recv", initial_outgoing_bitrate_bps=2_000_000, max_incoming_bitrate_bps=1_500_000)


async def test_connecting_again_with_the_same_parameters_is_harmless(host: Person) -> None:
    await host.connect(host.send_id)
    await host.connect(host.send_id)

    with pytest.raises(Refused, match="conflict"):
        await host.connect(host.send_id, {"role": "client", "fingerprints": [fingerprint("cd")]})


@pytest.mark.parametrize(
    "dtls",
    [
        raw(None),
        raw({"fingerprints": []}),
        raw({"role": "boss", "fingerprints": [fingerprint()]}),
        raw({"fingerprints": [fingerprint("zz")]}),
        raw({"fingerprints": [fingerprint(count=20)]}),
        raw({"fingerprints": [fingerprint()] * 17}),
    ],
)
async def test_dtls_parameters_that_make_no_sense_are_malformed(host: Person, dtls: msgspec.Raw) -> None:
    with pytest.raises(Refused, match="malformed"):
        await host.connect(host.send_id, dtls)

    await host.connect(host.send_id, DTLS)


async def test_restarting_ice_gives_new_credentials(host: Person) -> None:
    before = msgspec.json.decode((await host.transport("send")).ice_parameters)

    after = msgspec.json.decode((await host.restart_ice(host.send_id)).ice_parameters)

    assert after["usernameFragment"] != before["usernameFragment"]
    assert msgspec.json.decode((await host.transport("send")).ice_parameters) == after


# --- producers ----------------------------------------------------------------------------------------------------


async def test_a_producer_made_twice_is_one_producer(node: Node, host: Person) -> None:
    producer_id = new_id()
    first = await host.produce("camera", producer_id=producer_id, paused=True)

    again = await host.produce("camera", producer_id=producer_id, paused=True)

    assert again == first
    assert first == m.ProducerFacts(
        producer_id=producer_id, participant_id=host.id, kind="video", source="camera", paused=True
    )
    assert node.agent.load().producers == 1


async def test_a_producer_id_belongs_to_one_track(node: Node, host: Person) -> None:
    other = Person(await node.link(), host.room_id)
    await other.transport("send")
    producer = await host.produce("camera")

    with pytest.raises(Refused, match="conflict"):
        await other.produce("camera", producer_id=producer.producer_id)
    with pytest.raises(Refused, match="conflict"):
        await host.produce("screen", producer_id=producer.producer_id)


async def test_nobody_publishes_on_a_receive_transport_or_watches_on_a_send_one(
    host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    producer = await host.produce("camera")

    with pytest.raises(Refused, match="conflict"):
        await viewer.produce("camera", transport_id=viewer.recv_id)
    with pytest.raises(Refused, match="conflict"):
        await host.consume(capabilities, {new_id(): producer.producer_id}, transport_id=host.send_id)


async def test_a_source_sends_its_own_kind(host: Person) -> None:
    with pytest.raises(Refused, match="malformed"):
        await host.produce("camera", opus(), kind="audio")
    with pytest.raises(Refused, match="malformed"):
        await host.produce("microphone", vp8(), kind="video")


def without(parameters: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in names}


def with_codec(**changes: Any) -> dict[str, Any]:
    parameters = vp8()
    return parameters | {"codecs": [parameters["codecs"][0] | changes, parameters["codecs"][1]]}


NASTY_PARAMETERS = [
    pytest.param(raw(None), id="null"),
    pytest.param(raw([]), id="list"),
    pytest.param(raw("x"), id="text"),
    pytest.param(raw({}), id="empty"),
    pytest.param(raw(without(vp8(), "codecs")), id="no codecs"),
    pytest.param(raw(vp8(codecs=[])), id="empty codecs"),
    pytest.param(raw(without(vp8(), "encodings")), id="no encodings"),
    pytest.param(raw(vp8(encodings=[])), id="empty encodings"),
    pytest.param(raw(vp8(encodings=[{}, {}])), id="encodings nobody can tell apart"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 5}, {"ssrc": 5}])), id="same ssrc twice"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 0}])), id="ssrc zero"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 2**32}])), id="ssrc too large"),
    pytest.param(raw(vp8(encodings=[{"ssrc": -1}])), id="ssrc negative"),
    pytest.param(raw(vp8(encodings=[{"rid": "a b"}])), id="rid with a blank"),
    pytest.param(raw(vp8(encodings=[{"rid": "r" * 300}])), id="long rid"),
    pytest.param(raw(vp8(encodings=[{"ssrc": n + 1} for n in range(500)])), id="500 encodings"),
    pytest.param(raw(vp8(encodings=[{"ssrc": 7, "scalabilityMode": "L999T999"}])), id="absurd scalability mode"),
    pytest.param(raw(vp8(mid="m" * 5000)), id="long mid"),
    pytest.param(raw(vp8(mid="\u0000\u0001")), id="control characters"),
    pytest.param(raw(vp8(rtcp={"cname": "c" * 5000})), id="long cname"),
    pytest.param(raw(vp8(headerExtensions=[{"uri": "urn:x", "id": 0}])), id="extension id zero"),
    pytest.param(raw(vp8(headerExtensions=[{"uri": "urn:x", "id": 5}])), id="unknown extension"),
    pytest.param(raw(with_codec(payloadType=300)), id="payload type too large"),
    pytest.param(raw(with_codec(payloadType=-1)), id="payload type negative"),
    pytest.param(raw(with_codec(payloadType=97)), id="same payload type twice"),
    pytest.param(raw(with_codec(clockRate=0)), id="clock rate zero"),
    pytest.param(raw(with_codec(mimeType="vp8")), id="no mime type"),
    pytest.param(raw(with_codec(mimeType="audio/opus")), id="audio codec for video"),
    pytest.param(raw(with_codec(parameters={"x": [1]})), id="list as a codec parameter"),
    pytest.param(raw(with_codec(parameters={str(n): n for n in range(1000)})), id="1000 codec parameters"),
    pytest.param(raw(with_codec(rtcpFeedback=[{"type": "n" * 5000}])), id="long feedback"),
    pytest.param(msgspec.Raw(b'{"codecs":[' + b"[" * 5000 + b"]" * 5000 + b"]}"), id="deep nesting"),
    pytest.param(raw({"codecs": "x" * 200_000}), id="200 KB"),
]


@pytest.mark.parametrize("parameters", NASTY_PARAMETERS)
async def test_rtp_parameters_that_make_no_sense_are_refused_and_the_worker_lives(
    node: Node, host: Person, parameters: msgspec.Raw
) -> None:
    pids = node.agent.fleet.pids()

    with pytest.raises(Refused, match=r"malformed|unsupported"):
        await host.produce("camera", parameters)

    await host.produce("camera")
    assert node.agent.fleet.pids() == pids
    assert node.agent.load().producers == 1


async def test_a_codec_the_room_does_not_have_is_unsupported(host: Person) -> None:
    with pytest.raises(Refused, match="unsupported"):
        await host.produce("camera", with_codec(mimeType="video/H265"))


async def test_two_producers_with_the_same_ssrc_are_refused(node: Node, host: Person) -> None:
    parameters = vp8()
    await host.produce("camera", parameters)

    with pytest.raises(Refused, match=r"conflict|malformed"):
        await host.produce("screen", parameters | {"mid": "2"})

    assert node.agent.load().producers == 1


# --- consumers ----------------------------------------------------------------------------------------------------


async def test_consumers_come_paused_in_the_order_of_the_wishes(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    voice = await host.produce("microphone")
    camera = await host.produce("camera", vp8(layers=3))
    screen = await host.produce("screen", vp8(mid="2"), paused=True)
    wishes = {new_id(): facts.producer_id for facts in (screen, voice, camera)}

    answer = await viewer.consume(capabilities, wishes)

    assert [c.id for c in answer.consumers] == list(wishes)
    assert [c.producer_id for c in answer.consumers] == list(wishes.values())
    assert [(c.kind, c.source, c.producer_paused) for c in answer.consumers] == [
        ("video", "screen", True),
        ("audio", "microphone", False),
        ("video", "camera", False),
    ]
    assert {c.participant_id for c in answer.consumers} == {host.id}
    assert answer.refused == []
    parameters = [msgspec.json.decode(c.rtp_parameters) for c in answer.consumers]
    assert len({p["mid"] for p in parameters}) == 3
    assert all(len(p["encodings"]) == 1 for p in parameters)
    await viewer.resume(*wishes)
    await viewer.pause(*wishes, new_id())
    assert node.agent.load().consumers == 3


async def test_consuming_again_answers_the_same(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    wishes = {new_id(): camera.producer_id}
    first = await viewer.consume(capabilities, wishes)

    again = await viewer.consume(capabilities, wishes)

    assert again == first
    assert node.agent.load().consumers == 1


async def test_what_cannot_be_consumed_is_listed_and_the_rest_comes(
    host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    voice = await host.produce("microphone")
    camera = await host.produce("camera")
    everything = msgspec.json.decode(capabilities)
    only_audio = everything | {"codecs": [c for c in everything["codecs"] if c["kind"] == "audio"]}
    missing = new_id()

    answer = await viewer.consume(
        only_audio, {new_id(): missing, new_id(): camera.producer_id, new_id(): voice.producer_id}
    )

    assert [c.producer_id for c in answer.consumers] == [voice.producer_id]
    assert answer.refused == [
        m.ConsumerRefused(producer_id=missing, code="not_found"),
        m.ConsumerRefused(producer_id=camera.producer_id, code="unsupported"),
    ]


async def test_a_consumer_id_stands_for_one_producer(host: Person, viewer: Person, capabilities: msgspec.Raw) -> None:
    voice, camera = await host.produce("microphone"), await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: voice.producer_id})

    with pytest.raises(Refused, match="conflict"):
        await viewer.consume(capabilities, {consumer_id: camera.producer_id})


async def test_too_many_wishes_are_too_large(viewer: Person, capabilities: msgspec.Raw) -> None:
    with pytest.raises(Refused, match="too_large"):
        await viewer.consume(capabilities, {new_id(): new_id() for _ in range(65)})


@pytest.mark.parametrize(
    "nasty",
    [
        raw(None),
        raw([]),
        raw({"codecs": None}),
        raw({"codecs": [{}]}),
        raw({"codecs": [{"kind": "audio", "mimeType": "video/VP8", "clockRate": 90000}]}),
        raw({"codecs": [{"kind": "video", "mimeType": "video/VP8", "clockRate": -5}]}),
        raw({"codecs": [{"kind": "video", "mimeType": "video/rtx", "clockRate": 90000, "parameters": {"apt": 7}}]}),
        raw({"codecs": [], "headerExtensions": [{"kind": "audio", "uri": "u", "preferredId": 5000}]}),
        msgspec.Raw(b'{"codecs":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    ],
)
async def test_capabilities_that_make_no_sense_are_malformed(host: Person, viewer: Person, nasty: msgspec.Raw) -> None:
    voice = await host.produce("microphone")

    with pytest.raises(Refused, match="malformed"):
        await viewer.consume(nasty, {new_id(): voice.producer_id})


async def test_who_watches_hears_of_pause_resume_and_close(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await host.pause_producer(camera.producer_id)
    await host.pause_producer(camera.producer_id)
    paused = await viewer.link.until(m.ConsumerPaused)
    await host.resume_producer(camera.producer_id)
    resumed = await viewer.link.until(m.ConsumerResumed)
    await host.close_producer(camera.producer_id)
    closed = await viewer.link.until(m.ConsumerClosed)

    assert {n.consumer_id for n in (paused, resumed, closed)} == {consumer_id}
    assert {n.participant_id for n in (paused, resumed, closed)} == {viewer.id}
    await host.close_producer(camera.producer_id)
    await viewer.resume(consumer_id)
    with pytest.raises(Refused, match="not_found"):
        await host.pause_producer(camera.producer_id)
    assert [type(n) for n in viewer.link.notifications if not isinstance(n, m.LoadTold)] == []
    assert [type(n) for n in host.link.notifications if not isinstance(n, m.LoadTold)] == []
    assert node.agent.load().consumers == 0


async def test_leaving_closes_everything_once(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await host.leave()
    await host.leave()

    assert (await viewer.link.until(m.ConsumerClosed)).consumer_id == consumer_id
    load = node.agent.load()
    assert (load.transports, load.producers, load.consumers) == (1, 0, 0)
    with pytest.raises(Refused, match="not_found"):
        await host.adopt()
    await host.transport("send")
    await host.produce("camera", producer_id=camera.producer_id)


async def test_layers_can_be_capped(host: Person, viewer: Person, capabilities: msgspec.Raw) -> None:
    camera = await host.produce("camera", vp8(layers=3))
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await viewer.prefer(consumer_id, 0)
    await viewer.prefer(consumer_id, 1, 2)

    with pytest.raises(Refused, match="malformed"):
        await viewer.prefer(consumer_id, -1)
    with pytest.raises(Refused, match="not_found"):
        await viewer.prefer(new_id(), 0)


async def test_closing_consumers_skips_those_that_are_gone(
    node: Node, host: Person, viewer: Person, capabilities: msgspec.Raw
) -> None:
    camera = await host.produce("camera")
    consumer_id = new_id()
    await viewer.consume(capabilities, {consumer_id: camera.producer_id})

    await viewer.close_consumers(consumer_id, new_id())
    await viewer.close_consumers(consumer_id)

    assert node.agent.load().consumers == 0
    assert (await viewer.adopt()).consumer_ids == []


# --- unknown ids and order ----------------------------------------------------------------------------------------


async def test_what_is_not_there_is_not_found(host: Person) -> None:
    stranger = Person(host.link, host.room_id)
    nowhere = Person(host.link, new_id())

    with pytest.raises(Refused, match="not_found"):
        await stranger.produce("camera")
    with pytest.raises(Refused, match="not_found"):
        await host.connect(new_id())
    with pytest.raises(Refused, match="not_found"):
        await host.produce("camera", transport_id=new_id())
    with pytest.raises(Refused, match="not_found"):
        await host.resume_producer(new_id())
    with pytest.raises(Refused, match="room_not_open"):
        await nowhere.transport("send")
    with pytest.raises(Refused, match="room_not_open"):
        await nowhere.adopt()
    with pytest.raises(Refused, match="malformed"):
        await host.transport("recv", transport_id="not-a-uuid")
    await stranger.leave()
    await nowhere.leave()
    await stranger.close_producer(new_id())


async def test_requests_about_one_participant_finish_in_the_order_they_were_sent(link: LinkClient) -> None:
    person = Person(link, new_id())
    await person.open()
    producer_id = new_id()
    link.answers.clear()

    await asyncio.gather(
        person.transport("send"),
        person.produce("camera", producer_id=producer_id),
        person.pause_producer(producer_id),
        person.resume_producer(producer_id),
        person.transport("recv"),
        person.close_producer(producer_id),
        person.leave(),
    )

    ids = [answer.id for answer in link.answers]
    assert ids == sorted(ids)
    assert all(answer.error is msgspec.UNSET for answer in link.answers)


async def test_load_is_told_every_two_seconds(host: Person) -> None:
    await host.produce("camera")

    async with asyncio.timeout(10):
        while (await host.link.until(m.LoadTold)).load.producers != 1:
            pass
