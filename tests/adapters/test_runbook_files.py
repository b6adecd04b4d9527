"""Runbooks from files: what loads, what is refused and where, and that a broken file never replaces a good one."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.expression_syntax import FUNCTIONS
from bot.adapters.expressions import JinjaExpressions
from bot.adapters.runbook_files import RunbookFiles
from bot.adapters.runbook_parsing import GIVEN, parse_runbook
from bot.adapters.runbook_schema import schema
from bot.domain.alert import Alert, AlertStatus
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.incident import Incident, IncidentState
from bot.domain.runbook import Runbook, Step, choose
from bot.located_yaml import ProblemsFound
from bot.ports import Target
from bot.usecases import names
from tests.adapters.fake_registry import FakeRegistry
from tests.usecases.world import SetClock, SimulatedCluster

SHIPPED = Path(__file__).parents[2] / "runbooks"
LANGUAGE = JinjaExpressions()
HEAD = "runbook: r\ntitle: T\ninputs: {queue: {type: queue}}\nsteps:\n"
RELIEF = "- {id: relief, title: R, check: relief, with: {queue: '{{ queue }}'}}\n"


def parse(text: str) -> Runbook:
    """Parse `text` as r.yml."""
    return parse_runbook(text.encode(), "r.yml", FakeRegistry(), LANGUAGE)


def problems(text: str) -> list[str]:
    """Return what is wrong with `text`."""
    with pytest.raises(ProblemsFound) as caught:
        parse(text)
    return str(caught.value).splitlines()


def test_a_file_becomes_a_runbook() -> None:
    """Numbers stay numbers, aliases are read, and the digest is of the very bytes."""
    text = HEAD + RELIEF + "- {id: p, title: P, action: pause_queue, with: {queue: '{{ queue }}', by: 2, for: 30m}}\n"
    runbook = parse(text)
    assert runbook.digest == hashlib.sha256(text.encode()).hexdigest()
    assert runbook.steps[1].params == {"queue": "{{ queue }}", "by": 2, "for": "30m"}


STEPS = [
    ("- {id: w, title: W, chek: workers}", "5:21: There is no key `chek` in `steps[1]`. Did you mean `check`?"),
    ("- {id: w, title: W, check: worker}", "5:28: There is no check `worker`. Did you mean `workers`?"),
    ("- {id: w, title: W, action: pause}", "5:29: There is no action `pause`. Did you mean `pause_queue`?"),
    ("- {id: w, title: W, check: workers, note: x}", "5:3: `steps[1]`: a step has exactly one of `note`, `check`, "
     "`action`."),
    ("- {id: w, title: W, check: workers, with: {x: 1}}",
     "5:44: There is no key `x` in `steps[1].with`; it takes none."),
    ("- {id: w, title: W, check: relief}", "5:3: The key `queue` is missing in `steps[1].with`."),
    ("- {id: w, title: W, check: relief, with: {quue: '{{ queue }}', queue: a}}",
     "5:43: There is no key `quue` in `steps[1].with`. Did you mean `queue`?"),
    ("- {id: w, title: W, action: pause_queue, with: {queue: a, by: '2'}}",
     "5:63: `steps[1].with.by` must be a whole number, not text."),
    ("- {id: w, title: W, action: pause_queue, with: {queue: a, by: 21}}",
     "5:63: `steps[1].with.by` must be at most 20, and is 21."),
    ("- {id: w, title: W, action: pause_queue, with: {queue: a, for: soon}}",
     "5:64: `steps[1].with.for`: `soon` is no length of time; write 30m, 2h or 1h30m."),
    ("- {id: w, title: W, check: relief, with: {queue: '{{ queu }}'}}",
     "5:50: There is no name `queu`. Did you mean `queue`?"),
    ("- {id: w, title: W, check: workers, when: region == 'eu'}",
     "5:43: There is no name `region`. Known: `alert`, `app`, `checks`, `cluster`, `fleet`, `incident`, `queue`, "
     "`workers`. An input must be declared under `inputs`."),
    ("- {id: w, title: W, check: workers, when: checks.w.online > 0}",
     "5:43: There is no name `w`, and none is known yet."),
    ("- {id: w, title: W, check: workers, when: 'a' * 9 ** 9}",
     "5:48: This is not valid YAML: text with `*`, `&` or `!` in it must be "
     "quoted as a whole."),
    ("- {id: w, title: W, check: workers, when: \"'a' * 9 ** 9\"}", "5:43: Expressions have no powers (`**`) here."),
    ("- {id: w, title: W, note: 'at {{ queue'}", "5:27: A `{{` and its `}}` belong together; one of them is missing."),
    ("- {id: w, title: W, note: '{% if x %}'}", "5:27: There are no statements (`{% … %}`) in a runbook, only "
     "expressions: `{{ … }}`."),
    ("- {id: w, title: '{{ queue }}', note: x}",
     "5:18: `steps[1].title` is shown as it stands: write `{{ … }}` in `note` or `with` alone."),
    ("- {id: w, title: W, check: workers, verify: {that: depth(q) < 5}}",
     "5:52: There is no name `q`. Known: `alert`, `app`, `checks`, `cluster`, `fleet`, `incident`, `queue`, "
     "`workers`. An input must be declared under `inputs`."),
    ("- {id: w, title: W, check: workers, verify: {that: 'true', within: soon}}",
     "5:68: `steps[1].verify.within` must be a length of time like `30s`, `10m` or `1h`."),
    (
        "- {id: W, title: W, check: workers}",
        "5:8: `steps[1].id` must be small letters, digits and `_`, a letter first, like `scale_up`.",
    ),
    (RELIEF + "- {id: relief, title: W, check: workers}", "6:8: The id `relief` is taken by the step in line 5."),
]  # fmt: skip


@pytest.mark.parametrize(("step", "complaint"), STEPS)
def test_a_bad_step_is_told_at_its_place(step: str, complaint: str) -> None:
    """Unknown keys, checks, actions, parameters and names are told at load, with what may be meant."""
    (found,) = problems(HEAD + step + "\n")
    assert found.startswith(f"r.yml:{complaint}")


HEADS = [
    ("runbook: r\nsteps: []", "1:1: The key `title` is missing in the file."),
    (
        "runbook: R r\ntitle: T\nsteps: []",
        "1:10: `runbook` must be small letters, digits and `-`, a letter first, like `queue-depth`.",
    ),
    ("runbook: r\ntitle: T\nsteps: []\ndigest: x", "4:1: There is no key `digest` at the top of the file. Known: "
     "`alerts`, `inputs`, `runbook`, `severity`, `steps`, `title`."),
    ("runbook: r\ntitle: T\nsteps: []\nwith: {}", "4:1: `with` is not a key at the top of the file; it belongs in "
     "`steps[n]`."),
    ("runbook: r\ntitle: T\nsteps: []\nalerts: [{nam: A}]", "4:11: There is no key `nam` in `alerts[1]`. Did you mean "
     "`name`?"),
    ("runbook: r\ntitle: T\nsteps: []\nalerts: [{}]", "4:10: `alerts[1]`: give either `name` or `text`."),
    ("runbook: r\ntitle: T\nsteps: []\nalerts: [{text: '('}]", "4:10: `alerts[1]`: `text` is not a regular expression"),
    ("runbook: r\ntitle: T\nsteps: []\ninputs: {n: {type: numbr}}", "4:20: `inputs.n.type` must be `queue`, `text` or "
     "`number`. Did you mean `number`?"),
    ("runbook: r\ntitle: T\nsteps: []\ninputs: {n: {from: labels.x}}", "4:20: `inputs.n.from` must be "
     "`alert.labels.<label>` or `alert.name`."),
    ("runbook: r\ntitle: T\nsteps: []\ninputs: {n: {}}", "4:10: The input `n` never gets a value: add `from: "
     "alert.labels.<label>`."),
    ("runbook: r\ntitle: T\nsteps: []\ninputs: {alert: {from: alert.name}}", "4:10: An input cannot be called `alert`; "
     "rename it."),
    ("runbook: r\ntitle: T\nsteps: {}", "3:8: `steps` must be a list (`[a, b]`), not a map."),
    ("- runbook", "1:1: The file must be a map (`key: value`), not a list."),
]  # fmt: skip


@pytest.mark.parametrize(("text", "complaint"), HEADS)
def test_a_bad_head_is_told_at_its_place(text: str, complaint: str) -> None:
    """The same for all that stands outside of steps."""
    (found,) = problems(text)
    assert found.startswith(f"r.yml:{complaint}")


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Wrong types hide no wrong names, and duplicates hide nothing at all."""
    text = HEAD + RELIEF + "- {id: relief, title: 5, check: workrs, when: checks.relif.frees}\nseverty: x\n"
    assert [p.partition(": ")[0] for p in problems(text)] == [
        "r.yml:6:8", "r.yml:6:23", "r.yml:6:33", "r.yml:6:47", "r.yml:7:1"
    ]  # fmt: skip


