"""Who must consent to what, and what a click on Approve, Deny or Withdraw means."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.domain.action import Preview, Proposal, Risk, Tolerance, digest_of
from bot.domain.cluster import Value

Roles = Mapping[str, frozenset[str]]
"""Who holds each role, by Slack user id. A role nobody holds is an empty set, and an empty set means nobody."""


class Alternative(Value):
    """One way to reach consent: `approve` people other than the requester, each holding the role `by`."""

    approve: Annotated[int, Field(ge=1, le=10)] = 1
    by: str


class Policy(Value):
    """Consent by risk.

    `acting` is the role that may ask for anything and confirm what is low; `consent` gives for each higher risk the
    alternatives, any of which suffices; a risk without alternatives can be consented to by nobody.
    """

    acting: str = "oncall"
    consent: dict[Risk, tuple[Alternative, ...]] = Field(default_factory=dict)
    request_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 30
    low_pause_minutes: Annotated[int, Field(ge=1, le=24 * 60)] = 60
    tolerance: Tolerance = Tolerance()

    @property
    def digest(self) -> str:
        """Return the policy's version: a digest over its content."""
        return digest_of(self.model_dump(mode="json"))[:12]

    def alternatives(self, risk: Risk) -> tuple[Alternative, ...]:
        """Return the ways to consent to `risk`."""
        return self.consent.get(risk, ())


class RequestState(StrEnum):
    """The life of a request for approval. A draft was shown to its author alone and nobody is asked yet."""

    DRAFT = "draft"
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Answer(StrEnum):
    """What a person answered to a request."""

    APPROVE = "approve"
    DENY = "deny"
    WITHDRAW = "withdraw"


class Review(Value):
    """One person's answer."""

    by: str
    answer: Answer
    at: datetime


class ApprovalRequest(Value):
    """A proposal waiting for consent, with everything that consent binds: see `digest`.

    `asked` are the people who were told and may approve.
    """

    id: str
    version: int = 0
    proposal: Proposal
    risk: Risk
    preview: Preview
    reason: str
    policy_digest: str
    runbook_digest: str | None = None
    alternatives: tuple[Alternative, ...]
    asked: tuple[str, ...]
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    incident_id: str | None = None
    undoes: str | None = None
    channel: str
    thread_ts: str | None = None
    state: RequestState = RequestState.PENDING
    reviews: tuple[Review, ...] = ()
    decided_at: datetime | None = None
    execution_id: str | None = None

    @property
    def digest(self) -> str:
        """Return the digest over all that consent binds: action and version, params, runbook, policy, preview."""
        bound = {
            "proposal": self.proposal.model_dump(mode="json"),
            "preview": self.preview.model_dump(mode="json"),
            "runbook": self.runbook_digest,
            "policy": self.policy_digest,
            "risk": self.risk.value,
        }
        return digest_of(bound)


class Reason(StrEnum):
    """Why a click did nothing."""

    ALREADY_DECIDED = "already decided"
    EXPIRED = "expired"
    OWN_REQUEST = "own request"
    NOT_AN_APPROVER = "not an approver"
    NOT_ON_CALL = "not on call"
    NOT_YOURS = "not yours to withdraw"
    ALREADY_REVIEWED = "you answered before"
    ALREADY_DONE = "already done"
    FROZEN = "frozen"
    NOBODY_MAY_APPROVE = "nobody may approve"
    NOT_POSSIBLE = "not possible"
    OUTDATED = "made under another policy"


class Refused(Value):
    """An ordinary outcome: a click that did nothing, why, and the facts to say so clearly."""

    reason: Reason
    by: str | None = None
    at: datetime | None = None
    asked: tuple[str, ...] = ()
    detail: str = ""


class Decided(Value):
    """The request after a review; it may still be pending when more people are needed."""

    request: ApprovalRequest


def approvers(alternatives: tuple[Alternative, ...], roles: Roles, requester: str) -> tuple[str, ...]:
    """Return who may approve: holders of any named role, never the requester."""
    people = {p for a in alternatives for p in roles.get(a.by, frozenset())}
    return tuple(sorted(people - {requester}))


def satisfied(request: ApprovalRequest, reviews: tuple[Review, ...], roles: Roles) -> bool:
    """Return whether any alternative is reached by distinct people who hold its role and did not make the request."""
    yes = {r.by for r in reviews if r.answer is Answer.APPROVE} - {request.requested_by}
    return any(len(yes & roles.get(a.by, frozenset())) >= a.approve for a in request.alternatives)


def review(request: ApprovalRequest, by: str, answer: Answer, roles: Roles, now: datetime) -> Decided | Refused:
    """Decide what one person's click on a request means. Pure: the caller stores it under the request's version."""
    if refusal := _refusal(request, by, answer, roles, now):
        return refusal
    reviews = (*request.reviews, Review(by=by, answer=answer, at=now))
    state = {Answer.DENY: RequestState.DENIED, Answer.WITHDRAW: RequestState.WITHDRAWN}.get(answer)
    if state is None:
        state = RequestState.APPROVED if satisfied(request, reviews, roles) else RequestState.PENDING
    decided_at = None if state is RequestState.PENDING else now
    return Decided(request=request.model_copy(update={"reviews": reviews, "state": state, "decided_at": decided_at}))


def _refusal(request: ApprovalRequest, by: str, answer: Answer, roles: Roles, now: datetime) -> Refused | None:
    if request.state is not RequestState.PENDING:
        last = request.reviews[-1] if request.reviews else None
        return Refused(
            reason=Reason.EXPIRED if request.state is RequestState.EXPIRED else Reason.ALREADY_DECIDED,
            by=last.by if last else None,
            at=request.decided_at,
            detail=request.state.value,
        )
    if now >= request.expires_at:
        return Refused(reason=Reason.EXPIRED, at=request.expires_at)
    if answer is Answer.WITHDRAW:
        return None if by == request.requested_by else Refused(reason=Reason.NOT_YOURS, by=request.requested_by)
    may = approvers(request.alternatives, roles, request.requested_by)
    if by == request.requested_by:
        return Refused(reason=Reason.OWN_REQUEST, asked=may, at=request.requested_at)
    if by not in may:
        return Refused(reason=Reason.NOT_AN_APPROVER, asked=may)
    if any(r.by == by for r in request.reviews):
        return Refused(reason=Reason.ALREADY_REVIEWED, by=by)
    return None


def expire(request: ApprovalRequest, now: datetime) -> ApprovalRequest:
    """Return the request, expired, if its time is over and nobody decided it; else unchanged."""
    if request.state in (RequestState.PENDING, RequestState.DRAFT) and now >= request.expires_at:
        return request.model_copy(update={"state": RequestState.EXPIRED, "decided_at": now})
    return request


def expiry(policy: Policy, now: datetime) -> datetime:
    """Return when a request made now expires."""
    return now + timedelta(minutes=policy.request_minutes)
