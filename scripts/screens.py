"""`scripts/screens`: pictures of all pages, dark and light, on a desktop and a phone, from a demo stack of its own.

They go to docs/screens with a README that says what each one shows. Reduced to 256 colours: interface and chart have fewer.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import msgspec
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, expect

from scripts.browser.launch import chromium
from scripts.browser.pages import DESKTOP, PHONE, RoomPage, by_id, new_context
from scripts.browser.probes import until
from scripts.headless.rest import Rest, Room
from scripts.stack.console import say
from scripts.stack.layout import MEDIA_OFFSET, ROOT, choose_ports, count_workers
from scripts.stack.ports import free_block
from scripts.stack.seed import FILE_NAME, Demo, seed
from scripts.stack.supervisor import Stack

OUT = ROOT / "docs" / "screens"
MOST_BYTES = 4_000_000
"""The folder's size at most: it is cloned by everyone."""
SIZES = {"desktop": DESKTOP, "phone": PHONE}
THEMES = ("dark", "light")
_COLOURS = 256
_OTHER_ROOMS = ("Futures Desk", "Power Hour")
_FIRST_ALERT_S = 60.0
"""How long a demo may take until its first alert; a busy machine's presenter begins late."""
_LISTEN_S = 25.0
"""How long a visitor sits in the room before the pictures, so that presenter and members have greeted and talked."""


@dataclass(frozen=True)
class Stage:
    """What the pictures are taken of.

    base_url: of the stack. demo: its people and room. owner, viewer: signed in. idle_room_id: one that is not live.
    """

    base_url: str
    demo: Demo
    owner: Rest
    viewer: Rest
    idle_room_id: str

    @property
    def organization_id(self) -> str:
        """The demo's organization."""
        assert self.demo.organization_id is not None
        return self.demo.organization_id

    @property
    def room_id(self) -> str:
        """The demo's room, which is live."""
        assert self.demo.room_id is not None
        return self.demo.room_id

    async def visit(self, context: BrowserContext, path: str) -> Page:
        """Open a page."""
        page = await context.new_page()
        await page.goto(self.base_url + path)
        return page

    async def stand_at_door(self, context: BrowserContext) -> RoomPage:
        """Open the live room's door."""
        return await RoomPage.open(context, self.base_url, self.organization_id, self.room_id)

    async def enter(self, context: BrowserContext) -> RoomPage:
        """Go into the live room and wait for the moving chart."""
        room = await self.stand_at_door(context)
        await room.enter()
        await room.screen_moves()
        return room


class _Rooms(msgspec.Struct):
    items: list[Room]


class _FeedEntry(msgspec.Struct):
    kind: str


class _Feed(msgspec.Struct):
    items: list[_FeedEntry]


Take = Callable[[Stage, BrowserContext], Awaitable[Page]]


@dataclass(frozen=True)
class Shot:
    """One picture. who: signed in as, None nobody. take: brings the page there. sizes: on which devices."""

    name: str
    shows: str
    who: str | None
    take: Take
    sizes: tuple[str, ...] = ("desktop", "phone")

    @property
    def is_form(self) -> bool:
        """Whether it is one of the settings or account pages, which are made of the same few pieces."""
        return self.name.startswith(("settings", "account"))


async def _sign_in(stage: Stage, context: BrowserContext) -> Page:
    page = await stage.visit(context, "/sign-in")
    await expect(by_id(page, "demo-viewer")).to_be_visible()
    return page


async def _sign_up(stage: Stage, context: BrowserContext) -> Page:
    page = await stage.visit(context, "/sign-up")
    await expect(by_id(page, "sign-up-submit")).to_be_visible()
    return page


async def _rooms(stage: Stage, context: BrowserContext) -> Page:
    page = await stage.visit(context, f"/o/{stage.organization_id}")
    await expect(by_id(page, "recent-alerts")).to_be_visible()
    return page


