"""Pages of the watched application and of Flower, by the names that the settings give them.

aiohttp, because its deadline is for everything together: a server that drips one byte a second is given up in time.
Each question has a loop and a thread of its own. Nothing of this process goes along: no proxy, no `.netrc`, no cookies.
"""

import asyncio
import base64
import json
import socket
import ssl
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.adapters.bounded import Bounded, TooManyHanging
from bot.domain.errors import BadInput, OutsideUnreachable, UnknownName
from bot.ports import HttpAnswer

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession
    from yarl import URL

MOST_BYTES = 256_000
"""How long an answer may be."""

MOST_REDIRECTS = 3
"""How often a server may send on to another page of its own."""

_AT_ONCE = 64
"""How many questions may run; as many may hang in a name server before no further one is begun."""

_LAST_WORD = 0.1
"""Seconds that aiohttp's own end, which closes the connection, comes before ours."""


class ConfiguredPages:
    """Implements the port Http for pages by cluster and name; safe to use from several threads."""

    def __init__(self, pages: Mapping[str, Mapping[str, str]]) -> None:
        """Ask nothing yet. The addresses have been checked, and may hold user and password."""
        self._pages = pages
        self._bounded = Bounded(_AT_ONCE)

    def page(self, cluster: str, page: str, path: str = "", deadline: float = 3.0) -> HttpAnswer:
        """Return what a page answers; see the port."""
        known = self._pages.get(cluster, {})
        if page not in known:
            raise UnknownName("page", page, known)
        url = _read(known[page])
        if path:
            url = _read(str(url.with_query(None)).rstrip("/") + path)
        return self._asked(f"The page `{page}` of `{cluster}`", url.with_user(None), _credentials(url), deadline)

    def url(self, cluster: str, url: str, deadline: float = 3.0) -> HttpAnswer:
        """Return what any page of a known server answers, asked without credentials; see the port."""
        asked = _read(url)
        known = {_read(k).origin(): page for page, k in self._pages.get(cluster, {}).items()}
        if asked.user or asked.password:
            raise BadInput("An address here has no user or password; name a page of the settings instead.")
        if asked.origin() not in known:
            raise BadInput(
                f"`{asked.origin()}` is on no server that the settings of `{cluster}` name. Add a page of it to "
                f"`clusters.{cluster}.health`."
            )
        return self._asked(f"{asked.with_query(None)}", asked, {}, deadline)

    def _asked(self, what: str, url: "URL", credentials: Mapping[str, str], deadline: float) -> HttpAnswer:
        began = time.monotonic()
        try:
            inner = max(deadline - _LAST_WORD, 0.05)
            return self._bounded.run(lambda: asyncio.run(_get(url, credentials, inner)), deadline)
        except Exception as e:
            why = _why(e, deadline)
            if why is None:
                raise
            raise OutsideUnreachable(what, why, time.monotonic() - began) from None


class _TooLongError(Exception):
    """The answer is longer than a health page's."""


class _RoundError(Exception):
    """One redirect follows another."""


async def _get(url: "URL", credentials: Mapping[str, str], seconds: float) -> HttpAnswer:
    """Ask, and follow redirects within the same server."""
    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

    began = time.monotonic()
    connector = TCPConnector(resolver=_resolver(), force_close=True)
    # `identity`, and nothing unpacked: a few packed bytes may hold gigabytes.
    headers = {"Accept": "application/json, */*", "Accept-Encoding": "identity", "User-Agent": "celery-oncall"}
    async with (
        asyncio.timeout(seconds),
        ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None),
            auto_decompress=False,
            trust_env=False,
            headers=headers | dict(credentials),
        ) as session,
    ):
        return await _followed(session, url, began)


async def _followed(session: "ClientSession", url: "URL", began: float) -> HttpAnswer:
    for _ in range(MOST_REDIRECTS + 1):
        async with session.get(url, allow_redirects=False) as response:
            onward = _onward(url, response)
            if onward is None or onward.origin() != url.origin():
                text = (await _body(response)).decode(errors="replace")
                return HttpAnswer(
                    status=response.status,
                    took_seconds=time.monotonic() - began,
                    json=_json(text),
                    text=text,
                    elsewhere=onward is not None,
                )
            url = onward.with_user(None)
    raise _RoundError


def _onward(url: "URL", response: "ClientResponse") -> "URL | None":
    """Return where a redirect leads."""
    location = response.headers.get("Location")
    if response.status not in (301, 302, 303, 307, 308) or not location:
        return None
    from yarl import URL

    return url.join(URL(location))


async def _body(response: "ClientResponse") -> bytes:
    body = b""
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > MOST_BYTES:
            raise _TooLongError
    return body


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read(url: str) -> "URL":
    """Return an address as aiohttp itself reads it: two readers that disagree could be played off against each other.

    Raises BadInput.
    """
    from yarl import URL

    try:
        read = URL(url)
        if read.scheme in ("http", "https") and read.host:
            return read
    except ValueError:
        pass
    raise BadInput("A page's address begins with `http://` or `https://` and names a host.")


def _credentials(url: "URL") -> dict[str, str]:
    """Return user and password of an address as a header, which no other server gets to see."""
    if not url.user:
        return {}
    both = base64.b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    return {"Authorization": f"Basic {both}"}


def _resolver() -> Any:
    """Return a resolver that blocks its own loop: the usual one's thread would keep this process from ending."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Blocking(AbstractResolver):
        """Asks the system."""

        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_UNSPEC) -> list[ResolveResult]:
            """Return the addresses of a name."""
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            return [
                ResolveResult(hostname=host, host=str(at[0]), port=port, family=kind, proto=proto, flags=0)
                for kind, _, proto, _, at in found
            ]

        async def close(self) -> None:
            """Nothing is open."""

    return Blocking()


def _why(error: Exception, seconds: float) -> str | None:
    """Return in a clause what went wrong; None for what is a mistake of ours or has its own words."""
    import aiohttp

    match error:
        case TooManyHanging():
            return "earlier questions still hang"
        case TimeoutError():
            return f"it did not answer within {seconds:g} s"
        case _TooLongError():
            return f"its answer is longer than {MOST_BYTES // 1000} kB, so it is none of a health page"
        case _RoundError():
            return f"it sends from page to page, more than {MOST_REDIRECTS} times"
        case aiohttp.ClientConnectorDNSError():
            return "its name is not known here"
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "its certificate is not trusted here"
        case aiohttp.ClientSSLError():
            return "it speaks no TLS, or none that is known here"
        case aiohttp.ClientConnectorError():
            refused = isinstance(error.os_error, ConnectionRefusedError)
            return "nothing listens there" if refused else "nothing can be reached there"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | aiohttp.ClientPayloadError():
            return "it broke off"
        case aiohttp.ClientError() | ValueError():
            return "its answer is no HTTP"
        case _:
            return None
