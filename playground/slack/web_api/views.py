"""views.*: modals and Home tabs."""

from typing import Any

from playground.slack.errors import Json, Refused
from playground.slack.web_api.call import Call
from playground.slack.web_api.registry import TIER_4, method


@method("views.open", per_minute=TIER_4, tokens=("bot",))
def open_modal(call: Call) -> Json:
    """Show a modal to whoever caused the trigger."""
    given = _view(call)
    call.backend.views.check(given, "modal")  # before the trigger is used up
    user = call.backend.triggers.redeem(_trigger(call))
    return {"view": call.backend.views.open(user, given)}


@method("views.push", per_minute=TIER_4, tokens=("bot",))
def push(call: Call) -> Json:
    """Show a modal above the one that caused the trigger."""
    given = _view(call)
    call.backend.views.check(given, "modal")  # before the trigger is used up
    user = call.backend.triggers.redeem(_trigger(call))
    return {"view": call.backend.views.push(user, given)}


@method("views.update", per_minute=TIER_4, tokens=("bot",))
def update(call: Call) -> Json:
    """Replace what a view shows; with `hash` only if nobody did so in between."""
    user, old = call.backend.views.find(call.text("view_id"), call.text("external_id"))
    return {"view": call.backend.views.update(user, old, _view(call), call.text("hash"))}


@method("views.publish", per_minute=TIER_4, tokens=("bot",))
def publish(call: Call) -> Json:
    """Set a person's Home tab."""
    if not call.backend.manifest.home_tab:
        raise Refused("not_enabled", "The manifest does not enable the app's Home tab.")
    user = call.workspace.user(call.required("user_id"))
    return {"view": call.backend.views.publish(user.id, _view(call), call.text("hash"))}


def _trigger(call: Call) -> str:
    return call.text("trigger_id") or call.text("interactivity_pointer") or call.required("trigger_id")


def _view(call: Call) -> Any:
    view = call.structure("view")
    if view is None:
        call.required("view")
    return view
