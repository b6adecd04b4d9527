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
    ACT = "act"  # cluster name, or nothing: choose what to do there
    ACT_ON = "act_on"  # incident id: choose what to do about it
    CHANGE = "change"  # run id + "/" + step id: what is offered there, in a form to be changed
    FILL = "fill"  # action name + "/" + incident id, or nothing, + "/" + cluster name: open its form
    FORM_CLUSTER = "form_cluster"  # a form's choice of cluster; the option's value is its name
    FORM_NAME = "form_name"  # a form's choice of a name; told at once, since the last one is to type another
    BACK = "back"  # request id (a draft): back from its preview to the form
    LINK = "link"  # a link button; acknowledged and ignored


class OverflowChoice(StrEnum):
    """What an overflow menu offers."""

    REFRESH = "refresh"
    RESOLVE = "resolve"
    COMMANDS = "commands"  # show the commands to copy, to this person alone
    OFFER = "offer"
    ACT = "act"  # choose what to do about the incident


class CallbackId(StrEnum):
    """Shortcuts."""

    TREAT_AS_ALERT = "treat_as_alert"
    ACT = "act_on_a_cluster"


class ViewId(StrEnum):
    """Modals."""

    CHOOSER = "chooser"
    FORM = "form"
    PREVIEW = "preview"
    NOTE = "note"  # says something, and asks for nothing


METADATA_EVENT = "celery_oncall_card"
"""Event type of the metadata on our own messages; its payload is {"card": card id}."""
