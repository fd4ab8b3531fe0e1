import base64
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from media_plane.channel.version import WORKER_VERSION
from scripts.worker import patches, recipe
from scripts.worker.cache import REPOSITORY
from scripts.worker.patches import PATCHES, Patch, apply_patches
from scripts.worker.report import SetupError

SYSTEM = {"machine": "x86_64", "system": "debian 12"}
UNPATCHED = "const long result = (operationType == BIO_CB_RETURN) ? static_cast<long>(ret) : 1;\n"


@pytest.fixture
def subprojects(tmp_path: Path) -> Path:
    return Path(shutil.copytree(recipe.SUBPROJECTS, tmp_path / "subprojects"))


def put_source(worker: Path, text: str) -> Path:
    file = worker / "src" / "RTC" / "DtlsTransport.cpp"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_the_hash_is_the_same_for_the_same_recipe(subprojects: Path) -> None:
    first = recipe.recipe_hash(subprojects, SYSTEM)

    assert first == recipe.recipe_hash(recipe.SUBPROJECTS, SYSTEM)
    assert len(first) == 16


def test_the_hash_changes_with_a_file_of_the_recipe(subprojects: Path) -> None:
    before = recipe.recipe_hash(subprojects, SYSTEM)
    header = subprojects / "libsrtp3" / "include" / "srtp.h"

    header.write_text(header.read_text() + "\n")

    assert recipe.recipe_hash(subprojects, SYSTEM) != before


def test_the_hash_changes_with_a_new_file_of_the_recipe(subprojects: Path) -> None:
    before = recipe.recipe_hash(subprojects, SYSTEM)

    (subprojects / "new.wrap").touch()

    assert recipe.recipe_hash(subprojects, SYSTEM) != before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKER_VERSION", "3.27.2"),
        ("INTEGRITY", "sha512-AAAA"),
        ("MESON_OPTIONS", ("--buildtype=debug",)),
        ("NINJA_TARGETS", ("mediasoup-worker",)),
        ("PATCHES", ()),
    ],
)
def test_the_hash_changes_with_every_setting(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    before = recipe.recipe_hash(system=SYSTEM)

    monkeypatch.setattr(recipe, name, value)

    assert recipe.recipe_hash(system=SYSTEM) != before


def test_the_hash_changes_with_the_system() -> None:
    assert recipe.recipe_hash(system=SYSTEM) != recipe.recipe_hash(system={**SYSTEM, "system": "debian 13"})


def test_the_hash_changes_with_the_sources_of_libsrtp() -> None:
    hashes = {recipe.recipe_hash(system=SYSTEM, srtp=source) for source in (None, *recipe.SRTP_SOURCES.values())}

    assert len(hashes) == 1 + len(recipe.SRTP_SOURCES)


def test_the_integrity_and_the_version_belong_to_one_package() -> None:
    assert f"mediasoup@{WORKER_VERSION}" == recipe.NPM_PACKAGE
    assert len(base64.b64decode(recipe.INTEGRITY.removeprefix("sha512-"))) == 64


def test_every_download_of_the_worker_is_replaced() -> None:
    wraps = [path.name for path in recipe.SUBPROJECTS.rglob("*.wrap") if "_url" in path.read_text()]

    assert wraps == []


def test_the_patch_tests_the_bit(tmp_path: Path) -> None:
    file = put_source(tmp_path, UNPATCHED)

    apply_patches(tmp_path, PATCHES[:1])

    assert "(operationType & BIO_CB_RETURN) != 0" in file.read_text()
    assert "operationType == BIO_CB_RETURN" not in file.read_text()


@pytest.mark.parametrize("text", ["", "something else\n", UNPATCHED * 2])
def test_a_source_without_exactly_that_line_fails_loudly(tmp_path: Path, text: str) -> None:
    file = put_source(tmp_path, text)

    with pytest.raises(SetupError, match="Cannot patch src/RTC/DtlsTransport"):
        apply_patches(tmp_path)

    assert file.read_text() == text


def test_a_missing_source_fails_loudly(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Cannot patch"):
        apply_patches(tmp_path)


def test_patches_are_applied_in_order(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one")
    steps = (
        Patch(path="a", old="one", new="two", why="first"),
        Patch(path="a", old="two", new="three", why="second"),
    )

    apply_patches(tmp_path, steps)

    assert (tmp_path / "a").read_text() == "three"
    assert patches.PATCHES is PATCHES


def test_set_up_runs_with_the_standard_library_alone() -> None:
    code = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); import scripts.worker.obtain, scripts.worker.schemas"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
