"""The words refusals are told by, so that the web app does not compile while it has no sentence for one of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from control_plane.domain import errors
from control_plane.rest import auth_wire, problems
from scripts.typescript.schema import HEADER, comment

CONTROL_PLANE = Path(errors.__file__).resolve().parent.parent
SIGN_IN: tuple[str, ...] = ("services/account*.py", "services/confirmations.py", "services/sessions.py")
SIGN_IN += ("services/factors.py", "rest/auth_*.py", "rest/accounts.py", "domain/accounts.py")
SIGN_IN += tuple(f"services/sso_{name}.py" for name in ("addresses", "identities", "joining", "landing", "opening"))
SIGN_IN += ("services/sso_returning.py", "services/sso_sign_in.py")
"""Modules whose refusals leave by `/auth/v1`: their `reason` is GoTrue's word."""
PLAIN: tuple[str, ...] = ("bad_jwt", "forbidden", "not_found", "over_request_rate_limit", "request_too_large")
PLAIN += ("unexpected_failure", "validation_failed", "weak_password")
"""What `auth_wire` says without a reason."""
BY_CODE = (errors.SsoFailed, errors.SsoProviderNotFound, errors.SsoDomainUnverified, errors.SsoRequired)
"""Refusals told by their code there; their reason is for whoever set a connection up."""


def api_codes() -> list[str]:
    """Every `code` a problem of `/api/v1` can carry, sorted: the domain's, and the framework's own refusals."""
    framework = {code for _, _, code in problems._HTTP_CODES.values()} | {"refused"}  # noqa: SLF001  # the table itself
    return sorted({kind.code for kind in _kinds(errors.DomainError)} | framework)


def auth_codes() -> list[str]:
    """Every `error_code` of `/auth/v1`, sorted: read from the places that raise them."""
    by_code = {kind.__name__ for kind in BY_CODE}
    names = {kind.__name__ for kind in _kinds(errors.DomainError)} - by_code
    files = {file for pattern in SIGN_IN for file in CONTROL_PLANE.glob(pattern)}
    raised = {reason for file in files for reason in _reasons(file.read_text(encoding="utf-8"), names)}
    told = {kind.code for kind in BY_CODE}
    return sorted((raised - {"length"}) | set(auth_wire._STATUS) | set(PLAIN) | told)  # noqa: SLF001  # the table itself


def _kinds(base: type[errors.DomainError]) -> Iterable[type[errors.DomainError]]:
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def _reasons(source: str, names: set[str]) -> Iterable[str]:
    """Literal `reason=` of the errors that are made in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            for keyword in node.keywords:
                if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)


def errors_source() -> str:
    """`webapp/src/api/generated/errors.ts`."""
    return (
        HEADER.format(source="control_plane/domain/errors.py and where sign-in refuses")
        + f"\n{comment('The `code` of a problem of the API.')}{_union('ApiCode', api_codes())}"
        + f"\n{comment('The `error_code` of a refusal of sign-in.')}{_union('AuthCode', auth_codes())}"
    )


def _union(name: str, words: list[str]) -> str:
    return f"export type {name} =" + "".join(f"\n  | '{word}'" for word in words) + ";\n"
