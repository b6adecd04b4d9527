"""Numbers in words for people: whole, with separators, and the noun in its right form."""


def counted(n: int, noun: str) -> str:
    """Return "1 worker", "1,284 workers"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def verb(n: int, plural: str) -> str:
    """Return the verb that fits a count: 1 "runs", 2 "run"."""
    return f"{plural}s" if n == 1 else plural


def listed(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """Return names joined by commas, the rest as a count."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
