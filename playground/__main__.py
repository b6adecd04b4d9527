"""`python -m playground`, which is what `celery-oncall demo` starts."""

import argparse
import asyncio
import contextlib
import io
import signal
import sys
import time

from playground.demo import Demo, PortUnusableError
from playground.processes import ProcessError
from playground.scenarios.queue_depth import QueueDepthStory
from playground.scenarios.story import StoryError, verify_audit
from playground.scenarios.stuck_tasks import StuckTasksStory
from playground.scenarios.task_failures import TaskFailuresStory
from playground.scenarios.transcript import Transcript
from playground.services import RedisMissingError

PEOPLE = {"U0ANA": "Ana", "U0BEN": "Ben", "U0CHI": "Chi", "U0DORA": "Dora", "U0BOT": "celery-oncall"}
SCENARIOS = {"queue-depth": QueueDepthStory, "stuck-tasks": StuckTasksStory, "task-failures": TaskFailuresStory}
"""Stories by name; without a terminal one of them is played to its end."""


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this program talks to a person


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: a whole number from 0 to 65535")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="celery-oncall demo", description="Play with celery-oncall on this machine.")
    parser.add_argument("--headless", action="store_true", help="play the whole story, print it, and exit")
    parser.add_argument("--scenario", choices=SCENARIOS, default="queue-depth", help="which story")
    parser.add_argument("--port", type=_port, default=0, help="the page's port (any free one by default)")
    parser.add_argument(
        "--without-image-worker", action="store_true", help="start workers as the runbook does: none for images"
    )
    return parser.parse_args()


async def _headless(demo: Demo, scenario: str) -> None:
    transcript = Transcript(PEOPLE)
    await SCENARIOS[scenario](demo, transcript).play()
    await verify_audit(demo, transcript)
    _say(f"\nAll of it was seen through Slack's own API; the story took {transcript.seconds:.0f} s.")


async def _interactive(demo: Demo) -> None:
    _say("Playing the first incident, up to a request that waits for you.")
    story = QueueDepthStory(demo, Transcript(PEOPLE, out=io.StringIO()), second_pause="30m")
    demo.controls.opening.thread_ts = await story.play_to_open_request()
    _say(f"\n  {demo.slack.url}\n")
    _say("You are Ben, on call; Ana asks you to approve a pause. Approve it, press Undo, try `/celery status`,")
    _say("or break something from the menu. Ctrl-C ends everything.")
    await asyncio.Event().wait()


async def _main(args: argparse.Namespace) -> int:
    headless = args.headless or not sys.stdout.isatty()
    began = time.monotonic()
    try:
        async with Demo(_say, port=args.port, image_worker=not args.without_image_worker) as demo:
            _say(f"Everything runs after {time.monotonic() - began:.0f} s.")
            await (_headless(demo, args.scenario) if headless else _interactive(demo))
    except (StoryError, ProcessError, RedisMissingError, PortUnusableError) as e:
        _say(f"\n✗ {e}")
        return 1
    return 0


def main() -> int:
    """Play; returns the exit code. Ctrl-C, SIGTERM and a closed terminal end everything that was started."""
    args = _arguments()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(_main(args))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        try:
            return loop.run_until_complete(task)
        except asyncio.CancelledError:
            with contextlib.suppress(OSError):  # the terminal was closed: nobody reads it
                _say("\nEnded, with all that it started.")
            return 130


if __name__ == "__main__":
    sys.exit(main())