def test_parameters_in_expressions_are_not_judged_before_their_time() -> None:
    """A value that comes at run time is neither missing nor of a wrong type."""
    parse(HEAD + "- {id: p, title: P, action: pause_queue, with: {queue: '{{ queue }}', by: '{{ 1 + 1 }}'}}\n")


def test_a_checks_values_are_known_from_the_next_step_on() -> None:
    """Steps run in order."""
    later = "- {id: p, title: P, note: '{{ checks.relief.frees }}'}\n"
    parse(HEAD + RELIEF + later)
    assert problems(HEAD + later + RELIEF) == ["r.yml:5:27: There is no name `relief`, and none is known yet."]


def write(folder: Path, name: str, runbook: str, title: str = "T") -> Path:
    """Write a sound runbook file."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"runbook: {runbook}\ntitle: {title}\nsteps: [{{id: w, title: W, check: workers}}]\n")
    return path


def files(*folders: Path) -> RunbookFiles:
    """Load folders with the fake registry."""
    return RunbookFiles(folders, FakeRegistry(), LANGUAGE)


def titles(loaded: RunbookFiles) -> dict[str, str]:
    """Return the titles by name."""
    return {r.runbook: r.title for r in loaded.all()}


def test_a_broken_file_never_replaces_a_good_one(tmp_path: Path) -> None:
    """An edit gone wrong in the middle of an incident leaves the runbook that works."""
    path = write(tmp_path, "a.yml", "a", "old")
    loaded = files(tmp_path)
    path.write_text("runbook: a\ntitle: new\nstep: []\n")
    assert [p.sentence for p in loaded.reload()] == [
        "There is no key `step` at the top of the file. Did you mean `steps`?"
    ]
    assert titles(loaded) == {"a": "old"}
    write(tmp_path, "a.yml", "a", "new")
    assert loaded.reload() == ()
    assert titles(loaded) == {"a": "new"}


def test_a_file_that_was_broken_from_the_start_is_left_out(tmp_path: Path) -> None:
    """The others load all the same, and the problems are kept for people to see."""
    write(tmp_path, "a.yml", "a")
    (tmp_path / "b.yml").write_text("runbook: b\n")
    loaded = files(tmp_path)
    assert titles(loaded) == {"a": "T"}
    assert {p.source for p in loaded.problems} == {str(tmp_path / "b.yml")}


def test_a_deleted_file_is_gone(tmp_path: Path) -> None:
    """Somebody who deletes a runbook means it."""
    path = write(tmp_path, "a.yml", "a")
    loaded = files(tmp_path)
    path.unlink()
    assert loaded.reload() == ()
    assert titles(loaded) == {}


def test_a_folder_that_cannot_be_read_keeps_what_was_loaded(tmp_path: Path) -> None:
    """A mount that fails for a moment is no wish to delete."""
    write(tmp_path / "ours", "a.yml", "a")
    loaded = files(tmp_path / "ours")
    (tmp_path / "ours").rename(tmp_path / "away")
    assert [p.sentence for p in loaded.reload()] == [
        "The folder of runbooks cannot be read: No such file or directory; see `runbooks` in the settings."
    ]
    assert titles(loaded) == {"a": "T"}


def test_a_teams_own_runbook_replaces_the_shipped_one(tmp_path: Path) -> None:
    """By name, whatever the file is called."""
    write(tmp_path / "shipped", "a.yml", "a", "shipped")
    write(tmp_path / "ours", "z.yaml", "a", "ours")
    assert titles(files(tmp_path / "shipped", tmp_path / "ours")) == {"a": "ours"}


def test_two_runbooks_of_one_name_in_a_folder_are_told(tmp_path: Path) -> None:
    """The first in order of the alphabet stays."""
    write(tmp_path, "a.yml", "same", "first")
    write(tmp_path, "b.yml", "same", "second")
    loaded = files(tmp_path)
    assert titles(loaded) == {"same": "first"}
    assert [p.sentence for p in loaded.problems] == ["A runbook `same` is in `a.yml` already; rename one of the two."]


def test_the_shipped_runbooks_are_sound() -> None:
    """With the real checks and actions."""
    loaded = RunbookFiles((SHIPPED,), DiscoveredRegistry(), LANGUAGE)
    assert loaded.problems == ()
    assert "queue-depth" in titles(loaded)


def shipped(name: str) -> Runbook:
    """Return a shipped runbook."""
    loaded = RunbookFiles((SHIPPED,), DiscoveredRegistry(), LANGUAGE)
    return next(r for r in loaded.all() if r.runbook == name)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("CeleryQueueDepthHigh", "x"),
        ("CeleryHighQueueLength", "x"),
        ("Critical Alert", "Queue Depth > 1000"),
        ("Critical Alert: Queue depth >1,000", ""),
    ],
)
def test_the_queue_depth_runbook_knows_its_alerts(name: str, title: str) -> None:
    """By the names that exporters' rules use, and by the words of the operations runbook."""
    alert = Alert(status=AlertStatus.FIRING, name=name, title=title, channel="C", ts="1.0", sender="B", key="k")
    assert choose([shipped("queue-depth")], alert) is not None
    other = alert.model_copy(update={"name": "Critical Alert", "title": "Completion Rate < 99%"})
    assert choose([shipped("queue-depth")], other) is None


