"""`python -m media_plane` runs the agent of a media node. Settings: `media_plane/agent/settings.py`."""

from __future__ import annotations

import sys

from media_plane.agent.app import main

if __name__ == "__main__":
    sys.exit(main())
