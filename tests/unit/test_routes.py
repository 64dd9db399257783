"""Routes: which targets hold a vault, in which order they are written and read, and every mistake in the file."""

from pathlib import Path

import pytest

from tailorsecrets.errors import ConfigError
from tailorsecrets.store.names import Place
from tailorsecrets.targets.choice import Choice, same_target
from tailorsecrets.targets.opening import open_store
from tailorsecrets.targets.routes import Routes, choose_routes

PROD = """
[profiles.prod]
store = ["file:a.jsonl", "file:b.jsonl"]
workspace = "prod"
failover_after = 1.5

[profiles.prod.vaults]
database = "file:c.jsonl"
sessions = ["file:c.jsonl?workspace=other", "file:a.jsonl"]

[profiles.prod.external]
"partner/token" = "legacy/PARTNER#password"
"partner/cert" = { store = "file:d.jsonl", name = "legacy/cert" }

[profiles.prod-b]
store = ["file:a.jsonl", "file:b.jsonl"]
workspace = "prod"
read_first = "file:b.jsonl"

[profiles.prod-b.vaults]
database = "file:c.jsonl"
sessions = ["file:c.jsonl?workspace=other", "file:a.jsonl"]
"""


def names(route: tuple[Choice, ...]) -> list[str]:
    """Return the targets of *route* in short."""
    return [f"{choice.url}@{choice.workspace}" for choice in route]


def routes(folder: Path, text: str = PROD, **options: str) -> Routes:
    """Return the routes of a profile file with *text*."""
    (folder / "tailorsecrets.toml").write_text(text)
    return choose_routes({}, folder, **{"profile": "prod", **options})


def test_each_vault_has_its_route(tmp_path: Path) -> None:
    """A vault that the profile names has its own targets, every other one those of the profile."""
    found = routes(tmp_path)
    assert names(found.route("api-keys")) == ["file:a.jsonl@prod", "file:b.jsonl@prod"]
    assert names(found.route("database")) == ["file:c.jsonl@prod"]
    assert names(found.route("sessions")) == ["file:c.jsonl@other", "file:a.jsonl@prod"]
    assert names(found.targets) == [
        "file:a.jsonl@prod",
        "file:b.jsonl@prod",
        "file:c.jsonl@prod",
        "file:c.jsonl@other",
    ]
    assert found.failover_after == 1.5
    assert found.vaults_at(found.targets[0], ["api-keys", "database", "sessions"]) == ["api-keys", "sessions"]


def test_external_places(tmp_path: Path) -> None:
    """A native place is in the primary store of its vault, or in the store that it names."""
    found = routes(tmp_path)
    token, cert = found.native(Place("partner", "token")), found.native(Place("partner", "cert"))
    assert token is not None
    assert cert is not None
    assert (token.target.url, token.name, token.field) == ("file:a.jsonl", "legacy/PARTNER", "password")
    assert (cert.target.url, cert.name, cert.field) == ("file:d.jsonl", "legacy/cert", "")
    assert found.native(Place("partner", "other")) is None


def test_read_first_changes_the_order_of_reading_alone(tmp_path: Path) -> None:
    """Reads ask the named target first; writes still begin at the primary."""
    found = routes(tmp_path, profile="prod-b")
    assert names(found.reading("api-keys")) == ["file:b.jsonl@prod", "file:a.jsonl@prod"]
    assert names(found.route("api-keys")) == ["file:a.jsonl@prod", "file:b.jsonl@prod"]
    assert names(found.reading("database")) == ["file:c.jsonl@prod"]


def test_a_named_store_is_read_alone(tmp_path: Path) -> None:
    """With a profile, --store names the only store of all reads; routes and native places do not count."""
    found = routes(tmp_path, store=f"file:{tmp_path}/b.jsonl?workspace=prod")
    assert names(found.reading("database")) == [f"file:{tmp_path}/b.jsonl@prod"]
    assert found.native(Place("partner", "token")) is None
    assert found.only is not None
    assert same_target(found.only, found.default[1])


