"""Settings: what a good file gives, and that all that is wrong with a bad one is told at once, in its place."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from bot.domain.action import Risk
from bot.domain.approval import Alternative
from bot.domain.cluster import Mode, QueueSpec, WorkerGroup
from bot.domain.errors import UnknownName
from bot.domain.targets import Measure
from bot.domain.window import Span
from bot.located_yaml import ProblemsFound
from bot.settings import Need, Settings, load_settings

SECRET = "hunter2"
ENV = {
    "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
    "SLACK_APP_TOKEN": f"xapp-{SECRET}",
    "SLACK_SIGNING_SECRET": SECRET,
    "PROD_BROKER_URL": f"redis://:{SECRET}@broker.example:6379/0",
    "PROD_RESULTS": f"redis://:{SECRET}@broker.example:6379/1",
    "DATABASE_URL": f"postgresql://oncall:{SECRET}@db.example/oncall",
    "ONCALL_BROKER_URL": f"redis://:{SECRET}@ops.example:6379/0",
    "PROMETHEUS_URL": f"https://me:{SECRET}@prometheus.example",
}
ROLES = "roles: {oncall: {users: [U0123ANA]}}\n"
MINIMAL = "clusters: {prod: {broker_url: 'redis://localhost/0', queues: {booking: {}}}}\n" + ROLES


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(text: str, env: Mapping[str, str] = ENV, needs: tuple[Need, ...] = tuple(Need)) -> Settings:
    """Load `text` as ./oncall.yml."""
    Path("oncall.yml").write_text(text, encoding="utf-8")
    return load_settings(env, needs)


def problems(text: str, env: Mapping[str, str] = ENV, needs: tuple[Need, ...] = tuple(Need)) -> list[str]:
    """Return what loading `text` complains about."""
    with pytest.raises(ProblemsFound) as caught:
        load(text, env, needs)
    return str(caught.value).splitlines()


def test_without_a_file_the_operations_runbook_is_the_cluster() -> None:
    """The built-in defaults take the broker from the environment, and put nobody on call."""
    settings = load_settings(ENV)
    assert settings.source == "built-in defaults"
    assert settings.default_cluster == "prod"
    assert settings.spec("prod").importance("booking") == 10
    assert settings.broker("prod").broker_url == ENV["PROD_BROKER_URL"]
    assert settings.roles["oncall"].people == ()


def test_the_shipped_example_works_as_it_is() -> None:
    """The example needs no edit, only the environment that its head lists."""
    example = Path(__file__).parents[1] / "oncall.example.yml"
    settings = load_settings(ENV | {"ONCALL_CONFIG": str(example)}, tuple(Need))
    assert settings.cluster_for("C0123ONCALL") == "prod"
    assert settings.policy().alternatives(Risk.DESTRUCTIVE) == (
        Alternative(approve=1, by="platform"),
        Alternative(approve=2, by="oncall"),
    )


def test_the_built_in_cluster_is_the_one_of_the_example() -> None:
    """Two copies of the operations runbook's cluster must not drift apart."""
    example = load_settings(ENV | {"ONCALL_CONFIG": str(Path(__file__).parents[1] / "oncall.example.yml")})
    assert example.specs == load_settings(ENV).specs
    assert example.brokers == load_settings(ENV).brokers


def test_every_key_of_the_example_is_sound_when_uncommented() -> None:
    """The keys that the example only mentions in comments exist, too."""
    text = (Path(__file__).parents[1] / "oncall.example.yml").read_text()
    for commented in ("# tls:", "# runbooks:", "# result_backend_env:", "# health:", "# flower:", "# prometheus:"):
        assert commented in text
        text = text.replace(commented, commented[2:])
    settings = load(text, ENV | {"PROD_RESULT_BACKEND": "redis://h/1"})
    assert settings.broker("prod").tls == {"ssl_ca_certs": "/etc/ssl/redis-ca.pem", "ssl_cert_reqs": "required"}
    assert settings.broker("prod").result_backend == "redis://h/1"


def test_the_ops_broker_is_the_first_clusters_with_its_tls_unless_it_has_an_address_of_its_own() -> None:
    """A private CA of the watched broker is needed for the ops worker too; it says nothing of another server."""
    cluster = "{broker_url: 'rediss://localhost:1/2', tls: {ca_file: /ca.pem}, queues: {mail: {}}}"
    text = f"clusters: {{eu: {cluster}}}\nroles: {{oncall: {{users: []}}}}"
    own = load(text)
    assert (own.ops_broker_url, own.ops_broker_tls) == (ENV["ONCALL_BROKER_URL"], {})
    shared = load(text, {k: v for k, v in ENV.items() if k != "ONCALL_BROKER_URL"})
    assert shared.ops_broker_url == "rediss://localhost:1/2"
    assert shared.ops_broker_tls == {"ssl_ca_certs": "/ca.pem", "ssl_cert_reqs": "required"}


