"""A bot in a process of its own, which hangs as soon as it has written an alert down: to be killed then.

python -m tests.slack.bot_process <api url> <bot token> <app token> <folder of the database>
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.adapters.sql import SqlStore
from bot.ports import Tx
from bot.slack.app import SlackShell
from bot.slack.config import RoleSource, SlackConfig
from tests.slack.office import CHANNEL, Office

EVER = datetime.max.replace(tzinfo=UTC)


class HangingStore:
    """A store that answers until an alert is in the inbox; then nobody who writes comes back."""

    def __init__(self, inner: SqlStore) -> None:
        self._inner = inner
        self._full = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Begin a transaction, or hang."""
        while self._full:
            time.sleep(1)
        with self._inner.write() as tx:
            yield tx
        with self._inner.read() as tx:
            self._full = any(e.id.startswith("message:") for e in tx.inbox.unhandled(EVER))


def main() -> None:
    """Run until killed."""
    api_url, bot_token, app_token, folder = sys.argv[1:]
    ports = Office(Path(folder)).ports("bot-that-is-killed")
    config = SlackConfig(
        bot_token=bot_token,
        app_token=app_token,
        api_url=api_url,
        channels=(CHANNEL,),
        alert_senders=frozenset({"B0ALERT"}),
        roles={"oncall": RoleSource(groups=("S0ONCALL",))},
    )
    asyncio.run(SlackShell(replace(ports, store=HangingStore(ports.store)), config).run())  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
