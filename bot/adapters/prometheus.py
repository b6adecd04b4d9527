"""Prometheus servers by the names that the settings give them: instant queries, each with an end.

`prometheus-api-client` is imported when the first question is asked: it brings requests, and every process imports the
adapters. Addresses may hold passwords, so no error repeats one.
"""

import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from bot.adapters.bounded import Bounded, TooManyHanging
from bot.domain.errors import BadInput, OutsideUnreachable, UnknownName
from bot.ports import QueryAnswer, Series

if TYPE_CHECKING:
    from prometheus_api_client import PrometheusConnect
    from requests import Response

MOST_BYTES = 2_000_000
"""How long an answer may be: some 10,000 series, more than anybody reads."""

MOST_CHARACTERS = 4_000
"""How long a query may be: it travels in the address, and servers refuse longer ones."""

AT_ONCE = 32
"""How many queries of one server may run; as many may hang before it is not asked again."""

_LAST_WORD = 0.2
"""Seconds that the client's own end, which knows what happened, comes before ours."""


_STRANGE = "what it answers is not Prometheus; is the path right?"


@dataclass(frozen=True)
class PrometheusServer:
    """How one server is asked: `timeout` is for one query, in seconds, `retries` for connections that fail."""

    url: str = field(repr=False)
    timeout: float = 3.0
    retries: int = 1
    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


class PrometheusServers:
    """Implements the port Metrics; safe to use from several threads."""

    def __init__(self, servers: Mapping[str, PrometheusServer], at_once: int = AT_ONCE) -> None:
        """Connect to nothing yet; the first is the default, and `at_once` queries of one may run."""
        self._asked = {name: _Asked(name, server, at_once) for name, server in servers.items()}

    def servers(self) -> tuple[str, ...]:
        """Return the names, the default first."""
        return tuple(self._asked)

    def query(self, promql: str, server: str | None = None, deadline: float = 3.0) -> QueryAnswer:
        """Return the answer of an instant query; see the port."""
        name = server or next(iter(self._asked))
        if name not in self._asked:
            raise UnknownName("Prometheus server", name, self._asked)
        if not promql.strip() or len(promql) > MOST_CHARACTERS:
            raise BadInput(f"A query has 1 to {MOST_CHARACTERS:,} characters, and this one {len(promql):,}.")
        return self._asked[name].query(promql, deadline)


def trouble(server: PrometheusServer) -> str | None:
    """Return in a clause why a server cannot be asked, or None."""
    try:
        _Asked("", server).query("vector(1)", server.timeout)
    except OutsideUnreachable as e:
        return e.why
    except BadInput:
        return "what answers there does not understand queries; is the path right?"
    return None


class _RefusedError(Exception):
    """The server answered with another status than 200."""

    def __init__(self, status: int, words: str | None) -> None:
        self.status, self.words = status, words


class _TooLongError(Exception):
    """The answer is longer than anybody reads."""


class _Asked:
    """One server and the connection to it, made at the first question."""

    def __init__(self, name: str, server: PrometheusServer, at_once: int = 1) -> None:
        self._name, self._server = name, server
        self._bounded = Bounded(at_once)
        self._making = threading.Lock()
        self._made: PrometheusConnect | None = None
        self._heard = threading.local()

    def query(self, promql: str, deadline: float) -> QueryAnswer:
        """Ask, for `deadline` or the server's own timeout at most."""
        seconds = min(deadline, self._server.timeout)
        began = time.monotonic()
        try:
            return self._bounded.run(lambda: self._answer(promql, max(seconds - _LAST_WORD, 0.05)), seconds)
        except (TooManyHanging, TimeoutError) as e:
            hanging = isinstance(e, TooManyHanging)
            why = "earlier questions to it still hang" if hanging else _silence(seconds)
            raise self._unreachable(why, began) from None
        except _RefusedError as e:
            # 400: not understood, 422: cannot be computed; see "Format overview" of Prometheus' HTTP API.
            if e.status in (400, 422) and e.words:
                raise BadInput(f"Prometheus `{self._name}` refuses the query: {e.words}.") from None
            raise self._unreachable(_refusal(e), began) from None
        except _TooLongError:
            raise BadInput(
                f"The query gives more than {MOST_BYTES // 1_000_000} MB; ask for less, as with `topk(10, …)` or `sum`."
            ) from None
        except Exception as e:
            if words := _why(e, seconds):
                raise self._unreachable(words, began) from None
            raise

    def _answer(self, promql: str, seconds: float) -> QueryAnswer:
        # Every attempt to connect has its share; reading has what is left of all, which `_whole` holds it to.
        share = seconds / (self._server.retries + 1)
        limits: Any = (share, seconds)
        result = self._connect().custom_query(promql, params={"timeout": f"{seconds * 1000:.0f}ms"}, timeout=limits)
        body = json.loads(self._heard.body)
        return QueryAnswer(_series(body["data"]["resultType"], result), tuple(map(str, body.get("warnings") or ())))

    def _connect(self) -> "PrometheusConnect":
        with self._making:
            if self._made is None:
                self._made = _connection(self._server, self._whole)
            return self._made

    def _whole(self, response: "Response", **sent: Any) -> None:
        """Read an answer to its end, within its time and length; called by requests before anybody reads it."""
        import requests

        until = time.monotonic() + sent["timeout"][1] - response.elapsed.total_seconds()
        body = b""
        # Not `response.content`: it waits for whole chunks, which a server that drips may never fill.
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if len(body) > MOST_BYTES:
                response.close()
                raise _TooLongError
            if time.monotonic() > until:
                response.close()
                raise requests.ReadTimeout
        response._content = body  # where requests itself keeps what it read
        self._heard.body = body
        if response.status_code != 200:
            raise _RefusedError(response.status_code, _words(body))

    def _unreachable(self, why: str, began: float) -> OutsideUnreachable:
        return OutsideUnreachable(f"Prometheus `{self._name}`", why, time.monotonic() - began)


