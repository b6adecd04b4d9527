"""One incident, as the operations runbook would have it: ai_generation is backed up, analytics takes its slots."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.action import (
    BlastRadius,
    Execution,
    ExecutionState,
    Observation,
    Preview,
    Proposal,
    Risk,
    Verdict,
)
from bot.domain.alert import Alert, AlertStatus
from bot.domain.approval import Alternative, ApprovalRequest, RequestState
from bot.domain.card import IncidentCard, Offer
from bot.domain.cluster import ClusterSnapshot
from bot.domain.forecast import Forecast, Prospect, Relief
from bot.domain.incident import Incident, IncidentState
from bot.domain.mitigation import Mitigation, MitigationState
from bot.domain.run import Finding, Level, Run, StepResult, StepState, Suggestion
from bot.domain.runbook import Runbook

NOW = datetime(2026, 11, 22, 3, 14, tzinfo=UTC)
ANA, BEN, CEM = "U0ANA", "U0BEN", "U0CEM"
CHANNEL = "C0ONCALL"

PAUSE = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 1800})
RESUME = Proposal(action="resume_queue", cluster="prod", params={"queue": "analytics"})
PREVIEW = Preview(
    summary="3 workers will stop consuming analytics for 30 min; 212 tasks will wait, nothing is lost.",
    radius=BlastRadius(queues=("analytics",), workers=("w1@a", "w2@a", "w3@b"), messages=212, running=8),
    notes=("8 tasks already fetched will still run.", "It resumes by itself at the end."),
    warnings=("w4@b did not answer and may consume it too.",),
)
RUNBOOK = Runbook.model_validate(
    {
        "runbook": "queue-depth",
        "title": "Queue depth above 1000",
        "steps": [
            {"id": "workers", "check": "workers", "title": "Check worker status"},
            {"id": "depths", "check": "queue_depths", "title": "Check queue depths"},
            {"id": "running", "check": "running", "title": "Check what runs"},
            {"id": "scale", "action": "scale_workers", "title": "Scale workers immediately"},
            {"id": "pause", "action": "pause_queue", "title": "Pause a less important queue"},
            {"id": "cause", "note": "…", "title": "Investigate the root cause"},
            {"id": "limit", "note": "…", "title": "Consider rate limiting"},
        ],
    }
)
COMMAND = "celery -A app worker --concurrency=4 --queues=ai_generation -n emergency_ai_generation_$i@%h --detach"


def alert(**changes: Any) -> Alert:
    """Return the alert."""
    given: dict[str, Any] = {
        "status": AlertStatus.FIRING,
        "name": "Queue Depth > 1000",
        "title": "Critical Alert: Queue Depth > 1000",
        "channel": CHANNEL,
        "ts": "1795317000.000100",
        "sender": "B0ALERT",
        "key": "k",
        "limit": 1000,
    }
    return Alert(**(given | changes))


def incident(**changes: Any) -> Incident:
    """Return the open incident."""
    given: dict[str, Any] = {
        "id": "inc-1",
        "cluster": "prod",
        "state": IncidentState.OPEN,
        "alert": alert(),
        "channel": CHANNEL,
        "root_ts": "1795317000.000100",
        "last_ts": "1795317000.000100",
        "key": "k",
        "queue": "ai_generation",
        "limit": 1000,
        "opened_at": NOW - timedelta(minutes=4),
    }
    return Incident(**(given | changes))


def finding(level: Level, sentence: str) -> Finding:
    """Return a finding of now."""
    return Finding(level=level, sentence=sentence, at=NOW)


RESULTS = (
    StepResult(id="workers", state=StepState.DONE, finding=finding(Level.OK, "2 workers online, 6 of 6 slots busy.")),
    StepResult(
        id="depths", state=StepState.DONE, finding=finding(Level.WARN, "Above their limit: ai_generation 1,284.")
    ),
    StepResult(
        id="running",
        state=StepState.DONE,
        finding=finding(Level.WARN, "4 of 4 slots busy: 2 × generate_story, 2 × roll_up."),
    ),
    StepResult(id="scale", state=StepState.BY_HAND, command=COMMAND),
    StepResult(
        id="pause",
        state=StepState.OFFERED,
        proposal=PAUSE,
        preview=PREVIEW,
        command="celery -A app control cancel_consumer analytics -d <worker@host>",
    ),
    StepResult(id="cause", state=StepState.DONE, text="Look at the newest deploy.\nDid the model get slower?"),
    StepResult(id="limit", state=StepState.SKIPPED, why="Not needed now."),
)
SUGGESTION = Suggestion(
    relief=Relief(queue="analytics", importance=3, frees=2, of=4, serving=2, workers=("w1@a",)),
    seconds=1800,
    with_it=Forecast(prospect=Prospect.DRAINS, goal=500, minutes=27.6),
)
WILL_NOT = Forecast(prospect=Prospect.WILL_NOT_DRAIN, goal=500)
BELOW = Forecast(prospect=Prospect.ALREADY_BELOW, goal=500)
DRAINS = Forecast(prospect=Prospect.DRAINS, goal=500, minutes=12)


def run(**changes: Any) -> Run:
    """Return the runbook at work."""
    given: dict[str, Any] = {
        "id": "run-1",
        "incident_id": "inc-1",
        "cluster": "prod",
        "runbook": RUNBOOK,
        "results": RESULTS,
        "depth": 1284,
        "net_per_minute": 34.2,
        "without": WILL_NOT,
        "suggestion": SUGGESTION,
        "updated_at": NOW - timedelta(seconds=3),
    }
    return Run(**(given | changes))


def later(**changes: Any) -> Run:
    """Return the runbook at work, with numbers from after what was done at NOW."""
    return run(updated_at=NOW + timedelta(seconds=20), **changes)


LOW_OFFER = Offer(
    step_id="pause", title="Pause a less important queue", proposal=PAUSE, risk=Risk.LOW, alone=True, preview=PREVIEW
)
HIGH_OFFER = LOW_OFFER.model_copy(update={"risk": Risk.HIGH, "alone": False, "asks": ("platform", "leads")})


def incident_card(**changes: Any) -> IncidentCard:
    """Return the incident's bundle, with the pause on offer for one person."""
    given: dict[str, Any] = {"incident": incident(), "run": run(), "offers": (LOW_OFFER,), "now": NOW}
    return IncidentCard(**(given | changes))


