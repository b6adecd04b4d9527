"""The modals of an action, by example, and within Slack's limits whatever names and words there are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.discovery import DiscoveredRegistry
from bot.domain.action import Risk
from bot.domain.approval import ApprovalRequest
from bot.domain.form import Described, KnownNames
from bot.slack.forms.fields import fields_of
from bot.slack.forms.origin import Origin, origin_of
from bot.slack.forms.state import NOTHING, OTHER
from bot.slack.views.forms import Form, chooser_view, form_view, note_view, preview_view, waiting_view
from bot.slack.views.incident import incident_message
from bot.usecases.forms import described
from playground.slack.blocks import problems_in_view
from tests.slack.views import hostile
from tests.slack.views.reading import buttons, read_blocks
from tests.slack.views.samples import incident_card, mitigation, request, run
from tests.slack.views.test_limits import harmless, often, texts
from tests.usecases.world import SPEC

ACTIONS = DiscoveredRegistry().actions
PURGE = described(ACTIONS["purge_queue"], SPEC)


def purge_form(known: KnownNames, typed: dict[str, str | bool] | None = None, **changed: Any) -> dict[str, Any]:
    """Return the form of a purge."""
    form: dict[str, Any] = {
        "what": PURGE,
        "fields": fields_of(ACTIONS["purge_queue"].params),
        "origin": Origin(action="purge_queue", cluster="prod", channel="C0ONCALL"),
        "clusters": ("prod",),
        "known": known,
        "typed": typed or {},
    }
    return form_view(Form(**{**form, **changed}))


def asks(view: dict[str, Any]) -> list[str]:
    """Return a form's fields as lines: label, kind, what stands in it, whether it may stay empty."""
    lines = []
    for block in (b for b in view["blocks"] if b["type"] == "input"):
        element = block["element"]
        chosen = element.get("initial_option", {}).get("value") or element.get("initial_value", "")
        may = " (optional)" if block["optional"] else ""
        lines.append(f"{block['label']['text']}{may}: {element['type']} {chosen}".strip())
    return lines


def test_a_form_asks_for_each_parameter_in_its_order() -> None:
    """What is known is chosen, what has a default stands there, the reason comes last."""
    view = purge_form(KnownNames(("analytics", "booking"), tasks=("shop.mail",)), {"queue": "booking"})
    assert asks(view) == [
        "Queue: static_select booking",
        "Only of this task (optional): static_select",
        "Only older than (optional): plain_text_input",
        "Can be put back for (optional): plain_text_input 1d",
        "Why (optional): plain_text_input",
    ]
    assert view["title"]["text"] == "Purge queue"
    assert view["submit"]["text"] == "Show preview"
    hints = {b["label"]["text"]: b.get("hint", {}).get("text", "") for b in view["blocks"] if b["type"] == "input"}
    assert hints["Only of this task"] == "Its whole name; all tasks if empty."
    assert hints["Can be put back for"].endswith("From 1h to 30d.")


def test_a_name_is_typed_where_none_or_too_many_are_known() -> None:
    """A choice holds a hundred."""
    few, many = KnownNames(), KnownNames(tuple(f"tenant_{n}" for n in range(101)))
    assert "Queue: plain_text_input" in asks(purge_form(few))
    assert "Queue: plain_text_input" in asks(purge_form(many))
    assert "Known: tenant_0, tenant_1, tenant_2, tenant_3, tenant_4 and 96 more." in str(purge_form(many))


def test_a_name_that_came_along_can_be_kept() -> None:
    """An incident's queue that was never seen is among the choices."""
    assert "Queue: static_select thumbnails" in asks(purge_form(KnownNames(("booking",)), {"queue": "thumbnails"}))


def test_another_name_than_the_known_ones_can_be_typed() -> None:
    """It is the last of the choices, and told at once: then the same is asked for with a field to type in."""
    known = KnownNames(("booking",), tasks=("shop.mail",))
    block = next(b for b in purge_form(known)["blocks"] if b.get("block_id", "").startswith("task@"))
    assert [o["value"] for o in block["element"]["options"]] == [NOTHING, "shop.mail", OTHER]
    assert block["dispatch_action"] is True
    origin = Origin(action="purge_queue", cluster="prod").typed("task")
    typed = purge_form(known, {"task": "shop.mial"}, origin=origin)
    assert "Only of this task (optional): plain_text_input shop.mial" in asks(typed)
    assert "Queue: static_select" in asks(typed)