def test_a_file_becomes_the_domains_nouns() -> None:
    """Queues, worker groups, mode and broker options arrive as written."""
    settings = load(
        """
        clusters:
          eu:
            app: shop.celery
            mode: observe
            broker_url_env: PROD_BROKER_URL
            result_backend_env: PROD_RESULTS
            result_keyprefix: shop
            global_keyprefix: "shop:"
            sep: ":"
            priority_steps: [0, 5]
            visibility_timeout: 60
            tls: {verify: false}
            events: {exchange: shopev, enable: false}
            low_importance: 2
            queues: {mail: {importance: 2, alert_above: 9}, other: {}}
            worker_groups: {"w*": {queues: [mail], concurrency: 8, max_workers: 3}}
          us: {broker_url: "rediss://localhost:1/2", queues: {mail: {}}}
        channels: {C0SHOP: us, C024BE91L: eu}
        alert_senders: [B0ALERT, A0ALERT]
        roles: {oncall: {group: S0614TZR7, users: [U0123ANA]}}
        web: {host: 0.0.0.0, port: 0}
        log: {level: debug, format: json}
        slack: {mode: http}
        """
    )
    eu, broker = settings.spec("eu"), settings.broker("eu")
    assert (eu.app, eu.mode, eu.low_importance) == ("shop.celery", Mode.OBSERVE, 2)
    assert eu.queues == (QueueSpec(name="mail", importance=2, alert_above=9), QueueSpec(name="other"))
    assert eu.worker_groups == (WorkerGroup(name="w*", queues=("mail",), concurrency=8, max_workers=3),)
    assert (broker.broker_url, broker.result_backend) == (ENV["PROD_BROKER_URL"], ENV["PROD_RESULTS"])
    assert broker.result_keyprefix == "shop"
    assert (broker.global_keyprefix, broker.sep, broker.priority_steps) == ("shop:", ":", (0, 5))
    assert (broker.visibility_timeout, dict(broker.tls)) == (60, {"ssl_cert_reqs": "none"})
    assert (broker.event_exchange, broker.enable_events) == ("shopev", False)
    assert list(settings.specs) == ["eu", "us"]
    assert (settings.cluster_for("C0SHOP"), settings.cluster_for("C999999")) == ("us", "eu")
    assert settings.alert_senders == {"B0ALERT", "A0ALERT"}
    assert (settings.roles["oncall"].groups, settings.roles["oncall"].people) == (("S0614TZR7",), ("U0123ANA",))
    assert (settings.web.host, settings.web.port) == ("0.0.0.0", 0)
    assert (settings.log.level, settings.log.format, settings.slack.socket) == ("debug", "json", False)


def test_without_targets_the_operations_runbooks_hold() -> None:
    """Those about queues that are not declared are left out; `{}` measures nothing."""
    targets = load_settings(ENV).spec("prod").targets
    assert [(t.name, t.measure, t.target, t.alert, t.queues) for t in targets] == [
        ("completion", Measure.COMPLETION, 0.999, 0.995, ()),
        ("latency", Measure.QUEUE_LATENCY, 0.1, 0.5, ()),
        ("ai_duration", Measure.TASK_DURATION, 30, 60, ("ai_generation",)),
        ("booking_duration", Measure.TASK_DURATION, 5, 10, ("booking",)),
        ("memory", Measure.WORKER_MEMORY, 2 * 1024**3, 3 * 1024**3, ()),
        ("depth", Measure.QUEUE_DEPTH, 100, 500, ()),
    ]
    assert "ai_duration" not in [t.name for t in load(MINIMAL).spec("prod").targets]
    assert load(MINIMAL.replace("{booking: {}}", "{booking: {}}, targets: {}")).spec("prod").targets == ()


