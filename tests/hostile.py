"""Values nobody in their senses sends: JSON that is wrong in type, number, text, depth or meaning. Seeded, never random.

Everything here takes a `random.Random` and draws from nothing else, so that a seed replays it, and hypothesis can shrink it
(`st.randoms(use_true_random=False)`).
"""

from __future__ import annotations

import copy
import json
import os
from random import Random
from typing import Any, Final

from media_plane.ortc.match import kind_of
from media_plane.ortc.rtp import MediaKind

SEED_VARIABLE: Final = "TR_FUZZ_SEED"
"""Names the seed of a run; without it each run takes one of its own."""

NUMBERS: Final[tuple[Any, ...]] = (
    *(-1, 0, 1, 15, 16, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53, 2**63, 2**64),
    *(-(2**31), -(2**63), 10**40, 0.5, -0.0, 1e308),
)
TEXTS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "é" * 300,
    "x" * 5_000,
    "💥",
    "%s%n",
    "__proto__",
    "\u202e",
)
NO_JSON: Final[tuple[Any, ...]] = (float("nan"), float("inf"), "\ud800", "\udfff\ud800")
"""What makes the whole message unreadable, so that nothing else in it is looked at: drawn seldom."""
OTHERS: Final[tuple[Any, ...]] = (None, True, False, [], {}, [[]], [None], {"": None}, [{}], {"a": {"b": []}})
LAYERS: Final = (
    "L1T1",
    "L1T3",
    "L3T3",
    "L3T3_KEY",
    "S3T3",
    "L2T1h",
    "L99T99",
    "S99T99_KEY_SHIFT",
    "L8T8",
    "L0T0",
    "T3",
    "L1T3 ",
)
DEPTH: Final = 20_000
"""Nesting no reader should follow."""
_DEEP: Final = "@deep@"
"""Stands where `encode` puts something nested `DEPTH` deep: `json` itself could not write it."""


def choose_seed() -> int:
    """The seed of this run, from the environment or fresh; print it where a failure shows it."""
    named = os.environ.get(SEED_VARIABLE)
    return int(named) if named else int.from_bytes(os.urandom(4))


