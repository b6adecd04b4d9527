"""docs/actions.md: complete against the registry, and what it says of each action is what the code does.

A section is `## <name of the action>`, with six labelled parts and rights, a table of parameters, and a table of what
people and runbooks say, each line with its risk. To add an action: write its section and its row in the first table;
and add to OBSERVED what it would have seen, where its undo needs more than an empty cluster.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import AliasChoices, AliasPath

from bot.adapters.discovery import DiscoveredRegistry
from bot.domain.action import Irreversible, Observation, Proposal
from bot.domain.broker import Unacknowledged
from bot.domain.cluster import ClusterSnapshot, Worker
from bot.domain.orphans import Chosen
from bot.domain.requeue import FailedFound, FailedTask, Source
from bot.domain.revoke import Found
from bot.domain.time_limits import TimeLimits, TimeLimitsFound
from bot.ports import Action, Params
from bot.slack.acts import Act
from bot.slack.commands import Pause, Resume, parse
from tests.usecases.world import POLICY, SPEC

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "actions.md"
PARTS = ("Does", "Cannot", "Risk", "Preview", "Undo", "Instead of", "Rights")
RISKS = ("low", "high", "destructive")
ACTIONS = DiscoveredRegistry().actions
AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """One line of a section's table: a command or a runbook's step, and the risk written beside it."""

    line: str
    risk: str


@dataclass(frozen=True)
class Section:
    """What the document says of one action."""

    parts: Mapping[str, str]
    parameters: tuple[tuple[str, ...], ...]
    needed: frozenset[str]
    said: tuple[Said, ...]


@cache
def document() -> str:
    """The whole text."""
    return DOCUMENT.read_text(encoding="utf-8")


@cache
def sections() -> Mapping[str, Section]:
    """Those whose heading is a name, as the code names actions."""
    found = re.split(r"^## ", document(), flags=re.MULTILINE)[1:]
    texts = {head.strip(): body for head, _, body in (text.partition("\n") for text in found)}
    return {head: _section(body) for head, body in texts.items() if re.fullmatch(r"[a-z]+(_[a-z]+)+", head)}


def _section(body: str) -> Section:
    labelled = re.findall(r"^\*\*([A-Z][a-z ]+)\.\*\*(.*?)(?=\n\n|\Z)", body, re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|$", body, re.MULTILINE)
    parameters = [(tuple(re.findall(r"`([^`]+)`", first)), is_) for first, is_ in rows if is_ not in RISKS]
    return Section(
        parts={label: " ".join(text.split()) for label, text in labelled},
        parameters=tuple(names for names, _ in parameters),
        needed=frozenset(names[0] for names, is_ in parameters if is_.startswith("needed")),
        said=tuple(Said(first.strip("`"), is_) for first, is_ in rows if is_ in RISKS),
    )


def of(name: str) -> Section:
    """The section of an action; fails in words where it has none."""
    if name not in sections():
        pytest.fail(
            f"docs/actions.md has no section `## {name}`: write what it does, cannot, risks (see this test's head)."
        )
    return sections()[name]


def meant(name: str, said: Said) -> Params:
    """Return the parameters that a line of the document means, read as the product reads it."""
    if said.line.startswith("/celery "):
        action, params = _command(said.line.removeprefix("/celery "))
    else:
        step = yaml.safe_load(said.line)
        action, params = step["action"], step["with"]
    assert action == name, f"`{said.line}` stands in the section of {name}, and is {action}."
    checked = ACTIONS[name].params.model_validate(params)
    assert isinstance(checked, Params)
    return checked


def _command(words: str) -> tuple[str, dict[str, Any]]:
    queues = {SPEC.name: [q.name for q in SPEC.queues]}
    match parse(words, queues=queues, clusters=[SPEC.name], default_cluster=SPEC.name):
        case Act() as act:
            return act.action, dict(act.params)
        case Pause() as pause:
            return "pause_queue", {"queue": pause.queue, "seconds": pause.seconds, "reason": pause.reason}
        case Resume() as resume:
            return "resume_queue", {"queue": resume.queue}
        case other:
            pytest.fail(f"`/celery {words}` is no action: {other}")


# --- complete --------------------------------------------------------------------------------------------------------


def test_every_action_has_its_section_and_no_section_is_left_over() -> None:
    """None is forgotten, and none that is gone is still told of."""
    missing, left_over = sorted(ACTIONS.keys() - sections().keys()), sorted(sections().keys() - ACTIONS.keys())
    assert not missing, f"docs/actions.md lacks a section for: {', '.join(missing)}."
    assert not left_over, f"docs/actions.md tells of what is no action: {', '.join(left_over)}."


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_section_has_all_its_parts(name: str) -> None:
    """What it does, cannot, risks, shows before, how it is undone, what it replaces, which rights it needs."""
    parts = of(name).parts
    missing = [part for part in PARTS if not parts.get(part)]
    assert not missing, f"The section `{name}` lacks: {', '.join(f'**{part}.**' for part in missing)}."
    assert of(name).said, f"The section `{name}` has no table `| say | risk |` with a command or a runbook step."


def test_the_first_table_leads_to_every_section_in_their_order() -> None:
    """With the same risks; one finds an action there at a glance."""
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| ([a-z ]+?) \| .+ \| (.+?) \|$", document(), re.MULTILINE)
    assert [name for name, *_ in rows] == list(sections()), (
        "The first table and the sections differ, or their order does."
    )
    for name, anchor, risks, say in rows:
        section = of(name)
        assert anchor == name
        assert set(risks.split(" or ")) == {s.risk for s in section.said}, f"The first table's risk of {name} is wrong."
        verb = say.strip("`")
        commands = [s.line for s in section.said if s.line.startswith("/")]
        assert all(line.startswith(verb) for line in commands), f"The first table's command of {name} is wrong."
        assert bool(commands) == say.startswith("`/celery "), f"The first table's command of {name} is wrong."


# --- true ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_parameters_are_those_of_the_code(name: str) -> None:
    """All of them, by a name that a runbook may use; and those that are needed are called so."""
    fields, told = ACTIONS[name].params.model_fields, of(name).parameters
    by_name = {names[0]: set(names[1:]) for names in told}
    missing, unknown = sorted(fields.keys() - by_name.keys()), sorted(by_name.keys() - fields.keys())
    assert not missing, f"The section `{name}` does not name the parameters: {', '.join(missing)}."
    assert not unknown, f"The section `{name}` names what are no parameters: {', '.join(unknown)}."
    for field, info in fields.items():
        alias = info.validation_alias
        others = (
            {c for c in alias.choices if not isinstance(c, AliasPath)} if isinstance(alias, AliasChoices) else set()
        )
        assert by_name[field] == others - {field}, f"`{name}`: {field} has other names than the section says."
    required = {field for field, info in fields.items() if info.is_required()}
    assert of(name).needed == required, f"`{name}`: needed are {sorted(required)}, and the section says otherwise."


@pytest.mark.parametrize(("name", "said"), [(n, s) for n, section in sections().items() for s in section.said])
def test_what_one_says_is_that_action_with_that_risk(name: str, said: Said) -> None:
    """Each line is read by the real grammar, or as a runbook's step; its risk is what the action says of it."""
    risk = ACTIONS[name].risk(meant(name, said), SPEC, POLICY)
    assert risk.value == said.risk, f"The risk of `{said.line}` is {risk.value}, and the section says {said.risk}."


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_risk_in_words_names_every_risk_it_can_have(name: str) -> None:
    """The words name those of the table, and no others."""
    words = set(re.findall(r"\b(low|high|destructive)\b", of(name).parts["Risk"].lower()))
    assert words == {s.risk for s in of(name).said}, f"The risk of {name} in words is not that of its table."


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_rights_are_rows_of_the_install_document(name: str) -> None:
    """Each in quotes begins a row of its table of what else Redis has to allow."""
    install = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    rights = of(name).parts["Rights"]
    for row in re.findall(r"“([^”]+)”", rights):
        assert f"\n| {row}" in install, f"`{name}` needs the rights “{row}”, and docs/install.md has no such row."
    assert "“" in rights or "basic user" in rights or rights.startswith("None")


