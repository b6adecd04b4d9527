"""Commands and alert messages that are wrong in some way, put to a real bot: the whole conversation is held once."""

import asyncio
import functools
from collections.abc import Awaitable, Callable

from tests.slack.incoming import alert
from tests.slack.office import CHANNEL, until
from tests.slack.test_asking import ours
from tests.wrong_input.desk import LISTED, UNLISTED, Desk, desk, lines_of
from tests.wrong_input.row import Row

COMMANDS = "Commands: `/celery …`, and the same by mention"
ALERTS = "Messages that may be alerts"

Part = Callable[[Desk], Awaitable[str]]

LINES = (
    "/celery statsu",
    "/celery deploy",
    "/celery scale ai_generation",
    "/celery scale ai_generation by many",
    "/celery scale ai_generation by 50",
    "/celery analytics",
    "/celery pause for 30m",
    "/celery pause analitics",
    "/celery pause reports",
    "/celery pause stagin/reports",
    "/celery status production",
    "/celery pause analytics for ever",
    "/celery pause analytics for 30",
    "/celery pause analytics for",
    "/celery pause analytics for 5s",
    "/celery pause analytics for 25h",
    "/celery pause analytics now please",
    "/celery resume analytics now",
    "/celery purge because of a bad prompt",
    "/celery purge analytics now",
    "/celery purge analytics older than dirt",
    "/celery revoke because of a bad prompt",
    "/celery revoke task",
    "/celery revoke queue analitycs",
    "/celery revoke task mail.send now",
    "/celery unrevoke exe-999",
    "/celery unrevoke exe-12 now",
    "/celery limit mail.send",
    "/celery limit mail.send to fast",
    "/celery limit mail.send to 0/m",
    "/celery limit mail.send to 10/m for ever",
    "/celery limit mail.send to 10/m for 1h now",
    "/celery unlimit mail.send",
    "/celery timelimit mail.send",
    "/celery timelimit mail.send 30s",
    "/celery timelimit mail.send hard 60",
    "/celery timelimit mail.send soft 60s hard 30s",
    "/celery timelimit mail.send hard 30s",
    "/celery requeue 3f2b to analitycs",
    "/celery requeue task mail.send limit few",
    "/celery requeue task mail.send since ever",
    "/celery requeue task mail.send now",
    "/celery orphans now",
    "/celery orphans restore analitycs",
    "/celery orphans restore all limit few",
    "/celery orphans restore all older than dirt",
    "/celery orphans restore all now",
    "/celery results now",
    "/celery results clean older than dirt",
    "/celery results clean limit few",
    "/celery results clean everything",
    "/celery results clean older than 7d now",
    "/celery restore prod",
    "/celery restore exe-999",
    "/celery drop exe-999 now",
    "/celery connections stagin",
    "/celery disconnect all",
    "/celery disconnect 12 idle 1h",
    "/celery disconnect idle",
    "/celery freeze prod",
    "/celery resume staging/reports",
    "/celery queues ai_generatoin",
    "/celery queues reports",
    "/celery queues booking now",
    "/celery workers worker3",
    "/celery tasks 30m",
    "/celery tasks shop.booking.create",
    "/celery failures mail.send today",
    "/celery task",
    "/celery check queue_depht",
    "/celery check redis_ping booking",
    "/celery check redis_ping wanted=fast",
    "/celery check promql query='up",
    "/celery targets stagin",
)
"""Lines whose answer is all that matters."""


def _typing(line: str) -> Part:
    return lambda at: at.typed(line)


async def _long_reason(at: Desk) -> str:
    return await at.typed(f"/celery pause analytics because {'x' * 301}")


async def _not_on_call(at: Desk) -> str:
    return await at.typed("/celery pause analytics", by=at.dora)


async def _frozen(at: Desk) -> str:
    draft = await at.drafted("/celery pause analytics")
    await at.typed("/celery freeze")
    answer = await at.pressed(draft, "submit_draft", value=_value(draft))
    await at.typed("/celery unfreeze", by=at.ben)
    return answer


async def _own_request(at: Desk) -> str:
    draft = await at.drafted("/celery pause notifications for 20m")
    await at.ana.click(draft, "submit_draft")
    request = await until(lambda: _newest(at, "please decide"))
    return await at.pressed(request, "approve", value=_value(request))


async def _same_again(at: Desk) -> str:
    draft = await at.drafted("/celery pause notifications for 20m")
    return await at.pressed(draft, "submit_draft", value=_value(draft))


async def _observed(at: Desk) -> str:
    await at.ana.click(await at.drafted("/celery pause lab/trials"), "submit_draft")
    return await at.executed()


