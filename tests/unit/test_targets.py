"""Which store is meant: URLs, profiles, environment, env files."""

import gc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from traceback import TracebackException
from typing import Any

import pytest

from tailorsecrets.driver import Driver, Option, StoreType, Target
from tailorsecrets.errors import ConfigError, Denied, NameInvalid, SecretsError, StoreNotFound
from tailorsecrets.secret import Secret
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.env_files import load_env_files
from tailorsecrets.targets.opening import _driver, open_choice, open_store, policy_of, target_of
from tailorsecrets.targets.routes import choose_routes
from tailorsecrets.testing.memory import Memory

PROFILES = """
[profiles.prod]
store = "file:prod.jsonl"
workspace = "prod"
permission = "read"

[profiles.dev]
"""


def choose(*args: Any, **options: Any) -> Choice:
    """Return the target of commands that name no vault."""
    return choose_routes(*args, **options).primary


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a config's folder with profiles."""
    (tmp_path / "tailorsecrets.toml").write_text(PROFILES)
    return tmp_path


def target(url: str) -> object:
    """Return the parsed *url*."""
    return target_of(Choice(url, "default", "/base"), {})


def test_the_default_store_is_beside_the_config(folder: Path) -> None:
    """Without options the store is the encrypted file in the config's folder, workspace default."""
    choice = choose({}, folder)
    assert (choice.url, choice.workspace, choice.base) == ("file:.tailorsecrets/secrets.jsonl", "default", str(folder))
    assert not choice.named


def test_order(folder: Path) -> None:
    """What is given wins over the environment, that over the profile, that over the default."""
    environ = {
        "TAILORSECRETS_STORE": "file:env",
        "TAILORSECRETS_WORKSPACE": "from-env",
        "TAILORSECRETS_PROFILE": "prod",
    }
    given = choose(environ, folder, store="file:given", workspace="given", profile="dev")
    assert (given.url, given.workspace) == ("file:given", "given")
    by_environ = choose(environ, folder)
    assert (by_environ.url, by_environ.workspace, by_environ.base) == ("file:env", "from-env", str(Path.cwd()))
    by_profile = choose({"TAILORSECRETS_PROFILE": "prod"}, folder)
    assert (by_profile.url, by_profile.workspace, by_profile.base) == ("file:prod.jsonl", "prod", str(folder))
    assert by_profile.named


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"store": "just-text"}, "--store: 'just-text' is not a store URL: a store URL begins with a scheme"),
        ({"store": "x", "option": "connect"}, "connect: 'x' is not a store URL"),
        ({"environ": {"TAILORSECRETS_STORE": "file:a?x=1"}}, "TAILORSECRETS_STORE: unknown option x in a file: URL"),
        ({"profile": "bad"}, "profile 'bad': no store plugin opens nope: URLs"),
        ({"store": "canary@host"}, "--store: a store URL begins with a scheme"),
    ],
)
def test_a_bad_url_is_named_with_its_source(folder: Path, options: dict[str, Any], message: str) -> None:
    """An error says which option, variable or profile the URL came from."""
    (folder / "tailorsecrets.toml").write_text('[profiles.bad]\nstore = "nope://x"\n')
    choice = choose(options.pop("environ", {}), folder, **options)
    for use in (
        lambda: open_choice(choice, {}),
        lambda: target_of(choice, {}),
        lambda: policy_of(choice, {}, (), "read"),
    ):
        with pytest.raises(ConfigError) as caught:
            use()
        assert str(caught.value).startswith(message)
        assert "canary" not in str(caught.value)


