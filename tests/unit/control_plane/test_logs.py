from __future__ import annotations

import json

import pytest

from control_plane import logs


@pytest.fixture
def json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_is_json", True)


@pytest.mark.parametrize("path", ["/a", "/\x9b31m", "/\u2028next", "/\x7f\n", '/é"\\'])
@pytest.mark.usefixtures("json_lines")
def test_an_access_line_is_one_line_of_printable_characters_whatever_was_asked_for(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.AccessLog("access").info("request", path=path, status=404)

    [line] = capsys.readouterr().out.splitlines()
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert (told["path"], told["status"], told["event"], told["level"]) == (path, 404, "request", "info")
