"""A real Prometheus on a free port, which scrapes one page, and itself."""

import json
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from playground.processes import ChildProcess
from playground.services import free_port

CONFIG = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - {{job_name: prometheus, static_configs: [{{targets: ["127.0.0.1:{own}"]}}]}}
  - {{job_name: shop, static_configs: [{{targets: ["127.0.0.1:{page}"]}}]}}
"""


class PrometheusProcess:
    """Runs from `start` until `stop`; it keeps its data in a temporary folder, and ends with this process."""

    def __init__(self, program: Path, page: int) -> None:
        """Describe the server, which scrapes `/metrics` on the port `page`."""
        self._program, self._page = program, page
        self._folder = tempfile.TemporaryDirectory(prefix="oncall-prometheus-")
        self._process: ChildProcess | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start, and return when it answers."""
        folder = Path(self._folder.name)
        self.port = free_port()
        (folder / "prometheus.yml").write_text(CONFIG.format(own=self.port, page=self._page))
        command = [str(self._program), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        command.append(f"--web.listen-address=127.0.0.1:{self.port}")
        self._process = ChildProcess(command, log=folder / "prometheus.log", cwd=folder)
        self._process.wait_until(lambda: self.ready(), seconds=60, what="Prometheus")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """End it and remove its data."""
        if self._process:
            self._process.kill()
        self._folder.cleanup()

    @property
    def process(self) -> ChildProcess:
        """The process, once it runs."""
        assert self._process is not None
        return self._process

    def ready(self) -> bool:
        """Whether it answers queries."""
        try:
            return self.ask("vector(1)") != []
        except (urllib.error.URLError, OSError):
            return False

    def ask(self, query: str) -> list[Any]:
        """Return the result of a query, by other means than ours."""
        with urllib.request.urlopen(f"{self.url}/api/v1/query?query={quote(query)}", timeout=5) as response:
            result: list[Any] = json.load(response)["data"]["result"]
            return result
