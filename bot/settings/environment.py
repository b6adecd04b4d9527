"""What comes from environment variables: secrets and addresses."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.located_yaml import Problem
from bot.settings import urls
from bot.settings.values import SlackSettings

SOURCE = "environment"
DEFAULT_DATABASE = "oncall.sqlite3"


@dataclass(frozen=True)
class Variable:
    """One variable that the bot reads. `is_what` ends the sentence "NAME is …"; `begins` is how its value begins."""

    name: str
    is_what: str
    begins: str = ""


BOT_TOKEN = Variable(
    name="SLACK_BOT_TOKEN",
    is_what="the bot token of your Slack app (OAuth & Permissions; it begins with xoxb-)",
    begins="xoxb-",
)
APP_TOKEN = Variable(
    name="SLACK_APP_TOKEN",
    is_what="the app-level token for Socket Mode (Basic Information, App-Level Tokens; it begins with xapp-)",
    begins="xapp-",
)
SIGNING_SECRET = Variable("SLACK_SIGNING_SECRET", "the signing secret of your Slack app (Basic Information)")
NAMES = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_API_URL",
    "DATABASE_URL",
    "ONCALL_BROKER_URL",
    "ONCALL_CONFIG",
    "PROMETHEUS_URL",
)


def read(env: Mapping[str, str], name: str) -> str:
    """Return a variable without blanks around it; an empty one counts as not set."""
    return env.get(name, "").strip()


def similar(env: Mapping[str, str], name: str) -> str:
    """Return " Did you mean …?" when a variable of nearly that name is set; names alone, never values."""
    ours = [n for n in env if n not in NAMES]
    close = difflib.get_close_matches(name, ours, n=1, cutoff=0.8)
    return f" `{close[0]}` is set: is one of the two misspelt?" if close else ""


def slack(env: Mapping[str, str], *, socket: bool) -> SlackSettings:
    """Return what Slack needs; what is missing is empty, see `slack_problems`."""
    api_url = read(env, "SLACK_API_URL") or SlackSettings.api_url
    return SlackSettings(
        bot_token=read(env, "SLACK_BOT_TOKEN"),
        app_token=read(env, "SLACK_APP_TOKEN"),
        signing_secret=read(env, "SLACK_SIGNING_SECRET"),
        api_url=api_url if api_url.endswith("/") else f"{api_url}/",
        socket=socket,
    )


def slack_problems(env: Mapping[str, str], *, socket: bool) -> list[Problem]:
    """Return which tokens are missing or are none."""
    wanted = (BOT_TOKEN, APP_TOKEN) if socket else (BOT_TOKEN, SIGNING_SECRET)
    found = [sentence for variable in wanted if (sentence := _token_trouble(env, variable))]
    return [Problem(SOURCE, sentence) for sentence in found]


def _token_trouble(env: Mapping[str, str], variable: Variable) -> str | None:
    value = read(env, variable.name)
    if not value:
        return f"{variable.name} is not set. It is {variable.is_what}.{similar(env, variable.name)}"
    if value.startswith(variable.begins):
        return None
    other = next((v.name for v in (BOT_TOKEN, APP_TOKEN) if v is not variable and value.startswith(v.begins)), None)
    if other:
        return f"{variable.name} holds what belongs in {other}. It is {variable.is_what}."
    return f"{variable.name} is no such token. It is {variable.is_what}."


def address_problems(env: Mapping[str, str]) -> list[Problem]:
    """Return which addresses cannot be used."""
    kinds = (("ONCALL_BROKER_URL", urls.REDIS), ("PROMETHEUS_URL", urls.WEB), ("SLACK_API_URL", urls.WEB))
    wrong = ((n, urls.trouble(value, schemes)) for n, schemes in kinds if (value := read(env, n)))
    return [Problem(SOURCE, f"{name} {trouble}.") for name, trouble in wrong if trouble]


def database_url(env: Mapping[str, str], folder: Path) -> str:
    """Return the database's address; a SQLite path is made absolute, because Celery processes run elsewhere."""
    url = read(env, "DATABASE_URL") or f"sqlite:///{DEFAULT_DATABASE}"
    match = re.fullmatch(r"(sqlite(?:\+\w+)?:///)([^/].*)", url)
    return f"{match[1]}{folder / match[2]}" if match and match[2] != ":memory:" else url