# --- undo ------------------------------------------------------------------------------------------------------------


def _seen(**facts: Any) -> Observation:
    workers = (Worker(name="worker1@host", pool="prefork", slots=4, queues=("booking",), active=()),)
    return Observation(snapshot=ClusterSnapshot(cluster="prod", taken_at=AT, workers=workers), facts=facts)


def _failures(n: int) -> Observation:
    failed = FailedTask(id="old", task="t", queue="booking", failed_at=AT, exception="E", source=Source.PLUGIN)
    found = FailedFound(failed=(failed,)).model_dump(mode="json")
    return _seen(n=n, execution="exe-1", found=found)


def _orphans(*queues: str) -> Observation:
    lost = [Unacknowledged(tag=q, queue=q, task_id=q, task="t", taken_at=AT) for q in queues]
    return _seen(chosen=Chosen(messages=tuple(lost)).model_dump(mode="json"))


def _revocable(**found: Any) -> Observation:
    return _seen(found=Found(**found).model_dump(mode="json"), archive_id="exe-1")


def _limitable(*workers: str) -> Observation:
    found = TimeLimitsFound(limits=dict.fromkeys(workers, TimeLimits()), restartable=frozenset(workers))
    return _seen(found=found.model_dump(mode="json"))


NOBODY = Observation(snapshot=ClusterSnapshot(cluster="prod", taken_at=AT))

OBSERVED: Mapping[str, tuple[Observation, ...]] = {
    "pause_queue": (_seen(), _seen().model_copy(update={"recorded": ("worker1@host",)})),
    "purge_queue": (_seen(archive_id="exe-1"),),
    "limit_time": (_limitable("worker1@host"), _limitable()),
    "limit_rate": (_seen(limit=None), _seen(limit="5/m")),
    "requeue_failed": (_failures(1), _failures(1001)),
    "resize_pools": (_seen(), NOBODY),
    "restore_orphans": (_orphans("booking"), _orphans("booking", "analytics")),
    "revoke_tasks": (_revocable(waiting={"booking": 1}), _revocable(unlisted=1)),
}
"""What an action may have seen before it ran, where that decides whether it can be undone; else an empty cluster."""


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_the_undo_is_what_the_code_offers(name: str) -> None:
    """The action that undoes it is named; where nothing does, the reason stands there word for word."""
    text = of(name).parts["Undo"]
    ways = [_undo(ACTIONS[name], name, seen) for seen in OBSERVED.get(name, (NOBODY,))]
    for way in ways:
        if isinstance(way, Proposal):
            assert f"`{way.action}`" in text, f"{name} is undone by {way.action}, and its section does not say so."
            assert way.action in ACTIONS
        else:
            assert f'"{way.why}"' in text, f"The section `{name}` does not say why it has no undo: {way.why}"
    none = all(isinstance(way, Irreversible) for way in ways)
    assert text.startswith("None") == none, f"Whether {name} can be undone is not what its section says."


def _undo(action: Action[Any], name: str, seen: Observation) -> Proposal | Irreversible:
    said = [s for s in of(name).said if "booking" in s.line] or of(name).said
    try:
        return action.undo(meant(name, said[0]), seen, SPEC.name)
    except KeyError as missing:
        pytest.fail(f"Say in OBSERVED what {name} would have seen: its undo needs {missing}.")
