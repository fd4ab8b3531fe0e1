"""Does a worker binary run on this machine?"""

import os
import subprocess
from pathlib import Path

NO_VERSION_EXIT = 41
"""What the worker exits with when MEDIASOUP_VERSION is not set. Source: worker/src/main.cpp of mediasoup 3.27.1."""

TIMEOUT_S = 10.0


def why_not(binary: Path) -> str | None:
    """Start the worker without a version: one that runs says so at once by its exit code.

    Args:
        binary: path of the executable.

    Returns:
        None when it runs; else a sentence with the reason, such as a shared library that is missing.
    """
    environment = {name: value for name, value in os.environ.items() if name != "MEDIASOUP_VERSION"}
    try:
        done = subprocess.run(
            [binary], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except OSError as error:
        return f"it cannot be started: {error.strerror or error}"
    except subprocess.TimeoutExpired:
        return f"it did not exit within {TIMEOUT_S:.0f} s without MEDIASOUP_VERSION"
    if done.returncode == NO_VERSION_EXIT:
        return None
    said = (done.stderr + done.stdout).decode(errors="replace").strip()
    return f"it exited with {done.returncode} instead of {NO_VERSION_EXIT}" + (f": {said[-500:]}" if said else "")


def loads_system_srtp(binary: Path) -> bool:
    """Whether a worker loads the system's libsrtp, Debian's on NSS; else it has one on OpenSSL linked in.

    Args:
        binary: an executable that loads its libraries by name, so the name stands in it.
    """
    return b"libsrtp2.so" in binary.read_bytes()
