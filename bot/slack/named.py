"""Clusters and queues as people say them: in any case, in quotes, `cluster/queue` for one that is not the channel's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.errors import UnknownName


class QueueElsewhere(UnknownName):
    """A queue that this cluster does not have, and another does."""

    def __init__(self, name: str, cluster: str, elsewhere: Sequence[str]) -> None:
        self.cluster, self.elsewhere = cluster, tuple(elsewhere)
        super().__init__("queue", name, ())

    def _sentence(self) -> str:
        places = " or ".join(f"`{c}/{self.name}`" for c in self.elsewhere)
        return f"There is no queue `{self.name}` on `{self.cluster}`. Did you mean {places}?"


@dataclass(frozen=True)
class Names:
    """The names that may be said. `queues` are the known ones of each cluster."""

    queues: Mapping[str, Collection[str]]
    clusters: Collection[str]
    default: str

    def clusters_with(self, queue: str) -> list[str]:
        """Return the clusters that have a queue of exactly this name."""
        return [c for c in self.clusters if queue in self.queues.get(c, ())]

    def cluster(self, said: str) -> str:
        """Return a cluster's exact name; raises UnknownName."""
        if exact := found(said, self.clusters):
            return exact
        raise UnknownName("cluster", echo(said), self.clusters)

    def queue(self, said: str, cluster: str) -> str:
        """Return a queue's exact name; phones write a capital where none is meant. Raises UnknownName."""
        known = self.queues.get(cluster, ())
        if exact := found(said, known):
            return exact
        if elsewhere := self.clusters_with(said):
            raise QueueElsewhere(echo(said), cluster, elsewhere)
        raise UnknownName("queue", echo(said), known)

    def split(self, said: str) -> tuple[str, str]:
        """Return (cluster, rest) of "rest", "cluster/rest" or "cluster"; an unknown cluster is part of the rest.

        A name that is a queue's own wins over a cluster's: a queue's name may hold a slash.
        """
        before, slash, after = said.partition("/")
        cluster = None if self.clusters_with(said) else found(before, self.clusters)
        if cluster is None:
            return self.default, said
        return cluster, after if slash else ""


def found(said: str, known: Collection[str]) -> str | None:
    """Return the known name that was meant; None where it is none, or could be two."""
    alike = [k for k in known if k.lower() == said.lower()]
    return said if said in known else alike[0] if len(alike) == 1 else None


def echo(words: str) -> str:
    """Return what was typed, harmless and short enough to be repeated in a sentence."""
    plain = words.replace("`", "'").replace("<", "‹").replace(">", "›")
    return plain if len(plain) <= 40 else plain[:39] + "…"
