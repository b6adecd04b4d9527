"""What comes of a form that was sent: what is wrong in it, what it would touch, or that it is on its way."""

import difflib
from collections.abc import Mapping

from bot.domain.approval import ApprovalRequest, Refused
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.slack.answers import Place
from bot.slack.asked import public_place
from bot.slack.deliveries import Body
from bot.slack.forms.answering import Answer
from bot.slack.forms.filled import Typed, Wrong, filled
from bot.slack.forms.opening import drawn
from bot.slack.forms.origin import Origin, origin_of
from bot.slack.forms.state import CLUSTER, blocks_by_name, typed_in
from bot.slack.tools import Tools
from bot.slack.views.formatting import prose
from bot.slack.views.forms import note_view, preview_view
from bot.slack.views.request import draft_message
from bot.slack.views.words import refused_sentence
from bot.usecases import forms, requests
from bot.usecases.requests import Where


async def previewed(tools: Tools, body: Body) -> Answer:
    """Check a form, look at the cluster, and return what it would touch; or the form again with what is wrong."""
    try:
        return await _Sent(tools, body).preview()
    except OncallError as e:
        return Answer(note_view(prose(str(e))))


async def confirmed(tools: Tools, body: Body) -> Answer:
    """Send the draft of a preview on its way; who may do so is decided anew, on whoever pressed."""
    try:
        origin = origin_of(body["view"].get("private_metadata", ""))
        result = await tools.db(requests.submit, origin.draft, body["user"]["id"])
    except OncallError as e:
        return Answer(note_view(prose(str(e))))
    if isinstance(result, Refused):
        return Answer(note_view(refused_sentence(result)))
    here = result.request.channel == origin.channel
    return Answer(note_view(f"It goes on in <#{result.request.channel}>."), closes=here)


class _Sent:
    """One form that was sent."""

    def __init__(self, tools: Tools, body: Body) -> None:
        self._tools = tools
        self._user: str = body["user"]["id"]
        self._typed: Typed = typed_in(body["view"])
        self._blocks = blocks_by_name(body["view"])
        origin = origin_of(body["view"].get("private_metadata", ""))
        self._origin: Origin = origin.about(cluster=str(self._typed.get(CLUSTER) or origin.cluster))
        self._place = Place(self._user, origin.channel or None, origin.thread_ts or None)

    async def preview(self) -> Answer:
        """Return what it would touch; raises an error in words where not even the form can be shown again."""
        tools, origin = self._tools, self._origin
        action = forms.action_named(tools.ports, origin.action)
        meant = filled(action, origin.cluster, self._typed)
        if isinstance(meant, Wrong):
            return await self._again(meant.errors)
        await tools.people.know(self._user)
        try:
            result = await tools.cluster(forms.draft, meant.proposal, self._user, meant.reason, self._where())
        except UnknownName as e:
            return await self._again({e.kind: str(e)})
        except BadInput as e:
            return await self._again(self._nearest(str(e)) or {"": str(e)})
        except OncallError as e:
            return await self._again({"": str(e)})
        if isinstance(result, Refused):
            return Answer(await drawn(tools, self._user, origin, self._typed, refused_sentence(result)))
        return self._shown(result, forms.described(action, tools.ports.clusters.spec(origin.cluster)).title)

    def _shown(self, draft: ApprovalRequest, title: str) -> Answer:
        instead = draft_message(draft, alone=not draft.alternatives)
        return Answer(preview_view(draft, self._origin, title), instead=instead, place=self._place)

    def _where(self) -> Where:
        channel, thread_ts = public_place(self._tools, self._place)
        return Where(channel, thread_ts, self._origin.incident or None)

    async def _again(self, errors: Mapping[str, str]) -> Answer:
        """Return the form as it was filled in, with what is wrong beside its fields, or above where it is of none."""
        trouble = " ".join(prose(text) for text in errors.values())
        view = await drawn(self._tools, self._user, self._origin, self._typed, trouble)
        if not errors.keys() <= self._blocks.keys():
            return Answer(view)
        return Answer(view, {self._blocks[name]: _plain(text) for name, text in errors.items()})

    def _nearest(self, refusal: str) -> dict[str, str]:
        """Return for each name that was typed, and that nobody heard of, the refusal with the nearest known ones."""
        known = forms.known_names(self._tools.ports, self._origin.cluster)
        found: dict[str, str] = {}
        for name, typed in self._typed.items():
            names = known.of(name)
            if not isinstance(typed, str) or not typed or typed in names:
                continue
            if near := difflib.get_close_matches(typed, names, n=2, cutoff=0.5):
                found[name] = f"{refusal} Did you mean {' or '.join(f'`{n}`' for n in near)}?"
        return found


def _plain(text: str) -> str:
    """Return a sentence for a place where Slack reads no markup: code stands in quotes."""
    parts = text.split("`")
    return "".join(part if n % 2 == 0 else f"“{part}”" for n, part in enumerate(parts))