def test_targets_replace_those_of_the_runbook() -> None:
    """Patterns, spans, percentiles and parts of a second arrive as written."""
    text = MINIMAL.replace(
        "{booking: {}}",
        "{booking: {}}, targets: {quick: {measure: queue latency, queues: ['book*'], tasks: [t.*], target: 250ms, "
        "alert: 1.5s, span: 1h, percentile: 99.9}}",
    )
    (quick,) = load(text).spec("prod").targets
    assert (quick.target, quick.alert, quick.span, quick.quantile) == (0.25, 1.5, Span.HOUR, 0.999)
    assert (quick.queues, quick.tasks) == (("book*",), ("t.*",))


def test_a_queues_own_limit_goes_before_the_depth_targets() -> None:
    """One without takes the alert of the first depth target that is about it."""
    text = MINIMAL.replace(
        "{booking: {}}",
        "{booking: {alert_above: 50}, mail: {}, other: {}}, targets: {depth: {measure: queue depth, "
        "queues: [booking, mail], target: 200, alert: 800}}",
    )
    assert {q.name: q.alert_above for q in load(text).spec("prod").queues} == {
        "booking": 50,
        "mail": 800,
        "other": 500,
    }


def test_an_unknown_cluster_is_refused_by_name() -> None:
    """Callers get a suggestion, not a KeyError."""
    with pytest.raises(UnknownName, match="Did you mean `prod`"):
        load(MINIMAL).spec("prd")


def test_the_ops_broker_is_the_first_clusters_unless_it_is_set() -> None:
    """One Redis is enough to begin with."""
    assert load(MINIMAL).ops_broker_url == ENV["ONCALL_BROKER_URL"]
    assert load(MINIMAL, {}, ()).ops_broker_url == "redis://localhost/0"


def test_a_sqlite_path_is_made_absolute(folder: Path) -> None:
    """The ops worker runs in another folder and must find the same database."""
    assert load(MINIMAL, {}, ()).database_url == f"sqlite:///{folder}/oncall.sqlite3"
    assert load(MINIMAL, {"DATABASE_URL": "sqlite:///data/x.db"}, ()).database_url == f"sqlite:///{folder}/data/x.db"
    assert load(MINIMAL, {"DATABASE_URL": "sqlite:////srv/x.db"}, ()).database_url == "sqlite:////srv/x.db"


