"""One side of the benchmark of events, in a process of its own: `_events_side.py flower|state|ours port events`.

Prints "ready" when it is subscribed, and then the CPU seconds that it took for so many events. Flower and celery's
State run in `.venv-bench`, so nothing of ours is imported for them.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import redis

Counted = Callable[[], int]


def ours(url: str) -> Counted:
    """Listen as the bot does."""
    from bot.adapters.celery.connection import ClusterConnection
    from bot.adapters.clock import SystemClock
    from bot.adapters.events.consumer import EventConsumer
    from bot.adapters.events.recorder import Recorder

    recorder = Recorder(SystemClock())
    EventConsumer(ClusterConnection("bench", url), recorder, SystemClock()).start()
    return lambda: recorder.feed().heard


def state(url: str) -> Counted:
    """Listen as `celery events` does."""
    from celery import Celery
    from celery.events import EventReceiver

    app: Any = Celery(broker=url)
    kept = app.events.State()

    def capture() -> None:
        with app.connection() as connection:
            EventReceiver(connection, handlers={"*": kept.event}, app=app).capture(
                limit=None, timeout=None, wakeup=False
            )

    threading.Thread(target=capture, daemon=True).start()
    return lambda: int(kept.event_count)


def flower(url: str) -> Counted:
    """Listen as Flower does: its own thread, its own loop, its defaults."""
    import importlib

    from celery import Celery

    ioloop, options = importlib.import_module("tornado.ioloop"), importlib.import_module("flower.options")
    events = importlib.import_module("flower.events")
    made: list[Any] = []
    ready = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(asyncio.new_event_loop())
        loop = ioloop.IOLoop.current()
        most = options.options.max_tasks
        made.append(events.Events(Celery(broker=url), loop, enable_events=False, max_tasks_in_memory=most))
        made[0].start()
        ready.set()
        loop.start()

    threading.Thread(target=run, daemon=True).start()
    ready.wait(60)
    return lambda: int(made[0].state.event_count)


def main() -> None:
    """Count events, and print what they cost."""
    side, port, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    client = redis.Redis(port=port)
    counted = {"ours": ours, "state": state, "flower": flower}[side](f"redis://127.0.0.1:{port}/0")
    while not client.pubsub_numpat():
        time.sleep(0.02)
    began = time.process_time()
    print("ready", flush=True)
    while counted() < wanted:
        time.sleep(0.05)
    print(time.process_time() - began, flush=True)


if __name__ == "__main__":
    main()
