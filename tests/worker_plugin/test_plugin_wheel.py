"""The plugin as it is installed: one file, no dependencies, nothing of the bot."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import celery_oncall_worker as plugin
import pytest

PLUGIN = Path(__file__).parents[2] / "worker_plugin"
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network by the backend that uv brings."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([str(UV), "build", "-q", "--offline", "--wheel", "-o", str(folder)], cwd=PLUGIN, check=True)
    (wheel,) = folder.glob("celery_oncall_worker-*.whl")
    return wheel


def test_it_is_one_file_of_the_version_that_it_says(wheel: Path) -> None:
    """Workers tell that version, so it must be the installed one."""
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if not n.endswith("/")]
        (metadata,) = (archive.read(n).decode() for n in names if n.endswith("/METADATA"))
    assert [n for n in names if ".dist-info/" not in n] == ["celery_oncall_worker/__init__.py"]
    about = Parser().parsestr(metadata)
    assert about["Version"] == plugin.__version__
    assert about.get_all("Requires-Dist") is None


def test_it_is_imported_where_there_is_celery_and_no_bot(wheel: Path, tmp_path: Path) -> None:
    """Installed into a virtualenv whose other packages are seen through a path to ours, which no editable one is."""
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = str(venv / "bin" / "python")
    install = [str(UV), "pip", "install", "-q", "--offline", "--no-deps", "--python", python, str(wheel)]
    subprocess.run(install, check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    program = "import celery_oncall_worker as p, importlib.util as u; print(p.__file__, u.find_spec('bot'))"
    env = {"PATH": os.environ["PATH"], "HOME": str(empty)}
    said = subprocess.check_output([python, "-c", program], cwd=empty, env=env, text=True).split()
    assert said == [str(packages / "celery_oncall_worker" / "__init__.py"), "None"]
