"""What points at something else: roles, clusters, queues and environment variables; and secrets in the file.

All of it works on the raw document, so that a wrong type elsewhere hides none of it.
"""

import difflib
import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.domain.errors import UnknownName
from bot.domain.health import expectation
from bot.located_yaml import Document, Path, Problem, dotted
from bot.settings import environment, urls

_TOKEN = re.compile(r"\bx(?:ox[a-z]|app)-[A-Za-z0-9-]+")
_ENV_OF = {
    "bot_token": "SLACK_BOT_TOKEN",
    "app_token": "SLACK_APP_TOKEN",
    "ops_broker_url": "ONCALL_BROKER_URL",
    **{name.lower(): name for name in environment.NAMES},
    **{name.lower().removeprefix("slack_"): name for name in environment.NAMES if name.startswith("SLACK_")},
}


def secret_problems(document: Document) -> list[Problem]:
    """Return tokens, passwords and keys of the environment that stand in the file. Their values are not repeated."""
    return [p for path, value in _leaves(document.value, ()) if (p := _secret(document, path, value))]


def _secret(document: Document, path: Path, value: Any) -> Problem | None:
    key = str(path[-1]).lower() if path else ""
    if key in _ENV_OF:
        words = f"`{dotted(path)}` does not belong in this file: set {_ENV_OF[key]} in the environment."
        return document.problem(path, words, at_key=True)
    if isinstance(value, str) and _TOKEN.search(value):
        words = (
            f"`{dotted(path)}` holds a Slack token. Tokens belong in the environment: SLACK_BOT_TOKEN, SLACK_APP_TOKEN."
        )
        return document.problem(path, words, at_key=True)
    if isinstance(value, str) and not key.endswith("_env") and urls.has_password(value):
        instead = f" and name it with `{key}_env`" if key in ("broker_url", "result_backend", "url") else ""
        words = f"`{dotted(path)}` holds a password. Put the address into an environment variable{instead}."
        return document.problem(path, words, at_key=True)
    return None


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, key))
    else:
        yield path, value


def reference_problems(document: Document, env: Mapping[str, str], *, brokers: bool) -> list[Problem]:
    """Return names that point at nothing; with `brokers`, variables of brokers that are not set, too."""
    if not isinstance(document.value, dict):
        return []
    found = [*_channels(document), *_roles(document)]
    for name in _map(document.value, "clusters"):
        found += _queues(document, name)
        found += _addresses(document, ("clusters", name), env, brokers=brokers)
    for at in _outside(document.value):
        found += _address(document, at, "url", env, what="its address", brokers=brokers)
        found += _expectations(document, at)
    return found


def _outside(value: Any) -> Iterator[Path]:
    """Return where the file describes Prometheus servers, health pages and Flower."""
    found: dict[Path, Any] = {("prometheus", name): inner for name, inner in _map(value, "prometheus").items()}
    for cluster, shape in _map(value, "clusters").items():
        found |= {("clusters", cluster, "health", name): inner for name, inner in _map(shape, "health").items()}
        found |= {("clusters", cluster, "flower"): shape.get("flower")} if isinstance(shape, dict) else {}
    yield from (at for at, inner in found.items() if isinstance(inner, dict))


def _channels(document: Document) -> Iterator[Problem]:
    clusters = _map(document.value, "clusters")
    for channel, cluster in _map(document.value, "channels").items():
        if isinstance(cluster, str) and cluster not in clusters:
            yield document.problem(("channels", channel), str(UnknownName("cluster", cluster, clusters)))


def _roles(document: Document) -> Iterator[Problem]:
    roles, policy = _map(document.value, "roles"), _map(document.value, "policy")
    named: list[tuple[Path, Any]] = [(("policy", "acting"), policy["acting"])] if "acting" in policy else []
    if "acting" not in policy and "oncall" not in roles:
        words = "The role `oncall` is missing under `roles`: with `group: S…` or `users: [U…]` it says who may act."
        yield document.problem(("roles",), words, at_key=True)
    for risk, alternatives in _map(policy, "consent").items():
        for i, way in enumerate(alternatives if isinstance(alternatives, list) else ()):
            named.append((("policy", "consent", risk, i, "from"), _map({"way": way}, "way").get("from")))
    for path, role in named:
        if isinstance(role, str) and role not in roles:
            yield document.problem(path, f"{UnknownName('role', role, roles)} Roles are declared under `roles`.")


