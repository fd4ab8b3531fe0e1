import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from scripts.worker import srtp_source as subject
from scripts.worker.recipe import SrtpSource
from scripts.worker.report import SetupError
from scripts.worker.srtp_source import fetch_srtp, find_mirrors, unpack_srtp

CONTENT = b"the sources"
SOURCE = SrtpSource(version="2.5.0", sha256=hashlib.sha256(CONTENT).hexdigest())
PRINTED = """
'http://mirror.example/debian/dists/stable-one/InRelease' mirror.example_InRelease 0
'http://mirror.example/debian/dists/stable-one-updates/InRelease' mirror.example_updates_InRelease 0
'http://mirror.example/security/dists/stable-one-security/InRelease' mirror.example_security_InRelease 0
'http://other.example/tools/dists/nodistro/InRelease' other.example_InRelease 0
'http://mirror.example/debian/dists/stable-one/InRelease' mirror.example_InRelease 0
'http://mirror.example/debian/dists/stable-one/main/binary-amd64/Packages.xz' mirror.example_Packages 0
"""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "tradingroom" / "libsrtp-2.5.0.tar.gz"


def give(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    def apt_source(folder: Path) -> Path:
        fetched = folder / "libsrtp2_2.5.0.orig.tar.gz"
        fetched.write_bytes(content)
        return fetched

    monkeypatch.setattr(subject, "_apt_source", apt_source)


def test_only_the_releases_own_mirrors_are_asked() -> None:
    assert find_mirrors(PRINTED, "stable-one") == ["http://mirror.example/debian"]
    assert find_mirrors(PRINTED, "stable-two") == []


def test_the_pinned_sources_are_kept(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, CONTENT)

    assert fetch_srtp(SOURCE) == kept

    monkeypatch.setattr(subject, "_apt_source", lambda _folder: pytest.fail("fetched again"))
    assert fetch_srtp(SOURCE) == kept
    assert kept.read_bytes() == CONTENT


def test_damaged_sources_are_fetched_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, CONTENT)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"half of the sour")

    assert fetch_srtp(SOURCE) == kept
    assert kept.read_bytes() == CONTENT


def test_other_sources_than_the_pinned_are_refused(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, b"other sources")

    assert fetch_srtp(SOURCE) is None
    assert not kept.exists()
    assert "not the one that was pinned" in capsys.readouterr().err


def test_a_machine_without_sources_says_why(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def apt_source(_folder: Path) -> Path:
        raise SetupError("there is no apt-get here")

    monkeypatch.setattr(subject, "_apt_source", apt_source)

    assert fetch_srtp(SOURCE) is None
    assert not kept.exists()
    assert "there is no apt-get here" in capsys.readouterr().err


def test_the_sources_are_unpacked_without_their_top_folder(tmp_path: Path) -> None:
    tarball = tmp_path / "libsrtp-2.5.0.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        entry = tarfile.TarInfo("libsrtp-2.5.0/meson.build")
        entry.size = len(CONTENT)
        archive.addfile(entry, io.BytesIO(CONTENT))

    unpack_srtp(tarball, tmp_path / "libsrtp2")

    assert (tmp_path / "libsrtp2" / "meson.build").read_bytes() == CONTENT
