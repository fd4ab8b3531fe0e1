"""A person at an identity provider without a browser: their forms are read and sent as a browser would."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
from typing_extensions import override

MOST_PAGES = 12


@dataclass
class Form:
    """A form of a page. action: absolute address; fields: what is sent, by name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SamlPost:
    """What the identity provider has a browser post to us. response: base64."""

    acs_url: str
    response: str
    relay_state: str

    @property
    def body(self) -> dict[str, str]:
        """The form of the post."""
        return {"SAMLResponse": self.response, "RelayState": self.relay_state}


class _Forms(HTMLParser):
    """Collects the forms of a page with the values their inputs have."""

    def __init__(self, base: httpx.URL) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._base = base

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = str(self._base.join(values.get("action", "")))
            self.forms.append(Form(action=action, method=values.get("method", "get").lower()))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1].fields[values["name"]] = values.get("value", "")


def read_forms(answer: httpx.Response) -> list[Form]:
    """The forms of a page, in its order."""
    reader = _Forms(answer.url)
    reader.feed(answer.text)
    return reader.forms


async def sign_in_at_oidc(url: str, login: str, *, agree: bool = True) -> httpx.URL:
    """Sign in at oidc-provider, consent, and tell where it leads the browser back to.

    Args:
        url: the authorization request.
        login: who; any password is right.
        agree: False goes back by the page's "abort" instead of signing in.

    Returns:
        The first address outside the provider: the redirect URI with `code` and `state`, or with `error`.
    """
    home = httpx.URL(url)
    async with httpx.AsyncClient(timeout=30) as browser:
        answer = await browser.get(url)
        for _ in range(MOST_PAGES):
            if answer.is_redirect:
                target = answer.url.join(answer.headers["location"])
                if (target.host, target.port) != (home.host, home.port):
                    return target
                answer = await browser.get(target)
                continue
            forms = read_forms(answer)
            assert answer.status_code == 200, f"{answer.status_code} {answer.text[:2000]}"
            assert forms, answer.text[:2000]
            form = forms[0]
            if not agree:
                answer = await browser.get(f"{str(answer.url).rstrip('/')}/abort")
                continue
            if "login" in form.fields:
                form.fields |= {"login": login, "password": "any"}
            answer = await browser.post(form.action, data=form.fields)
    raise AssertionError(f"{MOST_PAGES} pages and no way back; the last one: {answer.url}")


async def sign_in_at_saml(url: str, **person: str) -> SamlPost:
    """Sign in at saml-idp and tell what it has the browser post.

    Args:
        url: the authentication request.
        person: fields of its sign-in page: userName (NameID), nameIdFormat, email, displayName, firstName, lastName.
    """
    async with httpx.AsyncClient(timeout=30) as browser:
        answer = await browser.get(url)
        form = next((form for form in read_forms(answer) if form.action.endswith("/signin")), None)
        assert form is not None, answer.text[:2000]
        # The page's script would take the format from a list.
        form.fields |= {"nameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", **person}
        answer = await browser.post(form.action, data=form.fields)
    posted = next((form for form in read_forms(answer) if "SAMLResponse" in form.fields), None)
    assert posted is not None, answer.text[:2000]
    return SamlPost(posted.action, posted.fields["SAMLResponse"], posted.fields["RelayState"])
