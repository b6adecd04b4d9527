"""docs/errors.md: what people may get wrong, and the one sentence each of it gives. Every row is run.

`python -m tests.test_errors_document` writes the document anew.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import chdir
from itertools import groupby
from pathlib import Path

import pytest

from bot.adapters.expressions import JinjaExpressions
from bot.adapters.runbook_parsing import parse_runbook
from bot.domain.errors import BadInput
from bot.settings import Need, load_settings
from tests.adapters.fake_registry import FakeRegistry
from tests.wrong_input.conversation import ALERT_ROWS, COMMAND_ROWS
from tests.wrong_input.outside import BROKER_ROWS, DATABASE_ROWS
from tests.wrong_input.row import Row, told

DOCUMENT = Path(__file__).parents[1] / "docs" / "errors.md"
HEAD = """\
# Wrong input, and what the bot says

Every row is run by a test (`tests/test_errors_document.py`). A sentence says what was wrong, where, and what to do. For
files, all that is wrong is told at once, each with file, line and column; the rows show one fault at a time, in an
otherwise sound file. What is typed and posted goes through a local Slack to a real bot, whose cluster `prod` has a
backed-up queue; ports, folders, times and seconds are examples.
"""


SETTINGS = "Settings: `oncall.yml` and the environment"
SOUND_SETTINGS = """\
clusters:
  prod:
    app: shop.celery
    mode: act
    broker_url_env: PROD_BROKER_URL
    queues: {booking: {importance: 10}}
    worker_groups: {worker1: {queues: [booking]}}
