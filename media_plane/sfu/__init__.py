"""The objects of a selective forwarding unit: Worker > Router > Transport > Producer and Consumer.

What lives here: `worker`, `webrtc_server`, `router`, `transport` (what all transports share) with `webrtc_transport` and
`plain_transport`, `producer`, `consumer`; the one closing rule in `closable`; callback registration in `listeners`;
`errors`; and `transport_types`, the values a browser must be shown.

An object's calls are coroutines; `close()` is not and may be called twice. Ids are made by the caller, or here when it
has none. May import: `media_plane.channel` and `media_plane.ortc`.
"""