def _connection(server: PrometheusServer, whole: Any) -> "PrometheusConnect":
    """Return the client of a server; user and password leave its address, lest an error repeat them."""
    import requests
    from prometheus_api_client import PrometheusConnect
    from urllib3 import Retry

    parts = urlsplit(server.url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    auth = (unquote(parts.username or ""), unquote(parts.password or "")) if parts.username else None
    session = requests.Session()
    session.verify = server.ca_file or server.verify if server.verify else False
    if server.cert_file:
        session.cert = (server.cert_file, server.key_file) if server.key_file else server.cert_file
    session.hooks["response"].append(whole)
    # Connections alone are tried again: a server that is slow or refuses is not helped by being asked twice.
    retry = Retry(server.retries, connect=server.retries, read=False, status=0, other=0, backoff_factor=0.05)
    return PrometheusConnect(bare, session=session, retry=retry, auth=auth, timeout=server.timeout)


def _series(kind: str, result: Any) -> tuple[Series, ...]:
    """Return the series of an answer. Raises BadInput for one that has no single numbers."""
    match kind:
        case "vector":
            if any("value" not in item for item in result):
                raise BadInput("The query gives histograms, no numbers; ask for one, as with `histogram_quantile()`.")
            return tuple(Series(dict(item["metric"]), float(item["value"][1])) for item in result)
        case "scalar":
            return (Series({}, float(result[1])),)
        case "matrix":
            raise BadInput(
                "The query gives ranges, no numbers; wrap it, as in `rate(…[5m])` or `max_over_time(…[5m])`."
            )
        case _:
            raise BadInput("The query gives text, no numbers.")


def _words(body: bytes) -> str | None:
    """Return what Prometheus says of its refusal, in one line, or None for the answer of something else."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    words = " ".join(str(error).split()).rstrip(".")
    return words if len(words) <= 200 else f"{words[:200]}…"


def _refusal(refused: _RefusedError) -> str:
    if refused.status in (401, 403):
        return f"it refuses us ({refused.status}); are user and password right?"
    if refused.words:
        return f"it answered {refused.status}: {refused.words}"
    return f"it answered {refused.status}, and not as Prometheus does; is the path right?"


def _why(error: Exception, seconds: float) -> str | None:
    """Return in a clause what went wrong; None for what is a mistake of ours."""
    import requests
    import urllib3

    kinds: Sequence[tuple[type[Exception] | tuple[type[Exception], ...], str]] = (
        (requests.exceptions.SSLError, "its certificate is not trusted here, or it speaks no TLS"),
        ((requests.Timeout, urllib3.exceptions.ReadTimeoutError), _silence(seconds)),
        (requests.exceptions.ProxyError, "the proxy of this process (HTTPS_PROXY) cannot be used"),
        (requests.exceptions.ConnectionError, "nothing can be reached there"),
        (requests.JSONDecodeError, _STRANGE),
        ((requests.RequestException, urllib3.exceptions.HTTPError), "its answer cannot be read"),
        (
            (ValueError, LookupError, TypeError, RecursionError),
            "what it answers is not Prometheus; is the path right?",
        ),
    )
    return next((words for kind, words in kinds if isinstance(error, kind)), None)


def _silence(seconds: float) -> str:
    return f"it did not answer within {seconds:g} s"
