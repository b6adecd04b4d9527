"""Every action id, callback id and metadata event type that goes to Slack and comes back. Buttons carry an id alone."""

from enum import StrEnum


class ActionId(StrEnum):
    """Block action ids. The button's value is the id named in the comment."""

    OFFER = "offer"  # run id + "/" + step id + "/" + the beginning of the digest of the proposal it showed
    OWN = "own"  # incident id: "I've got it"
    REFRESH = "refresh"  # incident id
    RESOLVE = "resolve"  # incident id: close it by hand
    MORE = "more"  # overflow; the chosen option's value is one of OverflowChoice + ":" + id
    COMMANDS = "commands"  # incident id: show the commands to copy, to this person alone
    SUBMIT_DRAFT = "submit_draft"  # request id (a draft): do it, or ask
    DISCARD_DRAFT = "discard_draft"  # request id (a draft)
    APPROVE = "approve"  # request id
    DENY = "deny"  # request id
    WITHDRAW = "withdraw"  # request id
    UNDO = "undo"  # execution id
    RESUME = "resume"  # mitigation id
    EXTEND = "extend"  # mitigation id + "/" + the end it showed, epoch seconds
    STATUS_SHARE = "status_share"  # cluster name
    STATUS_REFRESH = "status_refresh"  # cluster name
    LOOK_SHARE = "look_share"  # the line that asks for the view: "tasks prod/booking.* 1h"
    LOOK_REFRESH = "look_refresh"  # the same
    LINK = "link"  # a link button; acknowledged and ignored


class OverflowChoice(StrEnum):
    """What an overflow menu offers."""

    REFRESH = "refresh"
    RESOLVE = "resolve"
    COMMANDS = "commands"  # show the commands to copy, to this person alone
    OFFER = "offer"


class CallbackId(StrEnum):
    """Shortcuts and views."""

    TREAT_AS_ALERT = "treat_as_alert"


METADATA_EVENT = "celery_oncall_card"
"""Event type of the metadata on our own messages; its payload is {"card": card id}."""
