"""`python -m playground.slack --manifest manifest.yml --port 3000`: the local Slack as a process of its own."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from playground.slack.manifest import ManifestError
from playground.slack.server import LocalSlack

_PAGE = Path(__file__).parent / "page"


def main() -> int:
    """Serve until SIGINT or SIGTERM; 2 when the manifest or the port cannot be used."""
    parser = argparse.ArgumentParser(prog="playground.slack", description="A local Slack for one app.")
    parser.add_argument("--manifest", type=Path, default=Path("manifest.yml"), help="the app's manifest (YAML)")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; any free one by default")
    options = parser.parse_args()
    try:
        slack = LocalSlack(options.manifest, port=options.port, page=_PAGE if _PAGE.is_dir() else None)
        asyncio.run(_serve(slack))
    except (ManifestError, OSError) as error:
        print(f"local Slack: {error}", file=sys.stderr)  # noqa: T201 - a command line talks to its terminal
        return 2
    return 0


async def _serve(slack: LocalSlack) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, stop.set)
    await slack.start()
    lines = {
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_SIGNING_SECRET": slack.signing_secret,
        "ALERT_WEBHOOK_URL": slack.webhook_url,
    }
    for name, value in lines.items():
        print(f"{name}={value}", flush=True)  # noqa: T201 - what a shell is to export
    await stop.wait()
    await slack.stop()


if __name__ == "__main__":
    sys.exit(main())
