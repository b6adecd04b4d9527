"""The bot as it is put together asks each cluster about itself, by the settings of that cluster."""

from pathlib import Path

import pytest

from bot import bootstrap
from bot.settings import Need, load_settings
from playground.services import RedisServer
from tests.services.sample_app import make_app

pytestmark = pytest.mark.service

CONFIG = """
clusters:
  plain: {{broker_url: "{url}", queues: {{booking: {{}}}}}}
  odd:
    broker_url: "{url}"
    result_backend: "{url}"
    result_keyprefix: shop
    global_keyprefix: "eu:"
    priority_steps: [0, 5]
    visibility_timeout: 60
    queues: {{booking: {{}}}}
roles: {{oncall: {{users: []}}}}
"""


def test_each_cluster_is_asked_by_its_own_settings(redis_server: RedisServer, tmp_path: Path) -> None:
    """Two clusters on one server: prefix, steps, visibility timeout and result backend are those of the cluster."""
    make_app({"SAMPLE_BROKER_URL": redis_server.url()}).send_task("shop.plain", queue="booking")
    odd = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_PREFIX": "eu:", "SAMPLE_STEPS": "0,5"})
    odd.send_task("shop.odd", queue="booking", priority=7)
    with redis_server.client() as client:
        client.set("shop_celery-task-meta-1", "{}")
        client.hset("eu:unacked", "tag", '[{"headers": {"id": "1", "task": "shop.odd"}}, "booking", "booking"]')
        client.zadd("eu:unacked_index", {"tag": 1000})
    (tmp_path / "oncall.yml").write_text(CONFIG.format(url=redis_server.url()))
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "ONCALL_CONFIG": str(tmp_path / "oncall.yml")}
    settings = load_settings(env, (Need.CLUSTERS,))
    bootstrap.migrate(settings)
    ports = bootstrap.make_ports(settings, "bot")
    try:
        plain, odd_one = ports.clusters.diagnostics("plain"), ports.clusters.diagnostics("odd")
        assert {q: m.task for q, m in plain.oldest().items()} == {"booking": "shop.plain"}
        assert {q: m.task for q, m in odd_one.oldest().items()} == {"booking": "shop.odd"}
        unacknowledged = odd_one.unacknowledged()
        assert (len(unacknowledged.orphans), unacknowledged.visibility_timeout) == (1, 60)
        assert (len(plain.unacknowledged().orphans), plain.unacknowledged().visibility_timeout) == (0, 3600)
        assert odd_one.results().n == 1
    finally:
        bootstrap.close_ports(ports)
