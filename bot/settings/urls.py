"""Addresses of services: whether they can be used, and how they are shown. A URL is never repeated: secrets."""

import re
from collections.abc import Collection
from urllib.parse import parse_qs, urlsplit

REDIS = ("redis", "rediss")
WEB = ("http", "https")


def trouble(url: str, schemes: Collection[str]) -> str | None:
    """Return what is wrong with a URL, as the end of a sentence, or None."""
    wanted = " or ".join(f"`{s}://`" for s in schemes)
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        port_is_sound = False
    if not re.match(r"[a-z][a-z0-9+.-]*://", url):
        return f"is no address; it must begin with {wanted}"
    if not port_is_sound:
        return "cannot be read; special characters of a password are written as %XX"
    if parts.scheme not in schemes:
        return f"begins with `{parts.scheme}://`, which is not supported here; it must begin with {wanted}"
    if not parts.hostname:
        return "names no host"
    if parts.scheme in REDIS and not re.fullmatch(r"/?|/[0-9]{1,4}", parts.path):
        return "must end in the number of a Redis database, like `/0`"
    return None


def has_password(url: str) -> bool:
    """Return whether a password stands in a URL: before the host, or among its options."""
    if "://" not in url:
        return False
    before_host, at, _ = url.partition("://")[2].rpartition("@")
    return bool(at and ":" in before_host) or "password" in parse_qs(url.partition("?")[2])


def shown(url: str) -> str:
    """Return a URL without user, password and options, fit to be shown to people."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
