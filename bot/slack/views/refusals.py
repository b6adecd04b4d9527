"""Why a click did nothing: one clear sentence for each reason."""

from bot.domain.approval import Reason, Refused
from bot.slack.views.formatting import code, mention, name, people, prose, when


def refused_sentence(refused: Refused) -> str:
    """Return why nothing was done, for the person who clicked: what is the matter, then what to do."""
    return _SENTENCES[refused.reason](refused)


def _at(refused: Refused) -> str:
    return f" at {when(refused.at)}" if refused.at else ""


def _already_decided(refused: Refused) -> str:
    done = {"approved": "approved", "denied": "denied", "withdrawn": "withdrawn"}.get(refused.detail, "answered")
    by = f" by {mention(refused.by)}" if refused.by else ""
    return f"Nothing was done: this was already {done}{by}{_at(refused)}."


def _expired(refused: Refused) -> str:
    return f"Nothing was done: this expired{_at(refused)}. Ask again, with fresh numbers."


def _own_request(refused: Refused) -> str:
    if not refused.asked:
        return "It is your own request, and nobody else may approve it. Ask whoever keeps the settings."
    asked = f"{people(refused.asked, 'and')} {'was' if len(refused.asked) == 1 else 'were'} asked{_at(refused)}"
    return f"It is your own request: you can only withdraw it. {asked}."


def _not_an_approver(refused: Refused) -> str:
    if not refused.asked:
        return "Nothing was done: nobody may approve this. Ask whoever keeps the settings to name approvers."
    return f"Nothing was done: this needs {people(refused.asked)}."


def _not_on_call(_: Refused) -> str:
    return (
        "Nothing was done: you are not in the on-call list. Ask somebody who is, or have yourself added to the "
        "on-call group in Slack."
    )


def _not_yours(refused: Refused) -> str:
    whose = mention(refused.by) if refused.by else "whoever asked for it"
    return f"Nothing was done: only {whose} can do that, because it is their request."


def _already_reviewed(_: Refused) -> str:
    return "You answered this before, and your answer counts. It now needs somebody else."


def _already_done(refused: Refused) -> str:
    by = f" by {mention(refused.by)}" if refused.by else ""
    match refused.detail:
        case "owned":
            return f"{mention(refused.by or 'somebody')} has it already."
        case "resolved":
            return f"Nothing was done: it was already resolved{_at(refused)}."
        case "in force":
            return f"Nothing was done: it is paused already{by}, since{_at(refused).removeprefix(' at')}."
        case "undone":
            return f"Nothing was done: it was already undone{_at(refused)}."
        case "extended":
            return f"Nothing was done: its end was moved already; it is{_at(refused)} now."
        case "ended":
            return f"Nothing was done: it has already ended{_at(refused)}."
        case "no longer offered":
            return "Nothing was done: that is no longer offered, because the numbers changed. Look at the card again."
    if refused.asked:
        return (
            f"Nothing was done: {_who(refused)} asked for the same{_at(refused)}. It waits for {people(refused.asked)}."
        )
    return f"Nothing was done: this was already started{by}{_at(refused)}."


def _who(refused: Refused) -> str:
    return mention(refused.by) if refused.by else "somebody"


def _frozen(refused: Refused) -> str:
    by = f" by {mention(refused.by)}" if refused.by else ""
    return f"Nothing was done: executions are frozen{by}. `/celery unfreeze` allows them again."


def _outdated(_: Refused) -> str:
    return "Nothing was done: the rules for approvals were changed meanwhile. Ask again."


def _nobody_may_approve(refused: Refused) -> str:
    roles = f" (asked for: {name(refused.detail, 120)})" if refused.detail else ""
    return f"Nothing was done: nobody but you could approve this{roles}. Ask whoever keeps the settings to add people."


def _not_possible(refused: Refused) -> str:
    if not refused.detail or refused.detail.endswith("."):
        return f"Nothing was done. {prose(refused.detail) or 'It is not possible here.'}"
    return f"The bot has no means to do that here. Run it yourself:\n{code(refused.detail)}"


_SENTENCES = {
    Reason.ALREADY_DECIDED: _already_decided,
    Reason.EXPIRED: _expired,
    Reason.OWN_REQUEST: _own_request,
    Reason.NOT_AN_APPROVER: _not_an_approver,
    Reason.NOT_ON_CALL: _not_on_call,
    Reason.NOT_YOURS: _not_yours,
    Reason.ALREADY_REVIEWED: _already_reviewed,
    Reason.ALREADY_DONE: _already_done,
    Reason.FROZEN: _frozen,
    Reason.NOBODY_MAY_APPROVE: _nobody_may_approve,
    Reason.NOT_POSSIBLE: _not_possible,
    Reason.OUTDATED: _outdated,
}
