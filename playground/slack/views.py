"""Modals and Home tabs: what each person has open."""

import time
from collections import defaultdict
from secrets import token_hex

from playground.slack.blocks import elements_in, problems_in_view, stored
from playground.slack.errors import InvalidBlocks, Json, Refused
from playground.slack.happenings import Announcer, ViewShown
from playground.slack.workspace import Workspace

_DEEPEST = 3
_LARGEST = 250_000
_MODAL_DEFAULTS: Json = {
    "callback_id": "",
    "private_metadata": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "close": None,
    "submit": None,
    "external_id": "",
}


class Views:
    """Each person's stack of modals (at most three) and published Home."""

    def __init__(self, workspace: Workspace, announce: Announcer) -> None:
        self._workspace = workspace
        self._announce = announce
        self._stacks: dict[str, list[Json]] = defaultdict(list)
        self._homes: dict[str, Json] = {}

    def stack(self, user: str) -> list[Json]:
        """The modals this person has open, the topmost last."""
        return list(self._stacks[user])

    def home(self, user: str) -> Json | None:
        """The Home tab published for this person, if any."""
        return self._homes.get(user)

    def find(self, view_id: str = "", external_id: str = "") -> tuple[str, Json]:
        """A view and whose it is; Refused(not_found)."""
        shown = [(user, view) for user, stack in self._stacks.items() for view in stack]
        for user, view in [*shown, *self._homes.items()]:
            if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                return user, view
        raise Refused("not_found", f"There is no open view {view_id or external_id}.")

    def open(self, user: str, given: Json) -> Json:
        """Show a modal on an empty screen."""
        self.check(given, "modal")
        self._check_external_id(given)
        view = self._new(given)
        self._stacks[user] = [view]
        self._announce(ViewShown("view_opened", user, view))
        return view

    def push(self, user: str, given: Json) -> Json:
        """Show a modal above the one that is open; Refused(push_limit_reached) at three."""
        self.check(given, "modal")
        self._check_external_id(given)
        stack = self._stacks[user]
        if len(stack) >= _DEEPEST:
            raise Refused("push_limit_reached", f"At most {_DEEPEST} views can be stacked.")
        view = self._new(given)
        if stack:
            view |= {"previous_view_id": stack[-1]["id"], "root_view_id": stack[0]["id"]}
        stack.append(view)
        self._announce(ViewShown("view_opened", user, view))
        return view

    def update(self, user: str, old: Json, given: Json, expected_hash: str = "") -> Json:
        """Replace what a view shows; Refused(hash_conflict) when it changed since `expected_hash`."""
        self.check(given, old["type"])
        if expected_hash and expected_hash != old["hash"]:
            raise Refused("hash_conflict", "The view was updated by another call since this hash was given.")
        kept = {key: old[key] for key in ("id", "root_view_id", "previous_view_id", "external_id")}
        view = self._new(given) | {key: value for key, value in kept.items() if not given.get(key)}
        view["state"] = {"values": _still_shown(old["state"]["values"], view["blocks"])}
        self._put(user, old, view)
        return view

    def _put(self, user: str, old: Json, view: Json) -> None:
        if old["type"] == "home":
            self._homes[user] = view
            self._announce(ViewShown("home", user, view))
        else:
            stack = self._stacks[user]
            stack[stack.index(old)] = view
            self._announce(ViewShown("view_updated", user, view))

    def publish(self, user: str, given: Json, expected_hash: str = "") -> Json:
        """Set a person's Home tab."""
        old = self._homes.get(user)
        if old:
            return self.update(user, old, given, expected_hash)
        self.check(given, "home")
        view = self._homes[user] = self._new(given)
        self._announce(ViewShown("home", user, view))
        return view

    def close(self, user: str, view: Json, *, all_of_them: bool = False) -> None:
        """Take one modal away, or the whole stack."""
        stack = self._stacks[user]
        for each in reversed(tuple(stack)):
            if all_of_them or each is view:
                stack.remove(each)
                self._announce(ViewShown("view_closed", user, each))

    def check(self, given: Json, kind: str) -> None:
        """Refuse a view Slack would not show: InvalidBlocks(invalid_arguments), Refused(view_too_large)."""
        if problems := problems_in_view(given, kind):
            raise InvalidBlocks(problems, "invalid_arguments")
        if len(str(given)) > _LARGEST:
            raise Refused("view_too_large", f"A view may have at most {_LARGEST} bytes.")

    def _check_external_id(self, given: Json) -> None:
        external_id = given.get("external_id")
        open_ids = {view["external_id"] for stack in self._stacks.values() for view in stack}
        if external_id and external_id in open_ids:
            raise Refused("duplicate_external_id", f"Another open view has the external_id {external_id}.")

    def _new(self, given: Json) -> Json:
        app = self._workspace.app
        view_id = f"V0{token_hex(4).upper()}"
        return {
            "id": view_id,
            "team_id": self._workspace.team_id,
            "app_id": app.app_id,
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": app.id,
            "root_view_id": view_id,
            "previous_view_id": None,
            **_MODAL_DEFAULTS,
            **given,
            "blocks": stored(given["blocks"]),
            "state": {"values": {}},
            "hash": f"{int(time.time())}.{token_hex(4)}",
        }


def _still_shown(values: Json, blocks: list[Json]) -> Json:
    """What people typed stays while the same block and action ids are shown."""
    shown = {(block["block_id"], element["action_id"]) for block, element in elements_in(blocks)}
    kept = {b: {a: v for a, v in actions.items() if (b, a) in shown} for b, actions in values.items()}
    return {block_id: actions for block_id, actions in kept.items() if actions}
