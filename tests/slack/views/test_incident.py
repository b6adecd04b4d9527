"""The incident card, read as it stands on the screen."""

from datetime import timedelta

import pytest

from bot.domain.action import ExecutionState
from bot.domain.approval import RequestState
from bot.domain.cluster import Mode
from bot.domain.forecast import Forecast, Prospect
from bot.domain.incident import IncidentState
from bot.domain.mitigation import MitigationState
from bot.domain.run import Level, StepResult, StepState
from bot.domain.runbook import InputSpec, InputType
from bot.slack.views.incident import incident_message
from tests.slack.views.reading import buttons, dialog, read, seen
from tests.slack.views.samples import (
    ANA,
    BELOW,
    BEN,
    COMMAND,
    DRAINS,
    HIGH_OFFER,
    LOW_OFFER,
    NOW,
    PAUSE,
    RESULTS,
    RESUME,
    RUNBOOK,
    SUGGESTION,
    alert,
    execution,
    finding,
    incident,
    incident_card,
    later,
    mitigation,
    request,
    run,
)

OPEN = """\
*🔴 ai_generation: 1,284 waiting (limit 1,000), +34/min, will not drain*
Next: pause analytics. Frees 2 of 4 slots; below 500 in about 28 min
[Pause analytics] [Change…] [I've got it] [… Refresh numbers | Commands to copy | Do something else | Resolve by hand]
⚠️ Above their limit: ai_generation 1,284.
⚠️ 4 of 4 slots busy: 2 × generate_story, 2 × roll_up.
✅ 2 workers online, 6 of 6 slots busy.
*Scale workers immediately*
The bot cannot do this here, but you can.
[Show command]
*Pause a less important queue*
3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost.
*Investigate the root cause*
Look at the newest deploy.
Did the model get slower?
(Skipped: Consider rate limiting (not needed now))
(Queue depth above 1000 · prod · nobody has it yet · numbers of 03:13:57 UTC)"""


def test_open_incident_reads_from_the_worst_to_the_small_print() -> None:
    """Numbers, what next, buttons, checks worst first, steps, notes, and where it all comes from."""
    assert read(incident_message(incident_card())) == OPEN


def test_notification_says_the_two_lines_that_matter() -> None:
    """A phone shows the text alone."""
    assert incident_message(incident_card()).text == (
        "🔴 ai_generation: 1,284 waiting (limit 1,000), +34/min, will not drain\n"
        "Next: pause analytics. Frees 2 of 4 slots; below 500 in about 28 min"
    )


def test_low_risk_offer_asks_back_with_what_it_will_do() -> None:
    """One tap, one dialog, and it runs."""
    message = incident_message(incident_card())
    assert dialog(buttons(message.blocks)["Pause analytics"]) == (
        "Pause analytics for 30 min?\n"
        "3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost. "
        "w4@b did not answer and may consume it too. 8 tasks already fetched will still run. "
        "It resumes by itself at the end.\n"
        "[Pause analytics] [Not now]"
    )
    assert buttons(message.blocks)["Pause analytics"]["value"] == f"run-1/pause/{PAUSE.digest[:12]}"


def test_high_risk_offer_says_who_is_asked() -> None:
    """Nobody is surprised by having woken others."""
    message = incident_message(incident_card(offers=(HIGH_OFFER,)))
    assert "Next: ask platform or leads to pause analytics. Frees 2 of 4 slots" in message.text
    said = dialog(buttons(message.blocks)["Ask to pause analytics"])
    assert said.startswith("Ask to pause analytics for 30 min?\nThis asks platform or leads to approve. 3 workers")
    assert said.endswith("[Ask] [Not now]")


def test_offer_that_nobody_could_approve_is_no_button() -> None:
    """A button that can only be refused wastes a tap."""
    nobody = HIGH_OFFER.model_copy(update={"asks": ()})
    assert list(buttons(incident_message(incident_card(offers=(nobody,))).blocks)) == ["Act…", "I've got it"]


