"""users.*, usergroups.*, bots.*: who is who."""

from playground.slack.errors import Json, Refused
from playground.slack.web_api.call import Call
from playground.slack.web_api.registry import TIER_2, TIER_3, TIER_4, method
from playground.slack.workspace import User, UserGroup


@method("users.info", "users:read", per_minute=TIER_4)
def info(call: Call) -> Json:
    """One member."""
    return {"user": described(call, call.workspace.user(call.required("user")))}


@method("users.list", "users:read", per_minute=TIER_2)
def list_all(call: Call) -> Json:
    """Every member, apps included."""
    return {
        "members": [described(call, user) for user in call.workspace.users.values()],
        "cache_ts": 1,
        "response_metadata": {"next_cursor": ""},
    }


@method("usergroups.list", "usergroups:read", per_minute=TIER_2)
def groups(call: Call) -> Json:
    """Every user group; with `include_users` its members too."""
    return {"usergroups": [_group(call, group) for group in call.workspace.groups.values()]}


@method("usergroups.users.list", "usergroups:read", per_minute=TIER_2)
def group_users(call: Call) -> Json:
    """The members of a user group."""
    group = call.workspace.groups.get(call.required("usergroup"))
    if group is None:
        raise Refused("no_such_subteam", f"There is no user group {call.text('usergroup')}.")
    return {"users": list(group.users)}


@method("bots.info", "users:read", per_minute=TIER_3)
def bot(call: Call) -> Json:
    """One app's bot."""
    found = call.workspace.bots.get(call.required("bot"))
    if found is None:
        raise Refused("bot_not_found", f"There is no bot {call.text('bot')}.")
    return {
        "bot": {
            "id": found.id,
            "deleted": False,
            "name": found.name,
            "updated": 1,
            "app_id": found.app_id,
            **({"user_id": found.user_id} if found.user_id else {}),
            "icons": {},
        }
    }


def described(call: Call, user: User) -> Json:
    """A member as Slack shows them."""
    team = call.workspace.team_id
    names = {"real_name": user.real_name, "display_name": user.name, "team": team}
    return {
        "id": user.id,
        "team_id": team,
        "name": user.name,
        "deleted": False,
        "color": user.color,
        "real_name": user.real_name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "profile": names | ({"bot_id": user.bot_id, "api_app_id": user.app_id} if user.is_bot else {}),
        "is_admin": False,
        "is_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": 1,
    }


def _group(call: Call, group: UserGroup) -> Json:
    return {
        "id": group.id,
        "team_id": call.workspace.team_id,
        "is_usergroup": True,
        "name": group.name,
        "handle": group.handle,
        "description": "",
        "date_delete": 0,
        "user_count": len(group.users),
        **({"users": list(group.users)} if call.flag("include_users") else {}),
    }
