"""From file and environment to `Settings`, with all that is wrong told at once."""

import dataclasses
from collections.abc import Collection, Mapping
from enum import StrEnum
from importlib.resources import files
from pathlib import Path

from bot.located_yaml import Document, Problem, ProblemsFound, Unread, read_document, validated
from bot.settings import environment, outside
from bot.settings.references import reference_problems, secret_problems
from bot.settings.shape import ClusterShape, FileShape
from bot.settings.values import BrokerSettings, LogSettings, RoleSettings, Settings, WebSettings

BUILT_IN = "built-in defaults"


class Need(StrEnum):
    """What a process is going to use, and so cannot start without."""

    SLACK = "slack"
    CLUSTERS = "clusters"


def load_settings(env: Mapping[str, str], needs: Collection[Need] = (Need.CLUSTERS,)) -> Settings:
    """Read the file that ONCALL_CONFIG names, else `./oncall.yml`, else the built-in defaults; and the environment.

    Environment variables that only other processes need may be missing. Raises ProblemsFound with all that is wrong.
    """
    document = _document(env)
    secrets = secret_problems(document)
    shape = validated(FileShape, document)
    problems = list(shape.problems) if isinstance(shape, Unread) else []
    problems += reference_problems(document, env, brokers=Need.CLUSTERS in needs)
    told = {p.mark for p in secrets}
    problems = [*secrets, *(p for p in problems if p.mark not in told), *environment.address_problems(env)]
    if Need.SLACK in needs:
        problems += environment.slack_problems(env, socket=isinstance(shape, Unread) or shape.slack.mode == "socket")
    if problems or isinstance(shape, Unread):
        raise ProblemsFound(problems if document.source != BUILT_IN else _of_built_in(problems))
    return _settings(shape, document.source, env)


def _of_built_in(problems: list[Problem]) -> list[Problem]:
    """Return problems without places in a file that nobody can open; the first says why it was read at all."""
    words = "There is no `oncall.yml` in this folder. Copy `oncall.example.yml` to it, or name yours by ONCALL_CONFIG."
    return [Problem(BUILT_IN, words), *(dataclasses.replace(p, mark=None) for p in problems)]


def _document(env: Mapping[str, str]) -> Document:
    named = environment.read(env, "ONCALL_CONFIG")
    path = Path(named or "oncall.yml")
    try:
        return read_document(path.read_bytes(), str(path))
    except FileNotFoundError:
        if named:
            words = f"ONCALL_CONFIG names `{named}`, and there is no such file. Copy `oncall.example.yml` there."
            raise ProblemsFound([Problem(environment.SOURCE, words)]) from None
    except OSError as e:
        raise ProblemsFound([Problem(str(path), f"The file cannot be read: {e.strerror}.")]) from None
    return read_document((files("bot.settings") / "default.yml").read_bytes(), BUILT_IN)


def _settings(shape: FileShape, source: str, env: Mapping[str, str]) -> Settings:
    brokers = {name: _broker(cluster, env) for name, cluster in shape.clusters.items()}
    first, own_broker = next(iter(brokers.values())), environment.read(env, "ONCALL_BROKER_URL")
    from_file = source != BUILT_IN
    folder = Path(source).absolute().parent if from_file else Path.cwd()
    return Settings(
        source=source,
        from_file=from_file,
        specs={name: cluster.spec(name) for name, cluster in shape.clusters.items()},
        brokers=brokers,
        channels=dict(shape.channels),
        alert_senders=frozenset(shape.alert_senders),
        roles={
            name: RoleSettings(people=tuple(role.users or ()), groups=(role.group,) if role.group else ())
            for name, role in shape.roles.items()
        },
        approval=shape.policy.policy(),
        slack=environment.slack(env, socket=shape.slack.mode == "socket"),
        web=WebSettings(shape.web.host, shape.web.port),
        log=LogSettings(shape.log.level, shape.log.format),
        runbooks=folder / shape.runbooks if shape.runbooks else None,
        database_url=environment.database_url(env, Path.cwd()),
        ops_broker_url=own_broker or first.broker_url,
        ops_broker_tls={} if own_broker else first.tls,
        prometheus=outside.prometheus_servers(shape.prometheus, env),
        pages={name: outside.pages(cluster, env) for name, cluster in shape.clusters.items()},
    )


def _broker(cluster: ClusterShape, env: Mapping[str, str]) -> BrokerSettings:
    by_name = environment.read(env, cluster.broker_url_env) if cluster.broker_url_env else ""
    results = environment.read(env, cluster.result_backend_env) if cluster.result_backend_env else None
    return BrokerSettings(
        broker_url=cluster.broker_url or by_name,
        result_backend=cluster.result_backend or results or None,
        result_keyprefix=cluster.result_keyprefix,
        global_keyprefix=cluster.global_keyprefix,
        sep=cluster.sep,
        priority_steps=tuple(cluster.priority_steps),
        visibility_timeout=cluster.visibility_timeout,
        tls=cluster.tls.options() if cluster.tls else {},
        event_exchange=cluster.events.exchange,
        enable_events=cluster.mode == "act" if cluster.events.enable is None else cluster.events.enable,
        event_receiver=cluster.events.receiver,
    )
