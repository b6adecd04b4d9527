"""Who holds which role, as the bot last read it from Slack: the same for the bot and for the ops worker."""

from bot.domain.approval import Roles
from bot.ports import Store

ROLES = "roles"


class StoredRoles:
    """Reads the note "roles" anew at each call: a person who lost a role is refused at the next click."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self) -> Roles:
        """Return the holders of each role by Slack user id; a role without anybody is an empty set."""
        with self._store.read() as tx:
            note = tx.note(ROLES) or {}
        return {role: frozenset(people) for role, people in note.items()}
