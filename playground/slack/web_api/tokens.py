"""api.test, auth.test and apps.connections.open."""

from playground.slack.errors import Json
from playground.slack.web_api.call import Call
from playground.slack.web_api.registry import method


@method("api.test", per_minute=600)
def api_test(call: Call) -> Json:
    """Whether Slack is there."""
    return {"args": call.args}


@method("auth.test", per_minute=600)
def auth_test(call: Call) -> Json:
    """Whose token this is; its scopes are in the header `x-oauth-scopes`."""
    space, bot = call.workspace, call.caller.bot
    return {
        "url": f"{call.backend.url}/",
        "team": space.name,
        "user": space.user(call.caller.user_id).name,
        "team_id": space.team_id,
        "user_id": call.caller.user_id,
        **({"bot_id": bot.id} if bot else {}),
        "is_enterprise_install": False,
    }


@method("apps.connections.open", "connections:write", per_minute=60, tokens=("app",))
def connections_open(call: Call) -> Json:
    """A fresh address for one Socket Mode connection."""
    address = call.backend.url.replace("http://", "ws://")
    ticket = call.backend.sockets.ticket()
    return {"url": f"{address}/link/?ticket={ticket}&app_id={call.workspace.app.app_id}"}
