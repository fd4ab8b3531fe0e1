"""The page `/docs` wears what the app wears."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from control_plane.rest.docs_style import DARK, LIGHT, find_fonts, style_of

TOKENS = Path(__file__).resolve().parents[4] / "webapp" / "src" / "ui" / "tokens.css"


@pytest.mark.parametrize(
    ("selector", "theme"), [(':root, [data-theme="dark"] {', DARK), ('[data-theme="light"] {', LIGHT)]
)
def test_the_page_has_the_tokens_of_the_app(selector: str, theme: Mapping[str, str]) -> None:
    block = TOKENS.read_text(encoding="utf-8").partition(f"\n{selector}")[2].partition("}")[0]

    of_the_app = dict(re.findall(r"--([\w-]+):\s*([^;]+);", block))

    assert {name: of_the_app.get(name) for name in theme} == dict(theme)


def test_the_page_uses_no_colour_beside_the_tokens() -> None:
    rules = style_of({}).partition("* { box-sizing")[2]

    assert set(re.findall(r"var\(--([\w-]+)\)", rules)) <= {*DARK, "sans", "mono"}
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", rules) == []


def test_fonts_are_those_of_the_build_and_missing_ones_are_the_systems(tmp_path: Path) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "ibm-plex-mono-latin-400-normal-Abc123.woff2").touch()

    fonts = find_fonts(tmp_path)

    assert fonts == {"IBM Plex Mono": "/assets/ibm-plex-mono-latin-400-normal-Abc123.woff2"}
    assert style_of(fonts).count("@font-face") == 1
    assert find_fonts(None) == {}
