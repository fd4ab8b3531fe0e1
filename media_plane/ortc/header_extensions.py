"""RTP header extensions the worker knows, and which of them our routers offer."""

from typing import Final

from media_plane.ortc.rtp import HeaderExtensionDirection, MediaKind, RtpHeaderExtension

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
RTP_STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_RTP_STREAM_ID: Final = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
ABS_SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_WIDE_CC: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SSRC_AUDIO_LEVEL: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
DEPENDENCY_DESCRIPTOR: Final = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
VIDEO_ORIENTATION: Final = "urn:3gpp:video-orientation"
TIME_OFFSET: Final = "urn:ietf:params:rtp-hdrext:toffset"
ABS_CAPTURE_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
PLAYOUT_DELAY: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
MEDIASOUP_PACKET_ID: Final = "urn:mediasoup:params:rtp-hdrext:packet-id"

EXCLUDED_HEADER_EXTENSIONS: Final = frozenset({ABS_CAPTURE_TIME})
"""Extensions no router of ours offers.

With `abs-capture-time` negotiated, mediasoup 3.27.1 never switched the spatial layer of a canvas or tab share: it seems
to wait for a value Chromium does not send. Source: measured with Chromium 156, one run each way. Temporal layers are not
affected. Before offering it again, test that a viewer's `setPreferredLayers` really changes the picture.
"""


def _extension(
    kind: MediaKind, uri: str, preferred_id: int, direction: HeaderExtensionDirection = "sendrecv"
) -> RtpHeaderExtension:
    return RtpHeaderExtension(kind=kind, uri=uri, preferred_id=preferred_id, direction=direction)


# As seen by the router: "recvonly" is read from producers and never sent to consumers.
# Source: mediasoup 3.27.1, node/lib/supportedRtpCapabilities.js. The ids are what consumers are told to expect.
SUPPORTED_HEADER_EXTENSIONS: Final[tuple[RtpHeaderExtension, ...]] = (
    _extension("audio", MID, 1),
    _extension("video", MID, 1),
    _extension("video", RTP_STREAM_ID, 2, "recvonly"),
    _extension("video", REPAIRED_RTP_STREAM_ID, 3, "recvonly"),
    _extension("audio", ABS_SEND_TIME, 4),
    _extension("video", ABS_SEND_TIME, 4),
    _extension("audio", TRANSPORT_WIDE_CC, 5, "recvonly"),
    _extension("video", TRANSPORT_WIDE_CC, 5),
    _extension("audio", SSRC_AUDIO_LEVEL, 6),
    _extension("video", DEPENDENCY_DESCRIPTOR, 7, "recvonly"),
    _extension("video", VIDEO_ORIENTATION, 8),
    _extension("video", TIME_OFFSET, 9),
    _extension("audio", ABS_CAPTURE_TIME, 10),
    _extension("video", ABS_CAPTURE_TIME, 10),
    _extension("audio", PLAYOUT_DELAY, 11),
    _extension("video", PLAYOUT_DELAY, 11),
    _extension("audio", MEDIASOUP_PACKET_ID, 12),
    _extension("video", MEDIASOUP_PACKET_ID, 12),
)

KNOWN_URIS: Final = frozenset(extension.uri for extension in SUPPORTED_HEADER_EXTENSIONS)
"""Every URI the worker's schema can express (worker/fbs/rtpParameters.fbs, RtpHeaderExtensionUri)."""
