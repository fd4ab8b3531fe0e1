"""Packets nobody in their senses sends to a media port. Each is drawn from a `random.Random`, so that a seed replays it.

STUN (RFC 8489), DTLS (RFC 6347), RTP (RFC 3550, 8285), RTCP (RFC 3550, 4585, 5104), SCTP (RFC 9260), framing (RFC 4571).
Numbers are in network byte order.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from google_crc32c import value as crc32c
from OpenSSL import SSL

MAGIC_COOKIE = 0x2112A442
LARGEST_DATAGRAM_BYTES = 65_507
MTU_BYTES = 1_200


@dataclass(frozen=True)
class Known:
    """What an attacker may know of a stream that is really there: then packets get past the first lookups.

    Attributes:
        ssrcs: of media and retransmission.
        payload_types: of its codecs.
        extension_ids: of its header extensions.
        names: mid and rids.
        username: of STUN, "ours:theirs"; empty when unknown.
        password: of STUN; empty when unknown.
    """

    ssrcs: Sequence[int] = (1,)
    payload_types: Sequence[int] = (96,)
    extension_ids: Sequence[int] = (1,)
    names: Sequence[str] = ("0",)
    username: str = ""
    password: str = ""


NOTHING = Known()
Make = Callable[[Random, Known], bytes]


def some_bytes(draw: Random, most: int) -> bytes:
    """0 to `most` bytes."""
    return draw.randbytes(draw.randrange(most + 1))


def damage(draw: Random, packet: bytes) -> bytes:
    """A packet with some bits flipped, some bytes cut off or added, or as it was."""
    spoiled = bytearray(packet)
    for _ in range(draw.choice((0, 1, 1, 2, 8)) if spoiled else 0):
        spoiled[draw.randrange(len(spoiled))] ^= 1 << draw.randrange(8)
    how = draw.randrange(8)
    if how == 0:
        return bytes(spoiled[: draw.randrange(len(spoiled) + 1)])
    if how == 1:
        return bytes(spoiled) + some_bytes(draw, 64)
    return bytes(spoiled)


# --- STUN ---------------------------------------------------------------------------------------------------------


def stun(draw: Random, known: Known) -> bytes:
    """A binding request that lies about lengths, attributes, integrity or its sender."""
    attributes = b""
    name = known.username if draw.random() < 0.7 else some_bytes(draw, 600).hex()
    attributes += _attribute(0x0006, name.encode())
    for _ in range(draw.randrange(4)):
        kind = draw.choice(
            (0x0024, 0x8029, 0x802A, 0x0025, 0x0020, 0x0009, 0x000A, 0x0008, 0x8028, draw.randrange(65_536))
        )
        attributes += _attribute(kind, some_bytes(draw, 40), lie=draw.choice((0, 0, 0, 1, -1, 4, 60_000)))
    if draw.random() < 0.7:
        key = known.password if known.password and draw.random() < 0.3 else "wrong"
        attributes = _with_integrity(draw, attributes, key)
    if draw.random() < 0.5:
        head = _stun_head(draw, len(attributes) + 8)
        checksum = (zlib.crc32(head + attributes) ^ 0x5354554E) if draw.random() < 0.7 else draw.randrange(2**32)
        attributes += _attribute(0x8028, struct.pack("!I", checksum))
    if draw.random() < 0.02:
        attributes += _attribute(0x0006, bytes(60_000))
    length = len(attributes) + draw.choice((0, 0, 0, 1, -4, 4, 60_000, -len(attributes)))
    return damage(draw, _stun_head(draw, length % 65_536) + attributes)[:LARGEST_DATAGRAM_BYTES]


def _stun_head(draw: Random, length: int) -> bytes:
    kind = draw.choice((0x0001, 0x0001, 0x0001, 0x0011, 0x0101, 0x0111, 0x0003, draw.randrange(0x4000)))
    cookie = MAGIC_COOKIE if draw.random() < 0.95 else draw.randrange(2**32)
    return struct.pack("!HHI", kind, length, cookie) + draw.randbytes(12)


def _attribute(kind: int, value: bytes, *, lie: int = 0) -> bytes:
    return struct.pack("!HH", kind, (len(value) + lie) % 65_536) + value + bytes(-len(value) % 4)


def _with_integrity(draw: Random, attributes: bytes, key: str) -> bytes:
    head = _stun_head(draw, len(attributes) + 24)
    digest = hmac.digest(key.encode(), head + attributes, hashlib.sha1)
    return attributes + _attribute(0x0008, digest[: draw.choice((20, 20, 20, 19, 4, 0))])


# --- DTLS ---------------------------------------------------------------------------------------------------------


def client_hello() -> bytes:
    """What a true DTLS client says first."""
    context = SSL.Context(SSL.DTLS_METHOD)
    connection = SSL.Connection(context)
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return connection.bio_read(4096)
    raise AssertionError("there was nobody to shake hands with")


TRUE_HELLO = client_hello()


def dtls(draw: Random, _: Known) -> bytes:
    """Hellos, records and fragments that lie about versions, epochs, lengths and offsets; sometimes a true hello."""
    how = draw.randrange(5)
    if how == 0:
        return TRUE_HELLO
    if how == 1:
        return damage(draw, TRUE_HELLO)
    if how == 2:
        return _record(draw, 22, _fragment(draw))
    if how == 3:
        return b"".join(_record(draw, draw.choice((20, 21, 22, 23, 24, 63)), some_bytes(draw, 80)) for _ in range(5))
    return bytes([draw.randrange(20, 64)]) + some_bytes(draw, 1_400)


def _record(draw: Random, kind: int, body: bytes) -> bytes:
    version = draw.choice((0xFEFF, 0xFEFD, 0xFEFD, 0x0303, 0))
    length = (len(body) + draw.choice((0, 0, 0, 1, -1, 60_000))) % 65_536
    return (
        struct.pack("!BHHHIH", kind, version, draw.choice((0, 0, 1, 65_535)), 0, draw.randrange(2**32), length) + body
    )


def _fragment(draw: Random) -> bytes:
    """Part of a handshake message, whose length, offset and size need not fit together (RFC 6347 section 4.2.2)."""
    body = some_bytes(draw, 200)
    whole, offset = draw.choice((len(body), 2**24 - 1, 0, 70_000)), draw.choice((0, 1, 2**24 - 1, 60_000))
    size = draw.choice((len(body), len(body) + 1, 2**24 - 1))
    numbers = (draw.choice((1, 2, 11, 16, 20, 255)), whole >> 16, whole & 0xFFFF, draw.randrange(4))
    return struct.pack("!BBHH", *numbers) + offset.to_bytes(3, "big") + size.to_bytes(3, "big") + body


# --- RTP ----------------------------------------------------------------------------------------------------------


def rtp(draw: Random, known: Known) -> bytes:
    """A packet that may lie about its version, padding, sources, extensions and their lengths."""
    version = draw.choice((2, 2, 2, 2, 2, 2, 0, 1, 3))
    sources = draw.choice((0, 0, 0, 0, 1, 15))
    extension = _extensions(draw, known) if draw.random() < 0.7 else b""
    body = _payload(draw)
    has_padding = draw.random() < 0.15
    if has_padding:
        body += bytes(draw.randrange(8)) + bytes([draw.choice((0, 1, 4, 255))])
    first = version << 6 | has_padding << 5 | bool(extension) << 4 | sources
    payload_type = draw.choice(known.payload_types) if draw.random() < 0.95 else draw.randrange(128)
    head = struct.pack(
        "!BBHII",
        first,
        draw.randrange(2) << 7 | payload_type,
        draw.randrange(65_536),
        draw.randrange(2**32),
        draw.choice(known.ssrcs) if draw.random() < 0.95 else draw.randrange(2**32),
    )
    packet = head + bytes(4 * (sources if draw.random() < 0.7 else 0)) + extension + body
    return packet if draw.random() < 0.8 else damage(draw, packet)


def _payload(draw: Random) -> bytes:
    """The beginning of what depacketizers read, or noise: VP8 (RFC 7741), VP9, H264 (RFC 6184), AV1; empty now and then."""
    start = draw.choice(
        (b"", b"\x10\x00", b"\x90\x80\x80\x01", b"\xff" * 8, b"\x8f\x80", b"\x7c\x85", b"\x78\x00", b"\x18")
    )
    return start + some_bytes(draw, draw.choice((0, 4, 60, MTU_BYTES)))


def _extensions(draw: Random, known: Known) -> bytes:
    """A header extension: one-byte, two-byte or of a profile of its own, some elements empty, long, doubled or cut."""
    profile = draw.choice((0xBEDE, 0xBEDE, 0x1000, 0x1000, 0x100F, 0x0000, 0xABAC))
    elements = b""
    for _ in range(draw.randrange(1, 8)):
        number = draw.choice(known.extension_ids) if draw.random() < 0.9 else draw.randrange(256)
        value = (
            draw.choice(known.names).encode()
            if draw.random() < 0.2
            else draw.randbytes(draw.choice((0, 0, 1, 2, 3, 4, 8, 16, 200)))
        )
        if profile == 0xBEDE:
            elements += bytes([number % 16 << 4 | max(0, min(15, len(value) - 1))]) + value[:16]
        else:
            lie = draw.choice((0, 0, 0, 0, 200))
            elements += bytes([number % 256, min(255, len(value) + lie)]) + value
    elements += bytes(-len(elements) % 4)
    words = (len(elements) // 4 + draw.choice((0, 0, 0, 0, 0, 1, -1, 60_000))) % 65_536
    return struct.pack("!HH", profile, words) + elements


# --- RTCP ---------------------------------------------------------------------------------------------------------


def rtcp(draw: Random, known: Known) -> bytes:
    """A compound packet of reports and feedback that lie about counts and lengths."""
    packet = b"".join(_report(draw, known) for _ in range(draw.choice((1, 1, 2, 5))))
    return packet if draw.random() < 0.8 else damage(draw, packet)


def _report(draw: Random, known: Known) -> bytes:
    kind = draw.choice((200, 201, 202, 203, 204, 205, 205, 206, 206, 207, draw.randrange(192, 224)))
    count = (
        draw.randrange(32)
        if draw.random() < 0.3
        else draw.choice({205: (1, 15, 3, 4), 206: (1, 2, 3, 4, 7, 15)}.get(kind, (0, 1)))
    )
    body = struct.pack("!II", draw.choice(known.ssrcs), draw.choice(known.ssrcs)) + _feedback(draw, known, kind, count)
    body += bytes(-len(body) % 4)
    words = (len(body) // 4 + draw.choice((0, 0, 0, 0, 1, -1, 60_000))) % 65_536
    has_padding = draw.random() < 0.1
    return struct.pack("!BBH", 0x80 | has_padding << 5 | count, kind, words) + body


def _feedback(draw: Random, known: Known, kind: int, count: int) -> bytes:
    if kind == 206 and count == 15:
        ssrcs = b"".join(struct.pack("!I", ssrc) for ssrc in known.ssrcs)
        return b"REMB" + bytes([draw.choice((0, len(known.ssrcs), 255))]) + draw.randbytes(3) + ssrcs
    if kind == 205 and count == 15:
        statuses = draw.choice((0, 1, 7, 65_535))
        return struct.pack("!HHI", draw.randrange(65_536), statuses, draw.randrange(2**32)) + some_bytes(draw, 40)
    if kind in {205, 206} and draw.random() < 0.7:
        return struct.pack("!I", draw.choice(known.ssrcs)) + some_bytes(draw, 24)
    return some_bytes(draw, 120)


# --- SCTP ---------------------------------------------------------------------------------------------------------


def sctp(draw: Random, _: Known) -> bytes:
    """Chunks with lengths, counts and tags that do not fit; the checksum is right, so that they are read."""
    chunks = b"".join(_chunk(draw) for _ in range(draw.randrange(1, 5)))
    head = struct.pack("!HHI", 5000, draw.choice((5000, 5000, 0)), draw.choice((0, draw.randrange(2**32))))
    checksum = crc32c(head + bytes(4) + chunks) if draw.random() < 0.9 else draw.randrange(2**32)
    return head + struct.pack("<I", checksum) + chunks


def _chunk(draw: Random) -> bytes:
    kind = draw.choice((0, 1, 1, 2, 3, 4, 6, 7, 10, 11, 14, 64, 130, 192, draw.randrange(256)))
    body = struct.pack("!IIHHI", draw.randrange(1, 2**32), 100_000, 65_535, 65_535, 1) if kind == 1 else b""
    for _ in range(draw.randrange(3)):
        value = some_bytes(draw, 30)
        body += (
            struct.pack("!HH", draw.choice((7, 0x8008, 0xC000, 13, 14, draw.randrange(65_536))), len(value) + 4) + value
        )
    body += some_bytes(draw, 60)
    length = (len(body) + 4 + draw.choice((0, 0, 0, 0, 1, -4, 60_000))) % 65_536
    return struct.pack("!BBH", kind, draw.randrange(256), length) + body + bytes(-len(body) % 4)


# --- the rest -----------------------------------------------------------------------------------------------------


def noise(draw: Random, _: Known) -> bytes:
    """Bytes of no protocol, from none to the largest datagram."""
    if draw.random() < 0.02:
        return draw.randbytes(LARGEST_DATAGRAM_BYTES)
    return bytes([draw.randrange(256)]) * draw.randrange(2) + some_bytes(draw, 100)


EVERYTHING: tuple[Make, ...] = (stun, stun, dtls, rtp, rtcp, sctp, noise)


def framed(draw: Random, packet: bytes) -> bytes:
    """A packet as TCP carries it (RFC 4571), its length now and then a lie."""
    packet = packet[:65_535]
    length = (
        len(packet)
        if draw.random() < 0.8
        else draw.choice((0, 1, 65_535, len(packet) // 2, (len(packet) + 9) % 65_536))
    )
    return struct.pack("!H", length) + packet
