"""The words both planes speak: the node link's messages and the error codes that cross it.

Imports the standard library and msgspec only. The control plane imports this package and nothing else of the media plane.
RTP, ICE, DTLS and SCTP values are `msgspec.Raw`: the control plane carries them unread.
"""
