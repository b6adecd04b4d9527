"""`/celery archives`: what purges set aside, what is dropped first first."""

from bot.domain.archive import Archive, ArchiveState, Made
from bot.domain.views import ArchivesView
from bot.domain.wording import counted
from bot.slack.looks import ArchiveList, line_of
from bot.slack.views.blocks import sections
from bot.slack.views.formatting import count, escape, mention, name, told, when
from bot.slack.views.frame import BODY, framed, titled
from bot.slack.views.message import Message

MOST_ARCHIVES, REASON = 30, 100

_DONE = {ArchiveState.RESTORED: "put back", ArchiveState.DROPPED: "deleted for good"}


def archives_message(view: ArchivesView, *, shared: bool = False) -> Message:
    """Return a line for each archive, with what may be said of it."""
    held = [a for a in view.archives if a.undoable]
    summary = f"{counted(sum(a.messages for a in held), 'message')} set aside in {counted(len(held), 'archive')}"
    return framed(
        titled(name(view.cluster), summary if held else "nothing is set aside"),
        view.age,
        sections([_line(a, view) for a in view.archives], MOST_ARCHIVES, BODY),
        again=line_of(ArchiveList(view.cluster)),
        shared=shared,
        notes=[f"⚠️ {told(danger)}" for danger in view.dangers],
    )


def _line(archive: Archive, view: ArchivesView) -> str:
    chosen = f" of {name(archive.task)}" if archive.task else ""
    first = f"*{name(archive.queue)}* {count(archive.messages)} messages{chosen}, {name(archive.id)}"
    made = f"set aside {when(archive.made_at, view.age.now)}{_by(view.made.get(archive.id))}"
    if archive.state in _DONE:
        return f"▫️ {first}\n↳ {made}, {_DONE[archive.state]}"
    if archive.state is not ArchiveState.HELD:
        return f"⏳ {first}\n↳ {made}, {archive.state.value}"
    lost = [f"⚠️ Redis evicted {count(archive.evicted)} of them"] if archive.evicted else []
    place = f"{view.cluster}/{archive.id}"
    until = f"kept until {when(archive.ends_at, view.age.now)}"
    back, drop = (f"`/celery {verb} {escape(place)}`" for verb in ("restore", "drop"))
    how = f"put back: {back} · delete for good: {drop}"
    return f"📦 {first}\n↳ {' · '.join([f'{made}, {until}', *lost])}\n↳ {how}"


def _by(made: Made | None) -> str:
    if made is None:
        return ""
    return f" by {mention(made.by)}{f' ({told(made.reason, REASON)})' if made.reason else ''}"
