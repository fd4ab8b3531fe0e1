"""The wire to the C++ worker: spawn it, frame bytes, match answers to requests.

What lives here: `process` (spawn with fds 3 and 4, exit codes), `framing` (length-prefixed messages), `channel` (request
ids, deadlines, notifications), `handshake` (is this the worker we were built for?), `codec` (Python values to
flatbuffers and back, one file per schema namespace), `values` (what those files read and write), and `fbs`, generated
from the schema of the pinned worker by `scripts/generate` and never edited.

May import: `media_plane.ortc` for the RTP dictionaries. Knows no objects of the SFU: `media_plane.sfu` stands above.
"""
