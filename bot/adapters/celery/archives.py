"""Sets messages of a queue aside in the broker and puts them back, each once.

An archive is a list for each priority lane beside the queue's own, and a hash that says how far it is, and which lanes
the queue had then: the settings may name others by the time it is put back. It has no expiry in Redis: an eviction
policy drops keys with one first. It frees no memory until it is dropped.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import redis

from bot.adapters.celery import archive_scripts as scripts
from bot.adapters.celery.census import counted
from bot.adapters.celery.keys import Keys, text
from bot.adapters.celery.messages import read
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.archive import Archive, ArchiveState, ArchiveWanted, Census, QueueMoved
from bot.domain.errors import BadInput, UnknownName
from bot.ports.archives import Told

PAGE = 500
"""Messages that one step looks at."""

MOVES = 200
"""Messages that one step moves: Redis answers nobody for some 2 ms."""

STEP_SECONDS = 2.0


class CeleryArchives:
    """The archives of one cluster. Each method may be called again after it broke off. Used from many threads."""

    def __init__(self, watched: WatchedCluster) -> None:
        """Do no I/O."""
        self._keys, self._broker = watched.keys, watched.broker

    def census(self, queue: str, deadline: float = 1.0) -> Census:
        """Count what waits in a queue by task name, in at most `census.MOST` messages. Raises ClusterUnreachable."""
        return self._broker.read(lambda client, until: counted(client, self._keys, queue, until), deadline)

    def set_aside(self, wanted: ArchiveWanted, told: Told) -> Archive | QueueMoved:
        """Set messages of a queue aside: all at once, or the chosen ones step by step; the same id does it once.

        Goes on with an archive of that id where it stopped. Raises ClusterUnreachable (nothing was sent) or
        EffectUncertain.
        """
        script, kind = (scripts.SET_ASIDE, "archive") if wanted.whole else (scripts.BEGIN_SORTING, "work")
        keys = [*self._registry(wanted.id), *self._keys.lanes(wanted.queue), *_lanes(self._keys, kind, wanted.id)]
        moments = (wanted.made_at.timestamp(), wanted.ends_at.timestamp())
        arguments = [len(self._keys.steps), wanted.id, wanted.queue, *moments, wanted.least, wanted.most]
        arguments += [json.dumps(self._keys.steps), self._keys.sep]
        if not wanted.whole:
            arguments += [wanted.task or "", wanted.before.timestamp() if wanted.before else ""]
            arguments += [json.dumps(sorted(wanted.ids)) if wanted.ids else ""]
        told(f"Setting aside messages of {wanted.queue}.")
        state, n = self._step(f"setting aside messages of {wanted.queue}", script, keys, arguments)
        if state == b"moved":
            return QueueMoved(messages=n)
        if state == b"busy":
            raise BadInput(
                f"Archive `{text(n)}` of `{wanted.queue}` is just being made or put back: until that has ended, "
                "messages of the queue lie elsewhere. Nothing was done; ask again in a minute. If it stays so, "
                f"`/celery restore {text(n)}` puts them back."
            )
        return _made(wanted, n) if state == b"held" else self.go_on(wanted.id, told)

    def go_on(self, id: str, told: Told) -> Archive:
        """Bring an archive that was left half way to where it is held or restored; one that is there stays so."""
        archive, laid = self._opened(id)
        if archive.state is ArchiveState.SORTING:
            self._sort(archive, laid, told)
        if archive.state in (ArchiveState.SORTING, ArchiveState.MERGING):
            between = (ArchiveState.MERGING, ArchiveState.MERGING, ArchiveState.HELD)
            self._move_back(archive, laid, "keep", between, told)
        if archive.state is ArchiveState.RESTORING:
            self.put_back(id, told)
        return self._known(id)

    def put_back(self, id: str, told: Told) -> Archive:
        """Put every message of an archive back into its queue, older before newer; done once, however often called.

        Raises ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        archive, laid = self._opened(id)
        if archive.state in (ArchiveState.SORTING, ArchiveState.MERGING):
            archive = self.go_on(id, told)
        between = (ArchiveState.HELD, ArchiveState.RESTORING, ArchiveState.RESTORED)
        state = self._move_back(archive, laid, "archive", between, told)
        if state is ArchiveState.RESTORED:
            return archive.model_copy(update={"state": state, "lying": 0})
        return self._known(id)

    def drop(self, id: str) -> Archive:
        """Delete the messages of an archive that is held, for good. Raises as `put_back`."""
        _, laid = self._opened(id)
        keys = [self._about(id), *_lanes(laid, "archive", id)]
        self._step("dropping an archive", scripts.DROP, keys, [])
        return self._known(id)

    def get(self, id: str, deadline: float = 1.0) -> Archive | None:
        """Return one archive, or None. Raises ClusterUnreachable."""
        return next(iter(self._all([id], deadline)), None)

    def all(self, deadline: float = 1.0) -> tuple[Archive, ...]:
        """Return every archive, the oldest first. Raises ClusterUnreachable."""
        ids = self._broker.read(lambda client, _: client.smembers(self._index), deadline)
        return tuple(sorted(self._all([text(i) for i in ids], deadline), key=lambda a: (a.made_at, a.id)))

    def forget(self, id: str) -> None:
        """Remove what is said of an archive that was restored or dropped. Raises as `put_back`."""

        def work(client: "redis.Redis", until: float) -> None:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=True)
            pipeline.delete(self._about(id))
            pipeline.srem(self._index, id)
            pipeline.execute()

        self._broker.effect("forgetting an archive", work, STEP_SECONDS)

    def _known(self, id: str) -> Archive:
        archive = self.get(id)
        if archive is None:
            raise UnknownName("archive", id, ())
        return archive

    def _opened(self, id: str) -> tuple[Archive, Keys]:
        """Return an archive, without what lies there now, and the names of the keys it lies in, in one round trip."""

        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            return client.hgetall(self._about(id))

        about = _said(self._broker.read(work, STEP_SECONDS))
        if not about:
            raise UnknownName("archive", id, ())
        return _archive(id, about, None), self._as_laid(about)

    def _sort(self, archive: Archive, laid: Keys, told: Told) -> None:
        for lane in range(len(laid.steps)):
            work, keep, aside = (_lanes(laid, kind, archive.id)[lane] for kind in ("work", "keep", "archive"))
            while self._sort_page(archive, work, keep, aside, told):
                pass
        keys = [self._about(archive.id), *_lanes(laid, "work", archive.id)]
        self._step("sorting", scripts.END_SORTING, keys, [])

    def _sort_page(self, archive: Archive, work: str, keep: str, aside: str, told: Told) -> bool:
        """Sort the next messages of a lane, its oldest; returns False when none was left."""

        def look(client: "redis.Redis", until: float) -> tuple[int, list[bytes]]:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=True)
            pipeline.llen(work)
            pipeline.lrange(work, -PAGE, -1)
            n, page = pipeline.execute()
            return n, page

        length, page = self._broker.read(look, STEP_SECONDS)
        if not page:
            return False
        choices = "".join("1" if _chosen(raw, archive) else "0" for raw in reversed(page))
        told(f"{length:,} messages of {archive.queue} are still to be looked at.")
        done = self._step("sorting", scripts.SORT_PAGE, [self._about(archive.id), work, keep, aside], [length, choices])
        return bool(done != b"state")  # else it is sorted no more, or Redis evicted what was said of it

    def _move_back(
        self,
        archive: Archive,
        laid: Keys,
        kind: str,
        between: tuple[ArchiveState, ArchiveState, ArchiveState],
        told: Told,
    ) -> ArchiveState | None:
        """Move until nothing is left; returns the state it ends in, or None where nobody says one any more."""
        live = [self._keys.lane(archive.queue, step) for step in laid.steps]  # a lane that is no more: into the next
        keys = [self._about(archive.id), *live, *_lanes(laid, kind, archive.id), *_lanes(laid, "tail", archive.id)]
        arguments = [len(laid.steps), MOVES, *(state.value for state in between)]
        state, left = b"", None
        while left is None or left:
            told(f"{left:,} messages of {archive.queue} are still to be moved." if left else "They are put back.")
            state, left = self._step(f"putting back {archive.queue}", scripts.PUT_BACK, keys, arguments)
        return next((s for s in ArchiveState if s.value == text(state)), None)

    def _step(self, what: str, script: str, keys: Sequence[str], arguments: Sequence[object]) -> Any:
        def work(client: "redis.Redis", until: float) -> Any:  # noqa: ARG001 - the broker's signature
            return client.eval(script, len(keys), *keys, *(str(a) for a in arguments))

        return self._broker.step(what, work, STEP_SECONDS)

    def _all(self, ids: Iterable[str], deadline: float) -> list[Archive]:
        wanted = list(ids)

        def abouts(client: "redis.Redis", until: float) -> list[Any]:  # noqa: ARG001 - the broker's signature
            pipeline = client.pipeline(transaction=False)
            for each_id in wanted:
                pipeline.hgetall(self._about(each_id))
            return list(pipeline.execute())

        said = [_said(about) for about in self._broker.read(abouts, deadline)]
        known = {each_id: about for each_id, about in zip(wanted, said, strict=True) if about}
        lanes = [_lanes(self._as_laid(about), "archive", each_id) for each_id, about in known.items()]

        def lengths(client: "redis.Redis", until: float) -> list[int]:  # noqa: ARG001 - as above
            pipeline = client.pipeline(transaction=False)
            for lane in (lane for of_one in lanes for lane in of_one):
                pipeline.llen(lane)
            return list(pipeline.execute())

        found = iter(self._broker.read(lengths, deadline) if lanes else ())
        lying = [sum(next(found) for _ in of_one) for of_one in lanes]
        return [_archive(*row, n) for row, n in zip(known.items(), lying, strict=True)]

    def _as_laid(self, about: Mapping[str, str]) -> Keys:
        steps = json.loads(about["steps"]) if "steps" in about else self._keys.steps
        return replace(self._keys, steps=tuple(steps), sep=about.get("sep", self._keys.sep))

    @property
    def _index(self) -> str:
        return f"{self._keys.prefix}oncall.archives"

    def _about(self, id: str) -> str:
        return f"{self._keys.prefix}oncall.archives.{id}"

    def _registry(self, id: str) -> tuple[str, str]:
        return self._index, self._about(id)


