"""The Home tab, read as it stands on the screen."""

from bot.domain.card import AuditCheck, HomeView
from bot.domain.cluster import Mode
from bot.domain.incident import IncidentState
from bot.slack.views.home import home_view
from tests.slack.views.reading import buttons, read_blocks
from tests.slack.views.samples import ANA, BEN, NOW, incident, mitigation, request

FULL = """\
# celery-oncall
❄️ *Frozen: nothing new is executed anywhere.* `/celery unfreeze` ends that.
🟢 prod: the bot may act, with consent
👀 staging: observe only, nothing is changed
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
🔴 ai_generation on prod, since 03:10 UTC, nobody has it yet, in <#C0ONCALL>
🟠 Queue Depth > 1000 on prod, since 03:10 UTC, <@U0ANA> has it, in <#C0ONCALL>
---
(✅ Audit log checked 03:14 UTC: 418 entries, unbroken.)
(`/celery status` counts everything now. `/celery help` shows what else you can say.)"""


def view(**given: object) -> HomeView:
    """Return Ben's view of an empty house, with something in it if given."""
    return HomeView.model_validate({"user": BEN, "modes": {"prod": Mode.ACT}, "frozen": False, "now": NOW} | given)


def test_full_house() -> None:
    """Mode, what waits, what is in force, what is open, the audit."""
    second = incident(id="inc-2", queue=None, state=IncidentState.MITIGATED, owner=ANA)
    full = view(
        modes={"staging": Mode.OBSERVE, "prod": Mode.ACT},
        frozen=True,
        waiting=(request(),),
        in_force=(mitigation(),),
        incidents=(incident(), second),
        audit_check=AuditCheck(at=NOW, sound=True, sentence="418 entries, unbroken."),
    )
    assert read_blocks(home_view(full)["blocks"]) == FULL


def test_empty_house_is_friendly() -> None:
    """Nothing to do is good news."""
    shown = read_blocks(home_view(view())["blocks"])
    assert "(Nothing waits for you.)" in shown
    assert "(Nothing is paused.)" in shown
    assert "(No open incidents. All quiet.)" in shown
    assert "(The audit log has not been checked yet.)" in shown


def test_broken_audit_is_loud() -> None:
    """The one thing on Home that must never look ordinary."""
    check = AuditCheck(at=NOW, sound=False, sentence="entry #7 was changed: its content does not give its hash")
    shown = read_blocks(home_view(view(audit_check=check))["blocks"])
    assert "❌ Audit log checked 03:14 UTC: entry #7 was changed" in shown
    assert "Do not trust it" in shown


def test_many_requests_are_counted() -> None:
    """Twelve stand there with buttons, the rest is a number."""
    many = tuple(request(id=f"req-{i}") for i in range(20))
    blocks = home_view(view(waiting=many))["blocks"]
    assert sum("Approve" in buttons([b]) for b in blocks) == 12
    assert "(… and 8 more)" in read_blocks(blocks)