async def _members(stage: Stage, context: BrowserContext) -> Page:
    page = await stage.visit(context, f"/o/{stage.organization_id}/members")
    await expect(page.get_by_text("Olivia Grant").last).to_be_visible()
    return page


def _below(path: str, shown: str) -> Take:
    """A page below the organization, drawn once this text stands on it."""

    async def take(stage: Stage, context: BrowserContext) -> Page:
        page = await stage.visit(context, f"/o/{stage.organization_id}/{path}")
        await expect(page.get_by_text(shown).first).to_be_visible()
        return page

    return take


async def _forgot(stage: Stage, context: BrowserContext) -> Page:
    page = await stage.visit(context, "/sign-in/forgot")
    await expect(by_id(page, "mail-link-submit")).to_be_visible()
    return page


async def _enrol(stage: Stage, context: BrowserContext) -> Page:
    page = await _below("account/security", "Authenticator app")(stage, context)
    await by_id(page, "enrol-open").click()
    await expect(by_id(page, "enrol-secret")).to_be_visible()
    return page


async def _room_roles(stage: Stage, context: BrowserContext) -> Page:
    assert stage.viewer.user is not None
    where = f"/api/v1/organizations/{stage.organization_id}/rooms/{stage.idle_room_id}/roles/{stage.viewer.user.id}"
    await stage.owner.call("PUT", where, msgspec.Raw, {"role": "co_host"})
    page = await stage.visit(context, f"/o/{stage.organization_id}/settings/workspaces/rooms/{stage.idle_room_id}")
    await expect(by_id(page, "room-role-difference").first).to_be_visible()
    return page


async def _sign_in_sso(stage: Stage, context: BrowserContext) -> Page:
    page = await stage.visit(context, "/sign-in/sso")
    await by_id(page, "sso-email").fill("ana@northgate.example")
    return page


async def _docs(stage: Stage, context: BrowserContext) -> Page:
    return await stage.visit(context, "/docs")


async def _invite(stage: Stage, context: BrowserContext) -> Page:
    page = await _members(stage, context)
    await by_id(page, "invite-open").click()
    await expect(by_id(page, "invite-create")).to_be_visible()
    return page


async def _door(stage: Stage, context: BrowserContext) -> Page:
    page = (await stage.stand_at_door(context)).page
    await expect(by_id(page, "join-session")).to_be_visible()
    return page


async def _room(stage: Stage, context: BrowserContext) -> Page:
    return (await stage.enter(context)).page


async def _room_of_host(stage: Stage, context: BrowserContext) -> Page:
    room = await stage.enter(context)
    await by_id(room.page, "alert-input").fill("short NVDA 186.40 stop 187.90 tp 183 180")
    return room.page


async def _chat(stage: Stage, context: BrowserContext) -> Page:
    room = await stage.enter(context)
    await room.show("chat")
    return room.page


async def _people(stage: Stage, context: BrowserContext) -> Page:
    room = await stage.enter(context)
    await room.show("people")
    return room.page


async def _over(stage: Stage, context: BrowserContext) -> Page:
    where = (stage.organization_id, stage.idle_room_id)
    await stage.owner.start_session(*where)
    room = await RoomPage.open(context, stage.base_url, *where)
    await room.enter()
    await stage.owner.end_session(*where)
    await expect(by_id(room.page, "session-over")).to_be_visible()
    return room.page


