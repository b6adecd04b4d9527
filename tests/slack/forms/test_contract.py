"""Every action that discovery finds has a form, and what is filled in there means what a line of words means."""

import re
from typing import Any

import pytest

from bot.adapters.discovery import DiscoveredRegistry
from bot.domain.form import KnownNames
from bot.slack.acts import FORMS
from bot.slack.forms.fields import REASON, Kind, fields_of, typed_of
from bot.slack.forms.filled import Filled, Wrong, filled
from bot.slack.forms.origin import Origin
from bot.slack.forms.state import typed_in
from bot.slack.views.forms import Form, form_view
from bot.usecases.forms import described
from playground.slack.blocks import problems_in_view
from playground.slack.choices import filled_in
from tests.test_actions_document import Said, document, meant, sections
from tests.usecases.world import SPEC

ACTIONS = DiscoveredRegistry().actions
KNOWN = KnownNames(tuple(q.name for q in SPEC.queues), ("worker1@host",), ("stories.generate",))
EXAMPLES = [(name, said) for name, section in sections().items() for said in section.said]


def view_of(name: str, typed: dict[str, str | bool], **changed: Any) -> dict[str, Any]:
    """Return an action's form with these values in it."""
    form = {
        "what": described(ACTIONS[name], SPEC),
        "fields": fields_of(ACTIONS[name].params),
        "origin": Origin(action=name, cluster=SPEC.name),
        "clusters": (SPEC.name,),
        "known": KNOWN,
        "typed": typed,
    }
    return form_view(Form(**{**form, **changed}))


def sent(view: dict[str, Any]) -> dict[str, str | bool]:
    """Return what Slack sends when nothing more is changed in a form; the local Slack refuses what Slack refuses."""
    values, errors = filled_in({**view, "state": {"values": {}}}, {})
    assert errors == {}
    return typed_in({**view, "state": {"values": values}})


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_form_is_one_that_slack_draws(name: str) -> None:
    """Empty as it is opened first, and with a cluster to choose."""
    assert problems_in_view(view_of(name, {}), "modal") == []
    assert problems_in_view(view_of(name, {}, clusters=("prod", "staging")), "modal") == []


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_everything_is_asked_for_in_words(name: str) -> None:
    """No field is called by a name of the code: each parameter has a title, and none has to explain itself in code."""
    for field in fields_of(ACTIONS[name].params):
        assert "_" not in field.label
        assert "`" not in field.hint
        assert field.label[0].isupper()
        assert (
            field.name == REASON
            or "title" in ACTIONS[name].params.model_json_schema(by_alias=False)["properties"][field.name]
        )


@pytest.mark.parametrize(("name", "said"), EXAMPLES)
def test_a_form_means_what_the_command_and_the_runbook_mean(name: str, said: Said) -> None:
    """Each line of docs/actions.md, typed into the form, gives back the same parameters, but those of an undo."""
    params = meant(name, said)
    fields = fields_of(ACTIONS[name].params)
    typed = typed_of(fields, params.model_dump(mode="json"))
    result = filled(ACTIONS[name], SPEC.name, sent(view_of(name, typed)))
    assert isinstance(result, Filled), result
    assert result.proposal.action == name
    asked_for = {f.name for f in fields}
    back = ACTIONS[name].params.model_validate(result.proposal.params)
    assert back.model_dump(include=asked_for) == params.model_dump(include=asked_for)
    assert result.reason == getattr(params, REASON, "")


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_an_empty_form_is_refused_at_a_field_or_means_the_defaults(name: str) -> None:
    """What is needed is said where it is needed."""
    fields = fields_of(ACTIONS[name].params)
    result = filled(ACTIONS[name], SPEC.name, {})
    if isinstance(result, Wrong):
        assert result.errors.keys() <= {f.name for f in fields}
        assert all(text.endswith(".") for text in result.errors.values())
    else:
        assert not any(f.needed for f in fields)


def test_what_only_an_undo_fills_in_is_not_asked_for() -> None:
    """An undo of a resize names sizes; nobody could know them."""
    assert [f.name for f in fields_of(ACTIONS["resize_pools"].params)] == ["queue", "worker", "by", "reason"]
    assert [f.name for f in fields_of(ACTIONS["restore_archive"].params)] == ["archive", "reason"]


def test_kinds_of_fields_are_read_from_the_parameters() -> None:
    """Names are chosen, lengths of time and ids are typed, numbers are numbers."""
    kinds = {f.name: f.kind for f in fields_of(ACTIONS["revoke_tasks"].params)}
    assert kinds["ids"] is Kind.LINES
    assert kinds["queue"] is Kind.NAME
    assert kinds["terminate"] is Kind.FLAG
    assert kinds["hold"] is Kind.LENGTH
    assert kinds["reason"] is Kind.REASON


@pytest.mark.parametrize("name", sorted({name for name, said in EXAMPLES if said.line.startswith("/")}))
def test_a_command_alone_opens_its_form(name: str) -> None:
    """The words of docs/actions.md before anything else is said."""
    rows = re.findall(r"^\| \[(\w+)\]\(#\w+\) .* \| `/celery ([a-z ]+)` \|$", document(), re.MULTILINE)
    words = dict(rows)[name]
    assert FORMS.get(words, FORMS.get(words.split()[0])) == name
