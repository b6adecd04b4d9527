"""Settings of servers that are neither broker nor Slack: Prometheus, health pages and Flower."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.domain.health import Expected, HealthSpec
from bot.located_yaml import ProblemsFound
from bot.settings import Need, Settings, load_settings

SECRET = "hunter2"
CLUSTER = "clusters:\n  prod:\n    broker_url: redis://h/0\n    queues: {booking: {}}\n"
ROLES = "roles: {oncall: {users: [U0123ANA]}}\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(more: str, env: Mapping[str, str] | None = None, needs: tuple[Need, ...] = (Need.CLUSTERS,)) -> Settings:
    """Load a sound cluster with `more` behind it."""
    Path("oncall.yml").write_text(CLUSTER + more + ROLES, encoding="utf-8")
    return load_settings(env or {}, needs)


def problems(more: str, env: Mapping[str, str] | None = None) -> list[str]:
    """Return what loading it complains about."""
    with pytest.raises(ProblemsFound) as caught:
        load(more, env)
    return str(caught.value).splitlines()


def test_pages_reach_the_domain_without_their_addresses() -> None:
    """Addresses may hold passwords: the domain, and whatever it is shown in, gets names and expectations."""
    settings = load(
        "    health:\n"
        "      jobs: {url_env: JOBS_URL, json: {status: healthy, queues.booking.waiting: '< 100', late: false}}\n"
        "      old: {url: 'http://api/old', status: 204}\n"
        "    flower: {url_env: FLOWER_URL}\n",
        {"JOBS_URL": f"http://me:{SECRET}@api/stats", "FLOWER_URL": f"http://me:{SECRET}@flower:5555"},
    )
    expected = (
        Expected(path="status", wanted="healthy"),
        Expected(path="queues.booking.waiting", sign="<", wanted=100),
        Expected(path="late", wanted=False),
    )
    spec = settings.spec("prod")
    assert spec.health == (HealthSpec(name="jobs", expected=expected), HealthSpec(name="old", status=204))
    assert spec.flower
    assert settings.pages["prod"] == {
        "health.jobs": f"http://me:{SECRET}@api/stats",
        "health.old": "http://api/old",
        "flower": f"http://me:{SECRET}@flower:5555",
    }
    assert SECRET not in repr(settings)


def test_prometheus_servers_have_names() -> None:
    """The first is the default; addresses with passwords come from the environment."""
    settings = load(
        "prometheus:\n"
        "  eu: {url_env: EU_URL, timeout: 10s, retries: 0, tls: {ca_file: /ca.pem}}\n"
        "  us: {url: 'http://prometheus:9090/base'}\n",
        {"EU_URL": f"https://me:{SECRET}@prometheus"},
    )
    assert list(settings.prometheus) == ["eu", "us"]
    eu, us = settings.prometheus.values()
    assert (eu.url, eu.timeout, eu.retries, eu.verify, eu.ca_file) == (
        f"https://me:{SECRET}@prometheus",
        10,
        0,
        True,
        "/ca.pem",
    )
    assert (us.url, us.timeout, us.retries) == ("http://prometheus:9090/base", 3, 1)
    assert SECRET not in repr(settings)


def test_prometheus_url_alone_is_a_server() -> None:
    """Nothing need stand in the file; where it names servers, they alone count."""
    env = {"PROMETHEUS_URL": "http://prometheus:9090"}
    assert {n: s.url for n, s in load("", env).prometheus.items()} == {"main": "http://prometheus:9090"}
    assert list(load("prometheus: {eu: {url: 'http://eu'}}\n", env).prometheus) == ["eu"]
    assert load("").prometheus == {}


def test_variables_are_wanted_only_by_those_who_ask() -> None:
    """`audit verify` runs without them; what is not set is left out there."""
    more = "    flower: {url_env: FLOWER_URL}\nprometheus: {main: {url_env: PROM_URL}}\n"
    assert load(more, needs=()).pages == {"prod": {}}
    assert problems(more, {"FLOWR_URL": "http://f"}) == [
        "oncall.yml:5:23: The environment variable `FLOWER_URL` is not set. `FLOWR_URL` is set: is one of the two "
        "misspelt?",
        "oncall.yml:6:30: The environment variable `PROM_URL` is not set.",
    ]


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("{url: 'http://a', json: {x: '< y'}}", "5:45: `clusters.prod.health.a.json`: `<` compares with a number"),
        ("{url: 'http://a', json: {x: {y: 1}}}", "5:45: `clusters.prod.health.a.json`: write the path to one plain"),
        ("{url: 'http://a', json: {x..y: 1}}", "5:48: `clusters.prod.health.a.json`: a path is keys joined by dots"),
        ("{url: 'http://a', status: 20}", "5:43: `clusters.prod.health.a.status` must be at least 100, and is 20."),
        ("{}", "5:14: The key `url_env` (the environment variable with its address) is missing in"),
        ("{url: 'http://a', url_env: A}", "5:18: `clusters.prod.health.a` has both `url` and `url_env`; keep one."),
        ("'http://a'", "5:17: `clusters.prod.health.a`: write `{url: …}`, or `{url_env: …}` where the address"),
    ],
)
def test_what_is_wrong_of_a_page_is_told_in_its_place(page: str, complaint: str) -> None:
    """One complaint for one fault."""
    (told,) = problems(f"    health: {{a: {page}}}\n")
    assert told.startswith(f"oncall.yml:{complaint}")


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("    health: {a b: {url: 'http://a'}}\n", "5:14: `clusters.prod.health.a b`: a name here has letters, digits"),
        ("    flower: {url: 'redis://a/0'}\n", "5:19: `clusters.prod.flower.url` begins with `redis://`, which"),
        ("prometheus: {a: {url: 'http://a', retries: 9}}\n", "5:44: `prometheus.a.retries` must be at most 5"),
        ("prometheus: {a: {url: 'http://a', timeout: 1m}}\n", "5:44: `prometheus.a.timeout` must be at most 30"),
        ("prometheus: {a: {ur: 'http://a'}}\n", "5:18: There is no key `ur` in `prometheus.a`. Did you mean `url`?"),
    ],
)
def test_what_else_is_wrong_is_told_in_its_place(more: str, complaint: str) -> None:
    """One complaint for one fault."""
    (told,) = problems(more)
    assert told.startswith(f"oncall.yml:{complaint}")


@pytest.mark.parametrize(
    "more",
    [
        f"    health: {{a: {{url: 'http://me:{SECRET}@a'}}}}\n",
        f"    health: {{a: {{url_env: 'http://me:{SECRET}@a'}}}}\n",
        f"    health: {{a: {{url: 'ftp://{SECRET}'}}}}\n",
        f"    flower: 'http://me:{SECRET}@a'\n",
        f"    flower: {{url: 'http://{SECRET}:port'}}\n",
        f"prometheus: {{a: {{url: 'http://me:{SECRET}@a'}}}}\n",
        f"prometheus: 'http://me:{SECRET}@a'\n",
    ],
)
def test_no_secret_of_an_address_shows_in_a_complaint(more: str) -> None:
    """A complaint about a secret in the wrong place must not spread it further."""
    assert SECRET not in "\n".join(problems(more))
