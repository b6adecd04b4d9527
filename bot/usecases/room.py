"""What Redis says of its memory: it may be full of what was set aside, or throw it away."""

from bot.domain.errors import OncallError
from bot.ports import Target


def room_of(target: Target) -> dict[str, str | int | None]:
    """Return what Redis says of its memory; nothing where it does not: nobody is refused for it."""
    try:
        info = target.diagnostics.broker_info()
    except OncallError:
        return {}
    return {"policy": info.policy, "used": info.used_memory, "most": info.max_memory}
