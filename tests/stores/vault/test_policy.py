"""Least privilege on OpenBao: tokens that have exactly what ``policy`` prints."""

import uuid
from dataclasses import replace
from typing import Any, Literal

import hvac
import pytest

from tailorsecrets import Secret, Store, open_store
from tailorsecrets.deploy.apply import apply
from tailorsecrets.deploy.observe import make_plan
from tailorsecrets.deploy.plan import Desired
from tailorsecrets.driver import ABSENT, Target, VaultNames
from tailorsecrets.errors import ConfigError, Denied, SecretNotFound
from tailorsecrets.store.names import Naming
from tailorsecrets.store.record import Owner
from tailorsecrets.store.store import workspace_of
from tailorsecrets_vault.driver import VaultDriver
from tailorsecrets_vault.policy import policy
from tests.support.servers import ROOT, Server

OWNER = Owner("my-app", "6f1c4f0e-5d0b-4f7c-9d57-0d5f0f0a3c11")
VALUES = {"stripe-secret-key": "one", "sendgrid-api-key": "two"}
FORMS = pytest.mark.parametrize("path", ["", "secret/team"], ids=["mounts", "folders"])


class Site:
    """A workspace on a server, and logins to it."""

    def __init__(self, server: Server, path: str) -> None:
        self.server, self.path, self.workspace = server, path, f"w{uuid.uuid4().hex[:8]}"
        self._root = hvac.Client(url=server.url, token=server.variables["VAULT_TOKEN"])

    def store(self, token: str = "") -> Store:
        """Open the store with *token*; without one, with all rights."""
        host = self.server.url.removeprefix("http://")
        environ = {"VAULT_TOKEN": token or self.server.variables["VAULT_TOKEN"]}
        return open_store(f"vault+http://{host}/{self.path}", self.workspace, environ=environ)

    def token(
        self, use: Literal["read", "deploy"], *vaults: str, may_mount: bool = True, may_patch: bool = True
    ) -> str:
        """Return a token under the policy for *use* of *vaults*, and no other, not even the default one."""
        name = f"policy-{uuid.uuid4().hex}"
        names = [names_of(vault, self.workspace, self.path) for vault in vaults]
        options = {"mount": "secret"} if "/" in self.path else {}
        text = policy(Target(url="vault://", scheme="vault", path=self.path, options=options), names, use)
        if not may_mount:
            text = text.replace('path "sys/mounts/', 'path "nowhere/')
        if not may_patch:
            text = text.replace(', "patch"', "")
        self._root.sys.create_or_update_policy(name, text)
        made = self._root.auth.token.create(policies=[name], no_default_policy=True)
        token: str = made["auth"]["client_token"]
        return token


def names_of(vault: str, workspace: str, path: str) -> VaultNames:
    """Return the native names of *vault*, in its own mount or below *path*."""
    return Naming(workspace, prefix=path, containers=not path).vault_names(vault)


@pytest.fixture
def site(openbao: Server, path: str) -> Site:
    """Return a workspace with a vault of the app and one of another owner."""
    site = Site(openbao, path)
    with site.store() as store:
        for vault, owner in (("api-keys", OWNER), ("database", Owner("another"))):
            store.create_vault(vault, owner)
            for secret, value in VALUES.items():
                store.create_secret(vault, secret, Secret(value))
    return site


@FORMS
def test_a_service_reads_its_vault(site: Site) -> None:
    """The read policy of a vault lets get and get_all read it."""
    with site.store(site.token("read", "api-keys")) as store:
        assert store.get("api-keys", "stripe-secret-key") == "one"
        assert store.get_all("api-keys", ["sendgrid-api-key", "missing", "stripe-secret-key"]) == ["two", None, "one"]


@FORMS
def test_a_service_reads_a_version_that_does_not_exist(site: Site) -> None:
    """Under the read policy, which grants no metadata, a missing version is SecretNotFound and not Denied."""
    with site.store(site.token("read", "api-keys")) as store, pytest.raises(SecretNotFound):
        store.read("api-keys", "stripe-secret-key", "9@2026-01-31T12:00:00.123456789Z")


@FORMS
def test_a_service_can_do_nothing_else(site: Site) -> None:
    """The read policy of a vault allows no list, write or delete, and no read of metadata, records or other vaults."""
    with site.store(site.token("read", "api-keys")) as store:
        for refused in (
            lambda: store.get("database", "stripe-secret-key"),
            lambda: store.list_secrets("api-keys"),
            lambda: store.history("api-keys", "stripe-secret-key"),
            lambda: workspace_of(store).record("api-keys"),
            lambda: store.update_secret("api-keys", "stripe-secret-key", Secret("new")),
            lambda: store.restore_secret("api-keys", "stripe-secret-key"),
            lambda: store.purge_secret("api-keys", "stripe-secret-key"),
            lambda: store.create_vault("another", OWNER),
        ):
            with pytest.raises(Denied):
                refused()


@FORMS
def test_a_deployer_plans_and_applies_without_reading_a_value(site: Site) -> None:
    """The deploy policy allows to make, change, delete and drop all that is declared, and to read no value."""
    vaults = ["api-keys", "mail"]
    token = site.token("deploy", *vaults)
    wanted = {"api-keys": {"stripe-secret-key": Secret("new"), "made": Secret("made")}, "mail": {"smtp": Secret("s")}}
    with site.store(token) as store:
        plan = make_plan(Desired(OWNER, wanted), store)
        assert plan.unread == ()
        assert apply(plan, store).complete
        assert not make_plan(Desired(OWNER, wanted), store).steps
        assert apply(make_plan(Desired(OWNER, {"api-keys": wanted["api-keys"]}), store), store).complete
        with pytest.raises(Denied):
            store.get("api-keys", "stripe-secret-key")
    with site.store() as store:
        assert store.get_all("api-keys", [*VALUES, "made"]) == ["new", None, "made"]
        assert [vault.name for vault in store.list_vaults()] == ["api-keys", "database"]
        assert store.get("database", "stripe-secret-key") == "one"


