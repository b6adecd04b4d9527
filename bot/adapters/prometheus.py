"""The Prometheus server that PROMETHEUS_URL names."""

SECONDS = 3.0
"""How long connecting, or waiting for bytes, may take."""


def trouble(url: str) -> str | None:
    """Return in a clause why Prometheus cannot be asked, or None; without the address, which may hold a password."""
    # Imported here, because every process imports the adapters, and this alone asks Prometheus.
    import requests
    from prometheus_api_client import PrometheusConnect
    from urllib3 import Retry

    once = Retry(0, read=False)  # as in requests itself: without `read`, a timeout would look like any other failure
    prometheus = PrometheusConnect(url.rstrip("/"), disable_ssl=False, timeout=SECONDS, retry=once)
    try:
        return None if prometheus.check_prometheus_connection() else "it refuses; are user, password and path right?"
    except requests.exceptions.SSLError:
        return "its certificate is not trusted here"
    except requests.Timeout:
        return f"it did not answer within {SECONDS:g} s"
    except requests.RequestException:
        return "nothing can be reached there"
