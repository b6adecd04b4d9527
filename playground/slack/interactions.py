"""What people do with the app: commands, clicks, shortcuts, forms; and what its acknowledgements do."""

import time
from collections import defaultdict

from playground.slack.blocks import find_element
from playground.slack.choices import chosen, filled_in, state_of, state_value, value_key
from playground.slack.errors import Json, NotAcknowledged, NotDelivered, Refused
from playground.slack.happenings import Announcer, Noticed
from playground.slack.manifest import Manifest
from playground.slack.messages import Ephemeral, Message
from playground.slack.replies import Replies, Reply
from playground.slack.socket_mode import Sockets
from playground.slack.text import typed_command
from playground.slack.timeline import Timeline
from playground.slack.triggers import Triggers
from playground.slack.views import Views
from playground.slack.workspace import Channel, Workspace

Place = Message | Ephemeral | Json
"""Where an element stands: in a message, an ephemeral message or a view."""


class Interactions:
    """Builds Slack's interaction payloads, sends each once, and carries out the acknowledgement.

    Every method raises Refused: `dispatch_failed` when the app is not connected, `operation_timeout` when it does
    not acknowledge in time. Interactions are never sent again.
    """

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        sockets: Sockets,
        timeline: Timeline,
        views: Views,
        triggers: Triggers,
        replies: Replies,
        announce: Announcer,
    ) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._sockets = sockets
        self._timeline = timeline
        self._views = views
        self._triggers = triggers
        self._replies = replies
        self._announce = announce
        self._touched: dict[tuple[str, str], Json] = defaultdict(dict)

    async def command(self, user: str, channel_id: str, name: str, text: str) -> None:
        """A slash command typed in a channel. Refused(unknown_command) when the manifest does not declare it."""
        declared = self._manifest.command(name)
        if declared is None:
            raise Refused("unknown_command", f"{name} is not a valid command.")
        space, channel = self._workspace, self._workspace.channel(channel_id)
        reply = Reply(user, channel_id)
        payload = {
            "token": "verification",
            "team_id": space.team_id,
            "team_domain": space.domain,
            "channel_id": channel.id,
            "channel_name": _channel_name(channel),
            "user_id": user,
            "user_name": space.user(user).name,
            "command": name,
            "text": typed_command(text, space) if declared.should_escape else text,
            "api_app_id": space.app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._replies.issue(reply),
            "trigger_id": self._triggers.issue(user),
        }
        answer = await self._send("slash_commands", payload, user, f"{name} failed", channel_id)
        if answer:
            try:
                self._replies.carry_out(reply, answer)
            except Refused as refused:
                self._tell(user, f'{name} failed with the error "{refused.code}"', channel_id)
                raise

    async def action(self, user: str, place: Place, action_id: str, block_id: str, given: Json) -> None:
        """A click or a choice. With `given["forge"]` the value is taken as it comes, as a hostile client sends it."""
        self._check_ours(place)
        block, element = self._element(place, action_id, block_id, given)
        if isinstance(place, dict) and given.get("values"):
            self._typed(user, place, given["values"])
        value = given.get("value") if given.get("forge") else self._value(element, given)
        act = {
            **{k: v for k, v in element.items() if k in ("type", "action_id", "text", "style", "url", "placeholder")},
            "block_id": block["block_id"],
            "action_ts": f"{time.time():.6f}",
        }
        if value is not None:
            act[value_key(element)] = value
        if element["type"] not in ("button", "overflow"):
            entry = self._touched[(user, _place_id(place))].setdefault(block["block_id"], {})
            entry[element["action_id"]] = state_value(element, value)
        payload = {**self._interaction("block_actions", user), **self._surroundings(user, place), "actions": [act]}
        await self._send("interactive", payload, user, "This did not work")

    def _typed(self, user: str, view: Json, values: Json) -> None:
        # What stands in the other fields when somebody presses a button within a form.
        shown = {block["block_id"] for block in view["blocks"]}
        filled, _ = filled_in(view, {block_id: value for block_id, value in values.items() if block_id in shown})
        self._touched[(user, view["id"])].update(filled)

    def _check_ours(self, place: Place) -> None:
        # Slack tells the app that wrote the message, and only our app is connected here.
        if isinstance(place, Message) and place.bot_id != self._workspace.app.id:
            author = self._workspace.bots.get(place.bot_id)
            name = author.name if author else "a person"
            raise Refused("not_our_app", f"This message was written by {name}, not by {self._workspace.app.name}.")

    def _element(self, place: Place, action_id: str, block_id: str, given: Json) -> tuple[Json, Json]:
        found = find_element(_all_blocks(place), action_id, block_id)
        if found:
            return found
        if given.get("forge"):
            # A person may hold an old copy of the message, whose button is gone by now.
            return {"block_id": block_id or "forged"}, {"type": "button", "action_id": action_id}
        raise Refused("action_not_found", f"Nothing with the action_id {action_id} stands there (any more).")

    def _value(self, element: Json, given: Json) -> object:
        key = value_key(element)
        if element["type"] in ("button", "icon_button", "workflow_button"):
            return element.get("value")
        return chosen(element, given[key] if key in given else given.get("value"))

    async def shortcut(self, user: str, callback_id: str, message: Message | None) -> None:
        """A shortcut of the manifest: on a message, or global when `message` is None. Refused(unknown_shortcut)."""
        declared = self._manifest.shortcut(callback_id)
        if declared is None or (declared.type == "message") != (message is not None):
            raise Refused("unknown_shortcut", f"The app has no such shortcut: {callback_id}.")
        kind = "message_action" if message else "shortcut"
        payload = self._interaction(kind, user) | {"callback_id": callback_id, "action_ts": f"{time.time():.6f}"}
        if message:
            payload |= {
                "channel": self._channel(message.channel),
                "message_ts": message.ts,
                "message": message.wire(),
                "response_url": self._replies.issue(Reply(user, message.channel, message)),
            }
        await self._send("interactive", payload, user, f"{declared.name} failed")

    async def submit(self, user: str, view_id: str, values: Json) -> Json:
        """Submit a modal: `{"ok": true}` and what the app answered, or `{"ok": false, "errors": {block_id: …}}`."""
        view = self._own(user, view_id)
        filled, errors = filled_in(view, values)
        if errors:
            return {"ok": False, "response_action": "errors", "errors": errors}
        view["state"] = {"values": filled}
        payload = self._interaction("view_submission", user) | {"view": view, "response_urls": []}
        answer = await self._send("interactive", payload, user, "We had some trouble connecting") or {}
        return self._submitted(user, view, answer)

    def _submitted(self, user: str, view: Json, answer: Json) -> Json:
        act = answer.get("response_action")
        if act == "errors":
            return {"ok": False, "response_action": act, "errors": _field_errors(view, answer)}
        if act == "update":
            self._views.update(user, view, answer.get("view", {}))
        elif act == "push":
            self._views.push(user, answer.get("view", {}))
        elif act == "clear" or not answer:
            self._views.close(user, view, all_of_them=act == "clear")
        else:
            raise Refused("invalid_response", f"The app answered the form with {act!r}, which Slack does not know.")
        return {"ok": True, **({"response_action": act} if act else {})}

    async def close(self, user: str, view_id: str) -> None:
        """Close a modal by its cross; the app hears of it if the view asks for that."""
        view = self._own(user, view_id)
        cleared = bool(view["clear_on_close"])
        self._views.close(user, view, all_of_them=cleared)
        if view["notify_on_close"]:
            payload = self._interaction("view_closed", user, trigger=False) | {"view": view, "is_cleared": cleared}
            await self._send("interactive", payload, user, "We had some trouble connecting")

    def _own(self, user: str, view_id: str) -> Json:
        owner, view = self._views.find(view_id)
        if owner != user or view["type"] != "modal":
            raise Refused("not_found", f"{user} has no open modal {view_id}.")
        return view

    def _interaction(self, kind: str, user: str, *, trigger: bool = True) -> Json:
        space, person = self._workspace, self._workspace.user(user)
        return {
            "type": kind,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": space.team_id},
            "api_app_id": space.app.app_id,
            "token": "verification",
            "team": {"id": space.team_id, "domain": space.domain},
            "enterprise": None,
            "is_enterprise_install": False,
            **({"trigger_id": self._triggers.issue(user)} if trigger else {}),
        }

    def _surroundings(self, user: str, place: Place) -> Json:
        values = state_of(_all_blocks(place), self._touched[(user, _place_id(place))])
        if isinstance(place, dict):
            place["state"] = {"values": values}
            return {"container": {"type": "view", "view_id": place["id"]}, "view": place}
        hidden = isinstance(place, Ephemeral)
        thread = {"thread_ts": place.body["thread_ts"]} if place.body.get("thread_ts") else {}
        where = {"type": "message", "message_ts": place.body["ts"], "channel_id": place.channel, "is_ephemeral": hidden}
        return {
            "container": where | thread,
            "channel": self._channel(place.channel),
            "state": {"values": values},
            "response_url": self._replies.issue(Reply(user, place.channel, place)),
            # Slack does not keep ephemeral messages, so it cannot send them along.
            **({} if isinstance(place, Ephemeral) else {"message": place.wire()}),
        }

    def _channel(self, channel_id: str) -> Json:
        return {"id": channel_id, "name": _channel_name(self._workspace.channel(channel_id))}

    async def _send(self, kind: str, payload: Json, user: str, failed: str, channel: str = "") -> Json | None:
        try:
            return await self._sockets.deliver(kind, payload, accepts_response_payload=True)
        except NotAcknowledged:
            code, why = "operation_timeout", "the app did not answer in time"
        except NotDelivered:
            code, why = "dispatch_failed", "the app is not connected"
        self._tell(user, f'{failed} with the error "{code}"', channel)
        raise Refused(code, f'{failed} with the error "{code}": {why}.')

    def _tell(self, user: str, text: str, channel: str) -> None:
        self._announce(Noticed(user, text, channel))


def _channel_name(channel: Channel) -> str:
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def _place_id(place: Place) -> str:
    if isinstance(place, dict):
        return str(place["id"])
    return f"{place.channel}/{place.body['ts']}"


def _all_blocks(place: Place) -> list[Json]:
    body = place if isinstance(place, dict) else place.body
    inside = [block for attachment in body.get("attachments", []) for block in attachment.get("blocks", [])]
    return [*body.get("blocks", []), *inside]


def _field_errors(view: Json, answer: Json) -> dict[str, str]:
    errors = answer.get("errors")
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not inputs.issuperset(errors):
        known = ", ".join(sorted(inputs))
        raise Refused("invalid_response", f"The app's errors must name input blocks of the view ({known}): {errors!r}.")
    return {block_id: str(text) for block_id, text in errors.items()}
