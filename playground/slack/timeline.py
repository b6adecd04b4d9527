"""Every message of every channel, in order of `ts`."""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable

from playground.slack.errors import Json, Refused
from playground.slack.happenings import Announcer, Changed, Deleted, Posted, Reacted, Whispered
from playground.slack.messages import Ephemeral, Message
from playground.slack.workspace import Workspace


class Timeline:
    """Keeps messages and ephemeral messages, and announces what happens to them."""

    def __init__(self, workspace: Workspace, announce: Announcer, clock: Callable[[], float] = time.time) -> None:
        self._workspace = workspace
        self._announce = announce
        self._clock = clock
        self._last = 0
        self._messages: dict[str, list[Message]] = defaultdict(list)
        self._ephemerals: dict[str, Ephemeral] = {}

    def next_ts(self) -> str:
        """A `ts` later than any before it."""
        self._last = max(int(self._clock() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def post(self, channel_id: str, body: Json, metadata: Json | None = None) -> Message:
        """Add a message; `body["thread_ts"]` puts it below that message. Refused(thread_not_found)."""
        channel = self._workspace.channel(channel_id)
        root = self._root(channel_id, str(body["thread_ts"])) if body.get("thread_ts") else None
        message = Message(channel_id, {"type": "message", **body, "ts": self.next_ts()}, metadata)
        if root:
            parent = {"parent_user_id": root.user} if root.user else {}
            message.body |= {"thread_ts": root.ts, **parent}
            root.replies.append(message)
        self._messages[channel_id].append(message)
        self._announce(Posted(channel, message))
        if root:
            self._announce(Changed(channel, root, root.wire(), visible=False))
        return message

    def _root(self, channel_id: str, ts: str) -> Message:
        found = self.find(channel_id, ts)
        if found and found.is_reply:
            found = self.find(channel_id, found.thread_ts)
        if found is None:
            raise Refused("thread_not_found", f"There is no message {ts} in {channel_id} to answer in a thread.")
        return found

    def find(self, channel_id: str, ts: str) -> Message | None:
        """The message with this `ts`, or None."""
        messages = self._messages[channel_id]
        at = bisect_left(messages, ts, key=lambda message: message.ts)
        return messages[at] if at < len(messages) and messages[at].ts == ts else None

    def message(self, channel_id: str, ts: str) -> Message:
        """The message with this `ts`; Refused(message_not_found)."""
        found = self.find(channel_id, ts)
        if found is None:
            raise Refused("message_not_found", f"There is no message {ts} in {channel_id}.")
        return found

    def history(self, channel_id: str) -> list[Message]:
        """What stands in the channel itself: no replies but broadcast ones. Oldest first."""
        return [
            message
            for message in self._messages[channel_id]
            if not message.is_reply or message.body.get("subtype") == "thread_broadcast"
        ]

    def thread(self, channel_id: str, ts: str) -> list[Message]:
        """A message and the replies below it; Refused(thread_not_found)."""
        root = self._root(channel_id, ts)
        return [root, *root.replies]

    def change(self, message: Message, changes: Json, *, edited_by: str = "") -> None:
        """Edit a message: a value of None removes the field."""
        previous = message.wire()
        message.body = {key: value for key, value in (message.body | changes).items() if value is not None}
        if edited_by:
            message.body["edited"] = {"user": edited_by, "ts": self.next_ts()}
        self._announce(Changed(self._workspace.channel(message.channel), message, previous))

    def delete(self, message: Message) -> None:
        """Remove a message; one with replies leaves a tombstone, as in Slack."""
        if message.replies:
            gone = dict.fromkeys(("blocks", "attachments", "bot_id", "app_id", "bot_profile", "edited"))
            words = {"subtype": "tombstone", "text": "This message was deleted.", "hidden": True, "user": "USLACKBOT"}
            self.change(message, gone | words)
            return
        previous = message.wire()
        self._messages[message.channel].remove(message)
        channel = self._workspace.channel(message.channel)
        root = self.find(message.channel, message.thread_ts) if message.is_reply else None
        if root:
            root.replies.remove(message)
        self._announce(Deleted(channel, message, previous))
        if root:
            self._announce(Changed(channel, root, root.wire(), visible=False))

    def react(self, message: Message, user: str, name: str) -> None:
        """Put an emoji on a message; Refused(already_reacted)."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise Refused("already_reacted", f"{user} has already reacted with :{name}:.")
        users.append(user)
        self._announce(Reacted(self._workspace.channel(message.channel), message, user, name, added=True))

    def unreact(self, message: Message, user: str, name: str) -> None:
        """Take an emoji back; Refused(no_reaction)."""
        users = message.reactions.get(name, [])
        if user not in users:
            raise Refused("no_reaction", f"{user} has not reacted with :{name}:.")
        users.remove(user)
        if not users:
            del message.reactions[name]
        self._announce(Reacted(self._workspace.channel(message.channel), message, user, name, added=False))

    def whisper(self, channel_id: str, user: str, body: Json) -> Ephemeral:
        """Show a message to one person only."""
        ts = self.next_ts()
        ephemeral = Ephemeral(f"E{ts}", channel_id, user, {"type": "message", **body, "ts": ts})
        self._ephemerals[ephemeral.id] = ephemeral
        self._announce(Whispered("ephemeral", ephemeral))
        return ephemeral

    def ephemeral(self, ephemeral_id: str) -> Ephemeral:
        """The ephemeral message with this id; Refused(message_not_found)."""
        if ephemeral_id not in self._ephemerals:
            raise Refused("message_not_found", f"The ephemeral message {ephemeral_id} is gone.")
        return self._ephemerals[ephemeral_id]

    def ephemerals(self, user: str, channel_id: str = "") -> list[Ephemeral]:
        """What this person alone sees, in one channel or in all. Oldest first."""
        mine = (e for e in self._ephemerals.values() if e.user == user)
        return [e for e in mine if channel_id in ("", e.channel)]

    def rewhisper(self, ephemeral: Ephemeral, changes: Json) -> None:
        """Replace what an ephemeral message says."""
        ephemeral.body = {key: value for key, value in (ephemeral.body | changes).items() if value is not None}
        self._announce(Whispered("ephemeral_changed", ephemeral))

    def dismiss(self, ephemeral: Ephemeral) -> None:
        """Take an ephemeral message away."""
        if self._ephemerals.pop(ephemeral.id, None):
            self._announce(Whispered("ephemeral_deleted", ephemeral))
