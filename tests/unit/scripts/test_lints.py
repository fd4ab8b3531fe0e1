import subprocess
from pathlib import Path

import pytest

from scripts.lints import environ, hosts, sizes


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.mark.parametrize("host", hosts.REGISTRY_HOSTS)
def test_every_registry_host_is_found_with_its_sub_domains(repository: Path, host: str) -> None:
    put(repository, "a.md", f"one\nsee https://files.{host}/x\n")

    assert list(hosts.find(repository)) == [f"a.md:2: names a package registry's host (files.{host})"]


@pytest.mark.parametrize("folder", hosts.MACHINE_FOLDERS)
def test_a_path_of_one_machine_is_found(repository: Path, folder: str) -> None:
    put(repository, "a.py", f'DATA = "/{folder}/somebody"\n')

    assert [line.split(":")[1] for line in hosts.find(repository)] == ["1"]


@pytest.mark.parametrize("text", ["src/work/a.py", "~/work/a", "$HOME/root/x", "rework/home", "https://a.example/x"])
def test_what_only_looks_like_a_machine_path_is_left_alone(repository: Path, text: str) -> None:
    put(repository, "a.md", text)

    assert list(hosts.find(repository)) == []


def test_an_address_in_a_lock_file_is_found(repository: Path) -> None:
    put(repository, "webapp/package-lock.json", '{\n"resolved": "https://mirror.example/a.tgz"\n}\n')
    put(repository, "webapp/.npmrc", f"{hosts.NPM_SETTING}\n")
    put(repository, "requirements.lock", "--index-url https://mirror.example/simple\n")

    found = list(hosts.find(repository))

    assert [line.split(":")[0] for line in found] == ["requirements.lock", "webapp/package-lock.json"]


def test_an_npm_lock_without_the_setting_is_found(repository: Path) -> None:
    put(repository, "webapp/package-lock.json", "{}\n")

    assert [line.split(":")[0] for line in hosts.find(repository)] == ["webapp/.npmrc"]


def test_ignored_and_binary_files_are_not_read(repository: Path) -> None:
    put(repository, ".gitignore", "made/\n")
    put(repository, "made/a.md", f"{hosts.REGISTRY_HOSTS[0]}\n")
    (repository / "a.png").write_bytes(b"\x89PNG\xff" + hosts.REGISTRY_HOSTS[0].encode())

    assert list(hosts.find(repository)) == []


@pytest.mark.parametrize(
    ("name", "lines", "warned", "found"),
    [
        ("control_plane/a.py", 400, False, False),
        ("control_plane/a.py", 401, True, False),
        ("control_plane/a.py", 500, True, False),
        ("control_plane/a.py", 501, False, True),
        ("webapp/src/a.tsx", 250, False, False),
        ("webapp/src/a.tsx", 251, False, True),
        ("webapp/src/api/generated/a.ts", 9000, False, False),
        ("tests/a.ts", 251, False, False),
        ("docs/a.md", 9000, False, False),
    ],
)
def test_long_files_are_found(name: str, lines: int, *, warned: bool, found: bool) -> None:
    warning, finding = sizes.judge(Path(name), lines)

    assert (warning is not None, finding is not None) == (warned, found)


def test_a_planted_long_file_is_found(repository: Path) -> None:
    put(repository, "control_plane/a.py", "x = 1\n" * 501)

    assert len(list(sizes.find(repository))) == 1


@pytest.mark.parametrize(
    "source",
    [
        'import os\nx = os.environ["A"]\n',
        'import os\nx = os.getenv("A")\n',
        'import os as system\nx = system.getenv("A")\n',
        "import os.path\nx = os.environ\n",
        "from os import environ\n",
        "from os import getenv as read\n",
    ],
)
def test_reading_the_environment_is_found(repository: Path, source: str) -> None:
    put(repository, "media_plane/agent/node.py", source)

    assert len(list(environ.find(repository))) == 1


@pytest.mark.parametrize("name", ["media_plane/agent/settings.py", "scripts/a.py", "tests/a.py"])
def test_settings_scripts_and_tests_may_read_the_environment(repository: Path, name: str) -> None:
    put(repository, name, "import os\nx = os.environ\n")

    assert list(environ.find(repository)) == []


def test_another_things_environ_is_left_alone(repository: Path) -> None:
    put(repository, "control_plane/rest/a.py", "import os\nx = request.environ\ny = os.sep\n")

    assert list(environ.find(repository)) == []