def test_command_stands_on_the_card_only_where_it_is_the_next_thing() -> None:
    """A wall of shell is of no use to a thumb; where nothing else helps, it is what one came for."""
    alone = incident_message(incident_card(offers=()))
    assert "Next: nothing can be paused to help. Run the command below." in alone.text
    assert f"run it yourself:\n```{COMMAND}```" in read(alone)
    held = incident_message(incident_card(offers=(), run=later(), in_force=(mitigation(),)))
    assert "nothing else can be paused to help. Run the command below. Pausing analytics is not enough." in held.text
    falling = incident_message(incident_card(offers=(), run=run(without=DRAINS, suggestion=None)))
    assert "Next: watch it drain by itself." in falling.text
    assert COMMAND not in read(falling)
    assert buttons(falling.blocks)["Show command"]["value"] == "inc-1"


def test_what_is_broken_comes_before_what_is_slow() -> None:
    """Few messages and no worker at all is no reason to go back to sleep."""
    bad = finding(Level.BAD, "No worker consumes ai_generation. Start worker1.")
    results = tuple(r.model_copy(update={"finding": bad}) if r.id == "running" else r for r in RESULTS)
    few = run(depth=3, without=BELOW, net_per_minute=2, results=results, suggestion=None)
    message = incident_message(incident_card(run=few, offers=()))
    assert message.text == (
        "🔴 ai_generation: 3 waiting (limit 1,000), +2/min, below 500 now\n"
        "Next: see to this first. No worker consumes ai_generation. Start worker1."
    )
    held = incident_message(incident_card(run=few, offers=(), in_force=(mitigation(),)))
    assert "Next: see to this first." in held.text


def test_below_its_limit_nothing_is_offered() -> None:
    """A pause that nobody needs; and the card is short."""
    few = run(depth=43, without=BELOW, net_per_minute=7)
    message = incident_message(incident_card(run=few, incident=incident(limit=None)))
    assert message.text == (
        "🟠 ai_generation: 43 waiting (limit 500), +7/min\n"
        "Next: nothing to do. It is below its limit, the alert should end by itself."
    )
    assert list(buttons(message.blocks)) == ["Act…", "I've got it"]
    assert "Scale workers" not in read(message)


def test_below_its_limit_and_growing_fast_is_no_reason_to_wait() -> None:
    """The alert fires for what comes."""
    few = run(depth=101, without=BELOW, net_per_minute=905, suggestion=SUGGESTION.model_copy(update={"with_it": BELOW}))
    message = incident_message(incident_card(run=few, incident=incident(limit=None)))
    assert message.text == (
        "🔴 ai_generation: 101 waiting (limit 500), +905/min, at its limit in less than 1 min\n"
        "Next: pause analytics. Frees 2 of 4 slots."
    )
    assert "Pause analytics" in buttons(message.blocks)


def test_forecast_from_before_a_pause_is_none_of_what_it_brings() -> None:
    """For a second the old numbers stand beside the new pause."""
    message = incident_message(incident_card(offers=(), in_force=(mitigation(),)))
    assert seen(message.text) == (
        "🟠 ai_generation: 1,284 waiting (limit 1,000), +34/min, no forecast yet\n"
        "Next: watch it drain. analytics is paused until 03:44 UTC."
    )


def test_below_our_limit_and_above_the_alerts_is_not_below() -> None:
    """The alert knows why it fires at 30."""
    few = run(depth=43, without=BELOW)
    message = incident_message(incident_card(run=few, incident=incident(limit=30)))
    assert message.text.startswith("🔴 ai_generation: 43 waiting (limit 30), +34/min, below 500 now\nNext: pause")


def test_held_and_below_its_limit_waits_for_the_end_of_the_pause() -> None:
    """Nothing is left to watch."""
    few = run(depth=0, without=BELOW, net_per_minute=-900)
    message = incident_message(incident_card(run=few, in_force=(mitigation(),), incident=incident(limit=None)))
    assert seen(message.text) == (
        "🟠 ai_generation: 0 waiting (limit 500)\n"
        "Next: nothing to do. It is below its limit; analytics resumes by itself at 03:44 UTC."
    )


