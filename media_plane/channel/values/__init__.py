"""The values the codec reads and writes, apart from the RTP dictionaries (those are `media_plane.ortc.rtp`).

Frozen structs named and shaped like mediasoup 3.27.1's (node/lib/*Types.d.ts): snake_case here, camelCase in JSON, so
that what a browser must see can be sent as it is. Their lists and dicts are shared: treat them as read-only.
"""