channels: {C0ONCALL: prod}
alert_senders: [B0ALERT]
roles: {oncall: {users: [U0ANA]}}
policy: {consent: {high: [{approve: 1, from: oncall}]}}
"""
SOUND_ENV = {
    "PROD_BROKER_URL": "redis://:secret@broker:6379/0",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
}


def _sentence(act: Callable[[], object]) -> str:
    with pytest.raises(BadInput) as caught:
        act()
    return str(caught.value)


def _replaced(sound: str, line: str, wrong: str) -> str:
    assert sound.count(line) == 1, line
    return sound.replace(line, wrong)


def _told_of_settings(text: str, env: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        Path("oncall.yml").write_text(text, encoding="utf-8")
        return _sentence(lambda: load_settings(env, tuple(Need)))


def _setting(line: str, wrong: str) -> Row:
    text = _replaced(SOUND_SETTINGS, line, wrong)
    return Row(SETTINGS, wrong or f"without {line}", lambda: _told_of_settings(text, SOUND_ENV))


def _variable(name: str, value: str) -> Row:
    env = {k: v for k, v in (SOUND_ENV | {name: value}).items() if v}
    wrong = f"{name}={value}" if value else f"unset {name}"
    return Row(SETTINGS, wrong, lambda: _told_of_settings(SOUND_SETTINGS, env))


SETTINGS_ROWS = [
    _setting("mode: act", "mod: act"),
    _setting("mode: act", "mode: observ"),
    _setting("mode: act", "importance: 3"),
    _setting("mode: act", "visibility_timeout: soon"),
    _setting("mode: act", "app: other.celery"),
    _setting("mode: act", "targets: {speed: {measure: duration, target: 5s, alert: 10s}}"),
    _setting("mode: act", "targets: {depth: {measure: queue depth, target: 500, alert: 100}}"),
    _setting("mode: act", "targets: {done: {measure: completion, target: 99.5 %, alert: 99.9 %}}"),
    _setting("mode: act", "targets: {done: {measure: completion, target: 99.9, alert: 99.5 %}}"),
    _setting("mode: act", "targets: {memory: {measure: worker memory, target: 2, alert: 3GB}}"),
    _setting("mode: act", "targets: {slow: {measure: task duration, target: quickly, alert: 10s}}"),
    _setting("mode: act", "targets: {slow: {measure: task duration, target: 5s}}"),
    _setting("mode: act", "targets: {slow: {measure: task duration, target: 5s, alert: 10s, span: 2h}}"),
    _setting("mode: act", "targets: {slow: {measure: task duration, target: 5s, alert: 10s, percentile: 100}}"),
    _setting("mode: act", "targets: {wait: {measure: queue latency, target: 1s, alert: 5s, queues: [bookings]}}"),
    _setting("mode: act", "targets: {depth: {measure: queue depth, target: 100, alert: 500, tasks: [t]}}"),
    _setting("mode: act", "health: {api: {urll: 'http://api/healthz'}}"),
    _setting("mode: act", "health: {api: {status: 200}}"),
    _setting("mode: act", "health: {api: {url: 'api:8000/healthz'}}"),
    _setting("mode: act", "health: {api: {url: 'http://me:secret@api/healthz'}}"),
    _setting("mode: act", "health: {api: {url: 'http://api/healthz', json: {queues.booking: '< many'}}}"),
    _setting("mode: act", "health: {api: {url: 'http://api/healthz', json: {workers: [w1, w2]}}}"),
    _setting("mode: act", "flower: http://flower:5555"),
    _setting("alert_senders: [B0ALERT]", "prometheus: {main: {url_env: PROM_URL}}"),
    _setting("alert_senders: [B0ALERT]", "prometheus: {main: {url: 'http://prometheus:9090', timeout: 2m}}"),
    _setting("{importance: 10}", "{importance: 11}"),
    _setting("{importance: 10}", "{importance: high}"),
    _setting("{queues: [booking]}", "{queues: [bookings]}"),
    _setting("broker_url_env: PROD_BROKER_URL", "broker_url_env: PROD_BROKER_URI"),
    _setting("broker_url_env: PROD_BROKER_URL", "broker_url_env: CELERY_BROKER_URL"),
    _setting("broker_url_env: PROD_BROKER_URL", "broker_url: redis://:secret@broker/0"),
    _setting("broker_url_env: PROD_BROKER_URL", "broker_url: amqp://broker"),
    _setting("broker_url_env: PROD_BROKER_URL", ""),
    _setting("channels: {C0ONCALL: prod}", "channels: {C0ONCALL: prd}"),
    _setting("channels: {C0ONCALL: prod}", "channels:\n  #platform-oncall: prod"),
    _setting("channels: {C0ONCALL: prod}", "channels: {platform-oncall: prod}"),
    _setting("alert_senders: [B0ALERT]", "alert_senders: [Alertmanager]"),
    _setting("{users: [U0ANA]}", "{users: ['@ana']}"),
    _setting("from: oncall", "from: platform"),
    _setting("alert_senders: [B0ALERT]", "slack: {bot_token: xoxb-1}"),
    _setting("alert_senders: [B0ALERT]", "alert_senders: *B0ALERT"),
    _setting("mode: act", "\tmode: act"),
    _variable("SLACK_BOT_TOKEN", ""),
    _variable("SLACK_APP_TOKEN", "xoxb-1"),
    _variable("ONCALL_BROKER_URL", "redis://:pass/word@broker:6379/0"),
    _variable("PROMETHEUS_URL", "prometheus:9090"),
    _variable("ONCALL_CONFIG", "conf/oncall.yml"),
]

RUNBOOKS = "Runbooks"
SOUND_RUNBOOK = """\
runbook: queue-depth
title: A queue is backed up
alerts: [{name: CeleryQueueDepthHigh}]
inputs: {queue: {type: queue, from: alert.labels.queue}}
steps:
  - {id: relief, title: Find room, check: relief, with: {queue: "{{ queue }}"}}
  - id: pause
    title: Pause
    action: pause_queue
    when: checks.relief.frees > 0
    with: {queue: "{{ queue }}", for: 30m, by: 2}
    verify: {that: depth(queue) < 500, within: 10m}