def test_alert_that_names_no_queue_while_none_is_backed_up_says_so() -> None:
    """Five steps skipped for one reason are one line."""
    why = "The alert does not say which queue, and nothing else does."
    results = tuple(StepResult(id=i, state=StepState.SKIPPED, why=why) for i in ("scale", "running", "pause"))
    needs = RUNBOOK.model_copy(update={"inputs": {"queue": InputSpec(type=InputType.QUEUE)}})
    nowhere = run(runbook=needs, results=results, depth=None, net_per_minute=None, without=None, suggestion=None)
    message = incident_message(incident_card(run=nowhere, offers=(), incident=incident(queue=None)))
    assert message.text.endswith(
        "\nNext: look at `/celery status prod`. The alert names no queue, and none is backed up."
    )
    assert (
        "(Skipped: Check what runs; Scale workers immediately; Pause a less important queue "
        "(the alert does not say which queue, and nothing else does))"
    ) in read(message)


def test_buttons_keep_their_names_through_an_edit() -> None:
    """Slack names a row anew at each edit unless it has a name, and a click that is under way would miss it."""
    before, after = incident_message(incident_card()), incident_message(incident_card(incident=incident(owner=BEN)))
    names = [[b["block_id"] for b in m.blocks if "elements" in b and b["type"] == "actions"] for m in (before, after)]
    assert names == [["incident"], ["incident"]]


def test_owner_is_named_and_the_button_is_gone() -> None:
    """The first one who has it has it."""
    message = incident_message(incident_card(incident=incident(owner=BEN)))
    assert "<@U0BEN> has it" in read(message)
    assert "I've got it" not in buttons(message.blocks)


def test_guessed_queue_is_called_a_guess() -> None:
    """A guess that looks like a fact sends people to the wrong place, so the alert's own name comes first."""
    shown = read(incident_message(incident_card(incident=incident(queue_guessed=True))))
    assert shown.startswith("*🔴 Queue Depth > 1000 · ai_generation: 1,284 waiting")
    assert "The alert names no queue. ai_generation is a guess: it was the deepest above its limit." in shown


def test_a_queue_that_is_not_there_is_asked_about() -> None:
    """An alert's label may hold a metric's name for it; nobody should look for numbers that cannot come."""
    sentence = "prod shows no queue ai_generation. Does the alert name another one?"
    gone = run(depth=None, without=None, suggestion=None)
    unread = [
        run(),
        gone.model_copy(update={"trouble": "Silence."}),
        gone.model_copy(update={"updated_at": incident().opened_at}),
    ]
    assert sentence in read(incident_message(incident_card(run=gone)))
    for other in unread:
        assert sentence not in read(incident_message(incident_card(run=other)))


@pytest.mark.parametrize(
    ("net", "forecast", "end"),
    [
        (-65.4, DRAINS, "-65/min, below 500 in about 12 min"),
        (-65.4, Forecast(prospect=Prospect.DRAINS, goal=500, minutes=0.4), "-65/min, below 500 in less than 1 min"),
        (-8.2, Forecast(prospect=Prospect.DRAINS, goal=500, minutes=96), "-8/min, below 500 in about 1 h 36 min"),
        (-1.2, Forecast(prospect=Prospect.DRAINS, goal=500, minutes=653), "-1/min, not below 500 for hours"),
        (-0.5, Forecast(prospect=Prospect.DRAINS, goal=500, minutes=9000), "steady, not below 500 for hours"),
        (0.0, Forecast(prospect=Prospect.WILL_NOT_DRAIN, goal=500), "steady, will not drain"),
        (None, Forecast(prospect=Prospect.TOO_EARLY, goal=500), "no forecast yet"),
    ],
)
def test_first_line_ends_with_the_forecast(net: float | None, forecast: Forecast, end: str) -> None:
    """Trend and forecast in words and whole numbers."""
    message = incident_message(incident_card(run=run(net_per_minute=net, without=forecast)))
    assert message.text.splitlines()[0] == f"🔴 ai_generation: 1,284 waiting (limit 1,000), {end}"


@pytest.mark.parametrize(
    ("prospect", "end"),
    [(Prospect.TOO_EARLY, "no forecast yet"), (Prospect.WILL_NOT_DRAIN, "it would still not drain")],
)
def test_gain_is_never_promised_without_numbers(prospect: Prospect, end: str) -> None:
    """What the pause will bring is said to be unknown, or not enough, when it is."""
    card = incident_card()
    assert card.run is not None
    assert card.run.suggestion is not None
    then = card.run.suggestion.model_copy(update={"with_it": Forecast(prospect=prospect, goal=500)})
    message = incident_message(incident_card(run=run(suggestion=then)))
    assert message.text.splitlines()[1] == f"Next: pause analytics. Frees 2 of 4 slots; {end}"


