"""The command line: exit codes, sentences instead of tracebacks, and what each command says."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine

from bot.adapters.sql import migrate, open_store
from bot.cli import cli
from tests.adapters.sql.chain import drop_triggers, grow
from tests.test_settings import ENV, MINIMAL

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test runs in an empty folder of its own, without settings from outside."""
    monkeypatch.chdir(tmp_path)
    for name in [*ENV, "ONCALL_CONFIG", "SLACK_API_URL"]:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*words: str, **env: str) -> Result:
    """Run `celery-oncall <words>` in this process."""
    return CliRunner().invoke(cli, list(words), env=env, prog_name="celery-oncall")


def celery_oncall(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run it as a process of its own."""
    command = [sys.executable, "-m", "bot", *words]
    return subprocess.run(command, env=os.environ | env, capture_output=True, text=True, timeout=60, check=False)


def test_help_names_every_command() -> None:
    """Somebody who types nothing finds out what there is."""
    output = run("--help").output
    for command in ("bot", "worker", "beat", "up", "migrate", "demo", "doctor", "audit", "runbooks", "config"):
        assert re.search(rf"^  {command} ", output, re.MULTILINE), command
    assert "..." not in output.partition("Commands:")[2], "what a command does is said to its end"


def test_help_is_quick() -> None:
    """It loads none of the heavy libraries; a command imports them when it runs."""
    heavy = "{'pydantic', 'sqlalchemy', 'celery', 'slack_bolt', 'yaml', 'jinja2'}"
    program = f"import sys, bot.cli; print(sorted({heavy} & sys.modules.keys()))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("migrat",), "No such command 'migrat'. Did you mean 'migrate'?"),
        (("audit", "verfy"), "No such command 'verfy'. Did you mean 'verify'?"),
        (("runbooks", "lint", "nowhere.yml"), "Path 'nowhere.yml' does not exist."),
    ],
)
def test_wrong_use_exits_2(words: tuple[str, ...], sentence: str) -> None:
    """With what may be meant."""
    result = run(*words)
    assert result.exit_code == 2
    assert sentence in result.stderr


@pytest.mark.parametrize("command", ["bot", "worker", "beat", "up", "doctor"])
def test_nothing_starts_on_a_bad_configuration(command: str) -> None:
    """What is wrong is told in sentences, before Celery or Slack is even asked."""
    Path("oncall.yml").write_text("clusers: {}\n" + MINIMAL)
    result = run(command, **ENV)
    assert result.exit_code == 2
    assert result.stderr == (
        "oncall.yml:1:1: There is no key `clusers` at the top of the file. Did you mean `clusters`?\n"
    )


def test_an_error_shows_no_traceback_unless_asked_for() -> None:
    """--debug is for those who mend the bot."""
    assert "Traceback" not in run("config", "check").stderr
    asked = run("--debug", "config", "check")
    assert asked.exit_code == 2
    assert "Traceback" in asked.stderr
    assert asked.stderr.endswith(run("config", "check").stderr)


def test_good_settings_are_summed_up_without_secrets() -> None:
    """What was understood is shown, so that a person can see it is what they meant."""
    example = REPOSITORY / "oncall.example.yml"
    result = run("config", "check", ONCALL_CONFIG=str(example), **ENV)
    assert result.exit_code == 0
    assert result.output == (
        f"The settings are good ({example}).\n"
        "  database: db.example/oncall\n"
        "  cluster prod: redis://broker.example:6379/0, 7 queues, 3 worker groups, mode act\n"
        "  channel C0123ONCALL: prod\n"
        "  role oncall: S0123ONCALL\n"
        "  role platform: U0123ANA, U0123BEN\n"
    )


def test_the_database_is_checked_with_the_settings() -> None:
    """An address that no database answers to is configuration, too: told alone, and beside all else that is wrong."""
    words = "environment: DATABASE_URL names the database `mysql`, which is not supported;"
    result = run("config", "check", **ENV | {"DATABASE_URL": "mysql://db/oncall"})
    assert result.exit_code == 2
    assert result.stderr.startswith(words)
    both = run("config", "check", **ENV | {"DATABASE_URL": "mysql://db/oncall", "SLACK_BOT_TOKEN": ""})
    assert both.exit_code == 2
    assert [line.split(";")[0] for line in both.stderr.splitlines()[1:]] == [
        "environment: SLACK_BOT_TOKEN is not set. It is the bot token of your Slack app (OAuth & Permissions",
        words.rstrip(";"),
    ]


def test_the_shipped_runbooks_are_good() -> None:
    """Without paths, what the bot would load is checked."""
    result = run("runbooks", "lint")
    assert result.exit_code == 0
    assert "queue-depth.yml: good (queue-depth, 7 steps)" in result.output


def test_a_broken_runbook_is_a_finding(folder: Path) -> None:
    """Every file of a folder is looked at, good ones after broken ones."""
    (folder / "a.yml").write_text("runbook: a\ntitle: T\nsteps: [{id: w, title: W, check: wrkers}]\n")
    (folder / "b.yml").write_text("runbook: b\ntitle: T\nsteps: [{id: w, title: W, check: workers}]\n")
    result = run("runbooks", "lint", ".")
    assert result.exit_code == 1
    assert result.output == (
        "a.yml:3:34: There is no check `wrkers`. Did you mean `workers` or `worker_versions`?\n"
        "b.yml: good (b, 1 step)\n"
    )


def test_a_folder_is_linted_as_the_bot_would_load_it(folder: Path) -> None:
    """Of two runbooks of one name the second is refused; a folder without any, or none at all, is a finding."""
    for name in ("a.yml", "b.yml"):
        (folder / name).write_text("runbook: a\ntitle: T\nsteps: [{id: w, title: W, check: workers}]\n")
    (folder / "empty").mkdir()
    result = run("runbooks", "lint", ".", "empty")
    assert result.exit_code == 1
    assert result.output == (
        "a.yml: good (a, 1 step)\n"
        "b.yml: A runbook `a` is in `a.yml` already; rename one of the two.\n"
        "empty: There is no runbook (`*.yml`, `*.yaml`) in this folder.\n"
    )
    (folder / "oncall.yml").write_text(MINIMAL + "runbooks: nowhere\n")
    assert run("runbooks", "lint").output.endswith(
        f"{folder}/nowhere: The folder of runbooks cannot be read: No such file or directory; see `runbooks` in the "
        "settings.\n"
    )


def test_the_teams_own_runbooks_are_linted_with_the_shipped_ones(folder: Path) -> None:
    """The folder comes from the settings."""
    (folder / "oncall.yml").write_text(MINIMAL + "runbooks: ours\n")
    (folder / "ours").mkdir()
    (folder / "ours" / "x.yml").write_text("runbook: x\n")
    result = run("runbooks", "lint")
    assert result.exit_code == 1
    assert "queue-depth.yml: good" in result.output
    assert f"{folder}/ours/x.yml:1:1: The key `title` is missing in the file.\n" in result.output


def test_the_schema_can_be_printed() -> None:
    """That is how runbooks/schema.json is made."""
    printed = run("runbooks", "schema").output
    assert printed == (REPOSITORY / "runbooks" / "schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))


@pytest.fixture
def database(folder: Path) -> dict[str, str]:
    """A database with an audit chain; the environment that names it."""
    url = f"sqlite:///{folder}/audited.sqlite3"
    migrate(url)
    store = open_store(url)
    grow(store)
    store.close()
    return {"DATABASE_URL": url}


def test_a_sound_chain_is_good(database: dict[str, str]) -> None:
    """The last hash is shown, to be compared with a card's. Neither Slack nor brokers are needed."""
    result = run("audit", "verify", **database)
    assert result.exit_code == 0
    assert re.fullmatch(r"The audit chain holds: \d+ entries, the last one [0-9a-f]{8}\.\n", result.output)


def test_an_empty_chain_is_good(folder: Path) -> None:
    """A fresh database."""
    env = {"DATABASE_URL": f"sqlite:///{folder}/new.sqlite3"}
    assert run("migrate", **env).exit_code == 0
    assert run("audit", "verify", **env).output == "The audit chain is empty.\n"


def test_a_broken_chain_is_a_finding(database: dict[str, str]) -> None:
    """The first broken entry is named."""
    engine = create_engine(database["DATABASE_URL"])
    drop_triggers(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit_entries SET actor = 'U0EVE' WHERE seq = 3")
    engine.dispose()
    result = run("audit", "verify", **database)
    assert result.exit_code == 1
    assert result.output.startswith("The audit chain is broken at #3: entry #3 was changed")


def test_the_chain_is_exported_as_json_lines(database: dict[str, str], folder: Path) -> None:
    """To standard output or to a file, one entry a line, oldest first."""
    printed = run("audit", "export", **database).output
    entries = [json.loads(line) for line in printed.splitlines()]
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert all(b["prev_hash"] == a["hash"] for a, b in itertools.pairwise(entries))
    assert run("audit", "export", "-o", "out.jsonl", **database).exit_code == 0
    assert (folder / "out.jsonl").read_text(encoding="utf-8") == printed


def test_a_failed_export_leaves_the_old_file(folder: Path) -> None:
    """Half a file would pass for a whole one."""
    (folder / "out.jsonl").write_text("old")
    assert run("audit", "export", "-o", "out.jsonl", DATABASE_URL="mysql://db/x").exit_code == 2
    assert (folder / "out.jsonl").read_text() == "old"


def test_an_empty_chain_is_an_empty_export(folder: Path) -> None:
    """An older export that stays would pass for this one."""
    (folder / "out.jsonl").write_text("old")
    url = f"sqlite:///{folder}/new.sqlite3"
    assert run("migrate", DATABASE_URL=url).output == f"The database ({url}) is at the newest revision.\n"
    assert run("audit", "export", "-o", "out.jsonl", DATABASE_URL=url).exit_code == 0
    assert (folder / "out.jsonl").read_text() == ""


def test_a_database_that_cannot_be_used_is_told_with_what_to_do(folder: Path) -> None:
    """To try again in a moment helps at a card, not at a file that is none."""
    (folder / "text.txt").write_text("no database, but long enough to be told from one that is empty" * 100)
    result = run("audit", "verify", DATABASE_URL="sqlite:///text.txt")
    assert result.exit_code == 1
    assert result.stderr == (
        f"The database cannot be used (the file {folder}/text.txt: the file is no SQLite database); check "
        "DATABASE_URL, and what it names.\n"
    )


def test_a_database_without_tables_is_told_what_to_do(folder: Path) -> None:
    """No traceback of the database's driver."""
    result = run("audit", "verify", DATABASE_URL=f"sqlite:///{folder}/none.sqlite3")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert "has no tables of celery-oncall yet; run `celery-oncall migrate`" in result.stderr


def test_demo_passes_its_words_on() -> None:
    """The playground has options of its own, --help among them."""
    result = celery_oncall("demo", "--help")
    assert result.returncode == 0
    assert "--headless" in result.stdout
    refused = celery_oncall("demo", "--scenario", "nosuch")
    assert refused.returncode == 2


def test_the_module_is_the_command() -> None:
    """`python -m bot` does what `celery-oncall` does, with exit codes and all."""
    result = celery_oncall("config", "check")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[:2] == [
        "built-in defaults: There is no `oncall.yml` in this folder. Copy `oncall.example.yml` to it, or name yours by "
        "ONCALL_CONFIG.",
        "built-in defaults: The environment variable `PROD_BROKER_URL` is not set.",
    ]
