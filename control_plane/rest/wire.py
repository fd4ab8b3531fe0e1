"""What REST bodies are made of: camelCase JSON, unknown fields refused in requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, InternalServerException, ValidationException
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from typing_extensions import override

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
"""A name as typed; what it may be is the domain's business (80 characters after trimming)."""
IdT = TypeVar("IdT", bound=UUID)


class Body(msgspec.Struct, rename="camel", kw_only=True, forbid_unknown_fields=True):
    """Base of request bodies."""


class View(msgspec.Struct, rename="camel", kw_only=True):
    """Base of answers."""


class StrictRequest(Request[Any, Any, Any]):
    """A request whose body is decoded into the handler's own type: `"5"` is no number there, and decimals stay exact.

    The framework would decode to plain values first, and then convert them leniently.
    """

    @override
    async def body(self) -> bytes:
        """The body. Raises ClientException: whoever sent it hung up before its end, which is no fault of ours."""
        try:
            return await super().body()
        except InternalServerException as error:
            raise ClientException(detail="The body did not arrive whole.") from error

    @override
    async def json(self) -> Any:
        """The body, as the handler's `data` when that is one of ours. Raises ValidationException."""
        field = getattr(self.route_handler, "parsed_data_field", None)
        kind = None if field is None else field.annotation
        if not (isinstance(kind, type) and issubclass(kind, Body)):
            return await super().json()
        body = await self.body()
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$.")
            # A missing or unknown field is named only in the sentence.
            name = path.rstrip("`") or (message.split("`")[1] if "`" in message and "field" in message else "")
            extra = [{"key": name, "message": message}] if name else []
            raise ValidationException(detail=message, extra=extra) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ClientException(detail="The body is not JSON.") from error


class RawSchemas(OpenAPISchemaPlugin):
    """Sealed JSON stands in the OpenAPI document as an object of any shape."""

    @staticmethod
    @override
    def is_plugin_supported_type(value: Any) -> bool:
        return value is msgspec.Raw

    @override
    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:
        return Schema(type=OpenAPIType.OBJECT, additional_properties=True)


def maybe_id(kind: Callable[[UUID], IdT], value: UUID | None) -> IdT | None:
    """An optional id of a body as the domain's type."""
    return None if value is None else kind(value)
