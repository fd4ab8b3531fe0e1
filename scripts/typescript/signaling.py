"""The socket's messages, and the few constants and tables the web app needs of the server."""

from __future__ import annotations

import inspect
import json
import re
from typing import get_args

import msgspec

from control_plane.domain.roles import ROLE_PERMISSIONS, Permission
from control_plane.signaling import messages
from scripts.typescript.schema import HEADER, comment, declaration

SOURCE = "control_plane/signaling/messages.py"
_ANSWER = re.compile(r"Answer: `(\w+)`")
_REF = "#/$defs/{name}"


def _tag(message: type) -> str:
    tag = message.__struct_config__.tag  # type: ignore[attr-defined]  # msgspec adds it to every Struct
    return str(tag)


def _anything(_: type) -> dict[str, object]:
    """The schema of `object`: whatever JSON holds. msgspec refuses an empty one, so it gets a description."""
    return {"description": "anything"}


def _answer_name(request: type) -> str:
    found = _ANSWER.search(inspect.getdoc(request) or "")
    if found is None:
        raise ValueError(f"{request.__name__} does not say its answer: write 'Answer: `Name`' in its docstring")
    return found.group(1)


def signaling_source() -> str:
    """`webapp/src/api/generated/signaling.ts`: requests, their answers, notifications, close codes, limits.

    Raises:
        ValueError: a request's docstring names no answer, or one that `messages.py` does not define.
    """
    requests = get_args(messages.Request)
    notifications = get_args(messages.Notification)
    answers = {_tag(request): _answer_name(request) for request in requests}
    for name in answers.values():
        if not hasattr(messages, name):
            raise ValueError(f"{SOURCE} has no {name}")
    answer_types = [getattr(messages, name) for name in dict.fromkeys(answers.values())]
    _, definitions = msgspec.json.schema_components(
        [*requests, *notifications, *answer_types, messages.ErrorBody], ref_template=_REF, schema_hook=_anything
    )
    parts = [HEADER.format(source=SOURCE)]
    parts += [declaration(name, schema) for name, schema in sorted(definitions.items())]
    parts.append(_union("Request", "Anything a browser sends.", requests))
    parts.append(_union("Notification", "Anything the server sends unasked.", notifications))
    rows = "".join(f"  {json.dumps(method)}: {name};\n" for method, name in answers.items())
    parts.append(f"{comment('The data of the response to each request.')}export interface Answers {{\n{rows}}}\n")
    parts.append(_close_codes())
    parts.append(_number("MAX_MESSAGE_BYTES", messages.MAX_MESSAGE_BYTES, "Largest frame from a browser, bytes."))
    ping = int(messages.PING_INTERVAL_S * 1000)
    parts.append(_number("PING_INTERVAL_MS", ping, "How often the server pings, milliseconds."))
    return "\n".join(parts)


def _union(name: str, says: str, members: tuple[type, ...]) -> str:
    return comment(says) + f"export type {name} =\n" + "\n".join(f"  | {m.__name__}" for m in members) + ";\n"


def _number(name: str, value: int, says: str) -> str:
    return f"{comment(says)}export const {name} = {value};\n"


def _close_codes() -> str:
    rows = "".join(f"  {code.name}: {code.value},\n" for code in messages.CloseCode)
    says = comment(inspect.getdoc(messages.CloseCode) or "")
    return f"{says}export const CLOSE_CODES = {{\n{rows}}} as const;\n"


def roles_source() -> str:
    """`webapp/src/api/generated/roles.ts`: the table of `domain/roles.py`, so that a page offers only what is allowed."""
    order = list(Permission)
    permissions = "".join(f"\n  | {json.dumps(permission.value)}" for permission in order)
    rows = "".join(
        f"  {role.value}: {json.dumps([p.value for p in order if p in held])},\n"
        for role, held in ROLE_PERMISSIONS.items()
    )
    return (
        HEADER.format(source="control_plane/domain/roles.py")
        + f"\n{comment('One right.')}export type Permission ={permissions};\n"
        + f"\n{comment('The whole table, highest role first.')}export const ROLE_PERMISSIONS = {{\n{rows}}} as const "
        + "satisfies Record<string, readonly Permission[]>;\n"
    )
