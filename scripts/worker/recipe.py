"""What the worker's binary is made of: source, patches, options, libraries, and the hash over all of them.

Everything that changes the binary stands here, in `patches` or in `subprojects/`; how it is carried out stands in
`build`. A change of these gives another hash, so another folder in the cache and a new build; others do not.

Source of the recipe: built and run on Debian 12 (gcc 12.2, OpenSSL 3.0, libsrtp 2.5), mediasoup's own suite passing.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from media_plane.channel.version import WORKER_VERSION
from scripts.worker.patches import PATCHES

NPM_PACKAGE = f"mediasoup@{WORKER_VERSION}"
"""What npm is asked for: name and exact version."""

INTEGRITY = "sha512-unjG0ihJFZmCXxtS5ay6iPp+ov1Rg/BhJuP1gGfw4ElX/K5Z0it3PCC7rKecWMK2FgbQ52kKmDgZBPm/ewYO6A=="
"""Subresource integrity of that package's tarball: algorithm, dash, base64 of the digest."""

SUBPROJECTS = Path(__file__).parent / "subprojects"
"""Meson subprojects that answer with the system's libraries; they replace mediasoup's downloads."""

LIBRARY_PACKAGES = ("libssl-dev", "libsrtp2-dev", "libuv1-dev", "libabsl-dev")
"""Debian packages of the libraries; each pulls in the shared library that the binary loads."""

BUILD_PACKAGES = ("g++", "pkg-config", *LIBRARY_PACKAGES)
"""Debian packages that a build needs."""

MESON_OPTIONS = ("--wrap-mode=nodownload", "--buildtype=release", "-Db_ndebug=true")
"""Options of `meson setup`. `nodownload`: a library that is missing here is an error, not a download."""

NINJA_TARGETS = ("fbs/FBS/message.h", "mediasoup-worker")
"""Built in this order. The generated headers come first (one command makes them all): libwebrtc's objects do not wait for
them, and a parallel build then fails now and then."""

TOOLS = ("meson", "flatc")
"""Distributions whose version changes the binary. flatc's headers are compiled in."""


def recipe_hash(subprojects: Path = SUBPROJECTS, system: Mapping[str, str] | None = None) -> str:
    """Name of this recipe on this system.

    Args:
        subprojects: folder whose files, names and contents, are part of the recipe.
        system: facts of the machine that the binary depends on, such as `{"machine": "x86_64"}`; None asks the machine.

    Returns:
        16 hexadecimal digits; the same for the same recipe, system and tool versions.
    """
    files = {
        path.relative_to(subprojects).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(subprojects.rglob("*"))
        if path.is_file()
    }
    parts = {
        "version": WORKER_VERSION,
        "integrity": INTEGRITY,
        "patches": [[patch.path, patch.old, patch.new] for patch in PATCHES],
        "options": MESON_OPTIONS,
        "targets": NINJA_TARGETS,
        "subprojects": files,
        "system": dict(describe_system() if system is None else system),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def describe_system() -> dict[str, str]:
    """Facts of this machine that decide whether a binary built elsewhere would run or be the same.

    Returns:
        machine: as `uname -m` says; system: the distribution and its release, as the libraries' names change between
        releases; and the version of each of `TOOLS`, "absent" where it is not installed.
    """
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    facts = {"machine": platform.machine(), "system": f"{release.get('ID', 'unknown')} {release.get('VERSION_ID', '')}"}
    for tool in TOOLS:
        try:
            facts[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            facts[tool] = "absent"
    return facts