def test_the_teams_runbooks_lie_beside_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative folder means beside the settings, wherever the process was started."""
    (folder / "conf").mkdir()
    (folder / "conf" / "oncall.yml").write_text(MINIMAL + "runbooks: ours\n")
    settings = load_settings({"ONCALL_CONFIG": "conf/oncall.yml"}, ())
    assert settings.runbooks == folder / "conf" / "ours"


def test_no_secret_shows_in_repr() -> None:
    """Settings end up in logs and tracebacks."""
    settings = load(MINIMAL.replace("broker_url: 'redis://localhost/0'", "broker_url_env: PROD_BROKER_URL"))
    assert SECRET in settings.broker("prod").broker_url
    assert SECRET not in repr(settings)


def test_tokens_are_wanted_only_by_those_who_use_them() -> None:
    """The ops worker runs without Slack tokens, an auditor without brokers."""
    load(MINIMAL, {}, (Need.CLUSTERS,))
    text = MINIMAL.replace("broker_url: 'redis://localhost/0'", "broker_url_env: PROD_BROKER_URL")
    load(text, {}, ())
    assert problems(text, {}, (Need.CLUSTERS,)) == [
        "oncall.yml:1:35: The environment variable `PROD_BROKER_URL` is not set."
    ]
    assert [p.split(" ")[1] for p in problems(MINIMAL, {}, (Need.SLACK,))] == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"]
    http = MINIMAL + "slack: {mode: http}\n"
    assert [p.split(" ")[1] for p in problems(http, {}, (Need.SLACK,))] == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]


def test_all_that_is_wrong_is_told_at_once_in_order_of_place() -> None:
    """Nobody wants to mend a file one run at a time: shape, references, secrets and environment in one list."""
    text = (
        "clusters:\n"
        "  prod:\n"
        "    broker_url_env: PROD_BROKR_URL\n"
        "    quues: {}\n"
        "    queues: {booking: {importance: 11}}\n"
        "    worker_groups: {w: {queues: [bokking]}}\n"
        "slack: {bot_token: xoxb-1}\n"
        "roles: {platform: {users: []}}\n"
        "logg: {}\n"
    )
    assert problems(text, {"PROD_BROKER_URL": "redis://h/0", "SLACK_APP_TOKEN": "xapp-1"}) == [
        "oncall.yml:3:21: The environment variable `PROD_BROKR_URL` is not set. `PROD_BROKER_URL` is set: is one of "
        "the two misspelt?",
        "oncall.yml:4:5: There is no key `quues` in `clusters.prod`. Did you mean `queues`?",
        "oncall.yml:5:36: `clusters.prod.queues.booking.importance` must be at most 10, and is 11.",
        "oncall.yml:6:34: There is no queue `bokking`. Did you mean `booking`? Declare it under `queues`.",
        "oncall.yml:7:9: `slack.bot_token` does not belong in this file: set SLACK_BOT_TOKEN in the environment.",
        "oncall.yml:8:1: The role `oncall` is missing under `roles`: with `group: S…` or `users: [U…]` it says who may "
        "act.",
        "oncall.yml:9:1: There is no key `logg` at the top of the file. Did you mean `log`?",
        "environment: SLACK_BOT_TOKEN is not set. It is the bot token of your Slack app (OAuth & Permissions; it "
        "begins with xoxb-).",
    ]


LEAKS = (
    f"clusters: {{p: {{broker_url: 'redis://:{SECRET}@h/0', queues: {{}}}}}}\n",
    f"clusters: {{p: {{broker_url: 'redis://h/0?password={SECRET}', queues: {{}}}}}}\n",
    f"clusters: {{p: {{broker_url_env: 'redis://:{SECRET}@h/0', queues: {{}}}}}}\n",
    f"clusters: {{p: {{broker_url_env: {SECRET}!, queues: {{}}}}}}\n",
    f"clusters: {{p: {{broker_url: {SECRET}, queues: {{}}}}}}\n",
    f"clusters: {{p: {{broker_url: 'http://{SECRET}', queues: {{}}}}}}\n",
    f"slack: {{bot_token: xoxb-{SECRET}}}\n",
    f"slack: {{mode: xapp-{SECRET}}}\n",
    f"slack: {{mode: {SECRET}}}\n",
    f"web: {{port: {SECRET}}}\n",
    f"signing_secret: {SECRET}\n",
    f"database_url: 'postgresql://me:{SECRET}@db/x'\n",
    f"channels: *{SECRET}\n",
    f"channels: !{SECRET} x\n",
    f"channels: &{SECRET} [*{SECRET}]\n",
    f"channels: {SECRET}: x: y\n",
    f"channels: '{SECRET}\n",
)


@pytest.mark.parametrize("text", LEAKS)
def test_no_secret_shows_in_a_complaint(text: str) -> None:
    """A complaint about a secret in the wrong place must not spread it further."""
    assert SECRET not in "\n".join(problems(text + ROLES))


@pytest.mark.parametrize("name", ["ONCALL_BROKER_URL", "PROMETHEUS_URL", "SLACK_API_URL", "PROD_BROKER_URL"])
@pytest.mark.parametrize("value", [SECRET, f"ftp://{SECRET}", f"redis://u:{SECRET}/x@h:1/0", f"redis://:{SECRET}@"])
def test_no_secret_of_a_broken_address_shows(name: str, value: str) -> None:
    """An address that cannot be used is named by its variable alone."""
    text = MINIMAL.replace("broker_url: 'redis://localhost/0'", "broker_url_env: PROD_BROKER_URL")
    found = problems(text, ENV | {name: value})
    assert len(found) == 1
    assert name in found[0]
    assert SECRET not in found[0]


def test_swapped_tokens_are_seen() -> None:
    """The two tokens of a Slack app are easily mixed up."""
    found = problems(MINIMAL, ENV | {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"})
    assert found[0].startswith("environment: SLACK_BOT_TOKEN holds what belongs in SLACK_APP_TOKEN.")
    assert found[1].startswith("environment: SLACK_APP_TOKEN holds what belongs in SLACK_BOT_TOKEN.")


def test_a_file_that_is_named_must_exist() -> None:
    """A misspelt ONCALL_CONFIG must not fall back to defaults in silence."""
    with pytest.raises(ProblemsFound, match=r"ONCALL_CONFIG names `nowhere\.yml`, and there is no such file"):
        load_settings({"ONCALL_CONFIG": "nowhere.yml"})


def test_a_folder_is_no_file(folder: Path) -> None:
    """What the system says about an unreadable file is passed on in words."""
    with pytest.raises(ProblemsFound, match="The file cannot be read: Is a directory"):
        load_settings({"ONCALL_CONFIG": str(folder)})


def test_the_built_in_file_is_shipped_with_the_package() -> None:
    """An installed wheel has no source tree around it."""
    assert yaml.safe_load((files("bot.settings") / "default.yml").read_text())["clusters"]
