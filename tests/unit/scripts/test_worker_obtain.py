import pwd
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from media_plane.channel.version import WORKER_VERSION
from scripts.worker import cache as cache_module
from scripts.worker import obtain as subject
from scripts.worker.binary import loads_system_srtp, why_not
from scripts.worker.build import Meter
from scripts.worker.cache import cache_root
from scripts.worker.recipe import LIBRARY_PACKAGES, SYSTEM_SRTP_PACKAGE, SrtpSource, recipe_hash
from scripts.worker.report import SetupError
from scripts.worker.schemas import rewrite_imports

RUNS = '#!/bin/sh\n[ -z "$MEDIASOUP_VERSION" ] && exit 41\nexit 0\n'


def put_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


SOURCE = SrtpSource(version="2.5.0", sha256="00" * 32)


def cached_path(cache: Path, *, srtp: SrtpSource | None = SOURCE) -> Path:
    return cache / "tradingroom" / f"mediasoup-worker-{WORKER_VERSION}-{recipe_hash(srtp=srtp)}" / "mediasoup-worker"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("MEDIASOUP_WORKER_BIN", raising=False)
    monkeypatch.delenv("WORKER_PREBUILT", raising=False)
    return tmp_path


def fake_build(_tarball: Path, binary: Path, _srtp: Path | None) -> None:
    put_program(binary, RUNS)


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Builds and package installations do nothing but be counted."""
    made: list[Path] = []

    def build(tarball: Path, binary: Path, srtp: Path | None) -> None:
        made.append(binary)
        fake_build(tarball, binary, srtp)

    monkeypatch.setattr(subject, "build", build)
    monkeypatch.setattr(subject, "fetch", lambda: Path("mediasoup.tgz"))
    monkeypatch.setattr(subject, "fetch_srtp", lambda _source: Path("libsrtp.tar.gz"))
    monkeypatch.setattr(subject, "SRTP_SOURCES", {"here": SOURCE})
    monkeypatch.setattr(subject, "release_name", lambda: "here")
    monkeypatch.setattr(subject, "_need_packages", lambda _packages: None)
    return made


def test_a_worker_that_exits_with_41_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIASOUP_VERSION", "3.27.1")

    assert why_not(put_program(tmp_path / "worker", RUNS)) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\necho libsrtp2.so.1: not found >&2\nexit 127\n", "exited with 127.*libsrtp2.so.1"),
        ("#!/bin/sh\nexit 0\n", "exited with 0"),
        ("not a program", "cannot be started"),
    ],
)
def test_a_worker_that_does_not_run_is_explained(tmp_path: Path, text: str, reason: str) -> None:
    said = why_not(put_program(tmp_path / "worker", text))

    assert said is not None
    assert re.search(reason, said)


def test_the_named_worker_is_taken(cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path]) -> None:
    named = put_program(cache / "mine", RUNS)
    monkeypatch.setenv("MEDIASOUP_WORKER_BIN", str(named))

    assert subject.obtain() == named
    assert builds == []


@pytest.mark.parametrize("text", [None, "#!/bin/sh\nexit 1\n"])
def test_a_named_worker_that_does_not_run_is_refused_and_not_replaced(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path], text: str | None
) -> None:
    named = cache / "mine"
    if text is not None:
        put_program(named, text)
    monkeypatch.setenv("MEDIASOUP_WORKER_BIN", str(named))

    with pytest.raises(SetupError, match="MEDIASOUP_WORKER_BIN is"):
        subject.obtain()

    assert builds == []


def test_the_cached_worker_is_taken(cache: Path, builds: list[Path]) -> None:
    cached = put_program(cached_path(cache), RUNS)

    assert subject.obtain() == cached
    assert builds == []


def test_a_worker_is_built_once_and_then_cached(cache: Path, builds: list[Path]) -> None:
    first = subject.obtain()

    assert subject.obtain() == first == cached_path(cache)
    assert builds == [first]


def test_a_cached_worker_that_does_not_run_is_built_anew(cache: Path, builds: list[Path]) -> None:
    put_program(cached_path(cache), "#!/bin/sh\nexit 127\n")

    assert subject.obtain() == cached_path(cache)
    assert builds == [cached_path(cache)]


def test_a_cached_worker_gets_its_libraries_before_it_is_given_up(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path]
) -> None:
    library = cache / "libuv.so.1"
    put_program(cached_path(cache), f'#!/bin/sh\n[ -e "{library}" ] || exit 127\nexit 41\n')
    asked: list[tuple[str, ...]] = []

    def install(packages: tuple[str, ...]) -> None:
        asked.append(packages)
        library.touch()

    monkeypatch.setattr(subject, "_need_packages", install)

    assert subject.obtain() == cached_path(cache)
    assert (asked, builds) == ([LIBRARY_PACKAGES], [])


def test_a_cached_worker_with_the_systems_libsrtp_gets_that_too(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path]
) -> None:
    library = cache / "libsrtp2.so.1"
    put_program(cached_path(cache, srtp=None), f'#!/bin/sh\n[ -e "{library}" ] || exit 127\nexit 41\n')
    asked: list[tuple[str, ...]] = []

    def install(packages: tuple[str, ...]) -> None:
        asked.append(packages)
        library.touch()

    monkeypatch.setattr(subject, "_need_packages", install)

    assert subject.obtain() == cached_path(cache, srtp=None)
    assert (asked, builds) == ([(*LIBRARY_PACKAGES, SYSTEM_SRTP_PACKAGE)], [])


def test_without_the_sources_of_libsrtp_the_systems_is_taken_and_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(subject, "fetch_srtp", lambda _source: None)

    assert subject.obtain() == cached_path(cache, srtp=None)
    assert "WARNING" in capsys.readouterr().err
    assert subject.obtain() == cached_path(cache, srtp=None)
    assert "WARNING" in capsys.readouterr().err
    assert builds == [cached_path(cache, srtp=None)]


def test_a_release_without_pinned_sources_is_not_asked_for_them(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path]
) -> None:
    monkeypatch.setattr(subject, "release_name", lambda: "elsewhere")
    monkeypatch.setattr(subject, "fetch_srtp", lambda source: pytest.fail(f"asked for {source}"))

    assert subject.obtain() == cached_path(cache, srtp=None)
    assert builds == [cached_path(cache, srtp=None)]


def test_a_worker_tells_which_libsrtp_it_loads(tmp_path: Path) -> None:
    assert loads_system_srtp(put_program(tmp_path / "old", "\0libsrtp2.so.1\0libuv.so.1\0"))
    assert not loads_system_srtp(put_program(tmp_path / "new", "\0libuv.so.1\0"))


def test_the_prebuilt_is_refused_without_a_pinned_checksum(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKER_PREBUILT", "1")

    subject.obtain()

    assert "no checksum is pinned" in capsys.readouterr().err
    assert builds == [cached_path(cache)]


def test_of_two_at_once_one_builds_and_the_other_waits_for_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch, builds: list[Path]
) -> None:
    building, waiting, go_on = threading.Event(), threading.Event(), threading.Event()

    def slow_build(_tarball: Path, binary: Path, _srtp: Path | None) -> None:
        building.set()
        assert go_on.wait(10)
        builds.append(put_program(binary, RUNS))

    monkeypatch.setattr(subject, "build", slow_build)
    monkeypatch.setattr(cache_module, "say", lambda _line: waiting.set())
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(subject.obtain)
        assert building.wait(10)
        second = threads.submit(subject.obtain)
        assert waiting.wait(10)
        go_on.set()

        assert first.result(10) == second.result(10) == cached_path(cache)
    assert builds == [cached_path(cache)]


def test_missing_packages_stop_the_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(subject, "APT", put_program(tmp_path / "apt", "#!/bin/sh\nexit 1\n"))

    with pytest.raises(SetupError, match="system packages"):
        subject._need_packages(("g++",))


def test_the_cache_is_found_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(cache_module, "REPOSITORY", tmp_path)
    monkeypatch.setattr(pwd, "getpwuid", raise_key_error)

    assert cache_root() == tmp_path / ".data" / "home" / ".cache" / "tradingroom"


def raise_key_error(_uid: int) -> None:
    raise KeyError


def test_progress_is_shown_sparsely_and_to_the_end() -> None:
    meter = Meter(every_percent=5, every_s=10.0)

    shown = [line for step in range(1, 261) if (line := meter.read(f"[{step}/260] Compiling", now_s=0.0))]

    assert len(shown) <= 22
    assert shown[-1] == "[260/260] 100 %"


def test_progress_is_shown_after_a_while_without_much_progress() -> None:
    meter = Meter(every_percent=5, every_s=10.0)
    assert meter.read("[1/260] Compiling", now_s=0.0)

    assert meter.read("[2/260] Compiling", now_s=9.9) is None
    assert meter.read("[3/260] Compiling", now_s=10.0) == "[3/260] 1 %"


@pytest.mark.parametrize("line", ["warning: [1/2]", "[1/1] Generating", "ninja: Entering directory"])
def test_other_lines_are_not_progress(line: str) -> None:
    assert Meter().read(line, now_s=0.0) is None


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("from FBS.Log.Log import Log", "from p.FBS.Log.Log import Log"),
        ("import FBS.Transport.Tuple", "import p.FBS.Transport.Tuple"),
        (
            "x = FBS.Log.Log.LogT()  # type: 'FBS.Log.Log.LogT'",
            "x = p.FBS.Log.Log.LogT()  # type: 'p.FBS.Log.Log.LogT'",
        ),
        ("self.FBS.x; MyFBS.x; p.FBS.Log", "self.FBS.x; MyFBS.x; p.FBS.Log"),
    ],
)
def test_generated_imports_are_moved_below_our_package(written: str, wanted: str) -> None:
    assert rewrite_imports(written, "p") == wanted