def test_first_second_says_that_numbers_are_coming() -> None:
    """The card stands before the cluster has answered."""
    fresh = run(results=(), depth=None, net_per_minute=None, without=None, suggestion=None)
    assert incident_message(incident_card(run=fresh, offers=())).text == (
        "🔴 ai_generation: looking at the cluster now\nNext: wait a moment, the first numbers are coming."
    )


def test_dead_broker_is_the_first_line_and_old_numbers_are_called_old() -> None:
    """A depth of ten minutes ago must not look like one of now; and nothing can be paused without the broker."""
    trouble = "The broker of `prod` cannot be read: 127.0.0.1:6379 did not answer (waited 1.0 s). All is unknown."
    message = incident_message(incident_card(run=run(trouble=trouble, updated_at=NOW + timedelta(minutes=5))))
    lines = read(message).splitlines()
    assert lines[:3] == [
        "*🔴 ai_generation: the broker does not answer, last seen 1,284 waiting*",
        "Next: check the broker of prod.",
        "❓ The broker of `prod` cannot be read: 127.0.0.1:6379 did not answer (waited 1.0 s).",
    ]
    assert list(buttons(message.blocks)) == ["Act…", "I've got it"]
    assert "slots busy" not in read(message)
    assert lines[-1].endswith("numbers of 03:14:00 UTC)")


def test_asked_and_not_yet_answered_says_who_must_answer() -> None:
    """The offer is not made twice while somebody is asked."""
    message = incident_message(incident_card(offers=(HIGH_OFFER,), requests=(request(),)))
    assert "Next: <@U0BEN> or <@U0CEM> must approve: pause analytics." in message.text
    shown = read(message)
    assert "⏳ Pause analytics for 30 min: waits for <@U0BEN> or <@U0CEM> until 03:44 UTC" in shown
    assert "Ask to pause analytics" not in buttons(message.blocks)
    assert "*Pause a less important queue*" not in shown


def test_running_says_to_wait() -> None:
    """Nobody presses again what is on its way."""
    running = execution(state=ExecutionState.RUNNING, verdict=None)
    message = incident_message(incident_card(executions=(running,)))
    assert "Next: wait a moment. Pausing analytics now." in message.text
    assert "▶️ Pausing analytics now" in read(message)


def test_held_incident_is_amber_with_what_is_in_force_until_when() -> None:
    """Draining, thanks to a pause that ends by itself."""
    held = incident_card(
        run=later(without=DRAINS, net_per_minute=-65), executions=(execution(),), in_force=(mitigation(),)
    )
    shown = read(incident_message(held))
    assert shown.startswith(
        "*🟠 ai_generation: 1,284 waiting (limit 1,000), -65/min, below 500 in about 12 min*\n"
        "Next: watch it drain. analytics is paused until 03:44 UTC.\n"
    )
    assert "⏸️ analytics is paused until 03:44 UTC by <@U0ANA>" in shown
    assert "✅ 3 of 3 workers stopped consuming analytics; 8 fetched tasks still run." in shown


def test_held_and_still_growing_is_red() -> None:
    """Amber would let somebody go back to sleep."""
    message = incident_message(incident_card(run=later(), in_force=(mitigation(),)))
    assert message.text.startswith("🔴")


def test_mitigated_offers_the_way_back() -> None:
    """The alert is over; only our own pause is left."""
    card = incident_card(incident=incident(state=IncidentState.MITIGATED), run=run(depth=212), in_force=(mitigation(),))
    message = incident_message(card)
    assert seen(message.text) == (
        "🟠 ai_generation: 212 waiting (limit 1,000), the alert is over\n"
        "Next: resume analytics, or leave it: it resumes by itself at 03:44 UTC."
    )
    assert buttons(message.blocks)["Resume analytics"]["value"] == "mit-1"
    assert "Pause analytics" not in buttons(message.blocks)