def request(**changes: Any) -> ApprovalRequest:
    """Return Ana's request, which Ben and Cem may approve."""
    given: dict[str, Any] = {
        "id": "req-1",
        "proposal": PAUSE,
        "risk": Risk.HIGH,
        "preview": PREVIEW,
        "reason": "stories are late",
        "policy_digest": "p",
        "alternatives": (Alternative(approve=1, by="platform"),),
        "asked": (BEN, CEM),
        "requested_by": ANA,
        "requested_at": NOW,
        "expires_at": NOW + timedelta(minutes=30),
        "incident_id": "inc-1",
        "channel": CHANNEL,
        "state": RequestState.PENDING,
    }
    return ApprovalRequest(**(given | changes))


def execution(**changes: Any) -> Execution:
    """Return Ana's pause, seen to have worked."""
    given: dict[str, Any] = {
        "id": "exe-1",
        "proposal": PAUSE,
        "risk": Risk.LOW,
        "consent": "policy low",
        "requested_by": ANA,
        "request_id": "req-1",
        "incident_id": "inc-1",
        "channel": CHANNEL,
        "preview": PREVIEW,
        "state": ExecutionState.VERIFIED,
        "queued_at": NOW,
        "started_at": NOW,
        "ended_at": NOW + timedelta(seconds=2),
        "before": Observation(snapshot=ClusterSnapshot(cluster="prod", taken_at=NOW)),
        "progress": ("Telling 3 workers to stop consuming analytics",),
        "verdict": Verdict(
            verified=True,
            sentence="3 of 3 workers stopped consuming analytics; 8 fetched tasks still run.",
            confirmed=("w1@a", "w2@a", "w3@b"),
        ),
        "undo": RESUME,
        "mitigation_id": "mit-1",
        "audit_seq": 418,
        "audit_hash": "9f3a1c2b" + "0" * 56,
    }
    return Execution(**(given | changes))


def mitigation(**changes: Any) -> Mitigation:
    """Return the pause in force."""
    given: dict[str, Any] = {
        "id": "mit-1",
        "cluster": "prod",
        "target": "analytics",
        "state": MitigationState.IN_FORCE,
        "owner": ANA,
        "reason": "stories are late",
        "channel": CHANNEL,
        "incident_id": "inc-1",
        "began_at": NOW,
        "ends_at": NOW + timedelta(minutes=30),
        "workers": ("w1@a", "w2@a", "w3@b"),
    }
    return Mitigation(**(given | changes))
