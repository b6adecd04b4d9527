"""What the shapes of the settings share."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _env_name(name: str) -> str:
    # The text is not quoted: it may be the secret itself, written where its name belongs.
    if not _ENV_NAME.fullmatch(name):
        raise ValueError("this is the name of an environment variable, like PROD_BROKER_URL, not its value")
    if name.startswith("CELERY_"):
        raise ValueError("Celery obeys variables that begin with CELERY_ by itself, in our processes too; rename it")
    return name


EnvName = Annotated[str, AfterValidator(_env_name)]


class Shape(BaseModel):
    """Base of everything in the file: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TlsShape(Shape):
    """TLS to the broker; files are PEM."""

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    def options(self) -> dict[str, str]:
        """Return Celery's `broker_use_ssl` options: https://docs.celeryq.dev/en/stable/userguide/configuration.html."""
        files = {"ssl_ca_certs": self.ca_file, "ssl_certfile": self.cert_file, "ssl_keyfile": self.key_file}
        options = {name: file for name, file in files.items() if file is not None}
        return options | {"ssl_cert_reqs": "required" if self.verify else "none"}
