"""Who holds which role: from Slack user groups and from lists in the settings, kept where every process reads it."""

import asyncio
import time
from datetime import datetime

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Ports
from bot.slack.config import RoleSource, SlackConfig
from bot.slack.executors import Executors
from bot.slack.outcomes import UNREACHABLE, code_of

log = structlog.get_logger(__name__)

ROLES = "roles"
ROLES_READ_AT = "roles_read_at"
ON_DEMAND_SECONDS = 5.0
"""How often a click by somebody unknown may make us ask Slack again."""


class People:
    """Keeps the note "roles": {role: [user ids]}. A role without anybody stays an empty list: that means nobody."""

    def __init__(self, ports: Ports, config: SlackConfig, client: AsyncWebClient, executors: Executors) -> None:
        self._ports = ports
        self._roles = config.roles
        self._client = client
        self._executors = executors
        self._known: dict[str, list[str]] = {}
        self._asked_at = -ON_DEMAND_SECONDS
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read all roles anew. A role that Slack does not tell keeps who was known last; the log says since when."""
        async with self._lock:
            self._asked_at = time.monotonic()
            known = self._known or await self._executors.db(self._stored)
            found, complete = {}, True
            for role, source in self._roles.items():
                try:
                    found[role] = await self._members(source)
                except UNREACHABLE as e:
                    complete = False
                    found[role] = sorted({*known.get(role, ()), *source.people})
                    log.warning("role not read from Slack", role=role, why=code_of(e), kept=len(found[role]))
            self._known = found
            await self._executors.db(self._store, found, self._ports.clock.now() if complete else None)

    async def know(self, user: str) -> None:
        """Before somebody without any known role acts: ask Slack again, in case they were just added."""
        nobody = not any(user in people for people in self._known.values())
        if nobody and time.monotonic() - self._asked_at >= ON_DEMAND_SECONDS:
            await self.refresh()

    async def _members(self, source: RoleSource) -> list[str]:
        people = set(source.people)
        for group in source.groups:
            answer = await self._client.usergroups_users_list(usergroup=group)
            people.update(answer["users"])
        return sorted(people)

    def _stored(self) -> dict[str, list[str]]:
        with self._ports.store.read() as tx:
            return dict(tx.note(ROLES) or {})

    def _store(self, roles: dict[str, list[str]], complete_at: datetime | None) -> None:
        with self._ports.store.write() as tx:
            if tx.note(ROLES) != roles:
                tx.set_note(ROLES, roles)
            if complete_at is not None:
                tx.set_note(ROLES_READ_AT, int(complete_at.timestamp()))
