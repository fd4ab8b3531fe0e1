"""The objects of a selective forwarding unit: Worker > Router > Transport > Producer and Consumer.

What lives here, in the order of the tree: `worker`, `webrtc_server`; `router`, made of `router_transports` and
`router_pipes`; what all transports are (`base_transport`), do with data (`data_transport`) and with media (`transport`),
and the kinds `webrtc_transport`, `plain_transport`, `pipe_transport`, `direct_transport`; `producer`, `consumer`,
`data_producer`, `data_consumer`; `rtp_observer` with `active_speaker` and `audio_levels`; the one closing rule in
`closable`; callback registration in `listeners`; `creator`; `errors`; and `transport_types`, values a browser must be
shown. The names below are the library's public ones.

An object's calls are coroutines; `close()` is not and may be called twice. Ids are made by the caller, or here when it
has none. May import: `media_plane.channel` and `media_plane.ortc`.
"""

from media_plane.sfu.active_speaker import ActiveSpeakerObserver
from media_plane.sfu.audio_levels import AudioLevelObserver, Volume
from media_plane.sfu.closable import CloseReason
from media_plane.sfu.consumer import Consumer
from media_plane.sfu.data_consumer import DataConsumer
from media_plane.sfu.data_producer import DataProducer
from media_plane.sfu.direct_transport import DirectTransport
from media_plane.sfu.errors import InvalidState, InvalidValue, MediaError, Unsupported, WorkerDied, WorkerRejected
from media_plane.sfu.listeners import Listeners
from media_plane.sfu.pipe_transport import PipeTransport
from media_plane.sfu.plain_transport import PlainTransport
from media_plane.sfu.producer import Producer
from media_plane.sfu.router import Router
from media_plane.sfu.router_pipes import PipedData, PipedMedia
from media_plane.sfu.transport import MediaTransport, Transport
from media_plane.sfu.transport_types import DtlsParameters, ListenInfo, PortRange, SctpOptions, SrtpParameters
from media_plane.sfu.webrtc_server import WebRtcServer
from media_plane.sfu.webrtc_transport import WebRtcTransport
from media_plane.sfu.worker import Worker, on_new_worker

__all__ = [
    "ActiveSpeakerObserver",
    "AudioLevelObserver",
    "CloseReason",
    "Consumer",
    "DataConsumer",
    "DataProducer",
    "DirectTransport",
    "DtlsParameters",
    "InvalidState",
    "InvalidValue",
    "ListenInfo",
    "Listeners",
    "MediaError",
    "MediaTransport",
    "PipeTransport",
    "PipedData",
    "PipedMedia",
    "PlainTransport",
    "PortRange",
    "Producer",
    "Router",
    "SctpOptions",
    "SrtpParameters",
    "Transport",
    "Unsupported",
    "Volume",
    "WebRtcServer",
    "WebRtcTransport",
    "Worker",
    "WorkerDied",
    "WorkerRejected",
    "on_new_worker",
]