def test_a_read_profile_stays_one_with_another_store(folder: Path) -> None:
    """A profile that may only read refuses writes also where the store is named."""
    choice = choose({}, folder, store=f"file:{folder}/s.jsonl", profile="prod")
    with open_choice(choice, {}) as store, pytest.raises(Denied) as caught:
        store.create_vault("abc")
    assert caught.value.code == "PROFILE_READ_ONLY"
    assert "prod" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[profiles.x]\nstor = 'a'", "unknown stor"),
        ("[profile.x]", "unknown profile"),
        ("[profiles.x]\nstore = 7", "store must be a string"),
        ("[profiles.x]\npermission = 'admin'", "one of read, write"),
        ("profiles = 3", "must be a table"),
        ("[profiles]\nx = 3", "must be a table"),
        ("[profiles", "tailorsecrets.toml"),
    ],
)
def test_bad_profile_files(tmp_path: Path, text: str, message: str) -> None:
    """Unknown keys and wrong types name the file and what is known."""
    (tmp_path / "tailorsecrets.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        choose({}, tmp_path, profile="x")


def test_unknown_profiles_name_the_known(folder: Path) -> None:
    """The error of an unknown profile names the known ones; without a file there are none."""
    with pytest.raises(ConfigError, match="'staging'") as caught:
        choose({}, folder, profile="staging")
    assert (caught.value.code, caught.value.hint) == ("PROFILE_NOT_FOUND", "known profiles: dev, prod")
    with pytest.raises(ConfigError) as caught:
        choose({}, folder / "nowhere", profile="staging")
    assert caught.value.hint == "known profiles: none"


def test_bad_workspace(folder: Path) -> None:
    """A workspace name is checked wherever it comes from."""
    with pytest.raises(NameInvalid, match="workspace name 'Prod'"):
        choose({"TAILORSECRETS_WORKSPACE": "Prod"}, folder)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:a/b.jsonl", "a/b.jsonl"),
        ("file:/abs/b.jsonl", "/abs/b.jsonl"),
        ("file:///abs/b.jsonl", "/abs/b.jsonl"),
        ("file:with%20space%23.jsonl", "with space#.jsonl"),
        ("file:a.jsonl?timeout=2.5", "a.jsonl"),
    ],
)
def test_file_urls(url: str, path: str) -> None:
    """A file URL is a path, relative or absolute, unquoted."""
    assert getattr(target(url), "path") == path  # noqa: B009


def test_timeout_is_an_option_of_every_store() -> None:
    """The budget of a read is an option in seconds."""
    assert getattr(target("file:a?timeout=2.5"), "timeout") == 2.5  # noqa: B009


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("secrets.jsonl", "begins with a scheme"),
        ("", "begins with a scheme"),
        ("nope://x", "no store plugin opens nope: URLs"),
        ("file:a?canary=1", "unknown option canary"),
        ("file:a?timeout=never", "number of seconds"),
        ("file:a?timeout=-1", "number of seconds"),
        ("file:a?timeout=", "option timeout=: expected a number of seconds"),
        ("file:a?timeout=1&timeout=2", "option timeout is given twice"),
        ("file:a#b", "#"),
        ("file:// bad/x", "not a host"),
    ],
)
def test_bad_urls(url: str, message: str) -> None:
    """A bad URL is one error that names what is wrong with it."""
    with pytest.raises(ConfigError, match=message):
        target(url)


SEVERAL = Option("regions", form="[a-z]+-[0-9]", expected="a region, for example eu-1", separator=",")


@pytest.mark.parametrize(
    ("option", "text", "problem"),
    [
        (SEVERAL, "eu-1", ""),
        (SEVERAL, "eu-1,us-1", ""),
        (SEVERAL, "eu-1,US", "expected a region, for example eu-1, or several with ',' between them; got 'US'"),
        (SEVERAL, "eu-1,", "expected a region, for example eu-1, or several with ',' between them; got an empty value"),
        (replace(SEVERAL, separator=""), "", "expected a region, for example eu-1; got an empty value"),
        (replace(SEVERAL, separator=""), "eu-1\n", "expected a region, for example eu-1; got 'eu-1\\n'"),
        (replace(SEVERAL, separator=""), "eu-\u0661", "expected a region, for example eu-1; got 'eu-\u0661'"),
        (Option("digits", form="[0-9]+"), "x", "expected [0-9]+; got 'x'"),
        (Option("anything"), "", ""),
    ],
)
def test_the_form_of_an_option(option: Option, text: str, problem: str) -> None:
    """The whole value must have the form; a bad one is named, with the form that was expected."""
    assert option.problem(text) == problem


def test_known_schemes_and_options_are_listed() -> None:
    """The error of an unknown scheme or option names the known ones."""
    with pytest.raises(ConfigError) as caught:
        target("nope://x")
    assert "file:" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        target("file:a?x=1")
    assert "timeout: seconds" in caught.value.hint


CREDENTIALS = [
    "vault://token:canary@host",
    "file://canary@host/x",
    "aws://canary@eu-west-1",
    "aws://eu-west-1?endpoint_url=http%3A%2F%2Fuser%3Acanary%40host",
]


