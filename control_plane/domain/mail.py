"""Mail: what we write to people, as plain text and as simple HTML. Pure: facts in, a letter out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from html import escape

import msgspec

MAIL_KIND = "mail"
"""The outbox's kind of a letter to be sent."""
MAILS, MAILS_PER_S = 5, 1 / 60
"""Mails to one address, whoever asks for them: at once, and regained a second."""
_PARAGRAPH = '<p style="margin:0 0 16px;line-height:1.5">{}</p>'
_BUTTON = (
    '<p style="margin:0 0 16px"><a href="{}" style="display:inline-block;padding:10px 18px;background:#1f6feb;'
    'color:#ffffff;text-decoration:none;border-radius:6px">{}</a></p>'
)
_LINK = '<p style="margin:0 0 16px;line-height:1.5"><a href="{}">{}</a></p>'
_CODE = '<p style="margin:0 0 16px;font-size:24px;letter-spacing:4px;font-family:monospace">{}</p>'
_PAGE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    '<body style="font-family:sans-serif;color:#1c2128;max-width:520px;margin:0 auto;padding:24px">{body}</body></html>'
)


def short_of(email: str) -> str:
    """An address as part of a key: no personal data in Redis."""
    return hashlib.sha256(email.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()[:32]


def mail_bucket(email: str) -> str:
    """The name of an address's bucket of MAILS."""
    return f"mail:{short_of(email)}"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A letter. to: one address; text and html say the same."""

    to: str
    subject: str
    text: str
    html: str


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of letter. In its words `{name}` stands for a fact. button: the link's words, when it has one.

    refusal: the words of a second link, at the end, for who did not ask for the letter.
    """

    subject: str
    lines: tuple[str, ...]
    button: str = ""
    has_code: bool = False
    closing: str = "If this was not you, you can ignore this mail."
    refusal: str = ""


TEMPLATES: dict[str, Template] = {
    "signup": Template(
        subject="Confirm your e-mail address",
        lines=(
            "Somebody, probably you, signed up with this address on {when}, by the name “{name}”.",
            "This mail was asked for from {origin}.",
            "Follow the link to finish signing up. It is good for an hour.",
        ),
        button="Confirm e-mail address",
        has_code=True,
        closing="If this was not you, do not confirm: whoever signed up chose the password. Void it instead.",
        refusal="It was not me",
    ),
    "already_registered": Template(
        subject="You already have an account",
        lines=(
            "Somebody, probably you, signed up with this address, which has an account already.",
            "Sign in, or choose a new password if you forgot the old one.",
        ),
        button="Sign in",
    ),
    "magiclink": Template(
        subject="Your sign-in link",
        lines=("Follow the link to sign in. It works once, for an hour.",),
        button="Sign in",
        has_code=True,
    ),
    "recovery": Template(
        subject="Choose a new password",
        lines=("Follow the link to choose a new password. It works once, for an hour.",),
        button="Choose a new password",
        has_code=True,
    ),
    "invite": Template(
        subject="You are invited",
        lines=("An account was made for you. Follow the link to accept it and to choose a password.",),
        button="Accept the invitation",
        has_code=True,
    ),
    "email_change_current": Template(
        subject="Confirm the change of your e-mail address",
        lines=("Your account's address is to become {new_email}. Confirm here that you want it.",),
        button="Confirm the change",
        has_code=True,
        closing="If this was not you, change your password now: somebody is signed in as you.",
    ),
    "email_change_new": Template(
        subject="Confirm your new e-mail address",
        lines=("This address is to become that of an account which is {email} now. Confirm that it is yours.",),
        button="Confirm the new address",
        has_code=True,
    ),
    "reauthentication": Template(
        subject="Your confirmation code",
        lines=("Type this code to go on.",),
        has_code=True,
        closing="If this was not you, change your password now: somebody is signed in as you.",
    ),
    "password_changed": Template(
        subject="Your password was changed",
        lines=("The password of your account was changed. All other browsers were signed out.",),
        closing="If this was not you, recover your account at once.",
    ),
    "factor_added": Template(
        subject="Two-step sign-in is on",
        lines=("A second factor was added to your account.",),
        closing="If this was not you, change your password now: somebody is signed in as you.",
    ),
    "factor_removed": Template(
        subject="A second factor was removed",
        lines=("A second factor was removed from your account.",),
        closing="If this was not you, change your password now: somebody is signed in as you.",
    ),
    "sso_linked": Template(
        subject="{organization} can sign you in now",
        lines=(
            "Your account was linked to {provider}, the identity provider of {organization}.",
            "From now on, whoever signs in there as you is signed in here, too.",
            "It happened on {when}, from {origin}.",
            "Your security page lists your ways to sign in; this one can be unlinked there.",
        ),
        button="See your ways to sign in",
        closing="If this was not you, unlink it there, sign out everywhere else, and tell whoever runs {organization}.",
    ),
    "sso_unlinked": Template(
        subject="{organization} does not sign you in any more",
        lines=(
            "Your account was unlinked from {provider}, the identity provider of {organization}.",
            "Sign-ins that came by it have ended. Your account stays: use your password, or choose one by a mailed link.",
            "Whoever signs in at the provider again is linked again.",
        ),
        button="See your ways to sign in",
        closing="If this surprises you, ask whoever runs {organization}.",
    ),
}
"""Letters by name."""


def render(to: str, template: Template, facts: Mapping[str, str]) -> Mail:
    """Write a letter.

    Args:
        to: one address.
        template: its kind.
        facts: `link` and `refusal` (addresses of ours) and `code` (digits) where the template has them, and whatever its
            words name; other people's words among them are shown as text, never as markup.
    """
    lines = [_fill(line, facts) for line in template.lines]
    text, html = list(lines), [_PARAGRAPH.format(escape(line)) for line in lines]
    if template.button and facts.get("link"):
        text.append(f"{template.button}: {facts['link']}")
        html.append(_BUTTON.format(escape(facts["link"]), escape(template.button)))
    if template.has_code and facts.get("code"):
        text.append(f"Or type this code: {facts['code']}" if template.button else facts["code"])
        html.append(_CODE.format(escape(facts["code"])))
    if template.closing:
        text.append(_fill(template.closing, facts))
        html.append(_PARAGRAPH.format(escape(_fill(template.closing, facts))))
    if template.refusal and facts.get("refusal"):
        text.append(f"{template.refusal}: {facts['refusal']}")
        html.append(_LINK.format(escape(facts["refusal"]), escape(template.refusal)))
    subject = _one_line(_fill(template.subject, facts))
    page = _PAGE.format(title=escape(subject), body="".join(html))
    return Mail(to=to, subject=subject, text="\n\n".join(text) + "\n", html=page)


def _fill(words: str, facts: Mapping[str, str]) -> str:
    """Put facts into words. A fact is never read for further names."""
    return re.sub(r"\{(\w+)\}", lambda match: _one_line(facts.get(match.group(1), "")), words)


def _one_line(text: str) -> str:
    """Without line breaks: a subject with one would begin another header."""
    return " ".join(text.split())
