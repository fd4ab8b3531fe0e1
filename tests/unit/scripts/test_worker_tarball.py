import base64
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from scripts.worker import tarball
from scripts.worker.report import SetupError


def integrity_of(content: bytes) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def make_tarball(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_content_that_matches_its_integrity_is_accepted() -> None:
    tarball.verify(b"worker", integrity_of(b"worker"))


def test_content_with_one_other_byte_is_refused() -> None:
    with pytest.raises(SetupError, match="not the package that was pinned"):
        tarball.verify(b"Worker", integrity_of(b"worker"))


@pytest.mark.parametrize(
    "integrity",
    ["", "sha512-", "sha512-!!!!", "sha1-" + base64.b64encode(hashlib.sha1(b"worker").digest()).decode()],  # noqa: S324 - a weak one is the fault planted
)
def test_an_integrity_that_is_no_sha512_is_refused(integrity: str) -> None:
    with pytest.raises(SetupError, match="pinned integrity"):
        tarball.verify(b"worker", integrity)


def test_a_fetched_tarball_of_other_content_is_refused_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def pack(folder: Path) -> Path:
        return make_tarball(folder / "mediasoup.tgz", {"package/worker/evil.cpp": b"int main;"})

    monkeypatch.setattr(tarball, "_npm_pack", pack)

    with pytest.raises(SetupError, match="not the package that was pinned"):
        tarball.fetch()

    assert list(tmp_path.rglob("*.tgz")) == []


def test_a_damaged_cached_tarball_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = make_tarball(tmp_path / "good.tgz", {"package/worker/a.cpp": b"a"}).read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(tarball, "INTEGRITY", integrity_of(good))

    def pack(folder: Path) -> Path:
        (folder / "mediasoup.tgz").write_bytes(good)
        return folder / "mediasoup.tgz"

    monkeypatch.setattr(tarball, "_npm_pack", pack)
    kept = tarball.fetch()
    kept.write_bytes(good[:-1])

    assert tarball.fetch().read_bytes() == good


def test_only_the_folder_asked_for_is_unpacked_without_its_own_name(tmp_path: Path) -> None:
    archive = make_tarball(tmp_path / "a.tgz", {"package/worker/src/a.cpp": b"a", "package/node/b.js": b"b"})

    tarball.unpack(archive, tmp_path / "out")

    assert [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")] == ["src/a.cpp"]


@pytest.mark.parametrize("name", ["package/worker/../../evil", "package/worker//evil"])
def test_a_path_that_leads_out_of_the_tarball_is_refused(tmp_path: Path, name: str) -> None:
    archive = make_tarball(tmp_path / "a.tgz", {name: b"x"})

    with pytest.raises(SetupError, match="leads out of it"):
        tarball.unpack(archive, tmp_path / "out")


def test_a_tarball_without_the_folder_is_refused(tmp_path: Path) -> None:
    archive = make_tarball(tmp_path / "a.tgz", {"package/node/b.js": b"b"})

    with pytest.raises(SetupError, match="holds nothing under"):
        tarball.unpack(archive, tmp_path / "out")