@pytest.mark.parametrize("url", CREDENTIALS)
def test_a_credential_in_a_url_is_refused_and_not_shown(url: str) -> None:
    """A URL with a credential is refused by an error that does not repeat it."""
    with pytest.raises(ConfigError, match="credential") as caught:
        open_store(url)
    assert "canary" not in str(caught.value) + caught.value.hint


def test_opening_touches_nothing(tmp_path: Path) -> None:
    """Opening a store makes no file and no call; the first read of a missing file is StoreNotFound, never None."""
    with open_store(f"file:{tmp_path}/s.jsonl", environ={"XDG_CONFIG_HOME": str(tmp_path / "config")}) as store:
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(StoreNotFound):
            store.get("abc", "def")
        with pytest.raises(StoreNotFound):
            store.list_vaults()


def test_a_named_store_is_made_by_the_first_write(tmp_path: Path) -> None:
    """A named store file is made by the first write; the unnamed default never is."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    unnamed = open_choice(choose({}, tmp_path), environ)
    with pytest.raises(StoreNotFound):
        unnamed.create_vault("abc")
    named = open_store(f"file:{tmp_path}/s.jsonl", environ=environ)
    named.create_vault("abc")
    named.create_secret("abc", "one", Secret("value"))
    assert open_store(f"file:{tmp_path}/s.jsonl", environ=environ).get("abc", "one") == "value"


def test_workspaces_are_apart(tmp_path: Path) -> None:
    """One store holds many workspaces that do not see each other."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    url = f"file:{tmp_path}/s.jsonl"
    open_store(url, "staging", environ=environ).create_vault("abc")
    assert open_store(url, environ=environ).list_vaults() == []


def test_env_files(tmp_path: Path) -> None:
    """Required files come first, a later one overrides an earlier, and the process environment is never overwritten."""
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    one.write_text("A=1\nB=1\nC=1\n# comment\nQUOTED='x y'\n")
    two.write_text("B=2\n")
    three.write_text("C=3\nA=3\n")
    added = load_env_files([str(one), str(two)], [str(three), str(tmp_path / "none")], {"A": "mine"})
    assert added == {"B": "2", "C": "3", "QUOTED": "x y"}


def test_values_of_env_files_are_taken_as_they_are(tmp_path: Path) -> None:
    """No dollar in a value means anything."""
    path = tmp_path / "env"
    path.write_text("ONE='pa${HOME}ss'\nTWO=$HOME\n")
    assert load_env_files([str(path)], [], {}) == {"ONE": "pa${HOME}ss", "TWO": "$HOME"}


def test_a_bad_env_file_shows_no_value(tmp_path: Path) -> None:
    """Nor does the traceback, with the locals of its frames."""
    path = tmp_path / "env"
    path.write_text("ONE=canary\nnot a line, canary\n")
    with pytest.raises(ConfigError, match="line 2") as caught:
        load_env_files([str(path)], [], {})
    shown = TracebackException.from_exception(caught.value, capture_locals=True)
    assert "canary" not in "".join(shown.format())


def test_a_required_env_file_must_exist(tmp_path: Path) -> None:
    """A missing env file is an error that names it and the option that skips it."""
    with pytest.raises(ConfigError, match="none: not found") as caught:
        load_env_files([str(tmp_path / "none")], [], {})
    assert "--env-file-if-exists" in caught.value.hint


def test_errors_are_ours() -> None:
    """Every error of a target is a SecretsError."""
    with pytest.raises(SecretsError):
        choose({}, Path("/nowhere"), profile="x")


@pytest.mark.parametrize("was_on", [True, False])
@pytest.mark.parametrize("missing", [False, True])
def test_a_store_opens_without_garbage_collection(was_on: bool, missing: bool) -> None:
    """While the SDK is imported no garbage is collected; afterwards it is as before, also where the import fails."""
    seen = list[bool]()

    def opened(target: Target) -> Driver:
        seen.append(gc.isenabled())
        if missing:
            raise ImportError(name="sdk")
        return Memory()

    store_type = StoreType(scheme="x", open=opened)
    try:
        if not was_on:
            gc.disable()
        with suppress(ConfigError):
            _driver(store_type, Target(url="x:", scheme="x"))
        assert (seen, gc.isenabled()) == ([False], was_on)
    finally:
        gc.enable()
