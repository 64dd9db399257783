"""Whether a request with a secret in it may go out."""

from importlib.util import find_spec
from ipaddress import ip_address

from tailorsecrets.errors import ConfigError


def check_httpx() -> None:
    """Raise ConfigError, naming the pip install to run, where httpx is missing."""
    if find_spec("httpx") is None:
        raise ConfigError("httpx is not installed", hint="pip install 'tailorsecrets[webhook]'")


def check_transport(scheme: str, host: str, *, allow_http: bool) -> None:
    """Raise ConfigError where a secret would cross the network unencrypted."""
    if scheme == "https" or (scheme == "http" and (allow_http or is_loopback(host))):
        return
    raise ConfigError(
        f"a secret header is not sent to {scheme}://{host}: it is not https",
        hint="use https, or allow_http=True where the network itself is trusted",
    )


def is_loopback(host: str) -> bool:
    """Tell whether *host* is this machine, whatever its resolver says."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
