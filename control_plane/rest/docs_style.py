"""How the page `/docs` looks: the app's tokens (webapp/src/ui/tokens.css) and its fonts, by the system's theme."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

DARK = {
    "canvas": "#0d0f10",
    "surface": "#131516",
    "well": "#060707",
    "hover": "#222426",
    "picked": "#1c1f20",
    "line": "#25282a",
    "line-strong": "#363a3c",
    "ink": "#eeede8",
    "ink-2": "#b9b9b5",
    "ink-3": "#919592",
    "focus": "#eeede8",
}
LIGHT = {
    "canvas": "#eef0f1",
    "surface": "#ffffff",
    "well": "#dcdfe1",
    "hover": "#f1f4f5",
    "picked": "#f3f5f6",
    "line": "#dfe2e4",
    "line-strong": "#c3c8ca",
    "ink": "#161a1c",
    "ink-2": "#43494b",
    "ink-3": "#606668",
    "focus": "#161a1c",
}
"""Roles of the two themes that the page uses; a test compares them with the app's file, which needs not be here."""
FONTS = {
    "IBM Plex Sans Variable": ("ibm-plex-sans-latin-wdth-normal-*.woff2", "400 600"),
    "IBM Plex Mono": ("ibm-plex-mono-latin-400-normal-*.woff2", "400"),
}
"""Family to the file the build of the web app makes of it, and its weights."""
_RULES = """
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--canvas); color: var(--ink); font: 400 14px/21px var(--sans);
       font-variant-numeric: tabular-nums; overflow-wrap: anywhere; display: grid;
       grid-template: auto 1fr / 272px minmax(0, 1fr); min-height: 100vh; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
a { color: inherit; text-decoration: underline; text-decoration-color: var(--ink-3); text-underline-offset: 2px; }
a:hover { text-decoration-color: var(--ink); }
.skip { position: absolute; left: -999px; } .skip:focus { left: 16px; top: 10px; background: var(--surface); padding: 4px; }
header { grid-column: 1 / -1; display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; min-height: 44px;
         padding: 8px 16px; background: var(--surface); border-bottom: 1px solid var(--line); }
header b { font-weight: 600; flex: 1; white-space: nowrap; } header a { font-size: 13px; color: var(--ink-2); }
header svg { flex: none; }
nav.side { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 4px 16px 32px;
           border-right: 1px solid var(--line); background: var(--surface); }
nav h2 { font-size: 12px; line-height: 16px; font-weight: 600; margin: 18px 0 4px; color: var(--ink-3); }
nav ul { list-style: none; margin: 0; padding: 0; font-size: 13px; line-height: 18px; }
nav a { display: block; padding: 3px 6px; margin: 0 -6px; border-radius: 4px; text-decoration: none; color: var(--ink-2); }
nav a:hover { background: var(--hover); color: var(--ink); }
nav.top { display: none; }
main { padding: 24px 32px 96px; max-width: 928px; }
h1 { font: 600 26px/32px var(--sans); margin: 0 0 12px; }
main > h2 { font: 600 20px/26px var(--sans); margin: 48px 0 10px; padding-top: 16px;
            border-top: 1px solid var(--line-strong); }
h3 { font: 600 16px/22px var(--sans); margin: 0; }
h4 { font: 600 12px/16px var(--sans); color: var(--ink-2); margin: 16px 0 4px; }
h2:target, h3:target { text-decoration: underline; text-decoration-thickness: 2px; text-underline-offset: 4px; }
p, ul { margin: 0 0 10px; } main li { margin-bottom: 4px; }
code, pre, .route { font: 400 12px/18px var(--mono); }
code { background: var(--picked); border: 1px solid var(--line); border-radius: 2px; padding: 0 3px; }
pre { background: var(--well); padding: 10px 12px; border-radius: 4px; white-space: pre-wrap; margin: 0 0 12px; }
pre code { background: none; border: 0; padding: 0; }
section { background: var(--surface); border: 1px solid var(--line); border-radius: 6px; padding: 14px 16px;
          margin: 12px 0; }
section > :last-child { margin-bottom: 0; }
.route { margin: 2px 0 8px; color: var(--ink-2); }
.verb { display: inline-block; border: 1px solid var(--line-strong); border-radius: 2px; padding: 0 5px; margin-right: 8px;
        color: var(--ink); font-weight: 500; }
.note { color: var(--ink-2); font-size: 12px; line-height: 17px; }
table { border-collapse: collapse; width: 100%; margin: 0 0 10px; font-size: 13px; line-height: 18px; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); }
th { font-size: 12px; font-weight: 500; color: var(--ink-3); } tr:last-child > td { border-bottom: 0; }
td:first-child { min-width: 112px; }
summary { cursor: pointer; font-size: 13px; color: var(--ink-2); min-height: 28px; } summary:hover { color: var(--ink); }
@media (max-width: 860px) {
  body { display: block; } nav.side { display: none; }
  nav.top { display: block; padding: 8px 16px; background: var(--surface); border-bottom: 1px solid var(--line); }
  nav.top > details > summary { min-height: 36px; padding-top: 8px; font-weight: 600; color: var(--ink); }
  nav a { padding: 11px 6px; } main { padding: 16px 16px 64px; }
  section { padding: 12px; margin: 12px -4px; }
  thead { display: none; } td { display: inline; border: 0; padding: 0 8px 0 0; } td:empty { display: none; }
  tr { display: block; padding: 6px 0; border-bottom: 1px solid var(--line); } tr:last-child { border-bottom: 0; }
}
@media print { nav.side, nav.top, header a { display: none; } body { display: block; } }
"""


def style_of(fonts: Mapping[str, str]) -> str:
    """The page's style sheet.

    Args:
        fonts: family to the address of its file; families that are missing are the system's.
    """
    faces = "".join(
        f'@font-face {{ font-family: "{family}"; src: url("{address}") format("woff2"); font-weight: {FONTS[family][1]};'
        " font-display: swap; }\n"
        for family, address in fonts.items()
    )
    families = (
        '--sans: "IBM Plex Sans Variable", system-ui, sans-serif; --mono: "IBM Plex Mono", ui-monospace, monospace;'
    )
    return (
        f"{faces}:root {{ color-scheme: dark; {families} {_roles(DARK)} }}\n"
        f"@media (prefers-color-scheme: light) {{ :root {{ color-scheme: light; {_roles(LIGHT)} }} }}\n{_RULES}"
    )


def find_fonts(webapp_dir: Path | None) -> dict[str, str]:
    """Where the built web app has the fonts: family to address, as its server answers it; none without a build."""
    if webapp_dir is None:
        return {}
    found = {family: sorted((webapp_dir / "assets").glob(pattern)) for family, (pattern, _) in FONTS.items()}
    return {family: f"/assets/{files[0].name}" for family, files in found.items() if files}


def _roles(theme: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in theme.items())