def _queues(document: Document, cluster: str) -> Iterator[Problem]:
    shape = _map(_map(document.value, "clusters"), cluster)
    queues = _map(shape, "queues")
    for part in ("worker_groups", "targets"):
        for name, inner in _map(shape, part).items():
            named = _map({"inner": inner}, "inner").get("queues")
            for i, queue in enumerate(named if isinstance(named, list) else ()):
                # A target's queue may be a pattern, which must mean at least one.
                alike = fnmatch.filter if part == "targets" else _same
                if isinstance(queue, str) and not alike(queues, queue):
                    path = ("clusters", cluster, part, name, "queues", i)
                    yield document.problem(path, f"{UnknownName('queue', queue, queues)} Declare it under `queues`.")


def _same(names: Iterable[str], name: str) -> list[str]:
    return [n for n in names if n == name]


def _addresses(document: Document, at: Path, env: Mapping[str, str], *, brokers: bool) -> Iterator[Problem]:
    """Return what is wrong with where one cluster's broker and results are."""
    yield from _address(document, at, "broker_url", env, what="the broker's address", brokers=brokers)
    yield from _address(document, at, "result_backend", env, what=None, brokers=brokers)


def _address(
    document: Document, at: Path, key: str, env: Mapping[str, str], *, what: str | None, brokers: bool
) -> Iterator[Problem]:
    """Return what is wrong with an address that stands in the map `at`, or in a variable; `what` it is, if required."""
    shape = _inner(document.value, at)
    plain, named = shape.get(key), shape.get(f"{key}_env")
    if plain is None and named is None:
        told = [near for known in (key, f"{key}_env") for near in difflib.get_close_matches(known, shape, 1, 0.8)]
        if what and not told:  # as misspelt
            words = f"The key `{key}_env` (the environment variable with {what}) is missing in `{dotted(at)}`."
            yield document.problem(at, words, at_key=True)
    elif plain is not None and named is not None:
        words = f"`{dotted(at)}` has both `{key}` and `{key}_env`; keep one."
        yield document.problem((*at, key), words, at_key=True)
    elif isinstance(plain, str) and (trouble := _trouble(plain, key)):
        yield document.problem((*at, key), f"`{dotted((*at, key))}` {trouble}.")
    elif isinstance(named, str) and brokers and (unset := _unset(env, named, key)):
        yield document.problem((*at, f"{key}_env"), unset)


def _expectations(document: Document, at: Path) -> Iterator[Problem]:
    """Return what a health page is expected to answer and cannot be compared."""
    for path, wanted in _map(_inner(document.value, at), "json").items():
        try:
            expectation(path, wanted)
        except ValueError as e:
            yield document.problem((*at, "json", path), f"`{dotted((*at, 'json'))}`: {e}.")


def _unset(env: Mapping[str, str], name: str, key: str) -> str | None:
    if not re.fullmatch(r"\w+", name) or name.startswith("CELERY_"):  # refused by the shape, which does not repeat it
        return None
    if not environment.read(env, name):
        return f"The environment variable `{name}` is not set.{environment.similar(env, name)}"
    if key == "url" and name == "PROMETHEUS_URL":  # told of by itself
        return None
    words = _trouble(environment.read(env, name), key)
    return f"The environment variable `{name}` {words}." if words else None


def _trouble(url: str, key: str) -> str | None:
    """Return what is wrong with an address. A result backend may be anything that Celery knows."""
    schemes = {"broker_url": urls.REDIS, "url": urls.WEB}
    return urls.trouble(url, schemes[key]) if key in schemes else None


def _inner(value: Any, at: Path) -> Mapping[str, Any]:
    """Return the map at a path of keys."""
    for key in at:
        value = _map(value, str(key))
    return value if isinstance(value, dict) else {}


def _map(value: Any, key: str) -> Mapping[str, Any]:
    inner = value.get(key) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}
