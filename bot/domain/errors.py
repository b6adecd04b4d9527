"""Errors that hold facts and make their own sentence for people.

Every sentence says what was wrong, where, and what to do. Nothing outside matches on their text.
"""

import difflib
from collections.abc import Iterable

from bot.domain.wording import listed

MOST_NAMES = 12
"""How many known names a sentence lists; a cluster may have hundreds of queues."""


class OncallError(Exception):
    """Base of every error whose text may be shown to a person as it stands."""


class BadInput(OncallError):
    """Something a person wrote (a command, a file, a setting) cannot be used as it is."""


class UnknownName(BadInput):
    """A name that is not known; suggests the nearest known ones.

    `kind` is the noun shown to people ("queue", "command", "cluster"), `where` what follows the name ("in that queue").
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        self._none = f"There is no {kind} `{name}`{f' {where}' if where else ''}"
        self.suggestions = tuple(difflib.get_close_matches(name, self.known, n=2, cutoff=0.5))
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        if self.suggestions:
            nearest = " or ".join(f"`{s}`" for s in self.suggestions)
            return f"{self._none}. Did you mean {nearest}?"
        if self.known:
            known = listed([f"`{k}`" for k in self.known], MOST_NAMES)
            return f"{self._none}. Known: {known}."
        return f"{self._none}, and none is known yet."


class NotFound(OncallError):
    """A stored thing was asked for by an id that does not exist (any more)."""

    def __init__(self, kind: str, id: str) -> None:
        self.kind, self.id = kind, id
        super().__init__(f"There is no {kind} `{id}`. It may be from before the database was replaced.")


class LostRace(OncallError):
    """Somebody else changed the same row first; the caller re-reads and decides again."""

    def __init__(self, kind: str, id: str) -> None:
        self.kind, self.id = kind, id
        super().__init__(f"{kind} {id} was changed by somebody else at the same moment. Nothing was done; try again.")


class ClusterUnreachable(OncallError):
    """The watched broker refused, kept silent, or broke off within the deadline.

    `seconds` is how long was waited.
    """

    def __init__(self, cluster: str, why: str, seconds: float) -> None:
        self.cluster, self.why, self.seconds = cluster, why, seconds
        super().__init__(
            f"The broker of `{cluster}` cannot be read: {why} (waited {seconds:.1f} s). "
            "Queues and workers are unknown until it answers; check the broker first."
        )


class BrokerRefuses(ClusterUnreachable):
    """The watched broker answers, and its ACL does not let the bot's user do this.

    `refused` says what in a clause of our own ("`client|kill`", "one of the keys"): Redis' own words may hold names.
    """

    def __init__(self, cluster: str, refused: str, why: str, seconds: float) -> None:
        self.cluster, self.refused, self.why, self.seconds = cluster, refused, why, seconds
        OncallError.__init__(
            self,
            f"The broker of `{cluster}` answers, but its ACL refuses {refused} to the bot's user. The table in section "
            "2 of docs/install.md has the rules to add for each thing the bot does.",
        )


class WorkersUnasked(ClusterUnreachable):
    """The watched broker answers, and no worker could be asked through it: it is full, say, or its ACL refuses."""

    def __init__(self, cluster: str, why: str, seconds: float) -> None:
        self.cluster, self.why, self.seconds = cluster, f"no worker could be asked, because {why}", seconds
        OncallError.__init__(
            self,
            f"The broker of `{cluster}` answers, but {self.why.rstrip('.')}. What workers consume and run is unknown "
            "until that is put right.",
        )


class OutsideUnreachable(OncallError):
    """A server that is neither the broker nor Slack (Prometheus, a health page) gave no usable answer in time.

    `what` names it as the settings do, without secrets.
    """

    def __init__(self, what: str, why: str, seconds: float) -> None:
        self.what, self.why, self.seconds = what, why, seconds
        super().__init__(f"{what} cannot be read: {why} (waited {seconds:.1f} s).")


class EffectUncertain(OncallError):
    """A control command may or may not have reached the cluster; it is never repeated by itself."""

    def __init__(self, cluster: str, what: str, why: str) -> None:
        self.cluster, self.what, self.why = cluster, what, why
        super().__init__(
            f"`{cluster}`: {what} was sent but the connection broke ({why}). Whether it took effect is checked next."
        )


class StoreUnavailable(OncallError):
    """The database did not answer in time."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            f"The bot's own database is not answering ({why}). Nothing was changed; try again in a moment."
        )
