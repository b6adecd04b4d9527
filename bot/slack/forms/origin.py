"""Where a form was opened and what it is about: ids alone, which travel in a view's `private_metadata`.

Nothing is believed of it: each id is looked up again, and what is done with it is authorised on whoever sends the form.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.domain.errors import BadInput


@dataclass(frozen=True)
class Origin:
    """Ids: of the place in Slack, of the incident, of what a runbook offers ("run-1/step"), of a draft, and names.

    `typing` are the parameters whose names are typed rather than chosen, with a comma between.
    """

    action: str = ""
    cluster: str = ""
    channel: str = ""
    thread_ts: str = ""
    incident: str = ""
    offer: str = ""
    draft: str = ""
    typing: str = ""

    @property
    def metadata(self) -> str:
        """Return it as text for Slack to keep; it fits because each part is bounded."""
        return json.dumps({name: value[:200] for name, value in asdict(self).items() if value}, ensure_ascii=False)

    def typed(self, name: str) -> "Origin":
        """Return it with one more parameter whose name is typed."""
        return replace(self, typing=",".join(sorted({*self.typing.split(","), name} - {""})))

    def about(self, **changed: Any) -> "Origin":
        """Return it with other ids."""
        return replace(self, **changed)


def origin_of(metadata: str) -> Origin:
    """Return the origin that a view carries; raises BadInput for one of another version of the bot."""
    try:
        return Origin(**{str(name): str(value) for name, value in json.loads(metadata or "{}").items()})
    except (ValueError, TypeError, AttributeError):
        raise BadInput("This form is from another version of the bot. Close it and open it again.") from None