def test_the_queue_depth_runbook_keeps_the_order_of_the_operations_runbook() -> None:
    """Its four steps are there, in order, with the pause between the second and the third."""
    titles_in_order = [step.title for step in shipped("queue-depth").steps]
    four = ["Check worker status", "Scale workers immediately", "Investigate the root cause", "Consider rate limiting"]
    assert [t for t in titles_in_order if t in four] == four
    assert titles_in_order.index("Pause a less important queue") == 3


def test_the_queue_depth_runbook_works_out() -> None:
    """Every expression of it has a value when a run gives what it gives."""
    names: dict[str, Any] = {
        "queue": "ai_generation",
        "app": "shop",
        "checks": {"relief": {"queue": "analytics", "frees": 2}},
        "depth": lambda queue: 1284,
    }
    steps = {step.id: step for step in shipped("queue-depth").steps}
    assert LANGUAGE.evaluate(steps["pause"].when or "", names) is True
    assert LANGUAGE.render(steps["pause"].params, names) == {
        "queue": "analytics", "for": "30m", "reason": "ai_generation is backed up"
    }  # fmt: skip
    assert LANGUAGE.render(steps["scale"].params, names) == {
        "queue": "ai_generation", "by": 2, "reason": "ai_generation is backed up"
    }  # fmt: skip
    assert steps["scale"].verify is not None
    assert LANGUAGE.evaluate(steps["scale"].verify.that, names) is False
    assert "/celery limit <task> to 10/m for 1h because ai_generation is flooded" in LANGUAGE.render(
        steps["rate"].note, names
    )


