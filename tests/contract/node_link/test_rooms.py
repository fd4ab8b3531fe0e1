"""Requests about rooms and transports, through a real link to a real worker."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from media_plane.contract import messages as m
from tests.contract.node_link.client import LinkClient, Refused, read
from tests.contract.node_link.conftest import Node
from tests.contract.node_link.media import DTLS, Person, fingerprint, new_id, raw

pytestmark = pytest.mark.worker


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

    async with asyncio.timeout(30):
        while (await host.link.until(m.LoadTold)).load.producers != 1:
            pass