SHOTS = (
    Shot("sign-in", "signing in; in a demo its people stand above", None, _sign_in),
    Shot("sign-up", "a new account", None, _sign_up),
    Shot("rooms-owner", "the rooms as the owner sees them", "owner", _rooms),
    Shot("rooms-viewer", "the rooms as a viewer sees them", "viewer", _rooms),
    Shot("members", "everyone in the organization", "owner", _members),
    Shot("invite", "a link that lets people in", "owner", _invite),
    Shot("settings", "name, how long things are kept, and the end", "owner", _below("settings", "Hand over")),
    Shot("settings-workspaces", "workspaces and rooms", "owner", _below("settings/workspaces", "New workspace")),
    Shot("settings-roles", "the one table of roles", "owner", _below("settings/roles", "Post alerts")),
    Shot("settings-room-roles", "who is more, or less, in one room", "owner", _room_roles, ("phone",)),
    Shot(
        "settings-single-sign-on",
        "mail domains and identity providers, on a plan without them",
        "owner",
        _below("settings/single-sign-on", "Single sign-on is part of"),
        ("desktop",),
    ),
    Shot("settings-usage", "what the plan allows and what is in use", "owner", _below("settings/usage", "Workspaces")),
    Shot("settings-tokens", "API tokens", "owner", _below("settings/tokens", "No tokens")),
    Shot("settings-webhooks", "webhooks out", "owner", _below("settings/webhooks", "No webhooks")),
    Shot("settings-audit-log", "who changed what", "owner", _below("settings/audit-log", "made a room")),
    Shot("account", "one's own name and address", "viewer", _below("account", "You sign in with this")),
    Shot(
        "account-security", "password, authenticators, sessions", "viewer", _below("account/security", "Signed in at")
    ),
    Shot("account-authenticator", "setting up an authenticator", "viewer", _enrol),
    Shot("account-data", "one's own data", "viewer", _below("account/data", "Take it along")),
    Shot("sign-in-sso", "signing in at one's organization", None, _sign_in_sso, ("phone",)),
    Shot("docs", "the API's own page", None, _docs, ("desktop",)),
    Shot("forgot", "a link to choose a new password", None, _forgot),
    Shot("door-host", "before going in, with devices to choose", "owner", _door),
    Shot("door-viewer", "before going in, to watch", "viewer", _door),
    Shot("room-viewer", "the room as a viewer sees it", "viewer", _room),
    Shot("room-host", "the room as the owner sees it, an alert half typed", "owner", _room_of_host),
    Shot("room-chat", "the same room's chat", "viewer", _chat),
    Shot("room-people", "who is in", "owner", _people, ("desktop",)),
    Shot("session-over", "after the host ended the session", "viewer", _over),
)


def main() -> int:
    """Take them all; the answer is the exit code, 1 when the folder became too large."""
    parser = argparse.ArgumentParser(prog="scripts/screens", description="Takes pictures of all pages.")
    parser.add_argument(
        "--out", type=Path, default=OUT, help="folder, emptied of pictures first (default: docs/screens)"
    )
    parser.add_argument("--only", default="", help="only pictures whose name begins so; others stay as they are")
    options = parser.parse_args()
    return _write(options)


def _write(options: argparse.Namespace) -> int:
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    if not options.only:
        for old in out.glob("*.png"):
            old.unlink()
    asyncio.run(_run(out, options.only))
    (out / "README.md").write_text(_readme(), encoding="utf-8")
    sizes = [path.stat().st_size for path in out.glob("*.png")]
    say(f"{len(sizes)} pictures, {sum(sizes) / 1e6:.1f} MB")
    return 1 if sum(sizes) > MOST_BYTES else 0


async def _run(out: Path, only: str) -> None:
    shots = [shot for shot in SHOTS if shot.name.startswith(only)]
    # The rooms first: later the demo has greeted the same visitor again and again.
    shots.sort(key=lambda shot: not shot.name.startswith("room-"))
    async with _demo() as stage, chromium() as browser:
        await _listen(stage, browser)
        for shot, size, theme in product(shots, SIZES, THEMES):
            if size in shot.sizes:
                person = {"owner": stage.owner, "viewer": stage.viewer, None: None}[shot.who]
                scale = 2 if size == "phone" else 1
                context = await new_context(browser, person, size=SIZES[size], theme=theme, scale=scale)
                _keep(await _take(stage, context, shot), out / f"{shot.name}-{size}-{theme}.png")
                await context.close()


