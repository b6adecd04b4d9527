"""The settings of this process, and the environment of those that it starts."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bot import __file__ as package_file

if TYPE_CHECKING:  # settings bring pydantic and yaml, half a second that `--help` can do without
    from bot.settings import Settings


def forget_celery_variables() -> None:
    """Remove Celery's own variables from this process and so from its children.

    CELERY_BROKER_URL and the like win over what an app says of itself, so that a watched application's variables would
    take the ops worker to the watched broker: https://docs.celeryq.dev/en/stable/userguide/configuration.html.
    """
    for name in [n for n in os.environ if n.startswith("CELERY_")]:
        del os.environ[name]


def settings(*needs: str) -> "Settings":
    """Return this process's settings; `needs` are values of `bot.settings.Need`. Raises ProblemsFound."""
    from bot.settings import Need, load_settings  # see above

    return load_settings(os.environ, [Need(need) for need in needs])


def child_environment(chosen: "Settings") -> dict[str, str]:
    """Return an environment in which a child finds the same settings and database from any folder, and our modules.

    PYTHONPATH, if somebody set it, comes after our own folder: a `tasks.py` in it must not be taken for ours.
    """
    env = os.environ | {"DATABASE_URL": chosen.database_url, "PYTHONSAFEPATH": "1"}
    if chosen.from_file:
        env["ONCALL_CONFIG"] = str(Path(chosen.source).absolute())
    if path := env.get("PYTHONPATH"):
        ours = str(Path(package_file).parents[1])
        env["PYTHONPATH"] = os.pathsep.join([ours, *(str(Path(p).absolute()) for p in path.split(os.pathsep) if p)])
    return env
