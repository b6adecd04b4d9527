"""The installed wheel, away from the checkout: everything that the program needs at run time is in it, and no more."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.test_settings import ENV

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REPOSITORY = Path(__file__).parents[1]
PACKAGES = ("bot", "tasks", "runbooks", "playground")
UV = Path(sys.executable).with_name("uv")
SECRETS = re.compile(
    rb"xox[abeprs]-\d{6,}|xapp-\d-[A-Z0-9]{6,}|-----BEGIN [A-Z ]*PRIVATE KEY|hooks\.slack\.com/services/T"
)
UNWANTED = re.compile(r"(^|/)(tests|__pycache__|\.env|oncall\.yml|[^/]*\.sqlite3[^/]*|[^/]*\.pem|[^/]*\.pyc)(/|$)")
"""Paths of tests, caches, and of what may hold secrets."""


@dataclass(frozen=True)
class Installed:
    """A virtualenv with the wheel, and an empty folder to run it in."""

    venv: Path
    folder: Path

    def run(self, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of the virtualenv in the empty folder, without any setting from outside but `env`."""
        command = [str(self.venv / "bin" / words[0]), *words[1:]]
        clean = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return subprocess.run(
            command, cwd=self.folder, env=clean | env, capture_output=True, text=True, timeout=120, check=False
        )

    def celery_oncall(self, *words: str, **env: str) -> str:
        """Run `celery-oncall <words>`, which must succeed; returns what it printed."""
        done = self.run("celery-oncall", *words, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built without network by the backend that uv brings."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [str(UV), "build", "-q", "--offline", "--wheel", "--sdist", "-o", str(folder)], cwd=REPOSITORY, check=True
    )
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel in a virtualenv of its own; what it depends on is seen through a path to ours."""
    venv, folder = tmp_path_factory.mktemp("wheel") / "venv", tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (wheel,) = built.glob("*.whl")
    python = str(venv / "bin" / "python")
    install = [str(UV), "pip", "install", "-q", "--offline", "--no-deps", "--python", python, str(wheel)]
    subprocess.run(install, check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    # A path in a .pth file is no site folder: our own editable install, which is a .pth file there, is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return Installed(venv, folder)


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(built: Path) -> None:
    """Runbooks, migrations, settings, schema, page and manifest among them; neither tests nor caches."""
    (wheel,) = built.glob("*.whl")
    names = {n for n in zipfile.ZipFile(wheel).namelist() if not n.endswith("/")}
    ours = {n for n in names if ".dist-info/" not in n}
    files = {p for package in PACKAGES for p in (REPOSITORY / package).rglob("*") if p.is_file()}
    assert ours == {str(p.relative_to(REPOSITORY)) for p in files if "__pycache__" not in p.parts}
    for needed in (
        "runbooks/queue-depth.yml",
        "runbooks/schema.json",
        "bot/settings/default.yml",
        "bot/adapters/sql/migrations/env.py",
        "playground/manifest.yml",
        "playground/slack/page/index.html",
    ):
        assert needed in ours


def test_neither_tests_nor_secrets_are_published(built: Path) -> None:
    """Not in the wheel and not in the source distribution, whose files begin with its name."""
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        contents = {n: archive.read(n) for n in archive.namelist()}
    with tarfile.open(sdist) as tar:
        contents |= {m.name: stream.read() for m in tar.getmembers() if (stream := tar.extractfile(m))}
    assert any(n.endswith("/pyproject.toml") for n in contents)
    assert [n for n in contents if UNWANTED.search(n)] == []
    assert [n for n, body in contents.items() if SECRETS.search(body)] == []


def test_what_is_run_is_the_wheel(installed: Installed) -> None:
    """Else all the other tests here would look at the checkout."""
    program = (
        "import bot, playground, runbooks, tasks; print(*(m.__file__ for m in (bot, playground, runbooks, tasks)))"
    )
    where = installed.run("python", "-c", program).stdout.split()
    assert len(where) == 4
    assert all(path.startswith(str(installed.venv)) for path in where)


def test_the_command_line_finds_its_files(installed: Installed) -> None:
    """Default settings, runbooks and their schema."""
    assert "Usage: celery-oncall" in installed.celery_oncall("--help")
    checked = installed.celery_oncall("config", "check", **ENV)
    assert "cluster prod: redis://broker.example:6379/0, 7 queues" in checked
    linted = installed.celery_oncall("runbooks", "lint")
    assert re.search(r"queue-depth\.yml: good \(queue-depth, \d+ steps\)", linted)
    assert installed.celery_oncall("runbooks", "schema") == (REPOSITORY / "runbooks" / "schema.json").read_text()


def test_the_database_is_made_and_its_audit_verified(installed: Installed) -> None:
    """The migrations are in the wheel."""
    database = {"DATABASE_URL": f"sqlite:///{installed.folder}/oncall.sqlite3"}
    installed.celery_oncall("migrate", **database)
    assert installed.celery_oncall("audit", "verify", **database) == "The audit chain is empty.\n"


SERVE = """
import asyncio
from importlib import resources
from urllib.request import urlopen
from playground.slack.server import LocalSlack

async def main():
    package = resources.files("playground")
    slack = LocalSlack(package / "manifest.yml", page=package / "slack" / "page")
    await slack.start()
    for path in ("/", "/js/main.js", "/css/base.css"):
        print(await asyncio.to_thread(lambda: urlopen(slack.url + path).status))
    await slack.stop()

asyncio.run(main())
"""


def test_the_playground_serves_its_page(installed: Installed) -> None:
    """With the manifest and the page that are in the wheel."""
    assert "--headless" in installed.celery_oncall("demo", "--help")
    served = installed.run("python", "-c", SERVE)
    assert served.stdout.split() == ["200", "200", "200"], served.stderr
