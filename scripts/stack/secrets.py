"""The data folder's random passwords: `secrets.json`, mode 0600, made once."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from scripts.stack.processes import StackError

FILE_NAME = "secrets.json"


def make_data_folder(folder: Path) -> None:
    """Make a data folder with its parents; an existing one keeps its mode.

    Only its owner may look into it. Root's may be passed through (0711), so that `nobody`, who runs PostgreSQL for root,
    comes to the database in it; what lies beside that is 0600 or 0700 by itself.
    """
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically; only its owner may read it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def get_secret(data_dir: Path, name: str) -> str:
    """The secret of that name in the data folder, made on first use: 43 letters, digits, `-` and `_` (256 bits).

    Raises:
        StackError: the file is there but is not a JSON object.
    """
    make_data_folder(data_dir)
    path = data_dir / FILE_NAME
    known: dict[str, str] = {}
    if path.exists():
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StackError(f"{path} is damaged: {error}. Restore it, or start with another --data.") from error
        if not isinstance(loaded, dict):
            raise StackError(f"{path} is damaged: not a JSON object. Restore it, or start with another --data.")
        known = loaded
    if name not in known:
        known[name] = secrets.token_urlsafe(32)
        write_private(path, json.dumps(known, indent=2) + "\n")
    return known[name]
