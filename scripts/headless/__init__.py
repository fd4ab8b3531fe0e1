"""The headless client (decisions.md 14): a person in a room without a browser. For the smoke run, demos, tests and load.

    rest.py        accounts, organizations, rooms and joining, by the public REST API
    signaling.py   the live socket: requests, responses, notifications, close code
    media.py       publishing and consuming with pymediasoup and aiortc
    counter.py     a frame counter burnt into a picture, and how to read it back
    tone.py        a tone, and how to hear it again
    tracks.py      tracks to publish: the counter picture, the tone
    reader.py      takes frames off a consumed track and notes what it saw or heard
    client.py      Participant: all of it joined
    scene.py       a fresh tenant with a live room, and proofs that things truly arrive

Speaks only what a browser speaks. May import the wire messages of `control_plane.signaling` and `media_plane.contract`.
"""
