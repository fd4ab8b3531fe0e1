"""The OpenAPI document says everything an integrator needs of every operation; a new one without it is red here."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from control_plane.domain.webhooks import EVENTS
from control_plane.rest.openapi import TAGS
from control_plane.rest.openapi_problems import CODES, OWN, response_of
from scripts.typescript.rest import openapi_document

DOCUMENT = json.loads(json.dumps(openapi_document()))
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
EVERY = pytest.mark.parametrize("name", OPERATIONS)
VERBS = (
    *("get", "list", "create", "change", "delete", "put", "add", "remove", "post", "start", "join", "end", "leave"),
    *("transfer", "restore", "accept", "decline", "resend", "revoke", "archive", "export", "erase", "ping", "replay"),
    *("rotate", "read", "test", "verify", "unlink"),
)
"""What operations begin with. A new verb is a line here, and a thought: does an old one do?"""


def _contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Bodies and good answers of JSON."""
    parts = [operation.get("requestBody", {})]
    parts += [one for status, one in operation["responses"].items() if status.startswith("2")]
    for part in parts:
        if "application/json" in part.get("content", {}):
            yield part["content"]["application/json"]


def _is_valid(schema: dict[str, Any], value: Any) -> None:
    """Raises jsonschema_rs.ValidationError."""
    jsonschema_rs.validate({**schema, "components": DOCUMENT["components"]}, value)


@EVERY
def test_an_operation_has_a_name_that_reads_well(name: str) -> None:
    assert re.fullmatch(rf"({'|'.join(VERBS)})([A-Z][a-z]+)+", name)
    assert Counter(operation["operationId"] for _, _, operation in OPERATIONS.values())[name] == 1


@EVERY
def test_an_operation_has_a_summary_a_description_and_a_described_tag(name: str) -> None:
    operation = OPERATIONS[name][2]

    assert 3 <= len(operation["summary"]) <= 60
    assert not operation["summary"].endswith(".")
    assert operation["description"].strip().endswith((".", "}"))
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in TAGS


@EVERY
def test_every_parameter_is_described(name: str) -> None:
    bare = [one["name"] for one in OPERATIONS[name][2]["parameters"] if not one.get("description")]

    assert bare == []


@EVERY
def test_bodies_and_answers_have_an_example_that_their_schema_takes(name: str) -> None:
    for media in _contents(OPERATIONS[name][2]):
        _is_valid(media["schema"], media["example"])


@EVERY
def test_refusals_name_their_codes_and_show_an_example_of_each(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    refusals = {
        status: response_of(DOCUMENT, operation, status) for status in operation["responses"] if status[0] in "45"
    }

    assert {"406", "422", "429", "503"} <= refusals.keys()
    for status, refusal in refusals.items():
        examples = refusal["content"]["application/problem+json"]["examples"]
        assert examples
        for code in examples:
            assert f"`{code}`" in refusal["description"]
            assert CODES[code][0] == int(status)


@EVERY
def test_if_match_stands_where_a_get_gives_its_tag_and_nowhere_else(name: str) -> None:
    path, method, operation = OPERATIONS[name]
    is_honoured = method in {"patch", "put", "delete"} and "get" in DOCUMENT["paths"][path]

    assert any(one["name"] == "If-Match" for one in operation["parameters"]) == is_honoured
    assert ("412" in operation["responses"]) == is_honoured


@EVERY
def test_an_operation_asks_for_one_of_the_two_tokens_or_for_none(name: str) -> None:
    operation = OPERATIONS[name][2]
    security = operation.get("security", DOCUMENT["security"])

    if "x-ability" in operation:
        assert security == [{"user": []}, {"apiToken": []}]
    else:
        assert security in ([{"user": []}], [])
    assert ("401" in operation["responses"]) == (security != [])


@EVERY
def test_answers_name_their_headers(name: str) -> None:
    _, method, operation = OPERATIONS[name]
    headers = {status: response_of(DOCUMENT, operation, status)["headers"].keys() for status in operation["responses"]}

    for names in headers.values():
        assert (
            {"X-Request-Id", "RateLimit-Remaining", "RateLimit-Reset"}
            <= names
            <= DOCUMENT["components"]["headers"].keys()
        )
    assert "Retry-After" in headers["429"] & headers["503"]
    assert ("304" in headers) <= ("ETag" in headers.get("200", ()))
    assert ("304" in headers) <= (method == "get")


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_and_field_is_described(name: str) -> None:
    schema = DOCUMENT["components"]["schemas"][name]
    bare = [field for field, part in schema.get("properties", {}).items() if not part.get("description")]

    assert schema.get("description")
    assert bare == []


@pytest.mark.parametrize("code", CODES)
def test_the_example_of_a_refusal_is_a_problem(code: str) -> None:
    value = DOCUMENT["components"]["examples"][code]["value"]

    _is_valid({"$ref": "#/components/schemas/Problem"}, value)
    assert value["code"] == code


def test_no_refusal_is_written_down_for_an_operation_that_is_gone() -> None:
    assert OWN.keys() <= OPERATIONS.keys()


def test_lists_take_a_cursor_where_they_answer_pages() -> None:
    for path, method, operation in OPERATIONS.values():
        names = {one["name"] for one in operation["parameters"]}
        assert ("cursor" in names) <= ("limit" in names), (method, path)


def test_every_event_is_described_as_a_webhook() -> None:
    assert DOCUMENT["webhooks"].keys() == EVENTS.keys()
    for item in DOCUMENT["webhooks"].values():
        media = item["post"]["requestBody"]["content"]["application/json"]
        _is_valid(media["schema"], media["example"])