@asynccontextmanager
async def open_stage(base_url: str, demo: Demo) -> AsyncIterator[Stage]:
    """Sign a demo's owner and one of its visitors in, and make one more room where there is only one.

    Args:
        base_url: of a stack with a demo.
        demo: its people.
    """
    async with Rest(base_url) as owner, Rest(base_url) as viewer:
        for rest, role in ((owner, "owner"), (viewer, "viewer")):
            person = next(one for one in demo.people if one.is_for_visitors and one.role == role)
            await rest.sign_in(person.email, person.password)
        assert demo.organization_id is not None
        rooms = await owner.call("GET", f"/api/v1/organizations/{demo.organization_id}/rooms", _Rooms)
        others = [room for room in rooms.items if room.id != demo.room_id]
        room = others[0] if others else await owner.create_room(demo.organization_id, _OTHER_ROOMS[0])
        stage = Stage(base_url, demo, owner, viewer, room.id)
        await until("the demo has an alert", lambda: _has_alert(stage), timeout_s=_FIRST_ALERT_S)
        yield stage


async def _has_alert(stage: Stage) -> bool:
    """Whether the presenter has posted an alert: the pages list alerts, and "ready" comes before the first."""
    where = f"/api/v1/organizations/{stage.organization_id}/rooms/{stage.room_id}"
    feed = await stage.owner.call("GET", f"{where}/events", _Feed)
    return any(entry.kind == "alert.posted" for entry in feed.items)


@asynccontextmanager
async def _demo() -> AsyncIterator[Stage]:
    """A demo stack in a throw-away folder, with two more rooms."""
    workers = count_workers()
    folder = Path(tempfile.mkdtemp(prefix="tradingroom-screens-"))
    file = folder / FILE_NAME
    stack = Stack(folder, choose_ports(free_block(MEDIA_OFFSET + workers), workers), is_throw_away=True, demo_file=file)
    try:
        async with stack:
            await seed(stack.layout)
            demo = msgspec.json.decode(file.read_bytes(), type=Demo)
            await stack.start_demo(file)
            async with open_stage(stack.layout.base_url, demo) as stage:
                for name in _OTHER_ROOMS[1:]:
                    await stage.owner.create_room(stage.organization_id, name)
                yield stage
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _listen(stage: Stage, browser: Browser) -> None:
    """Be a guest for a while: the demo talks only to an audience."""
    context = await new_context(browser, stage.viewer)
    room = await RoomPage.open(context, stage.base_url, stage.organization_id, stage.room_id)
    await expect(by_id(room.page, "join-session")).to_be_visible(timeout=30_000)
    await room.enter()
    await room.screen_moves()
    await asyncio.sleep(_LISTEN_S)
    await context.close()


async def _take(stage: Stage, context: BrowserContext, shot: Shot) -> bytes:
    page = await shot.take(stage, context)
    await page.evaluate("document.fonts.ready")
    await page.wait_for_timeout(600)  # menus and skeletons fade for a fifth of a second
    return await page.screenshot()


def _keep(png: bytes, path: Path) -> None:
    """Write a picture down, reduced."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    # By how often a colour is there: the large dark grounds keep theirs exactly, which other ways tint.
    reduced = picture.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    say(f"{path.name} ({path.stat().st_size // 1000} kB)")


def _readme() -> str:
    lines = [
        "# Screens",
        "",
        "Made by `scripts/screens` from a running `--demo` stack; do not edit. The market and the people are made up,",
        "everything else is what the server and the media workers sent. 1440x900, and 390x844 at double density.",
        "",
    ]
    for shot in SHOTS:
        names = [f"{shot.name}-{size}-{theme}" for size in shot.sizes for theme in THEMES]
        links = ", ".join(f"[{name.removeprefix(shot.name + '-').replace('-', ' ')}]({name}.png)" for name in names)
        lines.append(f"- **{shot.name}**: {shot.shows} ({links})")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