"""


def _runbook(line: str, wrong: str) -> Row:
    data = _replaced(SOUND_RUNBOOK, line, wrong).encode()
    registry, language = FakeRegistry(), JinjaExpressions()
    return Row(RUNBOOKS, wrong, lambda: _sentence(lambda: parse_runbook(data, "my.yml", registry, language)))


RUNBOOK_ROWS = [
    _runbook("title: Pause\n", "titel: Pause\n"),
    _runbook("check: relief", "check: reliev"),
    _runbook("action: pause_queue", "action: pause"),
    _runbook("action: pause_queue", "action: pause_queue\n    note: or not"),
    _runbook("id: pause", "id: relief"),
    _runbook("by: 2", "by: two"),
    _runbook("by: 2", "by: 200"),
    _runbook("by: 2", "buy: 2"),
    _runbook("for: 30m", "for: a while"),
    _runbook('with: {queue: "{{ queue }}", for: 30m, by: 2}', "with: {for: 30m}"),
    _runbook('{queue: "{{ queue }}", for', "{queue: {{ queue }}, for"),
    _runbook('{queue: "{{ queue }}", for', '{queue: "{{ que }}", for'),
    _runbook('{queue: "{{ queue }}", for', '{queue: "{{ queue", for'),
    _runbook("when: checks.relief.frees > 0", "when: checks.releif.frees > 0"),
    _runbook("when: checks.relief.frees > 0", "when: queue.upper() == 'A'"),
    _runbook("when: checks.relief.frees > 0", "when: 9 ** 9 ** 9 > 0"),
    _runbook("depth(queue) < 500", "dept(queue) < 500"),
    _runbook("within: 10m", "within: soon"),
    _runbook("{name: CeleryQueueDepthHigh}", "{text: 'queue ('}"),
    _runbook("type: queue, from: alert.labels.queue", "type: text"),
    _runbook("from: alert.labels.queue", "from: labels.queue"),
]

ROWS: list[Row] = [
    *SETTINGS_ROWS,
    *RUNBOOK_ROWS,
    *COMMAND_ROWS,
    *ALERT_ROWS,
    *DATABASE_ROWS,
    *BROKER_ROWS,
]


def document(rows: Iterable[Row]) -> str:
    """Return the document."""
    parts = [HEAD]
    for section, its_rows in groupby(rows, key=lambda row: row.section):
        table = [f"| {_code(row.wrong)} | {_plain(told(row))} |" for row in its_rows]
        parts.append("\n".join([f"## {section}\n", "| written | said |", "|---|---|", *table, ""]))
    return "\n".join(parts)


def _code(wrong: str) -> str:
    """Return an input as code in a table."""
    lines = [line.replace("\t", "⇥").strip() for line in wrong.splitlines() if line.strip()]
    return "<br>".join(f"`` {line} ``".replace("|", "\\|") for line in lines)


def _plain(sentence: str) -> str:
    """Return a sentence for a table; outside of code, `<!channel>` would be taken for HTML, and not be seen."""
    return re.sub("(`[^`]*`)|<", lambda found: found[1] or "&lt;", sentence).replace("|", "\\|")


def _row(row: Row) -> object:
    marks = [pytest.mark.service] if row.service else []
    return pytest.param(row, id=" ".join(row.wrong.split()), marks=marks)


@pytest.mark.parametrize("row", [_row(row) for row in ROWS])
def test_a_wrong_input_gives_one_sentence(row: Row) -> None:
    """One line, that ends like a sentence or a command, shows no secret, and stands in the document."""
    words = told(row)
    assert "\n" not in words
    assert words.endswith((".", "?", "`"))
    assert "secret" not in words
    assert "pass/word" not in words
    assert _plain(words) in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.service
def test_the_document_is_what_the_bot_says() -> None:
    """No row more, none less; `python -m tests.test_errors_document` writes it anew."""
    assert DOCUMENT.read_text(encoding="utf-8") == document(ROWS)


if __name__ == "__main__":
    DOCUMENT.write_text(document(ROWS), encoding="utf-8")
