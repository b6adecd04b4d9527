"""The local Slack as a server on loopback."""

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from playground.slack.backend import APP_TOKEN, build
from playground.slack.errors import Refused
from playground.slack.faults import Faults
from playground.slack.manifest import read_manifest
from playground.slack.people.routes import PeopleApi
from playground.slack.rules import Rules
from playground.slack.web_api.dispatch import WebApi
from playground.slack.web_api.limits import RateLimits
from playground.slack.webhooks import Webhooks
from playground.slack.workspace import Workspace, default_workspace

_HOST = "127.0.0.1"


@web.middleware
async def _refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as refused:
        return web.json_response({"ok": False, "error": refused.code, "message": refused.sentence}, status=400)


class LocalSlack:
    """A Slack workspace on this machine: Web API, Socket Mode, webhooks, and the people in it.

    The app is what `manifest` (YAML) says; ManifestError when Slack would refuse it. `controls` is mounted at
    `/controls`, the files of the folder `page` at `/`. State lives in memory and ends with `stop`.
    """

    bot_token: str
    app_token = APP_TOKEN
    signing_secret = "local-signing-secret"  # noqa: S105 - the fixed secret of a loopback playground

    def __init__(
        self,
        manifest: Path,
        *,
        port: int = 0,
        controls: web.Application | None = None,
        page: Path | None = None,
        workspace: Workspace | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.workspace = workspace or default_workspace()
        self.backend = build(self.workspace, read_manifest(manifest), rules or Rules())
        self.bot_token = self.workspace.app.token
        self._port = port
        self._controls = controls
        self._page = page
        self._people = PeopleApi(self.backend)
        self._runner: web.AppRunner | None = None

    @property
    def faults(self) -> Faults:
        """What is to go wrong."""
        return self.backend.faults

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end; empty before `start`."""
        return self.backend.url

    @property
    def api_url(self) -> str:
        """What the app takes as SLACK_API_URL."""
        return f"{self.url}/api/"

    @property
    def webhook_url(self) -> str:
        """The address of the first incoming webhook, Alertmanager's by default."""
        hook = self.workspace.webhooks[0]
        return f"{self.url}/services/{self.workspace.team_id}/{hook.bot_id}/{hook.secret}"

    def user_token(self, user_id: str) -> str:
        """A token with which slack_sdk reads and writes as this person."""
        return f"xoxp-{self.workspace.user(user_id).id}"

    async def start(self) -> None:
        """Listen; OSError when the port is taken."""
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.backend.url = self.backend.replies.base_url = f"http://{_HOST}:{port}"

    async def stop(self) -> None:
        """Close every connection and forget everything."""
        await self.backend.background.close()
        await self._people.streams.close()
        await self.backend.sockets.close()
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    def _application(self) -> web.Application:
        limits = RateLimits(self.backend.rules)
        api, hooks = WebApi(self.backend, limits), Webhooks(self.backend, limits)
        app = web.Application(client_max_size=4 * 1024 * 1024, middlewares=[_refusals])
        app.add_routes(
            [
                web.route("*", "/api/{method}", api.serve),
                web.get("/link/", self.backend.sockets.serve),
                web.post("/services/{team}/{bot}/{secret}", hooks.serve),
                web.post("/responses/{team}/{key}", self.backend.replies.serve),
                *self._people.routes(),
            ]
        )
        if self._controls is not None:
            app.add_subapp("/controls", self._controls)
        if self._page is not None:
            self._serve_page(app, self._page)
        return app

    def _serve_page(self, app: web.Application, page: Path) -> None:
        async def index(_request: web.Request) -> web.FileResponse:
            return web.FileResponse(page / "index.html", headers={"Cache-Control": "no-store"})

        app.router.add_get("/", index)
        app.router.add_static("/", page)
