"""How the local Slack says no."""

from typing import Any

Json = dict[str, Any]
"""A JSON object as Slack sends and receives it."""


class Refused(Exception):
    """A request Slack refuses: its error code, fields that go with it, and one sentence for a person.

    `code` is the string Slack documents for the method; `fields` are merged into the answer.
    """

    def __init__(self, code: str, sentence: str = "", **fields: Any) -> None:
        super().__init__(sentence or code)
        self.code = code
        self.sentence = sentence or code.replace("_", " ")
        self.fields = fields


class InvalidBlocks(Refused):
    """Blocks that Slack would not draw; `problems` are its own style of messages, one for each fault."""

    def __init__(self, problems: list[str], code: str = "invalid_blocks") -> None:
        listed = {"errors": problems} if code == "invalid_blocks" else {}
        super().__init__(code, "; ".join(problems), response_metadata={"messages": problems}, **listed)
        self.problems = problems


class NotDelivered(Exception):
    """The app could not be reached: no socket is connected."""


class NotAcknowledged(Exception):
    """The app got the envelope and did not acknowledge it in time."""
