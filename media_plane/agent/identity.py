"""Who this node is: a UUID made once and kept in its data folder."""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path

from media_plane.agent.settings import BadSettings


class NodeIdentity:
    """The node's id, and the lock that keeps a second agent from wearing it.

    Args:
        data_dir: folder of the node, made if missing.

    Raises:
        BadSettings: the folder can't be used, holds something else, or another agent runs from it.
    """

    def __init__(self, data_dir: Path) -> None:
        try:
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._fd = os.open(data_dir / "node_id", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BadSettings(f"TR_NODE_DATA_DIR {str(data_dir)!r} can't be used: {error.strerror}.") from error
        try:
            self.node_id = self._lock_and_read(data_dir)
        except BaseException:
            os.close(self._fd)
            raise

    def _lock_and_read(self, data_dir: Path) -> str:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadSettings(f"Another media agent already runs from TR_NODE_DATA_DIR {str(data_dir)!r}.") from None
        text = os.pread(self._fd, 64, 0).decode("ascii", "replace").strip()
        if not text:
            text = str(uuid.uuid4())
            os.pwrite(self._fd, f"{text}\n".encode("ascii"), 0)
            os.fsync(self._fd)
        try:
            return str(uuid.UUID(text))
        except ValueError:
            raise BadSettings(f"{str(data_dir / 'node_id')!r} does not hold a UUID; delete it.") from None

    def close(self) -> None:
        """Let another agent use the folder. May be called twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
