"""Changes to the worker's sources. Each names its line; where the line is gone, the build stops."""

from dataclasses import dataclass
from pathlib import Path

from scripts.worker.report import SetupError


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One replacement in one file.

    Attributes:
        path: file, relative to the tarball's `worker` folder.
        old: text that must stand there exactly once.
        new: text put in its place.
        why: a sentence for the error message and the reader.
    """

    path: str
    old: str
    new: str
    why: str


PATCHES = (
    Patch(
        path="src/RTC/DtlsTransport.cpp",
        old="(operationType == BIO_CB_RETURN)",
        new="((operationType & BIO_CB_RETURN) != 0)",
        # For a BIO_ctrl the value is BIO_CB_CTRL | BIO_CB_RETURN, so the unpatched callback answers 1 to "is kernel TLS
        # on?". OpenSSL then leaves out its write buffer, and the first DTLS retransmission writes to NULL. With Debian's
        # OpenSSL the unpatched worker died on the first real client, 6 times of 6; patched, 40 of 40 clients connected.
        why="without it the worker dies on its first DTLS retransmission where OpenSSL is built with kernel TLS",
    ),
    Patch(
        path="src/RTC/RTP/Packet.cpp",
        old="type = highestId <= 14 && highestLen > 0 && highestLen <= 16 ? ExtensionsType::OneByte",
        new="type = highestId <= 14 && highestLen > 0 && highestLen <= 16 && "
        "std::ranges::all_of(extensions, [](const auto& one) { return one.len > 0; }) ? ExtensionsType::OneByte",
        # An empty header extension is legal in the two-byte form (RFC 8285 section 4.3) and can't be written in the one-byte
        # form, which was chosen all the same. What is thrown then passes libuv, and the process ends with SIGABRT.
        why="without it one RTP packet with an empty header extension, from anybody who may publish, ends the worker",
    ),
    Patch(
        path="src/RTC/RTP/Packet.cpp",
        old="#include <cstring>  // std::memmove(), std::memset()",
        new="#include <algorithm> // std::ranges::all_of()\n#include <cstring>  // std::memmove(), std::memset()",
        why="the change above needs it",
    ),
    Patch(
        path="src/RTC/WebRtcServer.cpp",
        old="webRtcTransport->ProcessNonStunPacketFromWebRtcServer(tuple, data, len, bufferLen, receivedAtUs);",
        new="try\n\t\t{\n\t\t\t"
        "webRtcTransport->ProcessNonStunPacketFromWebRtcServer(tuple, data, len, bufferLen, receivedAtUs);\n\t\t}\n"
        "\t\tcatch (const MediaSoupError& error)\n\t\t{\n\t\t\t"
        'MS_WARN_TAG(rtp, "packet dropped: %s", error.what());\n\t\t}',
        # The second line of defence: whatever else a packet may throw costs that packet and not every room of the worker.
        why="without it an error raised by one packet of one peer ends the worker",
    ),
)
"""All changes, in the order in which they are applied."""


def apply_patches(worker: Path, patches: tuple[Patch, ...] = PATCHES) -> None:
    """Change the unpacked sources in place.

    Args:
        worker: the tarball's `worker` folder.
        patches: what to replace; files are UTF-8.

    Raises:
        SetupError: a file is missing, or the text to replace does not stand there exactly once. Nothing may be built then: a
            worker without the change would die in use.
    """
    for patch in patches:
        file = worker / patch.path
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise SetupError(f"Cannot patch {patch.path}: {error}. The patch is needed: {patch.why}.") from error
        found = text.count(patch.old)
        if found != 1:
            raise SetupError(
                f"Cannot patch {patch.path}: expected `{patch.old}` once, found it {found} times. "
                f"The patch is needed: {patch.why}. "
                "Read that function in the new version, then change or drop the patch in scripts/worker/patches.py."
            )
        file.write_text(text.replace(patch.old, patch.new), encoding="utf-8")
