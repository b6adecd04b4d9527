"""`/celery revokes`: which tasks no worker may run, and until when workers that start are told."""

from bot.domain.revoke import Revoke
from bot.domain.views import RevokesView
from bot.domain.wording import counted
from bot.slack.looks import RevokeList, line_of
from bot.slack.views.blocks import sections
from bot.slack.views.formatting import count, escape, name, when
from bot.slack.views.frame import BODY, framed, titled
from bot.slack.views.message import Message

MOST_REVOKES, MOST_IDS = 30, 3


def revokes_message(view: RevokesView, *, shared: bool = False) -> Message:
    """Return a line for each revoke in force."""
    summary = f"{counted(len(view.revokes), 'revoke')} in force" if view.revokes else "no revoke is in force"
    return framed(
        titled(name(view.cluster), summary),
        view.age,
        sections([_line(revoke, view) for revoke in view.revokes], MOST_REVOKES, BODY),
        again=line_of(RevokeList(view.cluster)),
        shared=shared,
    )


def _line(revoke: Revoke, view: RevokesView) -> str:
    ids = sorted(revoke.everything)
    shown = ", ".join(f"`{escape(i)}`" for i in ids[:MOST_IDS])
    more = f" and {count(len(ids) - MOST_IDS)} more" if len(ids) > MOST_IDS else ""
    tasks = f"{counted(len(ids), 'task')} that workers held: {shown}{more}" if ids else "nothing was in workers' hands"
    told = f"{counted(len(revoke.told), 'worker')} told"
    since = f"since {when(revoke.began_at, view.age.now)}, until {when(revoke.ends_at, view.age.now)}"
    place = f"{view.cluster}/{revoke.id}"
    return f"🚫 *{name(revoke.id)}* {tasks}\n↳ {since} · {told}\n↳ end it: `/celery unrevoke {escape(place)}`"
