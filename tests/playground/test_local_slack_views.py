"""Modals and Home between people and a real Bolt app."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from playground.slack import LocalSlack, Person
from playground.slack.errors import Refused
from tests.playground.local_slack import HASTY, actions, bolt_app, button, local_slack, modal, people

Body = dict[str, Any]


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[LocalSlack]:
    """A local Slack with short clocks."""
    async with local_slack(tmp_path) as running:
        yield running


@pytest.fixture
async def app(slack: LocalSlack) -> AsyncIterator[AsyncApp]:
    """An app whose /celery does nothing but hand out trigger ids."""
    async with bolt_app(slack) as running:
        running.command("/celery")(_acknowledge)
        yield running


async def _acknowledge(ack: Any) -> None:
    await ack()


@pytest.fixture
async def ana(slack: LocalSlack) -> AsyncIterator[Person]:
    """Ana."""
    async with Person(slack.url, "U0ANA") as person:
        yield person


async def opened(app: AsyncApp, slack: LocalSlack, view: Body) -> Body:
    """A modal that Ana has open."""
    trigger = slack.backend.triggers.issue("U0ANA")
    return dict((await app.client.views_open(trigger_id=trigger, view=view))["view"])


def on_submit(app: AsyncApp, **answer: Any) -> list[Body]:
    """Answer the form's submission and note it."""
    seen: list[Body] = []

    async def note(ack: Any, body: Body) -> None:
        seen.append(body)
        await ack(**answer)

    app.view("form")(note)
    return seen


async def error_of(call: Any) -> str:
    """Slack's word for what was wrong."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_a_submitted_form_closes_and_carries_its_values(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """private_metadata and the typed text arrive."""
    seen = on_submit(app)
    view = await opened(app, slack, modal(private_metadata="7"))
    assert (await ana.submit(view["id"], {"why": {"reason": "deploy"}}))["ok"]
    assert seen[0]["view"]["state"]["values"]["why"]["reason"] == {"type": "plain_text_input", "value": "deploy"}
    assert seen[0]["view"]["private_metadata"] == "7"
    assert await ana.views() == []


async def test_slack_itself_refuses_incomplete_forms(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """The app never sees them."""
    seen = on_submit(app)
    view = await opened(app, slack, modal())
    empty = await ana.submit(view["id"], {})
    long = await ana.submit(view["id"], {"reason": "x" * 21})
    assert (empty["ok"], empty["errors"]) == (False, {"why": "Please complete this required field."})
    assert long["errors"] == {"why": "Please use at most 20 characters."}
    with pytest.raises(Refused, match="no input because"):
        await ana.submit(view["id"], {"because": "x"})
    assert seen == []


async def test_field_errors_keep_the_form_open(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """They belong to an input block; others Slack does not take."""
    on_submit(app, response_action="errors", errors={"why": "Too vague."})
    view = await opened(app, slack, modal())
    assert (await ana.submit(view["id"], {"reason": "x"}))["errors"] == {"why": "Too vague."}
    assert [v["id"] for v in await ana.views()] == [view["id"]]


async def test_errors_for_no_input_block_are_a_fault_of_the_app(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """The person is told; Slack would show trouble connecting."""
    on_submit(app, response_action="errors", errors={"because": "no such block"})
    view = await opened(app, slack, modal())
    with pytest.raises(Refused, match="must name input blocks of the view"):
        await ana.submit(view["id"], {"reason": "x"})


async def test_update_push_and_clear_act_on_the_stack(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """A pushed view stands above; clear takes all away."""
    second = modal({"type": "divider"}, callback_id="form2")
    on_submit(app, response_action="push", view=second)

    async def clear(ack: Any) -> None:
        await ack(response_action="clear")

    app.view("form2")(clear)
    view = await opened(app, slack, modal())
    assert (await ana.submit(view["id"], {"reason": "x"}))["response_action"] == "push"
    below, above = await ana.views()
    assert (above["previous_view_id"], above["root_view_id"]) == (below["id"], below["id"])
    assert (await ana.submit(above["id"], {}))["response_action"] == "clear"
    assert await ana.views() == []


async def test_a_view_is_updated_only_if_nobody_did_before(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """`hash` guards against two writers; what the person typed stays."""
    view = await opened(app, slack, modal())
    newer = modal(modal()["blocks"][0], {"type": "divider"})
    first = (await app.client.views_update(view_id=view["id"], hash=view["hash"], view=newer))["view"]
    stale = app.client.views_update(view_id=view["id"], hash=view["hash"], view=modal())
    assert await error_of(stale) == "hash_conflict"
    assert first["hash"] != view["hash"]
    assert [v["hash"] for v in await ana.views()] == [first["hash"]]


async def test_what_was_typed_survives_an_update(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """As long as block and action ids stay the same."""
    on_submit(app, response_action="errors", errors={"why": "again"})
    view = await opened(app, slack, modal())
    await ana.submit(view["id"], {"reason": "kept"})
    updated = await app.client.views_update(view_id=view["id"], view=modal(title={"type": "plain_text", "text": "B"}))
    assert updated["view"]["state"]["values"]["why"]["reason"]["value"] == "kept"


async def test_a_trigger_is_good_once(app: AsyncApp, slack: LocalSlack) -> None:
    """An invalid view does not use it up."""
    trigger = slack.backend.triggers.issue("U0ANA")
    too_long = modal(title={"type": "plain_text", "text": "x" * 25})
    assert await error_of(app.client.views_open(trigger_id=trigger, view=too_long)) == "invalid_arguments"
    await app.client.views_open(trigger_id=trigger, view=modal())
    assert await error_of(app.client.views_open(trigger_id=trigger, view=modal())) == "exchanged_trigger_id"
    assert await error_of(app.client.views_open(trigger_id="1.2.3", view=modal())) == "invalid_trigger_id"


async def test_a_slow_api_lets_the_trigger_expire(tmp_path: Path) -> None:
    """Three seconds in Slack; which is why a loading view is opened first."""
    async with local_slack(tmp_path, rules=HASTY) as slack, bolt_app(slack) as app:
        slack.faults.slow_api_seconds = HASTY.trigger * 1.1
        call = app.client.views_open(trigger_id=slack.backend.triggers.issue("U0ANA"), view=modal())
        assert await error_of(call) == "expired_trigger_id"


async def test_triggers_expire_on_demand(app: AsyncApp, slack: LocalSlack) -> None:
    """A fault to press on the page."""
    slack.faults.expire_triggers = True
    call = app.client.views_open(trigger_id=slack.backend.triggers.issue("U0ANA"), view=modal())
    assert await error_of(call) == "expired_trigger_id"


async def test_three_views_are_the_most(app: AsyncApp, slack: LocalSlack) -> None:
    """A fourth push is refused."""
    await opened(app, slack, modal())
    for _ in range(2):
        await app.client.views_push(trigger_id=slack.backend.triggers.issue("U0ANA"), view=modal())
    call = app.client.views_push(trigger_id=slack.backend.triggers.issue("U0ANA"), view=modal())
    assert await error_of(call) == "push_limit_reached"


async def test_a_click_in_a_modal_carries_the_view(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """Container, view and no message; the button's value is the stored one."""
    seen: list[Body] = []

    async def note(ack: Any, body: Body) -> None:
        await ack()
        seen.append(body)

    app.action("preview")(note)
    view = await opened(app, slack, modal(modal()["blocks"][0], actions(button("preview", "7"))))
    typed = {"why": {"reason": "half a word"}, "gone": {"x": "y"}}
    await ana.click({"view_id": view["id"]}, "preview", values=typed)
    body = seen[0]
    assert body["container"] == {"type": "view", "view_id": view["id"]}
    assert (body["view"]["id"], body["actions"][0]["value"], "message" in body) == (view["id"], "7", False)
    assert body["view"]["state"]["values"]["why"]["reason"]["value"] == "half a word"


