"""Status and diff with logins that see a part of the server: one place that is denied hides no other."""

import uuid

import hvac
import pytest

from tailorsecrets import Secret, Store, open_store
from tailorsecrets.deploy.compare import compare
from tailorsecrets.deploy.overview import overview
from tailorsecrets.deploy.status import Declared, Row
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import workspace_of
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tests.support.servers import Server

APP = Owner("my-app")
NAMES = {"api-keys": ["stripe-key", "maps-key"], "database": ["password"], "nowhere": ["some-key"]}
ALL = 'path "{path}" {{ capabilities = ["create", "read", "update", "patch", "delete", "list"] }}\n'
DENY = 'path "{path}" {{ capabilities = ["deny"] }}\n'
MAY_SEE_MOUNTS = 'path "sys/internal/ui/mounts" { capabilities = ["read"] }\n'


class Site:
    """A workspace with two vaults of the app, and logins that may see some of it."""

    def __init__(self, server: Server, path: str) -> None:
        self.workspace, self._server, self._path = f"w{uuid.uuid4().hex[:8]}", server, path
        self._root = hvac.Client(url=server.url, token=server.variables["VAULT_TOKEN"])
        self.target = Choice(f"vault+http://{server.url.removeprefix('http://')}/{path}", self.workspace, ".")
        with self.open() as store:
            for vault, secrets in list(NAMES.items())[:2]:
                record = workspace_of(store).claim(vault, APP, None)
                for secret in secrets:
                    workspace_of(store).put_secret(record, vault, secret, Secret("x"), expect="")

    def open(self, *rules: str) -> Store:
        """Open the store with a login under *rules*; without one, with all rights."""
        token = self._token("".join(rules)) if rules else self._server.variables["VAULT_TOKEN"]
        return open_store(self.target.url, self.workspace, environ={"VAULT_TOKEN": token})

    def states(self, *rules: str) -> tuple[dict[str, str | None], list[str]]:
        """Return the cells of the status with a login under *rules*, and the errors of the target."""
        wanted = Declared(APP, NAMES)
        rows, columns = overview(wanted, [Routes((self.target,))], lambda _: self.open(*rules))
        errors = [column.error.code for column in columns if column.error]
        return {"/".join(filter(None, row.place)): text(row) for row in rows}, errors

    def _token(self, policy: str) -> str:
        name = f"policy-{uuid.uuid4().hex}"
        self._root.sys.create_or_update_policy(name, policy)
        made = self._root.auth.token.create(policies=[name], no_default_policy=True)
        token: str = made["auth"]["client_token"]
        return token


def text(row: Row) -> str | None:
    """Return the only cell in words."""
    return row.cells[0].text if row.cells[0] else None


def test_a_mount_that_a_login_may_not_see(openbao: Server) -> None:
    """Its secrets are denied, and not missing; the other vault is as it is. So is one that may not exist."""
    site = Site(openbao, "")
    states, errors = site.states(ALL.format(path=f"{site.workspace}/api-keys/*"), MAY_SEE_MOUNTS)
    assert states == {
        "api-keys/maps-key": "ours",
        "api-keys/stripe-key": "ours",
        "database/password": "denied",
        "nowhere/some-key": "denied",
    }
    assert errors == []


@pytest.mark.parametrize("path", ["", "secret/team"], ids=["mounts", "folders"])
def test_one_vault_that_is_denied(openbao: Server, path: str) -> None:
    """The list of one vault is refused; what is in the others is shown."""
    site = Site(openbao, path)
    if path:
        base = f"team/{site.workspace}/database/*"
        rules = [ALL.format(path="secret/*"), *(DENY.format(path=f"secret/{kind}/{base}") for kind in KINDS)]
    else:
        mount = f"{site.workspace}/database"
        rules = [
            ALL.format(path=f"{site.workspace}/*"),
            *(DENY.format(path=f"{mount}/{kind}/*") for kind in KINDS),
            MAY_SEE_MOUNTS,
        ]
    states, errors = site.states(*rules)
    assert (states["api-keys/maps-key"], states["api-keys/stripe-key"]) == ("ours", "ours")
    assert (states["database/password"], states["nowhere/some-key"]) == ("denied", "missing")
    assert errors == []


KINDS = ("metadata", "detailed-metadata", "data")


def test_one_secret_that_is_denied(openbao: Server) -> None:
    """A login that may not list, and may not read the metadata of one secret, sees the state of the other."""
    site = Site(openbao, "secret/team")
    rules = [
        ALL.format(path=f"secret/data/team/{site.workspace}/*"),
        ALL.format(path=f"secret/metadata/team/{site.workspace}/api-keys/stripe-key"),
    ]
    states, errors = site.states(*rules)
    assert (states["api-keys/stripe-key"], states["api-keys/maps-key"]) == ("ours", "denied")
    assert errors == []


def test_a_login_without_any_right(openbao: Server) -> None:
    """Everything is denied, and nothing is missing."""
    site = Site(openbao, "secret/team")
    states, _ = site.states(DENY.format(path="secret/*"))
    assert set(states.values()) == {"denied"}


def test_diff_with_a_login_that_sees_one_vault(openbao: Server) -> None:
    """What one side may not show is not readable there, and not missing."""
    site = Site(openbao, "")
    rules = (ALL.format(path=f"{site.workspace}/api-keys/*"), MAY_SEE_MOUNTS)
    one, other = Choice(site.target.url, site.workspace, "."), site.target
    found, _ = compare(
        Routes((one,)), Routes((other,)), lambda choice: site.open() if choice is one else site.open(*rules)
    )
    assert {f"{line.place.vault}/{line.place.secret}": line.sign for line in found} == {
        "api-keys/maps-key": "=",
        "api-keys/stripe-key": "=",
        "database/password": "!",
    }
