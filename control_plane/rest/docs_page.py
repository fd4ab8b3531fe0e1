"""`/docs`: the guide (docs/api.md) and every operation of the OpenAPI document, as one page without a script."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

from control_plane.rest.openapi_problems import response_of

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
_MARK = (
    '<svg width="22" height="22" viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">'
    '<rect x=".75" y=".75" width="22.5" height="22.5" rx="5" stroke-width="1.5"/>'
    '<path d="M8.5 5v3m0 6v4.5M15.5 5.5V9m0 6v3.5" stroke-width="1.6"/>'
    '<path d="M6.75 8h3.5v6h-3.5zM13.75 9h3.5v6h-3.5z" fill="currentColor" stroke="none"/></svg>'
)
"""The app's mark: two candles."""
_METHODS = ("get", "post", "put", "patch", "delete")


def docs_page(document: dict[str, Any]) -> str:
    """The whole page. document: as `openapi.document_of` makes it."""
    guide, headings = _guide()
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    links: dict[str, list[str]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            operation = item[method]
            tag = (operation.get("tags") or ["Other"])[0]
            by_tag.setdefault(tag, []).append(_operation(document, path, method, operation))
            name = operation["operationId"]
            links.setdefault(tag, []).append(f'<li><a href="#{name}">{escape(operation["summary"])}</a></li>')
    words = {tag["name"]: tag["description"] for tag in document["tags"]}
    sections = "".join(
        f'<h2 id="tag-{_slug(tag)}">{escape(tag)}</h2><p>{escape(words.get(tag, ""))}</p>{"".join(operations)}'
        for tag, operations in by_tag.items()
        if operations
    )
    guide_links = "".join(f'<li><a href="#{slug}">{escape(title)}</a></li>' for slug, title in headings)
    tag_links = "".join(
        f'<h2><a href="#tag-{_slug(tag)}">{escape(tag)}</a></h2><ul>{"".join(found)}</ul>'
        for tag, found in links.items()
        if found
    )
    contents = f"<h2>Guide</h2><ul>{guide_links}</ul>{tag_links}"
    title = escape(document["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light">'
        '<link rel="icon" href="/mark.svg" type="image/svg+xml"><link rel="stylesheet" href="/docs/style.css">'
        f'</head><body><header><a class="skip" href="#text">To the text</a>{_MARK}<b>{title}: API</b>'
        '<a href="/api/v1/openapi.json">OpenAPI</a><a href="/">Open the app</a></header>'
        f'<nav class="top" aria-label="Contents"><details><summary>Contents</summary>{contents}</details></nav>'
        f'<nav class="side" aria-label="Contents">{contents}</nav>'
        f'<main id="text" tabindex="-1">{guide}{sections}</main></body></html>'
    )


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    parts = [
        f'<section><h3 id="{operation["operationId"]}">{escape(operation["summary"])}</h3>',
        f'<p class="route"><span class="verb">{method.upper()}</span>{escape(path)}</p>',
    ]
    if operation.get("description"):
        parts.append(f"<p>{escape(operation['description'])}</p>")
    ability = operation.get("x-ability")
    needs = "nobody signed in" if operation.get("security") == [] else "a signed-in person"
    if ability:
        needs += f", or an API token with <code>{escape(ability)}</code>"
    parts.append(f'<p class="note">For {needs}.</p>')
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td><td>{_type(one.get('schema', {}))}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    )
    if rows:
        parts.append(
            f"<table><thead><tr><th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        )
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        parts.append("<h4>Body</h4>" + _fields(document, body))
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            answer = response.get("content", {}).get("application/json")
            forms = ", ".join(f"<code>{escape(form)}</code>" for form in response.get("content", {}))
            said = _fields(document, answer) if answer else f"<p>{forms or 'No body.'}</p>"
            parts.append(f"<h4>Answer {status}</h4>{said}")
    refusals = "".join(
        f"<tr><td>{status}</td><td>{_inline(response_of(document, operation, status)['description'])}</td></tr>"
        for status in operation["responses"]
        if status[0] in "345"
    )
    parts.append(f"<details><summary>Refusals</summary><table><tbody>{refusals}</tbody></table></details></section>")
    return "".join(parts)


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def _fields(document: dict[str, Any], media: dict[str, Any]) -> str:
    found = _resolve(document, media["schema"])
    words = f"<p>{_inline(found['description'])}</p>" if found.get("description") else ""
    required = set(found.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(part)}</td>"
        f"<td>{'' if name in required else 'optional. '}{_inline(part.get('description', ''))}</td></tr>"
        for name, part in found.get("properties", {}).items()
    )
    table = (
        f"<table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        if rows
        else ""
    )
    example = ""
    if "example" in media:
        shown = escape(json.dumps(media["example"], indent=2, ensure_ascii=False))
        example = f"<pre><code>{shown}</code></pre>"
    return words + table + example


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return escape(schema["$ref"].rsplit("/", 1)[-1].rsplit("_", 1)[-1])
    if "enum" in schema:
        return " | ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    for way in ("oneOf", "anyOf"):
        if way in schema:
            return " | ".join(_type(part) for part in schema[way])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"{_type(schema.get('items', {}))}[]"
    form = schema.get("format")
    return escape(" | ".join(kind) if isinstance(kind, list) else f"{kind} ({form})" if form else str(kind))


# --- the guide: as much of Markdown as it uses


def _guide() -> tuple[str, list[tuple[str, str]]]:
    """The guide as HTML, and its headings as (anchor, title). Empty where the file was not shipped."""
    if not GUIDE.is_file():
        return "", []
    html: list[str] = []
    headings: list[tuple[str, str]] = []
    for block in re.split(r"\n\n+(?=[^ ])", _keep_fences(GUIDE.read_text(encoding="utf-8"))):
        text = block.strip("\n").replace("\0", "\n")
        if text.startswith("```"):
            html.append(f"<pre><code>{escape(text.partition(chr(10))[2].rsplit('```', 1)[0])}</code></pre>")
        elif match := re.match(r"(#+) (.*)", text):
            level, title = len(match.group(1)), match.group(2)
            html.append(f'<h{level} id="{_slug(title)}">{_inline(title)}</h{level}>')
            if level == 2:
                headings.append((_slug(title), title))
        elif text.startswith("| "):
            html.append(_table(text.split("\n")))
        elif text.startswith("- "):
            items = re.split(r"\n- ", text.removeprefix("- "))
            html.append("<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>")
        else:
            html.append(f"<p>{_inline(text)}</p>")
    return "".join(html), headings


def _keep_fences(text: str) -> str:
    """Blank lines inside code blocks must not end them."""
    return re.sub(r"```.*?\n```", lambda match: match.group(0).replace("\n", "\0"), text, flags=re.DOTALL)


def _table(lines: list[str]) -> str:
    rows = [[_inline(cell.strip()) for cell in line.strip().strip("|").split("|")] for line in lines]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[2:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _inline(text: str) -> str:
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    html = re.sub(r"\[([^\]]+)\]\((https?://[^)\s]+|#[^)\s]+|/[^)\s]*)\)", r'<a href="\2">\1</a>', html)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