def test_the_workspace_in_a_url(tmp_path: Path) -> None:
    """It wins over the profile and the environment; another one in an option is an error."""
    found = choose_routes({"TAILORSECRETS_WORKSPACE": "env"}, tmp_path, store="file:x?workspace=url&timeout=3")
    assert (found.primary.url, found.primary.workspace) == ("file:x?timeout=3", "url")
    assert found.primary.full_url == "file:x?timeout=3&workspace=url"
    assert choose_routes({}, tmp_path, store="file:x?workspace=url", workspace="url").primary.workspace == "url"
    with pytest.raises(ConfigError, match="workspace 'dev' is given, and the store URL names workspace 'url'"):
        choose_routes({}, tmp_path, store="file:x?workspace=url", workspace="dev")
    with open_store(f"file:{tmp_path}/s.jsonl?workspace=url") as store:
        assert store.workspace == "url"
        assert store.url == f"file:{tmp_path}/s.jsonl"


def test_options_that_are_no_place_do_not_make_another_target() -> None:
    """URLs that differ in the timeout or in how to sign in name one target; any other difference makes two."""

    def same(first: str, second: str) -> bool:
        return same_target(Choice(first, "default", "/x"), Choice(second, "default", "/x"))

    assert same("aws://eu-west-1?timeout=3", "aws://eu-west-1")
    assert same("file:./a", "file:a")
    assert not same("aws://eu-west-1?profile=one", "aws://eu-west-1")
    assert not same("aws://eu-west-1/team", "aws://eu-west-1")
    assert not same_target(Choice("file:a", "one", "/x"), Choice("file:a", "two", "/x"))


WRONG = """
[profiles.prod]
stor = "file:a"
store = ["file:a", "file:b", "file:a?timeout=3"]
failover_after = 99
read_first = "file:z"

[profiles.prod.vaults]
UPPER = "file:c"
database = []

[profiles.prod.external]
"partner" = "x"
"partner/token" = "#password"

[profiles.other]
workspace = 3
permission = "admin"
"""


def test_every_mistake_of_the_file_is_named_at_once(tmp_path: Path) -> None:
    """One error lists all unknown keys and wrong values, of all profiles."""
    with pytest.raises(ConfigError) as caught:
        routes(tmp_path, WRONG)
    text = str(caught.value)
    for part in (
        "profile 'prod': unknown stor",
        "failover_after must be a number of seconds over 0 and under the timeout of 15",
        "vaults: 'UPPER' is not the name of a vault",
        "vaults: database must be",
        "external: 'partner' must be VAULT/NAME",
        "external: partner/token: name must be the name in the store, or NAME#FIELD",
        "profile 'other': workspace must be a string",
        "profile 'other': permission must be one of read, write",
    ):
        assert part in text


def test_mistakes_in_routes(tmp_path: Path) -> None:
    """A target twice in a route, and an unknown target of read_first, are errors that name the place."""
    with pytest.raises(ConfigError) as caught:
        routes(tmp_path, '[profiles.prod]\nstore = ["file:a", "file:b", "file:a?timeout=3"]\nread_first = "file:z"\n')
    assert "profile 'prod': store: file:a?timeout=3, workspace default is named twice" in str(caught.value)
    assert "read_first: file:z, workspace default is not a target of the profile" in str(caught.value)


def test_profiles_that_share_a_target_and_disagree(tmp_path: Path) -> None:
    """Whichever profile is named, two that keep a vault in one target must agree on all targets and the primary."""
    shared = '[profiles.prod]\nstore = ["file:a", "file:b"]\n[profiles.copy]\nstore = ["file:b", "file:a"]\n'
    with pytest.raises(ConfigError, match="profiles 'prod' and 'copy' share file:a, workspace default for vaults"):
        routes(tmp_path, shared)
    apart = '[profiles.prod]\nstore = ["file:a", "file:b"]\n[profiles.copy]\nstore = ["file:b"]\nworkspace = "copy"\n'
    assert len(routes(tmp_path, apart).targets) == 2
    vault = '[profiles.copy.vaults]\ndatabase = "file:a?workspace=default"\n'
    with pytest.raises(ConfigError, match="for vault 'database'"):
        routes(tmp_path, apart + vault)


def test_names_that_the_config_does_not_declare(tmp_path: Path) -> None:
    """Vaults and external secrets that the config does not declare are one error with the nearest names."""
    found = routes(tmp_path)
    with pytest.raises(ConfigError) as caught:
        found.check_declared({"databases": ["dsn"], "sessions": ["key"], "partner": ["token"]}, {"partner": ["tokens"]})
    assert "vaults: the config declares no vault 'database'" in str(caught.value)
    assert "external: the config declares no external secret 'partner/cert'" in str(caught.value)
    assert "did you mean 'databases'?" in caught.value.hint
    assert "did you mean 'partner/tokens'?" in caught.value.hint