def test_the_cluster_is_asked_for_where_there_are_several() -> None:
    """First of all, since names depend on it; a change is told at once."""
    view = purge_form(KnownNames(("booking",)), clusters=("prod", "staging"))
    assert asks(view)[0] == "Cluster: static_select prod"
    assert next(b for b in view["blocks"] if b["type"] == "input")["dispatch_action"] is True
    assert "Cluster" not in str(purge_form(KnownNames(("booking",)))["blocks"])


def test_what_was_wrong_stands_above_the_form() -> None:
    """With all that was typed below it."""
    view = purge_form(KnownNames(("booking",)), {"queue": "booking", "reason": "so be it"}, trouble="No broker.")
    assert read_blocks(view["blocks"][:1]) == "⚠️ No broker."
    assert "Why (optional): plain_text_input so be it" in asks(view)


def test_the_list_says_what_each_does_and_how_risky_it_is() -> None:
    """One entry, one button."""
    view = chooser_view([PURGE], Origin(cluster="prod", incident="inc-1"), "booking")
    assert read_blocks(view["blocks"]) == (
        "(On prod, about booking. You see what it would touch before anything happens.)\n"
        "*Purge queue* · destructive\nSet aside the messages that wait in a queue; they can be put back.\n"
        "[Choose]"
    )
    assert view["blocks"][1]["accessory"]["value"] == "purge_queue/inc-1/prod"


def test_a_preview_is_done_or_asked_for_by_its_own_button() -> None:
    """And says which; the way back stands above it."""
    alone = preview_view(request(risk=Risk.LOW, alternatives=()), Origin(), "Pause queue")
    assert alone["submit"]["text"] == "Pause queue"
    assert "Your on-call role is enough for this. Nothing has happened yet." in read_blocks(alone["blocks"])
    others = preview_view(request(), Origin(), "Pause queue")
    assert others["submit"]["text"] == "Ask for approval"
    assert "[Change…]" in read_blocks(others["blocks"])
    assert origin_of(others["private_metadata"]).draft == "req-1"


def test_an_incident_has_one_more_button_and_not_two() -> None:
    """Beside an offer the way to change it; without one, to everything else; none while nothing may be done."""
    offered = buttons(incident_message(incident_card()).blocks)
    assert "Change…" in offered
    assert "Act…" not in offered
    assert offered["Change…"]["value"].startswith(f"{run().id}/")
    alone = buttons(incident_message(incident_card(offers=())).blocks)
    assert alone["Act…"]["value"] == "inc-1"
    assert "Change…" not in alone
    frozen = buttons(incident_message(incident_card(frozen=True, in_force=(mitigation(),))).blocks)
    assert not {"Act…", "Change…"} & frozen.keys()


names = hostile.many(hostile.names)


@often
@given(
    st.sampled_from(sorted(ACTIONS)),
    st.builds(KnownNames, names, names, names),
    st.dictionaries(st.sampled_from(["queue", "task", "worker", "ids", "reason", "seconds", "keep"]), hostile.text),
    hostile.many(hostile.names),
    hostile.text,
)
def test_forms_hold(name: str, known: KnownNames, typed: dict[str, str], clusters: tuple[str, ...], text: str) -> None:
    """No name and no words that were typed make a form that Slack refuses."""
    action = ACTIONS[name]
    origin = Origin(action=name, cluster=text, channel=text, thread_ts=text, incident=text, offer=text, draft=text)
    unique = [tuple(dict.fromkeys(n)) for n in (known.queues, known.workers, known.tasks)]
    form = Form(described(action, SPEC), fields_of(action.params), origin, clusters, KnownNames(*unique), typed)
    view = form_view(form)
    assert problems_in_view(view, "modal") == []
    harmless(list(texts(view)))


@often
@given(hostile.many(st.tuples(hostile.text, hostile.text, hostile.text)), hostile.text)
def test_lists_hold(found: tuple[tuple[str, str, str], ...], text: str) -> None:
    """Nor a list of more actions than anybody needs."""
    actions = [Described(f"action_{n}", *words) for n, words in enumerate(found)]
    view = chooser_view(actions, Origin(cluster=text, incident=text), text)
    assert problems_in_view(view, "modal") == []
    harmless(list(texts(view)))


@often
@given(hostile.requests, hostile.text)
def test_previews_hold(made: ApprovalRequest, title: str) -> None:
    """Nor a preview."""
    view = preview_view(made, Origin(channel=title), title)
    assert problems_in_view(view, "modal") == []
    harmless(list(texts(view)))


def test_what_only_tells_holds() -> None:
    """Nor what waits, nor a sentence."""
    assert problems_in_view(waiting_view(), "modal") == []
    assert problems_in_view(note_view("It goes on in <#C0ONCALL>."), "modal") == []
