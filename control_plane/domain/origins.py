"""What a letter may tell its reader about who caused it: roughly where from, with what, and called what.

The letter of a sign-up goes to whoever has the address, and a stranger may have caused it: no full address of theirs is
told, and no words of theirs that could be an address to follow.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

NAME_LENGTH = 40
"""Characters of a given name that are repeated in a letter."""
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
"""In this order: each later one stands in the names of earlier ones too."""
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def rough_origin(ip: str | None, user_agent: str | None) -> str:
    """Where a request came from, in a few words: `Firefox on Windows, at an internet address beginning with 203.0`.

    Args:
        ip: as the server heard it; half of an IPv4 address is told, two groups of an IPv6 one.
        user_agent: the header; only browsers and systems we know are told of it.
    """
    agent = user_agent or ""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "an unknown program")
    system = next((f" on {name}" for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser}{system}, at {_network(ip)}"


def _network(ip: str | None) -> str:
    try:
        address: IPv4Address | IPv6Address = ip_address(ip or "")
    except ValueError:
        return "an unknown internet address"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if isinstance(address, IPv6Address):
        beginning = ":".join(group.lstrip("0") or "0" for group in address.exploded.split(":")[:2])
    else:
        beginning = ".".join(str(address).split(".")[:2])
    return f"an internet address beginning with {beginning}"


def plain_name(name: str) -> str:
    """A given name without what could make it an address or a sentence: letters, digits, spaces, hyphens, apostrophes.

    Returns:
        At most NAME_LENGTH characters; may be empty.
    """
    kept = "".join(sign if sign.isalnum() or sign in " -'’" else " " for sign in name)  # noqa: RUF001 - names have it
    return " ".join(kept.split())[:NAME_LENGTH].strip()