def encode(value: object) -> bytes:
    """JSON as a careless program writes it: NaN, lone surrogates, huge numbers and `_DEEP` go out as they are."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace(f'"{_DEEP}"', "[" * DEPTH + "]" * DEPTH).encode()


def scalar(draw: Random) -> Any:
    """A number, text or other small thing that fits hardly anywhere."""
    return copy.deepcopy(
        draw.choice(draw.choice((NUMBERS, TEXTS, OTHERS, LAYERS) if draw.random() < 0.98 else (NO_JSON,)))
    )


def anything(draw: Random) -> Any:
    """Any JSON value, now and then a long or a deep one."""
    kind = draw.randrange(12)
    if kind == 0:
        return _DEEP if draw.random() < 0.1 else None
    if kind == 1:
        return [scalar(draw) for _ in range(draw.choice((2, 300)))]
    if kind == 2:
        return {str(number): scalar(draw) for number in range(draw.choice((3, 400)))}
    if kind == 3:
        return {"a": anything(draw)}
    return scalar(draw)


def spoil(draw: Random, value: Any, *, times: int) -> Any:
    """A copy of a JSON value with that many places of it changed, doubled, dropped or swapped."""
    spoiled = copy.deepcopy(value)
    for _ in range(times):
        places = list(_places(spoiled))
        if not places:
            return anything(draw)
        holder, key = draw.choice(places)
        _spoil_place(draw, holder, key, places)
    return spoiled


def _spoil_place(draw: Random, holder: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    how = draw.randrange(7)
    if how <= 2:
        holder[key] = _neighbour(draw, holder[key])
    elif how == 3:
        holder[key] = anything(draw)
    elif how == 4:
        del holder[key]
    elif how == 5 and isinstance(holder, list):
        holder.extend([copy.deepcopy(holder[key]) for _ in range(draw.choice((1, 2, 9, 200)))])
    elif how == 5:
        holder[draw.choice(TEXTS)] = anything(draw)
    else:
        other, place = draw.choice(places)
        holder[key] = copy.deepcopy(other[place])


def _neighbour(draw: Random, value: Any) -> Any:
    """A value of the same type that is just as likely to be wrong: what a type check lets through."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.choice(
            (value + 1, value - 1, draw.randrange(128), draw.randrange(2**32), draw.choice(NUMBERS[:18]))
        )
    if isinstance(value, str):
        return draw.choice((value + value, value.upper(), value[:1], draw.choice(TEXTS), draw.choice(LAYERS)))
    return scalar(draw)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a JSON tree, at most some thousands."""
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(places) < 5_000:
        holder = waiting.pop()
        if isinstance(holder, dict):
            keys: list[Any] = list(holder)
        elif isinstance(holder, list):
            keys = list(range(len(holder)))
        else:
            continue
        places += [(holder, key) for key in keys]
        waiting += [holder[key] for key in keys]
    return places


# --- RTP ----------------------------------------------------------------------------------------------------------

KINDS: Final[tuple[MediaKind, ...]] = ("audio", "video")
_URIS: Final = (
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    "urn:3gpp:video-orientation",
    "urn:ietf:params:rtp-hdrext:toffset",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "urn:mediasoup:params:rtp-hdrext:packet-id",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "urn:unknown",
)
_CODECS: Final[tuple[dict[str, Any], ...]] = (
    {"mimeType": "audio/opus", "clockRate": 48000, "channels": 2, "parameters": {"useinbandfec": 1}},
    {"mimeType": "video/VP8", "clockRate": 90000},
    {"mimeType": "video/VP9", "clockRate": 90000, "parameters": {"profile-id": 0}},
    {"mimeType": "video/AV1", "clockRate": 90000},
    {
        "mimeType": "video/H264",
        "clockRate": 90000,
        "parameters": {"packetization-mode": 1, "profile-level-id": "42e01f", "level-asymmetry-allowed": 1},
    },
)
_FEEDBACK: Final = (("nack", ""), ("nack", "pli"), ("ccm", "fir"), ("goog-remb", ""), ("transport-cc", ""))


def likely_parameters(draw: Random) -> tuple[MediaKind, dict[str, Any]]:
    """A kind, and RTP parameters for it that are right or nearly so: what comes through the checks is what matters."""
    chosen = draw.choice(_CODECS)
    kind = kind_of(chosen["mimeType"])
    payload_type = draw.choice((draw.randrange(128), 96, 0))
    codec = copy.deepcopy(chosen) | {"payloadType": payload_type, "rtcpFeedback": _feedback(draw)}
    codecs = [codec]
    if kind == "video" and draw.random() < 0.7:
        repair = {"mimeType": "video/rtx", "clockRate": 90000, "parameters": {"apt": payload_type}}
        codecs.append(repair | {"payloadType": draw.choice(((payload_type + 1) % 128, draw.randrange(128)))})
    ids = draw.sample(range(1, draw.choice((15, 256))), 8)
    # The last two no router of ours offers.
    uris = draw.sample(_URIS if draw.random() < 0.1 else _URIS[:-2], draw.randrange(8))
    extensions = [{"uri": uri, "id": ids[number], "encrypt": draw.random() < 0.2} for number, uri in enumerate(uris)]
    parameters = {
        "mid": draw.choice(("0", "12345678", "a-mid-longer-than-eight-bytes", "é" * 8, "m" * 255, "")),
        "codecs": codecs,
        "headerExtensions": extensions,
        "encodings": _encodings(draw, kind),
        "rtcp": {"cname": draw.choice(("cname", "c" * 255, "é" * 200, "")), "reducedSize": draw.random() < 0.5},
        "msid": draw.choice(("stream track", "-", "s" * 255)),
    }
    return kind, parameters


def _feedback(draw: Random) -> list[dict[str, str]]:
    return [{"type": kind, "parameter": parameter} for kind, parameter in draw.sample(_FEEDBACK, draw.randrange(6))]


def _encodings(draw: Random, kind: MediaKind) -> list[dict[str, Any]]:
    count = 1 if kind == "audio" else draw.choice((1, 1, 2, 3, 4, 8))
    first = draw.choice((1, draw.randrange(1, 2**32 - 32), 2**32 - 2 * count))
    by_rid = draw.random() < 0.3
    encodings = []
    for index in range(count):
        encoding: dict[str, Any] = {"rid": f"r{index}"} if by_rid else {"ssrc": first + 2 * index}
        if draw.random() < 0.5:
            encoding["rtx"] = {"ssrc": first + 2 * index + 1}
        if draw.random() < 0.6:
            encoding["scalabilityMode"] = draw.choice(LAYERS if count == 1 else LAYERS[:2])
        if draw.random() < 0.3:
            encoding["maxBitrate"] = draw.choice((0, 1, 500_000, 2**32 - 1))
        if draw.random() < 0.2:
            encoding["dtx"] = True
        encodings.append(encoding)
    return encodings


def many_encodings(draw: Random) -> tuple[MediaKind, dict[str, Any]]:
    """Ten thousand streams in one track."""
    kind, parameters = likely_parameters(draw)
    return kind, parameters | {"encodings": [{"ssrc": number + 1} for number in range(10_000)]}


def senseless_parameters(draw: Random) -> tuple[MediaKind, Any]:
    """A kind, and RTP parameters that make no sense, or nearly make it."""
    how = draw.randrange(20)
    if how == 0:
        return many_encodings(draw)
    if how == 1:
        return draw.choice(KINDS), anything(draw)
    kind, parameters = likely_parameters(draw)
    if draw.random() < 0.1:
        kind = draw.choice(KINDS)
    return kind, spoil(draw, parameters, times=draw.choice((0, 1, 1, 2, 3, 6)))


def likely_capabilities(draw: Random) -> dict[str, Any]:
    """RTP capabilities that are right: some codecs under some payload types, with RTX, and extensions."""
    codecs: list[dict[str, Any]] = []
    free = iter(draw.sample(range(128), 12))
    for chosen in draw.sample(_CODECS, draw.randrange(1, 6)):
        kind, payload_type = kind_of(chosen["mimeType"]), next(free)
        numbered = {"kind": kind, "preferredPayloadType": payload_type, "rtcpFeedback": _feedback(draw)}
        codecs.append(copy.deepcopy(chosen) | numbered)
        if kind == "video" and draw.random() < 0.7:
            repair = {"kind": kind, "mimeType": "video/rtx", "clockRate": 90000, "parameters": {"apt": payload_type}}
            codecs.append(repair | {"preferredPayloadType": next(free)})
    extensions = [
        {"kind": kind, "uri": uri, "preferredId": index + 1, "direction": "sendrecv"}
        for index, uri in enumerate(_URIS)
        for kind in KINDS
    ]
    return {"codecs": codecs, "headerExtensions": extensions}


def senseless_capabilities(draw: Random) -> Any:
    """RTP capabilities that make no sense, or nearly make it."""
    if draw.random() < 0.1:
        return anything(draw)
    return spoil(draw, likely_capabilities(draw), times=draw.choice((0, 1, 1, 2, 3, 6)))


def senseless_dtls(draw: Random) -> Any:
    """DTLS parameters that make no sense, or nearly make it."""
    value = ":".join([f"{draw.randrange(256):02X}"] * 32)
    right = {
        "role": draw.choice(("client", "auto", "server")),
        "fingerprints": [{"algorithm": "sha-256", "value": value}],
    }
    if draw.random() < 0.1:
        return anything(draw)
    return spoil(draw, right, times=draw.choice((0, 1, 1, 2, 4)))
