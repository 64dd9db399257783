"""``check``, ``policy`` and ``app`` under a profile with several targets, and secrets of others with a native name."""

import json

import pytest

from tailorsecrets import open_store
from tests.support.shell import Shell

CONFIG = """
from tailorsecrets import define_config, define_secret_manager

secrets = define_secret_manager(
    {"api-keys": {"one": None, "two": None}, "database": {"dsn": None}}, external={"partner": ["token"]}
)
config = define_config("my-app", secrets=secrets)
"""
PROFILES = """
[profiles.prod]
store = ["file:one.jsonl", "file:two.jsonl"]
workspace = "prod"
[profiles.prod.vaults]
database = "file:three.jsonl"
[profiles.prod.external]
"partner/token" = "prod/legacy/login#password"

[profiles.cloud]
store = ["aws://eu-west-1", "gcp://acme-prod"]
workspace = "cloud"
[profiles.cloud.vaults]
database = "vault://vault.acme.com/secret?workspace=dbs"
[profiles.cloud.external]
"partner/token" = "legacy/PARTNER#password"
"database/dsn" = { store = "vault://vault.acme.com/secret/team?mount=secret", name = "legacy/dsn" }
"""


@pytest.fixture
def several(shell: Shell) -> Shell:
    """Return a command line with a profile of three files, each with all secrets that it should have."""
    (shell.folder / "tailor_config.py").write_text(CONFIG)
    (shell.folder / "tailorsecrets.toml").write_text(PROFILES)
    for file, vaults in (
        ("one", {"api-keys": ("one", "two"), "legacy": ("login",)}),
        ("two", {"api-keys": ("one",)}),
        ("three", {"database": ("dsn",)}),
    ):
        with open_store(f"file:{shell.folder}/{file}.jsonl", "prod", environ=shell.environ) as store:
            for vault, names in vaults.items():
                store.create_vault(vault)
                for name in names:
                    store.create_secret(vault, name, '{"password": "pw"}')
    return shell


def test_check_tries_every_secret_at_every_target(several: Shell) -> None:
    """One block a target; a secret that a replica lacks is a failure, and JSON names the target of each row."""
    done = several("check", "-p", "prod")
    assert done.code == 1
    assert done.out.splitlines() == [
        "file:one.jsonl, workspace prod:",
        "ok       api-keys/one",
        "ok       api-keys/two",
        "ok       partner/token",
        "file:two.jsonl, workspace prod:",
        "ok       api-keys/one",
        "FAILED   api-keys/two: SECRET_NOT_FOUND",
        "file:three.jsonl, workspace prod:",
        "ok       database/dsn",
    ]
    rows = several("check", "-p", "prod", "--json").data
    assert len(rows) == 6
    assert rows[4] == {
        "name": "api-keys/two",
        "ok": False,
        "code": "SECRET_NOT_FOUND",
        "target": "file:two.jsonl?workspace=prod",
    }


def test_check_of_one_store_beside_a_profile(several: Shell) -> None:
    """With --store only that store is read, and the output is that of one target."""
    rows = several("check", "-p", "prod", "--store", f"file:{several.folder}/one.jsonl", "--json").data
    assert {row["name"]: row["ok"] for row in rows} == {
        "api-keys/one": True,
        "api-keys/two": True,
        "database/dsn": False,
        "partner/token": False,
    }
    assert "target" not in rows[0]


def test_check_names_what_the_config_does_not_declare(several: Shell) -> None:
    """A typo in ``vaults`` is an error before any read."""
    profiles = several.folder / "tailorsecrets.toml"
    profiles.write_text(profiles.read_text().replace('database = "file:three.jsonl"', 'databse = "file:three.jsonl"'))
    done = several("check", "-p", "prod")
    assert (done.code, done.out) == (1, "")
    assert "the config declares no vault 'databse'" in done.err


def test_an_external_secret_is_read_and_never_written(several: Shell) -> None:
    """``secret get`` gives the field of the native name; every command that writes is UNSUPPORTED."""
    place = ("-p", "prod", "-V", "partner", "-n", "token")
    assert several("secret", "get", *place).out == "pw"
    for command in (("secret", "update"), ("secret", "create")):
        done = several(*command, *place, "--value-stdin", "--json", stdin=b"x")
        assert (done.code, done.error["code"]) == (1, "UNSUPPORTED")
    done = several("secret", "delete", *place, "--yes", "--json")
    assert (done.code, done.error["code"]) == (1, "UNSUPPORTED")


@pytest.mark.parametrize("use", ["read", "deploy"])
def test_policy_prints_one_document_for_each_target(several: Shell, use: str) -> None:
    """Each target's own document, under its name; that for reading has the external secrets too."""
    done = several("policy", "--for", use, "-p", "cloud")
    assert done.code == 0
    headings = [line for line in done.out.splitlines() if line.startswith("# ") and ", workspace " in line]
    assert headings[:3] == [
        "# aws://eu-west-1, workspace cloud",
        "# gcp://acme-prod, workspace cloud",
        "# vault://vault.acme.com/secret, workspace dbs",
    ]
    policies = several("policy", "--for", use, "-p", "cloud", "--json").data["policies"]
    aws = json.loads(policies[0]["policy"])
    resources = str(aws["Statement"])
    assert ("secret:legacy/PARTNER-??????" in resources) == (use == "read")
    if use == "read":
        assert policies[3]["target"] == "vault://vault.acme.com/secret/team?mount=secret&workspace=cloud"
        assert policies[3]["policy"] == 'path "secret/data/legacy/dsn" {\n  capabilities = ["read"]\n}\n'


def test_policy_notes_a_store_without_permissions(several: Shell) -> None:
    """It has no policy, and a note says so; if it is the only target, this is an error."""
    done = several("policy", "--for", "read", "-p", "prod")
    assert (done.code, done.out) == (0, "")
    assert done.err.count("note: file:") == 3
    assert several("policy", "--for", "read", "-p", "prod", "-V", "database").code == 1


APP = """
from tailorsecrets.app import App, create_resolver
from tailor_config import secrets

async def read(input):
    return (await secrets.aread("api-keys", "one")).store

app = App(secrets, create_resolver(name="read", body=read))
"""


def test_an_app_reads_with_failover(several: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """``app call`` with --profile asks the next target when the first one does not answer."""
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    (several.folder / "several_app.py").write_text(APP)
    profiles = several.folder / "tailorsecrets.toml"
    dead = 'store = ["vault+http://127.0.0.1:9/secret", "file:two.jsonl"]\nfailover_after = 0.3'
    profiles.write_text(profiles.read_text().replace('store = ["file:one.jsonl", "file:two.jsonl"]', dead))
    done = several("app", "call", "read", "--app", "several_app:app", "-p", "prod", VAULT_TOKEN="x")
    assert done.out.strip() == '"file:two.jsonl"', done.err