async def test_closing_is_told_when_asked_for(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """notify_on_close sends view_closed."""
    seen: list[Body] = []

    async def note(ack: Any, body: Body) -> None:
        await ack()
        seen.append(body)

    app.view_closed("form")(note)
    quiet = await opened(app, slack, modal())
    await ana.close_view(quiet["id"])
    loud = await opened(app, slack, modal(notify_on_close=True))
    await ana.close_view(loud["id"])
    assert [body["view"]["id"] for body in seen] == [loud["id"]]
    assert await ana.views() == []


async def test_a_form_belongs_to_whom_it_was_opened_for(app: AsyncApp, slack: LocalSlack) -> None:
    """Ben cannot submit Ana's."""
    view = await opened(app, slack, modal())
    async with people(slack, "U0BEN") as (ben,):
        with pytest.raises(Refused, match="U0BEN has no open modal"):
            await ben.submit(view["id"], {"reason": "x"})


async def test_a_submission_that_is_not_acknowledged_leaves_the_form(tmp_path: Path) -> None:
    """The person may try again."""
    async with local_slack(tmp_path, rules=HASTY) as slack, bolt_app(slack) as app, people(slack, "U0ANA") as (ana,):
        view = await opened(app, slack, modal(callback_id="nobody_listens"))
        with pytest.raises(Refused, match="operation_timeout"):
            await ana.submit(view["id"], {"reason": "x"})
        assert len(await ana.views()) == 1


async def test_home_is_published_if_the_manifest_has_one(tmp_path: Path) -> None:
    """Else Slack answers not_enabled."""
    async with local_slack(tmp_path, home_tab=False) as slack, bolt_app(slack) as app:
        call = app.client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": []})
        assert await error_of(call) == "not_enabled"


async def test_home_is_republished_with_a_hash(app: AsyncApp, ana: Person) -> None:
    """Two writers do not overwrite one another."""
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = (await app.client.views_publish(user_id="U0ANA", view=home))["view"]
    await app.client.views_publish(user_id="U0ANA", hash=first["hash"], view=home)
    stale = app.client.views_publish(user_id="U0ANA", hash=first["hash"], view=home)
    assert await error_of(stale) == "hash_conflict"
    view = await ana.home()
    assert view is not None
    assert view["id"] == first["id"]


async def test_choices_in_a_form_are_checked(app: AsyncApp, slack: LocalSlack, ana: Person) -> None:
    """Numbers are numbers, options are among those offered, optional fields may stay empty."""
    label = {"type": "plain_text", "text": "L"}
    option = {"text": label, "value": "30m"}
    number = {"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}
    select = {"type": "static_select", "action_id": "s", "options": [option]}
    blocks: list[Body] = [
        {"type": "input", "block_id": "number", "label": label, "element": number},
        {"type": "input", "block_id": "select", "label": label, "element": select, "optional": True},
    ]
    seen = on_submit(app)
    view = await opened(app, slack, modal(*blocks))
    assert (await ana.submit(view["id"], {"n": "x"}))["errors"] == {"number": "Please enter a whole number."}
    assert (await ana.submit(view["id"], {"n": "10"}))["errors"] == {"number": "Please enter at most 9."}
    with pytest.raises(Refused, match="s offers 30m, not '2h'"):
        await ana.submit(view["id"], {"n": "5", "s": "2h"})
    assert (await ana.submit(view["id"], {"n": "5", "select": {"s": {"selected_option": option}}}))["ok"]
    values = seen[0]["view"]["state"]["values"]
    assert (values["number"]["n"]["value"], values["select"]["s"]["selected_option"]["value"]) == ("5", "30m")
