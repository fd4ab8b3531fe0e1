"""What axe finds wrong with a page."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

from scripts.stack.layout import ROOT

AXE = ROOT / "webapp" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = {"serious", "critical"}
_RUN = """async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map((one) => ({
  id: one.id, impact: one.impact, nodes: one.nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`),
}))"""
_DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


async def find_violations(page: Page) -> list[str]:
    """What axe calls serious or critical, told with the elements."""
    # What the page learns of its own sizes comes with a picture, and on a busy machine that comes late.
    await page.evaluate(_DRAWN)
    await page.evaluate(AXE.read_text(encoding="utf-8"))  # by the debugger: the page's CSP takes no script of ours
    found: list[dict[str, Any]] = await page.evaluate(_RUN)
    return [f"{one['id']}: {'; '.join(one['nodes'])}" for one in found if one["impact"] in GRAVE]
