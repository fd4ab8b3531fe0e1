"""The one place that names the mediasoup worker's version.

The build (`scripts/worker`), the generated schema code (`media_plane/channel/fbs`) and the spawn all read it, because a
worker and a schema of different versions hang without any error: enum numbers shift between versions.

This module imports nothing, and neither may the `__init__` of the packages above it: set-up reads it before anything else
is there.
"""

WORKER_VERSION = "3.27.1"
"""Version of the npm package `mediasoup`, exact. With it changes `INTEGRITY` in `scripts/worker/recipe.py`."""