def test_resolved_card_is_short_and_has_no_buttons() -> None:
    """What was done stays; nothing is left to press."""
    over = incident(state=IncidentState.RESOLVED, owner=ANA, resolved_at=NOW + timedelta(minutes=33))
    back = execution(proposal=RESUME, state=ExecutionState.FAILED, verdict=None, error="Nothing was done: no worker.")
    assert read(incident_message(incident_card(incident=over, executions=(execution(), back)))) == (
        "*🟢 ai_generation: resolved*\n"
        "Resolved 03:47 UTC, after 37 min. Nothing more to do.\n"
        "✅ 3 of 3 workers stopped consuming analytics; 8 fetched tasks still run.\n"
        "❌ Resume analytics: Nothing was done: no worker.\n"
        "(Queue depth above 1000 · prod · <@U0ANA> has it)"
    )


def test_resolved_by_hand_says_what_is_still_paused() -> None:
    """Closing an incident ends no pause."""
    over = incident(state=IncidentState.RESOLVED, resolved_at=NOW)
    message = incident_message(incident_card(incident=over, in_force=(mitigation(),)))
    assert seen(message.text).endswith("⏸️ analytics is paused until 03:44 UTC by <@U0ANA>")


def test_frozen_says_how_to_unfreeze_and_offers_nothing() -> None:
    """A button that is refused for sure is no help."""
    message = incident_message(incident_card(frozen=True))
    assert "Next: say `/celery unfreeze`. Until then the bot changes nothing." in message.text
    assert "Pause analytics" not in buttons(message.blocks)


def test_observe_mode_is_said_on_the_card_and_in_the_dialog() -> None:
    """A dry run must not pass for the real thing."""
    message = incident_message(incident_card(mode=Mode.OBSERVE))
    assert "👀 Observe mode: buttons only say what would be done." in read(message)
    assert "Observe mode: nothing will be changed." in dialog(buttons(message.blocks)["Pause analytics"])


def test_partial_pause_calls_for_a_person() -> None:
    """Nobody should watch a drain that may not happen."""
    partial = mitigation(state=MitigationState.PARTIAL)
    message = incident_message(incident_card(in_force=(partial,)))
    assert "Next: a person must look. analytics may be paused only in part." in message.text


def test_alert_without_runbook_names_itself_and_points_to_status() -> None:
    """An alert nobody wrote a runbook for still gets its card."""
    about = incident(queue=None, limit=None, alert=alert(name="CeleryWorkerDown"))
    bare = run(runbook=None, results=(), depth=None, net_per_minute=None, without=None, suggestion=None)
    message = incident_message(incident_card(incident=about, run=bare, offers=()))
    assert message.text == ("🔴 CeleryWorkerDown\nNext: look at `/celery status prod`. No runbook fits this alert.")


def test_command_in_a_note_can_be_copied() -> None:
    """A note that holds a command shows it as one; the words around it stay words."""
    text = "Slow it down:\ncelery -A app control rate_limit <task> 10/m -d <worker@host>"
    results = tuple(r.model_copy(update={"text": text}) if r.id == "cause" else r for r in RESULTS)
    shown = read(incident_message(incident_card(run=run(results=results))))
    assert "Slow it down:\n```celery -A app control rate_limit <task> 10/m -d <worker@host>```" in shown


def test_offer_of_a_runbook_says_how_long() -> None:
    """A runbook writes `for: 30m` where a command means seconds."""
    offer = LOW_OFFER.model_copy(
        update={"proposal": PAUSE.model_copy(update={"params": {"queue": "analytics", "for": "30m"}})}
    )
    message = incident_message(incident_card(offers=(offer,)))
    assert dialog(buttons(message.blocks)["Pause analytics"]).startswith("Pause analytics for 30 min?")


def test_long_history_is_counted_not_shown() -> None:
    """The newest six stand there, the rest is a number."""
    denied = tuple(
        request(id=f"req-{i}", state=RequestState.DENIED, requested_at=NOW + timedelta(minutes=i)) for i in range(9)
    )
    shown = read(incident_message(incident_card(requests=denied)))
    assert "… 3 earlier" in shown
    assert shown.count("🚫 Denied") == 6


def test_broadcast_in_a_label_stays_text() -> None:
    """An alert's text may hold anything; nothing of it rings a whole channel."""
    about = incident(queue=None, alert=alert(name="<!channel> `rm` & <@U0EVIL>"))
    message = incident_message(incident_card(incident=about))
    assert "&lt;!channel&gt; 'rm' &amp; &lt;@U0EVIL&gt;" in message.text
    assert "<!channel>" not in str(message.blocks)