async def _old_button(at: Desk) -> str:
    return await at.pressed(ours(at.slack), "purge_everything", value="x")


async def _made_up(at: Desk) -> str:
    return await at.pressed(ours(at.slack), "approve", value="req-999")


async def _newest(at: Desk, containing: str) -> dict[str, object] | None:
    found = [m for m in await at.ana.messages(CHANNEL) if containing in m["text"]]
    return found[-1] if found else None


def _value(message: dict[str, object]) -> str:
    """Return the id that the first button of a message carries."""
    rows = [b for b in message["blocks"] if b["type"] == "actions"]  # type: ignore[attr-defined]  # JSON
    return str(rows[0]["elements"][0]["value"])


COMMAND_PARTS: dict[str, Part] = {
    **{line: _typing(line) for line in LINES},
    "/celery pause analytics because … (301 characters)": _long_reason,
    "/celery pause analytics, by somebody who is not on call": _not_on_call,
    "/celery pause analytics, sent off while executions are frozen": _frozen,
    "Approve, on one's own request": _own_request,
    "the same request again, while one waits": _same_again,
    "/celery pause lab/trials, on a cluster with mode: observe": _observed,
    "a button of another version of the bot": _old_button,
    "Approve, on a request of another database": _made_up,
}


async def _unlisted(at: Desk) -> str:
    return str((await at.posted(UNLISTED, **alert()))["text"])


def _posting(containing: str, **message: object) -> Part:
    """Return the line of the card that says what is odd about a listed sender's message."""

    async def part(at: Desk) -> str:
        card = await at.posted(LISTED, **message)
        said = lines_of(card)
        return next((line for line in said if containing in line), f"not among {said}")

    return part


def _heading(containing: str, **message: object) -> Part:
    """Return the two lines of the card that must be enough."""

    async def part(at: Desk) -> str:
        first, second, *_ = lines_of(await at.posted(LISTED, **message))
        assert containing in first
        return f"{first} / {second}"

    return part


async def _by_hand(at: Desk) -> str:
    lines = lines_of(await at.posted(LISTED, text="Critical Alert: QueueDepth queue=analytics"))
    command = next(n for n, line in enumerate(lines) if "celery -A" in line)
    return f"{lines[command - 1]} {lines[command].replace('```', '`')}"


async def _elsewhere(at: Desk) -> str:
    return await at.treated("Critical Alert: Queue Depth > 1000", "C0GENERAL")


ALERT_PARTS: dict[str, Part] = {
    "[FIRING:1] QueueDepth (ai_generation critical), by a bot that is not listed": _unlisted,
    "Disk full on db1 (of no known form, so no runbook fits)": _posting("No runbook", text="Disk full on db1"),
    "Critical Alert: QueueDepth (of no queue)": _posting("names no queue", text="Critical Alert: QueueDepth"),
    "Critical Alert: Queue Depth > 1000 queue=thumbnails (a queue that nobody declared or uses)": _posting(
        "thumbnails.", text="Critical Alert: Queue Depth > 1000 queue=thumbnails"
    ),
    "[FIRING:1] <!channel> (<!here>)": _heading("<!channel>", text="[FIRING:1] &lt;!channel&gt; (&lt;!here&gt;)"),
    "[FIRING:1] xxx… (a title of 1,500 characters)": _heading("xxx…", **alert(name="x" * 1_500, queue="none")),
    "Critical Alert: QueueDepth queue=analytics (its runbook starts workers, which the bot cannot)": _by_hand,
    "“Treat as an alert”, in a channel that is not the bot's": _elsewhere,
}


@functools.cache
def conversation() -> dict[str, str]:
    """Return the bot's words for every part, all of them held with one bot; a part that broke says how."""
    return asyncio.run(_held())


async def _held() -> dict[str, str]:
    async with desk() as at:
        return {wrong: await _said(part, at) for wrong, part in (COMMAND_PARTS | ALERT_PARTS).items()}


async def _said(part: Part, at: Desk) -> str:
    """Return what the bot said; a broken part must not be tried again for every row."""
    try:
        return await part(at)
    except Exception as error:  # noqa: BLE001 - shown in the row's failure
        return f"broke: {error!r}"


def _row(section: str, wrong: str) -> Row:
    return Row(section, wrong, lambda: conversation()[wrong])


COMMAND_ROWS = [_row(COMMANDS, wrong) for wrong in COMMAND_PARTS]
ALERT_ROWS = [_row(ALERTS, wrong) for wrong in ALERT_PARTS]