@pytest.mark.parametrize("path", ["secret/team"])
def test_a_vault_that_left_the_config(site: Site) -> None:
    """In folders, a plan shows a vault of the app that the policy does not name; the vault stays."""
    with site.store(site.token("deploy", "mail")) as store:
        made = make_plan(Desired(OWNER, {"mail": {"smtp": Secret("s")}}), store)
        assert (made.unread, made.owned, {step.place.vault for step in made.deletions()}) == ((), 2, {"api-keys"})
        report = apply(made, store)
    assert [step.place.vault for step in report.done] == ["mail", "mail"]
    with site.store() as store:
        assert store.get_all("api-keys", list(VALUES)) == list(VALUES.values())


@FORMS
def test_a_deployer_cannot_write_other_vaults(site: Site) -> None:
    """The deploy policy of one vault writes no secret of another."""
    with site.store(site.token("deploy", "api-keys")) as store, pytest.raises(Denied):
        store.purge_secret("database", "stripe-secret-key")


@pytest.mark.parametrize("path", [""])
def test_a_denied_mount_names_both_remedies(site: Site) -> None:
    """The error for a login that may not mount names the policy, and vaults as folders."""
    token = site.token("deploy", "another", may_mount=False)
    with site.store(token) as store, pytest.raises(Denied) as caught:
        store.create_vault("another", OWNER)
    assert "sys/mounts" in caught.value.hint
    assert "vault://HOST/MOUNT" in caught.value.hint


@FORMS
def test_a_deployer_that_may_not_patch_metadata(site: Site) -> None:
    """Without patch, an apply is complete and notes each missing stamp; later plans do not write the secret again.

    A plan under a login that may keep stamps writes it once more; this one, which may not read either, lists the secret
    as unknown.
    """
    wanted = Desired(OWNER, {"api-keys": {"made": Secret("made")}})
    with site.store(site.token("deploy", "api-keys", may_patch=False)) as store:
        report = apply(make_plan(wanted, store, prune=False), store)
        assert report.complete
        assert [(str(step.place), note) for step, note in report.notes] == [
            ("secret api-keys/made", "the value is written, but its stamp is missing: permission denied")
        ]
        plan = make_plan(wanted, store, prune=False)
        assert (plan.steps, [str(place) for place in plan.unknown]) == ((), ["secret api-keys/made"])
    with site.store() as store:
        assert apply(make_plan(wanted, store, prune=False), store).done
        assert not make_plan(wanted, store, prune=False).steps
        assert [step.action for step in make_plan(changed(wanted), store, prune=False).steps] == ["update"]


def changed(desired: Desired) -> Desired:
    """Return *desired* with another value."""
    return replace(desired, vaults={"api-keys": {"made": Secret("another")}})


def test_a_login_that_may_not_patch_metadata(openbao: Server, bao_root: Any, workspace: str) -> None:
    """A policy that grants data and no metadata is enough for a create, which has a note that its stamp is missing."""
    bao_root.sys.create_or_update_policy("data-only", 'path "secret/data/*" { capabilities = ["create", "update"] }')
    token = bao_root.auth.token.create(policies=["data-only"], no_parent=True)["auth"]["client_token"]
    host = openbao.url.removeprefix("http://")
    target = Target(url="vault+http:", scheme="vault+http", host=host, path="secret", environ={"VAULT_TOKEN": token})
    driver = VaultDriver(target)
    written = driver.put(f"secret/{workspace}/key", Secret("value"), expect=ABSENT, stamp="stamp")
    driver.close()
    assert (written.stamp, written.version.partition("@")[0]) == ("", "1")
    assert written.note == "the value is written, but its stamp is missing: permission denied"


def test_a_policy_for_an_unknown_mount() -> None:
    """A policy for a path that may be a mount with slashes, or a folder in one, is refused; the option mount is named.

    Nothing is called: whoever prints policies may have no login.
    """
    names = [names_of("api-keys", "prod", "team/kv/base")]
    with pytest.raises(ConfigError) as caught:
        policy(Target(url="vault://", scheme="vault", path="team/kv/base"), names, "read")
    assert "?mount=team" in caught.value.hint
    text = policy(
        Target(url="vault://", scheme="vault", path="team/kv/base", options={"mount": "team/kv"}), names, "read"
    )
    assert text.startswith('path "team/kv/data/base/prod/api-keys/*"')


def test_the_page_shows_what_policy_prints() -> None:
    """The policies in the store's page are the ones that are printed."""
    page = (ROOT / "docs" / "stores" / "vault.md").read_text()
    shown = [block.partition("```")[0] for block in page.split("```hcl\n")[1:]]
    mounts, folders = (Target(url="vault://", scheme="vault", path=path) for path in ("", "secret"))
    printed = [
        policy(folders, [names_of("api-keys", "prod", "secret")], "read"),
        policy(mounts, [names_of("api-keys", "prod", "")], "read"),
        policy(folders, [names_of("api-keys", "prod", "secret")], "deploy"),
    ]
    assert shown == printed
