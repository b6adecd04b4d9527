"""An incident: one alert's life, from the first message to its end, in one thread."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.domain.alert import Alert, AlertStatus, order_of
from bot.domain.cluster import Value


class IncidentState(StrEnum):
    """Open: nothing holds it back. Mitigated: the alert is over or held, and an effect of ours is in force."""

    OPEN = "open"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


class Incident(Value):
    """One incident. `root_ts` is the message its thread hangs on; None while only its resolve was seen.

    `last_ts` orders what happened; `repeats` are messages that joined it; `owner` has said "I've got it". `queue` is
    what it is about; `queue_guessed` says that the alert did not name it.
    """

    id: str
    version: int = 0
    cluster: str
    state: IncidentState
    alert: Alert
    channel: str
    root_ts: str | None
    last_ts: str
    key: str
    queue: str | None = None
    queue_guessed: bool = False
    limit: int | None = None
    owner: str | None = None
    opened_at: datetime
    resolved_at: datetime | None = None
    repeats: tuple[str, ...] = Field(default=())

    @property
    def over(self) -> bool:
        """Return whether nothing more is expected of it."""
        return self.state is IncidentState.RESOLVED


class Change(StrEnum):
    """What an alert message meant for the incidents we have: a named reason, never a bare yes or no."""

    OPENED = "opened"
    REPEATED = "repeated"
    FIRED_AGAIN = "fired again"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    RESOLVED_UNSEEN = "resolved before it was seen firing"
    FIRED_IN_THE_PAST = "fired before its resolve, handled after it"
    STILL_RESOLVED = "resolved once more"
    STALE = "older than what is known"


def change_of(latest: Incident | None, alert: Alert, *, in_force: bool) -> Change:
    """Decide what `alert` means, given the latest incident of the same key; `in_force`: a mitigation of it is.

    Messages are ordered by their timestamps, not by when they are handled: Slack may deliver RESOLVED before FIRING.
    """
    firing = alert.status is AlertStatus.FIRING
    if latest is None:
        return Change.OPENED if firing else Change.RESOLVED_UNSEEN
    if order_of(alert.ts) <= order_of(latest.last_ts):
        late_root = firing and latest.root_ts is None and alert.ts != latest.last_ts
        return Change.FIRED_IN_THE_PAST if late_root else Change.STALE
    if latest.over:
        return Change.OPENED if firing else Change.STILL_RESOLVED
    if firing:
        return Change.FIRED_AGAIN if latest.alert.status is AlertStatus.RESOLVED else Change.REPEATED
    return Change.MITIGATED if in_force else Change.RESOLVED


def apply(incident: Incident, change: Change, alert: Alert, now: datetime) -> Incident:
    """Return the incident after a change that concerns an existing one (not OPENED, not RESOLVED_UNSEEN)."""
    match change:
        case Change.REPEATED | Change.FIRED_AGAIN:
            return incident.model_copy(
                update={
                    "alert": alert,
                    "last_ts": alert.ts,
                    "repeats": (*incident.repeats, alert.ts),
                    "state": IncidentState.OPEN if change is Change.FIRED_AGAIN else incident.state,
                }
            )
        case Change.MITIGATED:
            return incident.model_copy(update={"alert": alert, "last_ts": alert.ts, "state": IncidentState.MITIGATED})
        case Change.RESOLVED:
            return resolve(incident.model_copy(update={"alert": alert, "last_ts": alert.ts}), now)
        case Change.STILL_RESOLVED:
            return incident.model_copy(update={"last_ts": alert.ts})
        case Change.FIRED_IN_THE_PAST:
            return incident.model_copy(update={"root_ts": alert.ts})
        case _:
            return incident


def resolve(incident: Incident, now: datetime) -> Incident:
    """Return the incident, over."""
    return incident.model_copy(update={"state": IncidentState.RESOLVED, "resolved_at": now})


def after_mitigation_ended(incident: Incident, *, others_in_force: bool, now: datetime) -> Incident:
    """Return the incident once one of its mitigations ended: over if its alert is over and nothing else is in force."""
    if incident.over or others_in_force:
        return incident
    if incident.alert.status is AlertStatus.RESOLVED:
        return resolve(incident, now)
    return incident.model_copy(update={"state": IncidentState.OPEN})
