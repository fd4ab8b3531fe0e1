"""What an owner says of an identity provider, and what changes a connection by it. Decides only; `sso_connections` acts."""

from __future__ import annotations

from typing import Any

import msgspec

from control_plane.domain.errors import InvalidInput
from control_plane.domain.roles import Role
from control_plane.domain.sso import SamlIdp, SsoConnection

_OF_OIDC = ("issuer", "client_id", "client_secret")
_OF_SAML = (
    "idp_entity_id",
    "idp_sso_url",
    "idp_certificates",
    "idp_metadata_url",
    "metadata_read_at",
    "metadata_error",
)


class ConnectionFields(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner says of a provider; None: nothing.

    metadata_url, metadata_xml: of SAML, read at that moment; the former again every day.
    """

    name: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    metadata_url: str | None = None
    metadata_xml: str | None = None
    idp_entity_id: str | None = None
    idp_sso_url: str | None = None
    idp_certificates: list[str] | None = None
    default_role: Role | None = None
    joins_members: bool | None = None
    is_enabled: bool | None = None
    is_enforced: bool | None = None


def only_lifts(wanted: ConnectionFields) -> bool:
    """Whether a change is nothing but turning a connection, or its enforcement, off."""
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    return bool(given) and given.keys() <= {"is_enabled", "is_enforced"} and not any(given.values())


def idp_of(connection: SsoConnection) -> SamlIdp:
    """The identity provider of a SAML connection."""
    return SamlIdp(
        entity_id=connection.idp_entity_id or "",
        sso_url=connection.idp_sso_url or "",
        certificates=connection.idp_certificates,
    )


def with_read(before: SsoConnection, seen: SsoConnection, read: SsoConnection) -> SsoConnection:
    """The row as it is now, with what was read of the provider meanwhile."""
    names = (*_OF_OIDC, *_OF_SAML)
    new = {name: getattr(read, name) for name in names if getattr(read, name) != getattr(seen, name)}
    return msgspec.structs.replace(before, **new)


def is_other_provider(before: SsoConnection, after: SsoConnection) -> bool:
    """Whether somebody else vouches now: their subjects are other people's."""
    return (before.issuer, before.idp_entity_id) != (after.issuer, after.idp_entity_id)


def require_whole(connection: SsoConnection) -> None:
    """Refuse a connection without what its kind needs. Raises InvalidInput: the first field that is missing."""
    needed: dict[str, object] = {"issuer": connection.issuer, "clientId": connection.client_id}
    if connection.kind == "saml":
        needed = {
            "idpEntityId": connection.idp_entity_id,
            "idpSsoUrl": connection.idp_sso_url,
            "idpCertificates": connection.idp_certificates,
        }
    for name, value in needed.items():
        if not value:
            raise InvalidInput("Something of the provider is missing.", field=name)


def clean_word(text: str, name: str) -> str:
    """A word of the provider's, trimmed. Raises InvalidInput: nothing is left, or it can't be shown. name: of the field."""
    cleaned = text.strip()
    if not cleaned or not cleaned.isprintable():
        raise InvalidInput("This can't be empty or hold control characters.", field=name)
    return cleaned


def facts_of(connection: SsoConnection) -> dict[str, Any]:
    """What the audit log may hold of a connection."""
    return {
        "kind": connection.kind,
        "name": connection.name,
        "issuer": connection.issuer,
        "clientId": connection.client_id,
        "idpEntityId": connection.idp_entity_id,
        "idpSsoUrl": connection.idp_sso_url,
        "idpCertificates": len(connection.idp_certificates),
        "idpMetadataUrl": connection.idp_metadata_url,
        "defaultRole": connection.default_role.value,
        "joinsMembers": connection.joins_members,
        "isEnabled": connection.is_enabled,
        "isEnforced": connection.is_enforced,
    }
