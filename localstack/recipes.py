"""The servers: their pins, how each is started, when it is ready, and how programs find it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

TOKEN = "root"
AWS_USER = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@dataclass(frozen=True)
class Site:
    """Where one server runs: its executables, its own folder and its port on the loopback."""

    bin: Path
    home: Path
    port: int

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"


class OpenBao:
    """OpenBao in development mode: unsealed, in memory, with KV version 2 at ``secret``."""

    pins = "openbao"

    def command(self, site: Site) -> list[str]:
        """Return the command line."""
        options = f"-dev -dev-root-token-id={TOKEN} -dev-no-store-token -dev-listen-address=127.0.0.1:{site.port}"
        return [str(site.bin / "bao"), "server", *options.split()]

    def variables(self, site: Site) -> Mapping[str, str]:
        """Return what the process needs in its environment."""
        return {"HOME": str(site.home)}

    def is_ready(self, site: Site) -> bool:
        """Tell whether it answers."""
        return _status(f"{site.url}/v1/sys/health") == 200

    def opened(self, site: Site) -> Mapping[str, str]:
        """Make it usable and return what programs need in their environment."""
        return {"TAILORSECRETS_STORE": "vault://", "VAULT_ADDR": site.url, "VAULT_TOKEN": TOKEN}


class Raft(OpenBao):
    """OpenBao as it runs in production: sealed until it is initialised, and on disk."""

    def command(self, site: Site) -> list[str]:
        """Return the command line, after writing the configuration."""
        (site.home / "data").mkdir(exist_ok=True)
        (site.home / "config.hcl").write_text(
            f'storage "raft" {{ path="{site.home}/data" node_id="one" performance_multiplier=1 }}\n'
            f'listener "tcp" {{ address="127.0.0.1:{site.port}" cluster_address="127.0.0.1:{site.port + 1}"'
            " tls_disable=true }\n"
            f'api_addr="{site.url}"\ncluster_addr="https://127.0.0.1:{site.port + 1}"\n'
        )
        return [str(site.bin / "bao"), "server", f"-config={site.home}/config.hcl"]

    def is_ready(self, site: Site) -> bool:
        """Tell whether it waits for its initialisation."""
        return _status(f"{site.url}/v1/sys/health") == 501

    def opened(self, site: Site) -> Mapping[str, str]:
        """Initialise and unseal it, and make ``secret`` a KV version 2 mount as development mode does."""
        made = _put(f"{site.url}/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        _put(f"{site.url}/v1/sys/unseal", {"key": made["keys"][0]})
        while not super().is_ready(site):  # a standby for a moment
            pass
        token: str = made["root_token"]
        _put(f"{site.url}/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, token)
        return {
            "TAILORSECRETS_STORE": "vault://",
            "VAULT_ADDR": site.url,
            "VAULT_TOKEN": token,
            "UNSEAL_KEY": made["keys"][0],
        }


class LocalStack:
    """LocalStack in host mode, with Secrets Manager alone."""

    pins = "localstack"

    def command(self, site: Site) -> list[str]:
        """Return the command line."""
        return [str(site.bin / "python"), "-m", "localstack.runtime.main"]

    def variables(self, site: Site) -> Mapping[str, str]:
        """Return what the process needs in its environment; it writes only into its folder."""
        for name in ("files", "user"):
            (site.home / name).mkdir(exist_ok=True)
        return {
            "SERVICES": "secretsmanager,ssm",
            "EAGER_SERVICE_LOADING": "1",
            "GATEWAY_LISTEN": f"[::ffff:127.0.0.1]:{site.port}",  # without the prefix it takes 0.0.0.0 too
            "OVERRIDE_IN_DOCKER": "0",
            "FILESYSTEM_ROOT": str(site.home / "files"),
            "HOME": str(site.home / "user"),
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DNS_ADDRESS": "0",
            "LOCALSTACK_AUTH_TOKEN": "",
        }

    def is_ready(self, site: Site) -> bool:
        """Tell whether it answers."""
        return _status(f"{site.url}/_localstack/health") == 200

    def opened(self, site: Site) -> Mapping[str, str]:
        """Return what programs need in their environment."""
        return {"TAILORSECRETS_STORE": "aws://eu-west-1", "AWS_ENDPOINT_URL": site.url, **AWS_USER}


class Moto:
    """The server of moto: a second opinion on Secrets Manager."""

    pins = "moto"

    def command(self, site: Site) -> list[str]:
        """Return the command line."""
        return [str(site.bin / "moto_server"), "-H", "127.0.0.1", "-p", str(site.port)]

    def variables(self, site: Site) -> Mapping[str, str]:
        """Return what the process needs in its environment."""
        return {"HOME": str(site.home)}

    def is_ready(self, site: Site) -> bool:
        """Tell whether it answers."""
        return _status(f"{site.url}/moto-api/data.json") == 200

    def opened(self, site: Site) -> Mapping[str, str]:
        """Return what programs need in their environment."""
        return {"TAILORSECRETS_STORE": "aws://eu-west-1", "AWS_ENDPOINT_URL": site.url, **AWS_USER}


Recipe = OpenBao | LocalStack | Moto
RECIPES: Mapping[str, Recipe] = {
    "openbao": OpenBao(),
    "openbao-raft": Raft(),
    "localstack": LocalStack(),
    "moto": Moto(),
}


def _status(url: str) -> int:
    """Return the status that *url* answers with, 0 where nothing answers."""
    try:
        with urlopen(url, timeout=2) as answer:
            return int(answer.status)
    except HTTPError as exc:
        return exc.code
    except OSError:
        return 0


def _put(url: str, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
    request = Request(url, json.dumps(body).encode(), {"X-Vault-Token": token}, method="PUT")
    with urlopen(request, timeout=30) as answer, suppress(ValueError):
        read: dict[str, Any] = json.load(answer)
        return read
    return {}