@pytest.mark.parametrize(
    ("name", "runbook"),
    [
        ("CeleryTasksStuck", "stuck-tasks"),
        ("Task Duration (AI) > 60s", "stuck-tasks"),
        ("3 tasks are stuck in analytics", "stuck-tasks"),
        ("CeleryTaskHighFailRate", "task-failures"),
        ("Completion Rate < 99%", "task-failures"),
        ("Queue Depth > 1000", "queue-depth"),
        ("CeleryQueueDepthHigh", "queue-depth"),
        ("Worker Memory > 3GB", None),
    ],
)
def test_each_alert_has_the_runbook_that_is_meant_for_it(name: str, runbook: str | None) -> None:
    """By exporters' names, and by the words of the operations runbook."""
    alert = Alert(status=AlertStatus.FIRING, name=name, title=name, channel="C", ts="1.0", sender="B", key="k")
    found = choose(RunbookFiles((SHIPPED,), DiscoveredRegistry(), LANGUAGE).all(), alert)
    assert (found.runbook if found else None) == runbook


def offered(name: str, **checks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the actions that a shipped runbook would offer, with their parameters, when its checks find this."""
    names = {"queue": "analytics", "checks": checks, "incident": {"hours": 1}, "alert": {"queue": "notifications"}}
    actions = [step for step in shipped(name).steps if step.action]
    return {
        step.id: LANGUAGE.render(step.params, names) for step in actions if LANGUAGE.evaluate(step.when or "", names)
    }


HANGS = {"n": 4, "task": "shop.export"}
WELL = {"n": 0, "task": ""}
NOTHING_ASIDE = {"n": 0, "archive": "", "restarted": False}


def test_the_stuck_tasks_runbook_takes_out_what_waits_then_ends_what_runs_then_gives_back() -> None:
    """One thing at a time, and nothing is given back before the workers were started anew."""
    waits = {"tasks": {"shop.export": 51, "shop.count": 700}}
    aside, fixed = {"n": 51, "archive": "exe-1", "restarted": False}, {"n": 51, "archive": "exe-1", "restarted": True}
    first = offered("stuck-tasks", slow=HANGS, waiting=waits, aside=NOTHING_ASIDE)
    assert first == {
        "purge": {"queue": "analytics", "task": "shop.export", "reason": "shop.export hangs"}
    }  # fmt: skip
    then = offered("stuck-tasks", slow=HANGS, waiting={"tasks": {"shop.count": 700}}, aside=aside)
    assert list(then) == ["end"]
    assert then["end"]["terminate"] is True
    assert offered("stuck-tasks", slow=WELL, waiting={"tasks": {}}, aside=aside) == {}
    assert offered("stuck-tasks", slow=WELL, waiting={"tasks": {}}, aside=fixed) == {
        "restore": {"archive": "exe-1", "queue": "analytics"}
    }


def test_the_task_failures_runbook_pauses_while_it_fails_and_requeues_when_it_works_again() -> None:
    """That no task failed lately is no sign of health while none ran."""
    failed = {"failed": 40, "task": "shop.mail", "exception": "MailDownError"}
    failing = offered("task-failures", failed=failed, now={"n": 9, "failed": 9})
    assert (list(failing), failing["pause"]["queue"]) == (["pause"], "notifications")
    assert offered("task-failures", failed=failed, now={"n": 0}) == {}
    assert offered("task-failures", failed={"failed": 0, "task": "", "exception": ""}) == {}
    assert offered("task-failures", failed=failed, now={"n": 5, "failed": 0}) == {
        "requeue": {
            "task": "shop.mail",
            "exception": "MailDownError",
            "since": "2h",
            "reason": "shop.mail failed: MailDownError",
        }
    }


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    """`celery-oncall runbooks schema > runbooks/schema.json` was run after the last change of the models."""
    assert json.loads((SHIPPED / "schema.json").read_text(encoding="utf-8")) == schema()


def test_the_schema_takes_what_the_loader_takes() -> None:
    """Editors must not mark a sound file, nor miss a misspelt key."""
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    for path in SHIPPED.glob("*.yml"):
        validator.validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    for text, _ in HEADS[:5]:
        assert not validator.is_valid(yaml.safe_load(text)), text
    assert not validator.is_valid(yaml.safe_load(HEAD + "- {id: w, title: W, check: workers, note: x}"))


def test_every_key_of_the_schema_is_explained() -> None:
    """A new field of the domain needs its sentence for people."""
    made = schema()
    fields = {f"{m}.{k}": f for m, d in {"Step": made["$defs"]["Step"], "Runbook": made}.items()
              for k, f in d["properties"].items()}  # fmt: skip
    assert {key for key, field in fields.items() if not field.get("description")} == set()
    assert len(made["$defs"]["Step"]["properties"]) == len(Step.model_fields)


def test_the_guide_names_every_check_and_action() -> None:
    """Somebody who adds one finds the table to add it to."""
    guide = (SHIPPED / "README.md").read_text(encoding="utf-8")
    registry = DiscoveredRegistry()
    named = set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE))
    assert named >= {*registry.checks, *registry.actions}
    assert named - {*registry.checks, *registry.actions} == {"check", "action", "note"}


def test_the_names_checked_at_load_are_those_a_run_gives() -> None:
    """Else a sound runbook would be refused, or a misspelt name would wait for its alert."""
    alert = Alert(status=AlertStatus.FIRING, name="A", title="T", channel="C", ts="1.0", sender="B", key="k")
    clock = SetClock()
    incident = Incident(
        id="inc-1", cluster="prod", state=IncidentState.OPEN, alert=alert, channel="C", root_ts="1.0", last_ts="1.0",
        key="k", queue="q", opened_at=clock.now(),
    )  # fmt: skip
    target = Target(spec=ClusterSpec(name="prod"), control=SimulatedCluster(clock), clock=clock)
    given = names.given(incident, ClusterSnapshot(cluster="prod", taken_at=clock.now()), target)
    assert {name for name, value in given.items() if callable(value)} <= FUNCTIONS
    assert {name for name, value in given.items() if not callable(value)} == {*GIVEN, "checks"}
    for name, below in GIVEN.items():
        assert below is None or set(given[name]) == set(below)
