"""What is wrong with the sample application or with what it depends on, for every process of it to see."""

from pathlib import Path

REPORTS_HANG = "reports-hang"
"""The code that was deployed last waits for ever when it exports a report."""

MAIL_DOWN = "mail-down"
"""The mail server refuses connections."""


def begin(folder: Path, fault: str) -> None:
    """Let it be so from now on."""
    (folder / f"fault-{fault}").touch()


def end(folder: Path, fault: str) -> None:
    """Let it be over; harmless when it is."""
    (folder / f"fault-{fault}").unlink(missing_ok=True)


def there(folder: Path, fault: str) -> bool:
    """Return whether it is so now."""
    return (folder / f"fault-{fault}").exists()
