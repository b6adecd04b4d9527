"""A message as the local Slack keeps it, and as it shows it to apps and people."""

from dataclasses import dataclass, field

from playground.slack.errors import Json


@dataclass(eq=False)
class Message:
    """`body` is Slack's own object without what is counted: replies, reactions, metadata."""

    channel: str
    body: Json
    metadata: Json | None = None
    replies: list["Message"] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def ts(self) -> str:
        """Its id within the channel: seconds and microseconds."""
        return str(self.body["ts"])

    @property
    def thread_ts(self) -> str:
        """The root's `ts` when this message is in a thread, else empty."""
        return str(self.body.get("thread_ts", ""))

    @property
    def is_reply(self) -> bool:
        """Whether it stands below another message."""
        return self.thread_ts not in ("", self.ts)

    @property
    def bot_id(self) -> str:
        """The app that wrote it, if one did."""
        return str(self.body.get("bot_id", ""))

    @property
    def user(self) -> str:
        """The member who wrote it; empty for an incoming webhook."""
        return str(self.body.get("user", ""))

    def wire(self, *, metadata: bool = False) -> Json:
        """Slack's message object, with reactions and the thread's summary; metadata only when asked for."""
        shown = dict(self.body)
        if self.reactions:
            shown["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in self.reactions.items()
            ]
        if self.replies:
            writers = list(dict.fromkeys(reply.user or reply.bot_id for reply in self.replies))
            shown |= {
                "thread_ts": self.ts,
                "reply_count": len(self.replies),
                "reply_users_count": len(writers),
                "reply_users": writers,
                "latest_reply": self.replies[-1].ts,
                "is_locked": False,
                "subscribed": False,
            }
        if metadata and self.metadata is not None:
            shown["metadata"] = self.metadata
        return shown


@dataclass(eq=False)
class Ephemeral:
    """A message that one person sees. Only its app's response_url can change it."""

    id: str
    channel: str
    user: str
    body: Json

    def wire(self) -> Json:
        """The message object with what tells it from others."""
        return {**self.body, "channel": self.channel, "ephemeral": True, "ephemeral_id": self.id}
