"""The demo organization: put in by the real REST API once, shown at every start. Never into someone else's database."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec

from scripts.headless.rest import Rest, RestError
from scripts.stack.layout import Layout
from scripts.stack.processes import StackError
from scripts.stack.secrets import write_private

FILE_NAME = "demo.json"
ORGANIZATION = "Northgate Trading"
ROOM = "Opening Drive"
_DOMAIN = "northgate.example"
_CAST = (
    ("Olivia Grant", "owner"),
    ("Hugo Marsh", "co_host"),
    ("Mona Reyes", "moderator"),
    ("Victor Lane", "viewer"),
    ("Nora Ellis", "viewer"),
    ("Theo Brandt", "viewer"),
    ("Iris Kwan", "viewer"),
    ("Paul Okoye", "viewer"),
    ("Vera Quinn", "viewer"),
)
"""Name and role. The Starter plan's one host is the owner; a co-host publishes too and is not counted."""
_OURS = {"Hugo Marsh", "Mona Reyes", "Vera Quinn"}
"""Who presents and talks in the demo (see `scripts.demo.presenter`): a visitor under that name would replace them."""


class Person(msgspec.Struct, kw_only=True):
    """Someone to sign in as."""

    name: str
    role: str
    email: str
    password: str
    is_for_visitors: bool = False
    """Whether the demo's sign-in page offers this person."""


class Demo(msgspec.Struct, kw_only=True):
    """What `demo.json` holds. Ids are None until the API made them."""

    people: list[Person]
    organization_id: str | None = None
    room_id: str | None = None
    members: list[str] = []
    """E-mail addresses of those who are members by now."""


async def seed(layout: Layout) -> list[Person]:
    """Put the demo organization in; what is there already is left as it is.

    Args:
        layout: of a running stack with its own database.

    Returns:
        The people, with their passwords.

    Raises:
        StackError: the API refused.
    """
    path = layout.data_dir / FILE_NAME
    demo = _load(path)
    if demo.room_id is None or len(demo.members) < len(demo.people) - 1:
        try:
            await _complete(demo, layout.base_url, path)
        except RestError as error:
            raise StackError(f"The demo organization can't be put in: {error}. --no-seed starts without it.") from error
    return demo.people


def describe_people(people: list[Person]) -> str:
    """A small table for the terminal."""
    width = max(len(person.email) for person in people)
    lines = [f"  {person.role:<10} {person.email:<{width}}  {person.password}" for person in people]
    return "\n".join((f"\n{ORGANIZATION}, room “{ROOM}”. Sign in as", *lines, ""))


def _load(path: Path) -> Demo:
    demo = Demo(people=[])
    if path.exists():
        try:
            demo = msgspec.json.decode(path.read_bytes(), type=Demo)
        except msgspec.MsgspecError as error:
            raise StackError(f"{path} is damaged ({error}); delete it to have other people put in.") from error
    # A file of an older version lacks those who came later; who is in it keeps the password.
    known = {person.email: person for person in demo.people}
    demo.people = [known.get(one.email, one) for one in _cast()]
    for person in demo.people:
        person.is_for_visitors = person.name not in _OURS
    return demo


def _cast() -> list[Person]:
    return [
        Person(
            name=name,
            role=role,
            email=f"{name.split()[0].lower()}@{_DOMAIN}",
            password=secrets.token_urlsafe(12),
        )
        for name, role in _CAST
    ]


def save(demo: Demo, path: Path) -> None:
    """Write it down, readable by its owner only."""
    write_private(path, msgspec.json.format(msgspec.json.encode(demo), indent=2).decode() + "\n")


async def _complete(demo: Demo, base_url: str, path: Path) -> None:
    """Go on where an interrupted seeding stopped; every step is written down before the next."""
    save(demo, path)  # the passwords before the accounts: an account whose password is lost is of no use
    owner = demo.people[0]
    async with Rest(base_url) as rest:
        await _sign_in_or_up(rest, owner)
        if demo.organization_id is None:
            demo.organization_id = (await rest.create_organization(ORGANIZATION)).id
            save(demo, path)
        for person in demo.people[1:]:
            if person.email not in demo.members:
                await _make_member(rest, demo.organization_id, person, base_url)
                demo.members.append(person.email)
                save(demo, path)
        if demo.room_id is None:
            demo.room_id = (await rest.create_room(demo.organization_id, ROOM)).id
            save(demo, path)


async def _make_member(owner: Rest, organization_id: str, person: Person, base_url: str) -> None:
    code = await owner.invite(organization_id, person.role, max_uses=1)
    async with Rest(base_url) as rest:
        await _sign_in_or_up(rest, person)
        await rest.accept_invitation(code)


async def _sign_in_or_up(rest: Rest, person: Person) -> None:
    try:
        await rest.sign_up(person.email, person.password, person.name)
    except RestError:
        await rest.sign_in(person.email, person.password)
