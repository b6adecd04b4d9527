"""The Home tab, read as it stands on the screen."""

from bot.domain.card import AuditCheck, HomeView
from bot.domain.cluster import Mode
from bot.domain.incident import Incident, IncidentState
from bot.slack.views.home import home_view
from tests.slack.views.reading import buttons, read_blocks
from tests.slack.views.samples import ANA, BEN, NOW, incident, mitigation, request

FULL = """\
# celery-oncall
🟢 prod: the bot may act, with consent
👀 staging: observe only, nothing is changed
[Act…]
---
*Waiting for you*
<@U0ANA> asks to pause analytics for 30 min on prod
3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost.
In <#C0ONCALL>, expires 03:44 UTC
[Approve] [Deny]
*In force*
⏸️ analytics is paused until 03:44 UTC by <@U0ANA>, on prod
Why: stories are late
[Resume] [Extend 30 min]
*Open incidents*
🔴 <https://workspace.example/inc-1|ai_generation> on prod, since 03:10 UTC, nobody has it yet, in <#C0ONCALL>
🟠 <https://workspace.example/inc-2|Queue Depth > 1000> on prod, since 03:10 UTC, <@U0ANA> has it, in <#C0ONCALL>
---
(✅ Audit log checked 03:14 UTC: 418 entries, unbroken.)
(`/celery status` counts everything now. `/celery help` shows what else you can say.)"""


def view(**given: object) -> HomeView:
    """Return Ben's view of an empty house, with something in it if given."""
    return HomeView.model_validate({"user": BEN, "modes": {"prod": Mode.ACT}, "frozen": False, "now": NOW} | given)


def link(incident: Incident) -> str:
    """Return an address for an incident."""
    return f"https://workspace.example/{incident.id}"


def test_full_house() -> None:
    """Mode, what waits, what is in force, what is open, the audit."""
    second = incident(id="inc-2", queue=None, state=IncidentState.MITIGATED, owner=ANA)
    full = view(
        modes={"staging": Mode.OBSERVE, "prod": Mode.ACT},
        waiting=(request(),),
        in_force=(mitigation(),),
        incidents=(incident(), second),
        audit_check=AuditCheck(at=NOW, sound=True, sentence="418 entries, unbroken."),
    )
    assert read_blocks(home_view(full, link)["blocks"]) == FULL


def test_frozen_house_has_no_buttons() -> None:
    """A button that is refused for sure is no help; what is in force and what waits still stands there."""
    frozen = view(modes={"prod": Mode.ACT, "staging": Mode.OBSERVE}, frozen=True, waiting=(request(),))
    blocks = home_view(frozen.model_copy(update={"in_force": (mitigation(),)}), link)["blocks"]
    assert read_blocks(blocks).splitlines()[1:4] == [
        "❄️ *Frozen: nothing new is executed anywhere.* `/celery unfreeze` brings the buttons back.",
        "❄️ prod: nothing is changed while frozen",
        "👀 staging: observe only, nothing is changed",
    ]
    assert "asks to pause analytics" in read_blocks(blocks)
    assert "analytics is paused" in read_blocks(blocks)
    assert not buttons(blocks)


def test_each_row_of_buttons_is_named_after_what_it_is_about() -> None:
    """The tab is drawn anew while somebody presses; a click must not land on what moved into that place."""
    full = view(waiting=(request(), request(id="req-2")), in_force=(mitigation(),))
    rows = [b["block_id"] for b in home_view(full, link)["blocks"] if b["type"] == "actions"]
    assert rows == ["act", "request req-1", "request req-2", "pause mit-1"]


def test_empty_house_is_friendly() -> None:
    """Nothing to do is good news."""
    shown = read_blocks(home_view(view(), link)["blocks"])
    assert "(Nothing waits for you.)" in shown
    assert "(Nothing is paused or limited.)" in shown
    assert "(No open incidents. All quiet.)" in shown
    assert "(The audit log has not been checked yet.)" in shown


def test_broken_audit_is_loud() -> None:
    """The one thing on Home that must never look ordinary."""
    check = AuditCheck(at=NOW, sound=False, sentence="entry #7 was changed: its content does not give its hash")
    shown = read_blocks(home_view(view(audit_check=check), link)["blocks"])
    assert "❌ Audit log checked 03:14 UTC: entry #7 was changed" in shown
    assert "Do not trust it" in shown


def test_many_requests_are_counted() -> None:
    """Twelve stand there with buttons, the rest is a number."""
    many = tuple(request(id=f"req-{i}") for i in range(20))
    blocks = home_view(view(waiting=many), link)["blocks"]
    assert sum("Approve" in buttons([b]) for b in blocks) == 12
    assert "(… and 8 more)" in read_blocks(blocks)
