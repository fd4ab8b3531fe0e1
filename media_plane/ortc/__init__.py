"""Pure RTP negotiation: who can send what to whom, decided from values alone.

What lives here: the RTP dictionaries (`rtp`), the deployment's codecs (`media_codecs`), what a router offers
(`capabilities`), checks of what a browser sends (`validate`), codec matching (`match`, `h264`), and the parameters of
producers (`producing`), consumers (`consuming`) and pipes (`piping`). It follows mediasoup 3.27.1, because the worker
of that version acts on what is decided here; where we are stricter, the function says so.

May import: the standard library and msgspec. Never asyncio, I/O, or another package of ours. Everything is a function
of its arguments except SSRC numbers, which are drawn by `ssrc.draw_ssrc` unless the caller hands in another source.

The values are frozen structs whose lists and dicts are shared between them: never mutate one, replace it.
"""