def _lanes(keys: Keys, kind: str, id: str) -> tuple[str, ...]:
    return keys.lanes(f"oncall.{kind}.{id}")


def _said(about: Mapping[bytes, bytes]) -> dict[str, str]:
    return {text(k): text(v) for k, v in about.items()}


def _made(wanted: ArchiveWanted, messages: int) -> Archive:
    return Archive(
        id=wanted.id,
        queue=wanted.queue,
        state=ArchiveState.HELD,
        messages=messages,
        lying=messages,
        made_at=wanted.made_at,
        ends_at=wanted.ends_at,
    )


def _archive(id: str, said: Mapping[str, str], lying: int | None) -> Archive:
    before = said.get("before")
    return Archive(
        id=id,
        queue=said["queue"],
        state=ArchiveState(said.get("state", ArchiveState.DROPPED.value)),
        messages=int(said["messages"]),
        kept=int(said["kept"]),
        lying=lying,
        made_at=datetime.fromtimestamp(float(said["made_at"]), UTC),
        ends_at=datetime.fromtimestamp(float(said["ends_at"]), UTC),
        task=said.get("task") or None,
        before=datetime.fromtimestamp(float(before), UTC) if before else None,
        ids=frozenset(json.loads(said.get("ids") or "[]")),
    )


def _chosen(raw: bytes, archive: Archive) -> bool:
    """Return whether a message is one that was to be set aside; bytes are looked at before JSON is read."""
    if archive.task is not None and json.dumps(archive.task).encode() not in raw:
        return False
    message = read(raw)
    if archive.task is not None and message.task != archive.task:
        return False
    if archive.ids and message.id not in archive.ids:
        return False
    if archive.before is None:
        return True
    return message.published_at is not None and message.published_at < archive.before.timestamp()
