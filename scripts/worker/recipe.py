"""What the worker's binary is made of: source, patches, options, libraries, and the hash over all of them.

Everything that changes the binary stands here, in `patches` or in `subprojects/`; how it is carried out stands in
`build`. A change of these gives another hash, so another folder in the cache and a new build; others do not.

Source of the recipe: built and run on Debian 12 (gcc 12.2, OpenSSL 3.0, libsrtp 2.5), the conformance tests passing.
"""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
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

LIBRARY_PACKAGES = ("libssl-dev", "libuv1-dev", "libabsl-dev")
"""Debian packages of the libraries; each pulls in the shared library that the binary loads."""

BUILD_PACKAGES = ("g++", "pkg-config", *LIBRARY_PACKAGES)
"""Debian packages that a build needs."""

SYSTEM_SRTP_PACKAGE = "libsrtp2-dev"
"""Needed as well where the sources of libsrtp can't be had; see `SrtpSource`."""


@dataclass(frozen=True, kw_only=True)
class SrtpSource:
    """The sources of libsrtp 2 as a Debian release has them, built here on OpenSSL and linked into the worker.

    Debian builds its own on NSS, which costs an eighth of the packets a core can forward (docs/performance.md). Debian's
    patches are left out: those of 2.5.0-3 touch tests and documentation only.

    Attributes:
        version: upstream's.
        sha256: of `libsrtp2_VERSION.orig.tar.gz`, hexadecimal.
    """

    version: str
    sha256: str


SRTP_SOURCES = {
    "bookworm": SrtpSource(version="2.5.0", sha256="8a43ef8e9ae2b665292591af62aa1a4ae41e468b6d98d8258f91478735da4e09"),
    "trixie": SrtpSource(version="2.7.0", sha256="54facb1727a557c2a76b91194dcb2d0a453aaf8e2d0cbbf1e3c2848c323e28ad"),
}
"""By the release's code name; only bookworm's is tried. Elsewhere the distribution's library is taken."""

MESON_OPTIONS = ("--wrap-mode=nodownload", "--buildtype=release", "-Db_ndebug=true", "-Db_lto=true")
"""Options of `meson setup`. `nodownload`: a library that is missing here is an error, not a download. `b_lto`: optimising at
the link as well forwards a tenth more packets (docs/performance.md)."""

NINJA_TARGETS = ("fbs/FBS/message.h", "mediasoup-worker")
"""Built in this order. The generated headers come first (one command makes them all): libwebrtc's objects do not wait for
them, and a parallel build then fails now and then."""

TOOLS = ("meson", "flatc")
"""Distributions whose version changes the binary. flatc's headers are compiled in."""


def release_name() -> str:
    """Code name of this machine's release, such as "bookworm"; empty where it has none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def recipe_hash(
    subprojects: Path = SUBPROJECTS,
    system: Mapping[str, str] | None = None,
    srtp: SrtpSource | None = None,
) -> str:
    """Name of this recipe on this system.

    Args:
        subprojects: folder whose files, names and contents, are part of the recipe.
        system: facts of the machine that the binary depends on, such as `{"machine": "x86_64"}`; None asks the machine.
        srtp: what is built of libsrtp; None: nothing, the system's is taken.

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
        "srtp": None if srtp is None else [srtp.version, srtp.sha256],
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
