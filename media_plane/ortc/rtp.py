"""The RTP dictionaries: capabilities (what one can do) and parameters (what is done).

Shapes and JSON names are those of mediasoup 3.27.1 (node/lib/rtpParametersTypes.d.ts) and its browser client: camelCase
keys, fields at their default left out, unknown keys ignored when reading. Constructing a struct checks nothing; numbers
and references between fields are checked by `validate`.

Structs are frozen. Their lists and dicts are shared between structs to keep joins cheap: treat them as read-only.
"""

from typing import Literal, TypeAlias

import msgspec

MediaKind: TypeAlias = Literal["audio", "video"]
HeaderExtensionDirection: TypeAlias = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
CodecParameterValue: TypeAlias = str | bool | int | float
"""A codec or header extension parameter: text, flag, int32 or double (worker/fbs/rtpParameters.fbs, union Value)."""


class RtcpFeedback(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One RTCP feedback message a codec uses (RFC 4585 section 4.2), such as `nack` or `nack pli`."""

    type: str
    parameter: str = ""  # Empty for the plain form.


class RtpCodecCapability(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A codec an endpoint can handle."""

    kind: MediaKind
    mime_type: str  # "audio/opus", "video/H264"; compared without regard to case.
    preferred_payload_type: int | None = None  # 0..127; None lets the router choose.
    clock_rate: int  # Hz.
    channels: int | None = None  # Audio only; None means 1.
    parameters: dict[str, CodecParameterValue] = {}
    rtcp_feedback: list[RtcpFeedback] = []


class RtpHeaderExtension(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An RTP header extension (RFC 8285) an endpoint can handle for one media kind."""

    kind: MediaKind
    uri: str
    preferred_id: int  # 1..255.
    preferred_encrypt: bool = False
    direction: HeaderExtensionDirection = "sendrecv"  # As seen by the endpoint that has the capability.


class RtpCapabilities(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What an endpoint (a router or a browser) can send or receive, in order of preference."""

    codecs: list[RtpCodecCapability] = []
    header_extensions: list[RtpHeaderExtension] = []


class RtpCodecParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A codec in use, with the payload type it travels under."""

    mime_type: str
    payload_type: int  # 0..127.
    clock_rate: int  # Hz.
    channels: int | None = None  # Audio only; None means 1.
    parameters: dict[str, CodecParameterValue] = {}
    rtcp_feedback: list[RtcpFeedback] = []


class RtpHeaderExtensionParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An RTP header extension in use, with the id it travels under."""

    uri: str
    id: int  # 1..255.
    encrypt: bool = False
    parameters: dict[str, CodecParameterValue] = {}


class RtxParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """The retransmission stream of an encoding (RFC 4588, SSRC multiplexing)."""

    ssrc: int  # 1..2**32-1.


class RtpEncodingParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One stream of a track: a simulcast layer, or the only one."""

    ssrc: int | None = None  # 1..2**32-1; None where the rid or the mid tells the stream.
    rid: str | None = None  # RFC 8851.
    codec_payload_type: int | None = None  # None means the first media codec.
    rtx: RtxParameters | None = None
    dtx: bool = False
    scalability_mode: str | None = None  # W3C webrtc-svc, such as "L1T3".
    max_bitrate: int | None = None  # Bits per second; None means no limit.


class RtcpParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """RTCP of a track. `mux` is kept for clients; whether RTCP shares the port is the transport's matter."""

    cname: str | None = None
    reduced_size: bool = True  # RFC 5506.
    mux: bool = True  # RFC 5761.


class RtpParameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How one track travels: codecs, header extensions and streams."""

    mid: str | None = None  # Towards a consumer at most 8 bytes, the worker's room for it.
    msid: str | None = None
    codecs: list[RtpCodecParameters]
    header_extensions: list[RtpHeaderExtensionParameters] = []
    encodings: list[RtpEncodingParameters] = []
    rtcp: RtcpParameters = msgspec.field(default_factory=RtcpParameters)


class CodecMapping(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A producer's payload type and the one the router uses for it."""

    payload_type: int
    mapped_payload_type: int


class EncodingMapping(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A producer's encoding and the SSRC the router uses for it.

    `scalability_mode` is for people reading a dump: the worker's schema (rtpParameters.fbs) has no such field.
    """

    ssrc: int | None = None
    rid: str | None = None
    scalability_mode: str | None = None
    mapped_ssrc: int


class RtpMapping(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How the worker rewrites a producer's packets: payload types and SSRCs, encodings in the producer's order."""

    codecs: list[CodecMapping] = []
    encodings: list[EncodingMapping] = []
