"""The codes the web app must have a sentence for are all that the server raises."""

from __future__ import annotations

from control_plane.domain import errors
from scripts.typescript.errors import api_codes, auth_codes, errors_source


def test_every_domain_error_has_its_code_in_the_list() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.DomainError)]

    assert {kind.code for kind in kinds} <= set(api_codes())
    assert {"internal", "too_large", "refused"} <= set(api_codes())


def test_reasons_of_sign_in_are_read_from_where_they_are_raised() -> None:
    assert {"sso_enforced", "invalid_credentials", "weak_password", "sso_required"} <= set(auth_codes())
    assert "length" not in auth_codes()


def test_the_list_is_a_union_of_words() -> None:
    assert "\nexport type ApiCode =\n  | 'alert_already_filled'\n" in errors_source()
    assert "\n  | 'weak_password';\n" in errors_source()
