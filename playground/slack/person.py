"""People without a browser: they talk, press and read as somebody does, through Slack's own interfaces."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack.errors import Json, Refused
from playground.slack.workspace import ALERT_SECRET

T = TypeVar("T")
_POLL = 0.02


class Person:
    """One member of the workspace. Use as `async with Person(url, "U0ANA") as ana`, or call `close`.

    Deeds raise Refused with Slack's code when Slack refuses them. Reading goes through slack_sdk with the person's
    own token, so that what is read is what Slack's API says.
    """

    def __init__(self, slack_url: str, user_id: str) -> None:
        self.id = user_id
        self._url = slack_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leave."""
        if self._session:
            await self._session.close()
            self._session = None

    @property
    def web(self) -> AsyncWebClient:
        """slack_sdk's client with this person's token."""
        client = AsyncWebClient(token=f"xoxp-{self.id}", base_url=f"{self._url}/api/", session=self._http())
        client.proxy = None  # slack_sdk takes a proxy from the environment even for loopback
        return client

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _get(self, name: str, **query: str) -> Json:
        async with self._http().get(f"{self._url}/people/{name}", params={"user": self.id, **query}) as answer:
            return _accepted(await answer.json())

    async def _post(self, deed: str, /, **given: Any) -> Json:
        async with self._http().post(f"{self._url}/people/{deed}", json={"user": self.id, **given}) as answer:
            return _accepted(await answer.json())

    async def say(self, channel: str, text: str, thread_ts: str | None = None) -> Json:
        """Post a message; returns it with its `ts`."""
        answer = await self._post("message", channel=channel, text=text, thread_ts=thread_ts)
        return dict(answer["message"])

    async def command(self, line: str, channel: str, thread_ts: str | None = None) -> None:
        """Type a slash command, such as `/celery status`; returns when the app has acknowledged."""
        name, _, text = line.partition(" ")
        await self._post("command", channel=channel, command=name, text=text, thread_ts=thread_ts)

    async def click(self, where: Json, action_id: str, *, block_id: str = "", **given: Any) -> None:
        """Press a button, or choose with `value=` (an option's value, a user's id, a text).

        `where` is a message as read (or {"channel": …, "ts": …}), {"ephemeral_id": …} or {"view_id": …}.
        """
        await self._post("action", where=_place(where), action_id=action_id, block_id=block_id, **given)

    async def shortcut(self, callback_id: str, where: Json | None = None) -> None:
        """Use a shortcut, on a message when `where` is given."""
        await self._post("shortcut", callback_id=callback_id, **(_place(where) if where else {}))

    async def submit(self, view_id: str, values: Json) -> Json:
        """Submit a modal; `{"ok": false, "errors": {block_id: …}}` when a field is refused."""
        answer = await self._raw("view_submit", view_id=view_id, values=values)
        return answer if answer.get("errors") else _accepted(answer)

    async def _raw(self, name: str, **given: Any) -> Json:
        async with self._http().post(f"{self._url}/people/{name}", json={"user": self.id, **given}) as answer:
            return dict(await answer.json())

    async def close_view(self, view_id: str) -> None:
        """Close a modal by its cross."""
        await self._post("view_close", view_id=view_id)

    async def open_home(self) -> Json | None:
        """Open the app's Home tab; returns what is published so far."""
        view: Json | None = (await self._post("home"))["view"]
        return view

    async def home(self) -> Json | None:
        """The Home tab as published now, without opening it."""
        view: Json | None = (await self._get("views"))["home"]
        return view

    async def react(self, where: Json, name: str) -> None:
        """Put an emoji on a message."""
        await self._post("reaction", name=name, **_place(where))

    async def messages(self, channel: str) -> list[Json]:
        """What stands in a channel, oldest first, read by conversations.history."""
        answer = await self.web.conversations_history(channel=channel, limit=200, include_all_metadata=True)
        return [message | {"channel": channel} for message in reversed(answer["messages"])]

    async def replies(self, channel: str, ts: str) -> list[Json]:
        """A thread, its root first, read by conversations.replies."""
        answer = await self.web.conversations_replies(channel=channel, ts=ts, limit=1000, include_all_metadata=True)
        return [message | {"channel": channel} for message in answer["messages"]]

    async def direct_messages(self) -> list[Json]:
        """What the app wrote to this person alone, oldest first."""
        (app, *_others) = (await self._get("ims"))["channels"]
        return await self.messages(app["id"])

    async def ephemerals(self) -> list[Json]:
        """What only this person sees, oldest first."""
        return list((await self._get("ephemerals"))["messages"])

    async def views(self) -> list[Json]:
        """The open modals, the topmost last."""
        return list((await self._get("views"))["views"])

    @overload
    async def wait_for(self, look: Callable[[], Awaitable[T]], timeout: float = 10.0) -> T: ...

    @overload
    async def wait_for(self, look: Callable[[], T], timeout: float = 10.0) -> T: ...

    async def wait_for(self, look: Callable[[], Any], timeout: float = 10.0) -> Any:
        """Look until there is something true to see, and return it; TimeoutError says for what it waited."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while True:
            seen = look()
            value = await seen if inspect.isawaitable(seen) else seen
            if value:
                return value
            if loop.time() > deadline:
                name = getattr(look, "__qualname__", repr(look))
                raise TimeoutError(f"{self.id} saw nothing after {timeout:g} s: {name}")
            await asyncio.sleep(_POLL)


class Webhook:
    """A monitoring system that posts to the channel, Alertmanager unless told otherwise."""

    def __init__(self, slack_url: str, path: str = f"/services/T0LOCAL/B0ALERT/{ALERT_SECRET}") -> None:
        self._address = slack_url.rstrip("/") + path

    async def post(self, payload: Json) -> None:
        """Post one notification; Refused with Slack's word for what was wrong with it."""
        async with aiohttp.ClientSession() as session, session.post(self._address, json=payload) as answer:
            text = await answer.text()
            if answer.status != 200:
                raise Refused(text, f"The incoming webhook answered {answer.status} {text}.")


def _accepted(answer: Json) -> Json:
    if not answer["ok"]:
        raise Refused(answer["error"], answer.get("message", ""))
    return answer


def _place(where: Json) -> Json:
    return {key: where[key] for key in ("channel", "ts", "ephemeral_id", "view_id") if where.get(key)}
