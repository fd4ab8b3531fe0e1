"""From the click on "Join" to the first decoded frame, in Chromium, beside a plain mediasoup page on the same worker binary.

Publisher and viewer are pages of one browser with its fake camera and microphone. Ours: the real web app by its real door
(REST join, hello, welcome). The peer (`peers/first_frame`): a page with mediasoup-client and a Node `ws` server, without
accounts, database or tenants. Joins of the two take turns, so that what else happens on the machine meets both alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from playwright.async_api import Browser, Page

from scripts.benches.figures import Figure, percentile, print_figure
from scripts.benches.first_frame_marks import SCRIPT, Marks, medians
from scripts.benches.node_peers import NODE, PEERS, need_peers
from scripts.browser.launch import chromium
from scripts.browser.pages import RoomPage, new_context
from scripts.headless.scene import open_scene
from scripts.stack.layout import MEDIA_OFFSET, choose_ports, count_workers
from scripts.stack.ports import free_block
from scripts.stack.processes import Command, StackError, start, stop
from scripts.stack.supervisor import Stack

JOINS = 14
"""Joins of each side."""
JOIN_TIMEOUT_S = 10.0
FRAME = "first frame"
"""The mark that counts."""

_CLICK_TO_FRAME = """(button) => new Promise((done) => {
  const began = (window.benchBegan = performance.now());
  const watched = new WeakSet();
  const look = () => {
    for (const video of document.querySelectorAll('video')) {
      if (watched.has(video)) continue;
      watched.add(video);
      video.requestVideoFrameCallback((now, frame) => {
        watcher.disconnect();
        const marks = { ...window.benchMarks, 'first frame': performance.now() - began };
        if (frame.receiveTime) marks['frame received'] = frame.receiveTime - began;
        done(marks);
      });
    }
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.body, { childList: true, subtree: true });
  look();
  document.querySelector(button).click();
})"""

Join = Callable[[], Awaitable[Marks]]
"""One join by a fresh page; the last of its marks is the first frame."""


async def measure(*, is_full: bool = False) -> None:
    """Start both sides, join them in turn, print p50 and p95 of each.

    Args:
        is_full: three times as many joins.

    Raises:
        StackError: a side does not start.
        TimeoutError: a picture did not come.
    """
    workers = count_workers()
    joins = 3 * JOINS if is_full else JOINS
    with tempfile.TemporaryDirectory(prefix="tradingroom-bench-") as folder:
        ports = choose_ports(free_block(MEDIA_OFFSET + workers), workers)
        async with (
            Stack(Path(folder), ports, is_throw_away=True) as stack,
            chromium() as browser,
            _ours(browser, stack.layout.base_url) as join_ours,
            _peer(browser) as join_peer,
        ):
            await join_ours(), await join_peer()  # the first ones fill caches
            ours, theirs = [], []
            for _ in range(joins):
                ours.append(await join_ours())
                theirs.append(await join_peer())
    _report(ours, theirs)


def _report(ours: list[Marks], theirs: list[Marks]) -> None:
    for share in (50, 95):
        mine, peer = (percentile([marks[FRAME] for marks in joins], share / 100) for joins in (ours, theirs))
        print_figure(
            Figure(
                name=f"first_frame_p{share}",
                ours=round(mine, 1),
                peer=round(peer, 1),
                peer_name="mediasoup-client 3.24.1 page, Node ws server",
                unit="ms",
                ratio=round(peer / mine, 2),
                samples=len(ours),
            )
        )
    for name, joins in (("ours", ours), ("peer", theirs)):
        usual = medians(joins)
        print_figure(
            Figure(name=f"first_frame_marks_{name}", ours=usual[FRAME], unit="ms", samples=len(joins), facts={**usual})
        )


@contextlib.asynccontextmanager
async def _ours(browser: Browser, base_url: str) -> AsyncIterator[Join]:
    async with open_scene(base_url, viewers=1) as scene:
        where = (base_url, scene.organization_id, scene.room_id)
        host = await RoomPage.open(await new_context(browser, scene.host), *where)
        await host.enter()
        await host.toggle("mic")
        await host.toggle("camera")
        await host.screen_moves()
        viewing = await new_context(browser, scene.viewers[0])
        await viewing.add_init_script(SCRIPT)

        async def join() -> Marks:
            viewer = await RoomPage.open(viewing, *where)
            marks = await _click(viewer.page, '[data-testid="join-session"]')
            await viewer.page.get_by_test_id("leave").click()
            await viewer.page.close()
            return marks

        yield join


@contextlib.asynccontextmanager
async def _peer(browser: Browser) -> AsyncIterator[Join]:
    port = free_block(2)
    with _node_server(port):
        url = f"http://localhost:{port}/"
        publisher = await browser.new_page()
        await publisher.goto(url)
        await publisher.click("#publish")
        await publisher.wait_for_selector("body[data-state=publishing]")

        async def join() -> Marks:
            page = await browser.new_page()
            await page.add_init_script(SCRIPT)
            await page.goto(url)
            marks = await _click(page, "#join")
            await page.close()
            return marks

        yield join


async def _click(page: Page, button: str) -> Marks:
    await page.wait_for_selector(button)
    async with asyncio.timeout(JOIN_TIMEOUT_S):
        return {name: float(at_ms) for name, at_ms in (await page.evaluate(_CLICK_TO_FRAME, button)).items()}


@contextlib.contextmanager
def _node_server(port: int) -> Iterator[None]:
    need_peers()
    command = Command(
        name="peer",
        # The program itself, not the wheel's Python wrapper, which would leave it behind.
        argv=(str(NODE), "first_frame/server.mjs", str(port), str(port + 1)),
        env=dict(os.environ),
        cwd=PEERS,
    )
    server = start(command, output=subprocess.PIPE)
    try:
        if server.stdout is None or server.stdout.readline().strip() != b"ready":
            raise StackError("the peer's server did not start")
        yield
    finally:
        stop(server, command, timeout_s=5)
