"""What the matrices are generated from: the served OpenAPI document, bodies made from its schemas, and things to name.

An operation, a path's id or a body that is not known here is an error, not a gap: a new route gets its row or fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from control_plane.stores.database import Transaction

PREFIX = "/api/v1"
O = "/organizations/{organization_id}"  # noqa: E741 - most paths begin with it
NO_STRANGER = {
    "id": "made by the caller: one that is taken is refused without saying whose it is (409)",
}
"""Ids of bodies that name nothing which is there."""
FACTS: dict[str, Any] = {
    "code": "A" * 46,
    "email": "nobody@example.com",
    "role": "viewer",
    "abilities": ["rooms:read"],
    "side": "long",
    "entry": "181.20",
    "price": "186.4",
    "kind": "filled",
    "symbol": "AAPL",
    "url": "https://hooks.example.com/in",
    "events": ["room.created"],
    "slug": "matrix",
    "timeZone": "Europe/Berlin",
    "domain": "example.org",
}
"""Values no schema tells."""
_FILTER = re.compile(r"(?:\w+\.)?organization_id = (\$\d+)")


@dataclass(frozen=True)
class Operation:
    """One method of one path. path: the template without /api/v1. body: its JSON schema; None when it takes none."""

    method: str
    path: str
    operation_id: str
    body: dict[str, Any] | None
    query: tuple[tuple[str, dict[str, Any]], ...]
    schemas: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.path

    @property
    def ids(self) -> list[str]:
        """Names of the ids in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def is_tenants(self) -> bool:
        return self.path.startswith(O)

    def make_body(self, given: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """A good body: what is required, and some fields given."""
        given = given or {}
        if self.body is None:
            return None
        schema = self._resolve(self.body)
        names = [name for name in schema.get("required", []) if name not in given]
        made = {name: self._value(name, schema["properties"][name]) for name in names}
        return {**made, **{name: value for name, value in given.items() if name in schema["properties"]}}

    def body_ids(self) -> list[str]:
        """Fields of the body that name something by its id."""
        if self.body is None:
            return []
        properties = self._resolve(self.body)["properties"]
        return [name for name, schema in properties.items() if _is_id(schema) and name not in NO_STRANGER]

    def query_ids(self) -> list[str]:
        """Query parameters that name something by its id."""
        return [name for name, schema in self.query if _is_id(schema)]

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[-1]]
        return schema

    def _value(self, name: str, schema: dict[str, Any]) -> Any:
        schema = self._resolve(schema)
        if name in FACTS and FACTS[name] in schema.get("enum", [FACTS[name]]):
            return FACTS[name]
        for choice in ("oneOf", "anyOf", "allOf"):
            if choice in schema:
                return self._value(name, next(one for one in schema[choice] if one.get("type") != "null"))
        kind = schema.get("type")
        kind = next(one for one in kind if one != "null") if isinstance(kind, list) else kind
        if "enum" in schema:
            return schema["enum"][0]
        if kind == "string":
            return {"uuid": str(uuid4()), "date-time": "2027-01-01T09:30:00Z"}.get(schema.get("format", ""), "Matrix")
        values: dict[str | None, Any] = {"integer": 365, "number": 1, "boolean": True, "array": [], "object": {}}
        assert kind in values, f"{self.operation_id}: no value for {name}: {schema}"
        return values[kind]


def _is_id(schema: dict[str, Any]) -> bool:
    return schema.get("format") == "uuid" or any(one.get("format") == "uuid" for one in schema.get("oneOf", []))


def read_operations(document: dict[str, Any]) -> list[Operation]:
    """Every operation of /api/v1, by path and method."""
    found = []
    for path, item in document["paths"].items():
        if not path.startswith(PREFIX):
            continue
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            query = [(one["name"], one["schema"]) for one in operation.get("parameters", []) if one["in"] == "query"]
            found.append(
                Operation(
                    method=method,
                    path=path.removeprefix(PREFIX),
                    operation_id=operation["operationId"],
                    body=schema,
                    query=tuple(query),
                    schemas=document["components"]["schemas"],
                )
            )
    return sorted(found, key=lambda one: one.key)


async def call(
    api: httpx.AsyncClient,
    operation: Operation,
    headers: dict[str, str],
    ids: dict[str, Any],
    *,
    body: dict[str, Any] | None = None,
    query: dict[str, str] | None = None,
) -> httpx.Response:
    """Call an operation. ids: for its path; all of them have to be there."""
    path = PREFIX + operation.path.format(**{name: ids[name] for name in operation.ids})
    sent = operation.make_body() if body is None else body
    return await api.request(operation.method.upper(), path, json=sent, headers=headers, params=query)


def told(answer: httpx.Response) -> Any:
    """What an answer says, without what differs from request to request: status, body, and which headers there are."""
    headers = sorted({name.lower() for name in answer.headers})
    if "json" not in answer.headers.get("content-type", ""):
        return answer.status_code, answer.text, headers
    body = answer.json()
    return answer.status_code, {name: value for name, value in body.items() if name != "requestId"}, headers


def drop_filters(patch: pytest.MonkeyPatch) -> list[str]:
    """Take the tenant's own condition out of every statement: what keeps tenants apart then is row-level security.

    Answers the statements this was done to, as they come.
    """
    changed: list[str] = []

    def without(name: str) -> Any:
        original = getattr(Transaction, name)

        async def run(self: Transaction, statement: str, *values: object) -> Any:
            # The parameter stays named, for its type.
            bare, count = _FILTER.subn(r"\1::uuid is not null", statement)
            if count:
                changed.append(statement)
            return await original(self, bare, *values)

        return run

    for name in ("fetch", "fetchrow", "fetchval", "execute"):
        patch.setattr(Transaction, name, without(name))
    return changed
