"""Whether a request with a secret may be sent."""

from importlib.util import find_spec
from ipaddress import ip_address

from tailorsecrets.errors import ConfigError


def check_httpx() -> None:
    """Raise ConfigError with the pip install to run where httpx is missing."""
    if find_spec("httpx") is None:
        raise ConfigError("httpx is not installed", hint="pip install 'tailorsecrets[webhook]'")


def check_transport(scheme: str, host: str, *, allow_http: bool) -> None:
    """Raise ConfigError where a secret would cross the network unencrypted."""
    if scheme == "https" or (scheme == "http" and (allow_http or is_loopback(host))):
        return
    raise ConfigError(
        f"refusing to send a secret header to {scheme}://{host}: it is not https",
        hint="use https, or allow_http=True if you trust the network",
    )


def check_proxy(scheme: str, host: str, *, allow_http: bool) -> None:
    """Raise ConfigError where a client that reads the environment sends plain http for this machine to a proxy."""
    if scheme == "http" and not allow_http and is_loopback(host) and _is_proxied(host):
        raise ConfigError(
            f"refusing to send a secret header to {scheme}://{host}: the proxy in HTTP_PROXY or ALL_PROXY can read it",
            hint=f"add {host} to NO_PROXY, or use allow_http=True if you trust the proxy and its network",
        )


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine, without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_proxied(host: str) -> bool:
    """Tell whether the environment has a proxy for plain http to *host*.

    Only the name itself and ``*`` count as an exception, because clients differ about other forms.
    """
    from urllib.request import getproxies

    proxies = getproxies()
    exceptions = {name.strip().lower() for name in proxies.get("no", "").split(",")}
    return bool(proxies.get("http") or proxies.get("all")) and exceptions.isdisjoint({host.strip("[]"), "*"})
