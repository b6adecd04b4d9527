"""The watched application's tasks: each only waits as long as its real counterpart would keep a worker busy.

A task with a `fault` fails after that time, with an error as it occurs in life. Tasks with a `number` are entered in
the books when they did their work (`books.py`), and some heed what is wrong now (`faults.py`), both in SAMPLE_FOLDER.
"""

import os
import random
import time
from pathlib import Path

from playground.cluster import books, faults
from playground.cluster.app import app

_DEFAULT_SECONDS = (
    "booking=0.05,voice_synthesis=0.1-0.3,notifications=0.02,ai_generation=0.12,image_processing=0.1,"
    "analytics=2.5-3.5,default=0.01"
)

_FOLDER = Path(os.environ.get("SAMPLE_FOLDER", "."))
_QUICK_SECONDS = 0.02
_HANG_SECONDS = 1800.0


class PaymentDeclinedError(Exception):
    """The bank said no."""


class ModelTimeoutError(Exception):
    """The model of the story generator gave no answer in time."""


class MailServerDownError(ConnectionError):
    """The mail server took no connection."""


class JobFailedError(Exception):
    """Any other job that went wrong."""


def parse_seconds(text: str) -> dict[str, tuple[float, float]]:
    """Read `queue=seconds` and `queue=from-to`, separated by commas; raises ValueError."""
    ranges = {}
    for entry in filter(None, text.split(",")):
        queue, _, duration = entry.partition("=")
        low, _, high = duration.partition("-")
        ranges[queue.strip()] = (float(low), float(high or low))
    return ranges


_SECONDS = parse_seconds(_DEFAULT_SECONDS) | parse_seconds(os.environ.get("SAMPLE_SECONDS", ""))


def _work(queue: str, failure: Exception | None = None) -> None:
    """Keep this worker's slot busy for a while, as waiting for a model, a bank or a database does."""
    time.sleep(random.uniform(*_SECONDS[queue]))
    if failure is not None:
        raise failure


@app.task(name="booking.process_payment")
def process_payment(order: int, cents: int, fault: str | None = None) -> str:
    """Charge a customer for an order."""
    _work("booking", PaymentDeclinedError(f"order {order}: {fault}") if fault else None)
    return f"order {order}: {cents} charged"


@app.task(name="booking.confirm_reservation")
def confirm_reservation(order: int, fault: str | None = None) -> str:
    """Confirm a reservation with the venue."""
    _work("booking", JobFailedError(f"order {order}: {fault}") if fault else None)
    return f"order {order} confirmed"


@app.task(name="voice.synthesize")
def synthesize_voice(text: str, voice: str, fault: str | None = None) -> str:
    """Turn a text into speech while a person waits."""
    _work("voice_synthesis", ModelTimeoutError(fault) if fault else None)
    return f"{len(text)} characters spoken by {voice}"


@app.task(name="notifications.send")
def send_notification(to: str, subject: str, fault: str | None = None, number: int | None = None) -> str:
    """Send a message to one user, by the mail server."""
    _work("notifications", JobFailedError(f"{subject}: {fault}") if fault else None)
    if faults.there(_FOLDER, faults.MAIL_DOWN):
        raise MailServerDownError("mail.example.com:25: connection refused")
    if number is not None:
        books.enter(_FOLDER, "notifications.send", number)
    return f"sent to {to}"


@app.task(name="stories.generate_story_with_status")
def generate_story_with_status(story: int, prompt: str, fault: str | None = None) -> dict[str, object]:
    """Have the model write a story."""
    _work("ai_generation", ModelTimeoutError(f"story {story}: {fault}") if fault else None)
    return {"story": story, "status": "done", "prompt": prompt}


@app.task(name="images.optimize")
def optimize_image(image: int, width: int, fault: str | None = None) -> str:
    """Make a smaller copy of an image."""
    _work("image_processing", JobFailedError(f"image {image}: {fault}") if fault else None)
    return f"image {image} at {width} px"


@app.task(name="analytics.aggregate_batch")
def aggregate_batch(day: str, batch: int, fault: str | None = None) -> str:
    """Sum up one batch of a day's events."""
    _work("analytics", JobFailedError(f"{day}, batch {batch}: {fault}") if fault else None)
    return f"{day}, batch {batch} summed"


@app.task(name="analytics.count_visits")
def count_visits(number: int) -> str:
    """Count the visits of one page; quick."""
    time.sleep(_QUICK_SECONDS)
    books.enter(_FOLDER, "analytics.count_visits", number)
    return f"page {number} counted"


@app.task(name="analytics.export_report")
def export_report(number: int, month: str) -> str:
    """Write one customer's report; quick, unless the code that was deployed last hangs in it."""
    # Asked once: what hangs goes on hanging after a deployment, until its process ends.
    time.sleep(_HANG_SECONDS if faults.there(_FOLDER, faults.REPORTS_HANG) else _QUICK_SECONDS)
    books.enter(_FOLDER, "analytics.export_report", number)
    return f"report {number} of {month} exported"


@app.task(name="maintenance.clean_expired_sessions")
def clean_expired_sessions() -> None:
    """Forget the sessions of users who left; beat asks for it."""
    _work("default")


@app.task(name="maintenance.refresh_exchange_rates")
def refresh_exchange_rates() -> None:
    """Ask for today's exchange rates; beat asks for it."""
    _work("default")
