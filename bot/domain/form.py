"""What forms show that is not asked for: the names a cluster is known to have, and what each action is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownNames:
    """Names that were seen of a cluster lately, in their order."""

    queues: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    def of(self, noun: str) -> tuple[str, ...]:
        """Return the names of one sort ("queue"); none for a sort that is not known."""
        return {"queue": self.queues, "worker": self.workers, "task": self.tasks}.get(noun, ())


@dataclass(frozen=True)
class Described:
    """An action in words: `what` it does, in a sentence, its `risk` ("low or high"). `here`: the bot has the means."""

    name: str
    title: str
    what: str
    risk: str
    here: bool = True
