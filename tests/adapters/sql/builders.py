"""One of each noun, with as many fields filled as possible."""

from datetime import timedelta

from bot.domain.action import (
    BlastRadius,
    Execution,
    ExecutionState,
    Observation,
    Outcome,
    Preview,
    Proposal,
    Risk,
    Verdict,
)
from bot.domain.alert import Alert, AlertStatus
from bot.domain.approval import Alternative, Answer, ApprovalRequest, RequestState, Review
from bot.domain.cluster import ClusterSnapshot, Queue, TaskInHand, Unknown, Worker
from bot.domain.forecast import Forecast, Prospect, Relief
from bot.domain.incident import Incident, IncidentState
from bot.domain.mitigation import Mitigation, MitigationState
from bot.domain.run import Finding, Level, Run, StepResult, StepState, Suggestion
from bot.domain.runbook import Runbook
from tests.adapters.sql.conftest import NOW

PROPOSAL = Proposal(action="pause_queue", cluster="prod", params={"queue": "analytics", "seconds": 1800, "share": 0.5})
PREVIEW = Preview(summary="pause `analytics`", radius=BlastRadius(queues=("analytics",), messages=8), notes=("n",))
SNAPSHOT = ClusterSnapshot(
    cluster="prod",
    taken_at=NOW,
    queues=(Queue(name="analytics", depth=1284, lanes=(1, 1283), unacked=None),),
    workers=(Worker(name="w1@a", slots=4, active=(TaskInHand(id="t", name="x", queue="analytics", eta=NOW),)),),
    unknown=(Unknown(what="w2@a", why="no answer"),),
    took_seconds=0.25,
)


def incident(id: str = "inc-1", key: str = "k1", state: IncidentState = IncidentState.OPEN) -> Incident:
    """Return an incident whose alert holds hostile text."""
    alert = Alert(
        status=AlertStatus.FIRING,
        name="QueueDepth",
        title="<!channel> 'quoted' \x00 \N{SNOWMAN}",
        channel="C1",
        ts="1700000000.000100",
        sender="B1",
        key=key,
        labels={"queue": "ai_generation"},
        values=("ai_generation",),
    )
    return Incident(
        id=id,
        cluster="prod",
        state=state,
        alert=alert,
        channel="C1",
        root_ts=alert.ts,
        last_ts=alert.ts,
        key=key,
        opened_at=NOW,
        repeats=("1700000001.000100",),
    )


def run(id: str = "run-1", incident_id: str = "inc-1") -> Run:
    """Return a run of a runbook with every kind of result; its YAML keys (`with`, `from`) are Python's own words."""
    runbook = Runbook.model_validate(
        {
            "runbook": "queue-depth",
            "title": "Queue depth",
            "alerts": [{"name": "QueueDepth"}],
            "inputs": {"queue": {"type": "queue", "from": "alert.labels.queue"}},
            "steps": [
                {"id": "look", "title": "Look", "check": "workers"},
                {"id": "pause", "title": "Pause", "action": "pause_queue", "with": {"queue": "{{ queue }}"}},
            ],
        }
    )
    forecast = Forecast(prospect=Prospect.DRAINS, goal=500, minutes=28.5)
    relief = Relief(queue="analytics", importance=3, frees=2, of=4, serving=2, workers=("w1@a",))
    finding = Finding(level=Level.BAD, sentence="1 of 2 workers", at=NOW, values={"online": 1, "rate": 0.1})
    return Run(
        id=id,
        incident_id=incident_id,
        cluster="prod",
        runbook=runbook,
        inputs={"queue": "ai_generation"},
        results=(
            StepResult(id="look", state=StepState.DONE, finding=finding),
            StepResult(id="pause", state=StepState.OFFERED, proposal=PROPOSAL),
        ),
        net_per_minute=33.3,
        suggestion=Suggestion(relief=relief, seconds=1800, with_it=forecast),
        updated_at=NOW,
    )


def approval_request(id: str = "req-1", state: RequestState = RequestState.PENDING) -> ApprovalRequest:
    """Return a request with one answer."""
    return ApprovalRequest(
        id=id,
        proposal=PROPOSAL,
        risk=Risk.HIGH,
        preview=PREVIEW,
        reason="backed up",
        policy_digest="p",
        alternatives=(Alternative(approve=2, by="platform"),),
        asked=("U1", "U2"),
        requested_by="U0",
        requested_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        incident_id="inc-1",
        channel="C1",
        state=state,
        reviews=(Review(by="U1", answer=Answer.APPROVE, at=NOW),),
    )


def execution(id: str = "exe-1", state: ExecutionState = ExecutionState.VERIFIED) -> Execution:
    """Return an execution that has ended."""
    return Execution(
        id=id,
        proposal=PROPOSAL,
        risk=Risk.LOW,
        consent="policy low",
        requested_by="U0",
        request_id="req-1",
        channel="C1",
        preview=PREVIEW,
        state=state,
        queued_at=NOW,
        lease_until=NOW + timedelta(seconds=30),
        before=Observation(snapshot=SNAPSHOT, recorded=("w1@a",), facts={"a": [1, {"b": None}]}),
        outcome=Outcome(summary="done", replied={"w1@a": "ok"}, workers=("w1@a",)),
        verdict=Verdict(verified=True, sentence="1 of 1", confirmed=("w1@a",)),
        audit_seq=3,
        audit_hash="ab",
    )


def mitigation(id: str = "mit-1", state: MitigationState = MitigationState.IN_FORCE) -> Mitigation:
    """Return a pause in force."""
    return Mitigation(
        id=id,
        cluster="prod",
        target="analytics",
        state=state,
        owner="U0",
        reason="backed up",
        channel="C1",
        began_at=NOW,
        ends_at=NOW + timedelta(minutes=30),
        workers=("w1@a", "w2@a"),
        joined=("w2@a",),
    )
