"""Servers that are neither broker nor Slack, as the adapters get them."""

from collections.abc import Mapping

from bot.settings import environment
from bot.settings.outside_shape import AddressShape, PrometheusShape, PrometheusShapes
from bot.settings.shape import ClusterShape
from bot.settings.values import PrometheusSettings

PROMETHEUS_URL = "PROMETHEUS_URL"


def prometheus_servers(shapes: PrometheusShapes, env: Mapping[str, str]) -> Mapping[str, PrometheusSettings]:
    """Return the servers by name; where the file names none, PROMETHEUS_URL is one called `main`.

    A server whose variable is not set in this process is left out: only processes that ask it need it.
    """
    if not shapes and environment.read(env, PROMETHEUS_URL):
        shapes = {"main": PrometheusShape(url_env=PROMETHEUS_URL)}
    return {name: _server(shape, url) for name, shape in shapes.items() if (url := _address(shape, env))}


def pages(cluster: ClusterShape, env: Mapping[str, str]) -> Mapping[str, str]:
    """Return the addresses of a cluster's pages, by the names that the port Http has for them."""
    shapes: dict[str, AddressShape] = {f"health.{name}": shape for name, shape in cluster.health.items()}
    if cluster.flower:
        shapes["flower"] = cluster.flower
    return {name: url for name, shape in shapes.items() if (url := _address(shape, env))}


def _server(shape: PrometheusShape, url: str) -> PrometheusSettings:
    return PrometheusSettings(
        url=url,
        url_from=shape.url_env,
        timeout=shape.timeout,
        retries=shape.retries,
        **(shape.tls.model_dump() if shape.tls else {}),
    )


def _address(shape: AddressShape, env: Mapping[str, str]) -> str:
    return shape.url or (environment.read(env, shape.url_env) if shape.url_env else "")
