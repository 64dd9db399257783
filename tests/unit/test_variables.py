"""Names of variables, the environment of a command, templates, and files that are imported."""

from collections.abc import Mapping

import pytest

from tailorsecrets import ConfigError, Conflict, NameInvalid, Secret, SecretNotFound, SecretsError, ValueInvalid
from tailorsecrets.store.names import Place
from tailorsecrets.variables.environment import Precedence, environment
from tailorsecrets.variables.importing import parsed
from tailorsecrets.variables.names import mapped, named, secrets_of
from tailorsecrets.variables.templates import Template

STRIPE = Place("api-keys", "stripe-secret-key")


@pytest.mark.parametrize(
    ("place", "prefix", "name"),
    [
        (STRIPE, "", "API_KEYS_STRIPE_SECRET_KEY"),
        (Place("a--b", "c9d"), "", "A__B_C9D"),
        (STRIPE, "app_", "app_API_KEYS_STRIPE_SECRET_KEY"),
        (Place("1password", "token"), "_", "_1PASSWORD_TOKEN"),
    ],
)
def test_names_of_variables(place: Place, prefix: str, name: str) -> None:
    """A variable is the vault and the name in upper case with underscores; the prefix is used unchanged."""
    assert named([place], prefix) == {name: place}


def test_names_that_cannot_be() -> None:
    """Every name that begins with a digit, and every name of two secrets, is in one error with the options."""
    places = [Place("1password", "token"), Place("api", "keys-one"), Place("api-keys", "one"), Place("2fa", "seed")]
    with pytest.raises(NameInvalid) as raised:
        named(places)
    message = str(raised.value)
    assert (raised.value.code, "--map" in raised.value.hint, "--prefix" in raised.value.hint) == (
        "VARIABLE_INVALID",
        True,
        True,
    )
    assert [
        part for part in ("1PASSWORD_TOKEN", "2FA_SEED", "api/keys-one and api-keys/one") if part not in message
    ] == []


@pytest.mark.parametrize("prefix", ["9", "A-", "A B", "A=", "é"])
def test_prefixes_that_cannot_be(prefix: str) -> None:
    """A prefix that no variable can begin with is refused."""
    with pytest.raises(NameInvalid, match="not the name of a variable"):
        named([STRIPE], prefix)


def test_a_map() -> None:
    """A map gives each variable the secret that it names; one secret may have two."""
    assert mapped(["KEY=api-keys/stripe-secret-key", "key_2=api-keys/stripe-secret-key"]) == {
        "KEY": STRIPE,
        "key_2": STRIPE,
    }


@pytest.mark.parametrize(
    ("entries", "named_in_error"),
    [
        (["KEY", "=api-keys/one", "FINE=api-keys/one", "9=api-keys/one"], ["--map KEY:", "--map =:", "--map 9:"]),
        (["A=CANARY", "B=api-keys/", "C=api/keys/one", "D=CANARY/key"], ["map A:", "map B:", "map C:", "map D:"]),
        (["A=api-keys/one", "B=api-keys/two", "A=api-keys/two"], ["A more than once"]),
    ],
)
def test_maps_that_cannot_be(entries: list[str], named_in_error: list[str]) -> None:
    """Every malformed entry, without what may be a value, or every variable that occurs twice, is in one error."""
    with pytest.raises(NameInvalid) as raised:
        mapped(entries)
    assert [part for part in named_in_error if part not in str(raised.value)] == []
    assert "FINE" not in str(raised.value)
    assert "CANARY" not in str(raised.value)
    assert raised.value.hint


def test_secrets_of_variables() -> None:
    """A variable becomes a secret in lower case with hyphens; all that cannot are in one error."""
    assert secrets_of(["STRIPE_SECRET_KEY", "db-url", "x__y"]) == {
        "STRIPE_SECRET_KEY": "stripe-secret-key",
        "db-url": "db-url",
        "x__y": "x--y",
    }
    with pytest.raises(NameInvalid) as raised:
        secrets_of(["_HIDDEN", "AB", "a.b.c", "API_KEY", "api-key", "FINE"])
    message = str(raised.value)
    parts = ["'_HIDDEN' would be '-hidden'", "'AB'", "'a.b.c'", "API_KEY and api-key would both be 'api-key'"]
    assert [part for part in parts if part not in message] == []
    assert "FINE" not in message


SECRETS = {"KEY": Secret("store"), "SAME": Secret("same"), "NEW": Secret("new \U0001f511")}
ENVIRON = {"KEY": "environment", "SAME": "same", "OTHER": "x", "TAILORSECRETS_FILE_KEY": "k"}


@pytest.mark.parametrize(("precedence", "key"), [("environment", "environment"), ("store", "store")])
def test_the_environment_of_a_command(precedence: Precedence, key: str) -> None:
    """The command gets its variables and the secrets, without the keys of the store file; no repr shows them."""
    environ = {**ENVIRON, "TAILORSECRETS_FILE_PASSPHRASE": "p"}
    found = environment(environ, SECRETS, precedence)
    assert dict(found) == {"KEY": key, "SAME": "same", "OTHER": "x", "NEW": "new \U0001f511"}
    assert repr(found) == "<4 environment variables>"


def test_a_variable_that_is_there() -> None:
    """All variables with two values are in one error with both options; an equal value is none."""
    with pytest.raises(Conflict) as raised:
        environment(ENVIRON | {"NEW": ""}, SECRETS, "none")
    assert str(raised.value) == "the environment already has another value of KEY, NEW"
    assert "--preserve-env" in raised.value.hint
    assert "--override" in raised.value.hint


def test_a_value_that_no_variable_holds() -> None:
    """NUL ends a variable, so the values with one are refused by their names."""
    with pytest.raises(ValueInvalid, match=r"cannot hold NUL: ONE, TWO$"):
        environment({}, {"ONE": Secret("\0"), "FINE": Secret("a"), "TWO": Secret("a\0b")}, "store")


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("", ""),
        ("key: {{ ts://api-keys/one }}\n", "key: 1{{ }}\n"),
        ("{{ts://api-keys/one}}{{\tts://api-keys/two  }}", "1{{ }}2"),
        ("{{{ ts://api-keys/two }}}", "{2}"),
        (
            "{{ .Values.x }} {{- if ts }} {{ t }} {% x %} {{ts }}",
            "{{ .Values.x }} {{- if ts }} {{ t }} {% x %} {{ts }}",
        ),
        ("ts://api-keys/one {{ vault://api-keys/one }}", "ts://api-keys/one {{ vault://api-keys/one }}"),
        ("a\r\n\ufeff{{ ts://api-keys/two }}\r\n", "a\r\n\ufeff2\r\n"),
    ],
)
def test_a_template(text: str, filled: str) -> None:
    """References become values, which are not read as templates again; every other brace stays."""
    values = {Place("api-keys", "one"): Secret("1{{ }}"), Place("api-keys", "two"): Secret("2")}
    assert Template(Secret(text)).filled(values) == Secret(filled)


@pytest.mark.parametrize(
    ("text", "kind", "problems"),
    [
        ("{{ ts://api-keys/gone }}", SecretNotFound, ["1:1: api-keys/gone"]),
        ("\nключ: {{ ts://api-keys/gone }}{{ ts://api-keys/gone }}", SecretNotFound, ["2:7: ", "2:31: "]),
        (
            "a {{ ts://api-keys }}\r\n\U0001f511{{ts://api-keys/gone}}",
            ConfigError,
            ["1:3: malformed", "2:2: api-keys/gone"],
        ),
        ("{{ ts://api-keys/one", ConfigError, ["1:1: malformed"]),
        ("{{ ts://api-keys/one }", ConfigError, ["1:1: malformed"]),
        ("{{ ts://api-keys/one | quote }}", ConfigError, ["1:1: malformed"]),
        ("{{ ts://Api/one }}{{ ts:// }}", ConfigError, ["1:1: malformed", "1:19: malformed"]),
        ("{{ ts://api-keys/one/two }}", ConfigError, ["1:1: malformed"]),
        ("{{ ts://api-keys/{{ ts://api-keys/one }} }}", ConfigError, ["1:1: malformed"]),
    ],
)
def test_templates_that_cannot_be_filled(text: str, kind: type[SecretsError], problems: list[str]) -> None:
    """All that is missing or malformed is in one error, as line and column, counted in characters from 1."""
    with pytest.raises(kind) as raised:
        Template(Secret(text)).filled({Place("api-keys", "one"): Secret("CANARY")})
    assert [problem for problem in problems if problem not in str(raised.value)] == []
    assert "CANARY" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "A=1\nexport B='two'\n# c\n\nC=\"x\\ny\"\nD=${A}$A\nE=\n",
            {"A": "1", "B": "two", "C": "x\ny", "D": "${A}$A", "E": ""},
        ),
        ("\ufeffA=1\r\nB=2 # c\r\n", {"A": "1", "B": "2"}),
        ("", {}),
    ],
)
def test_dotenv_files(text: str, values: Mapping[str, str]) -> None:
    """A dotenv file is read as python-dotenv reads it, and nothing is expanded."""
    assert {name: value.reveal() for name, value in parsed(Secret(text), "dotenv").values.items()} == values


def test_notes_on_a_file() -> None:
    """A bare name and a name that occurs twice are noted; the bare one by its line, for it may be part of a value."""
    found = parsed(Secret("BARE\nA=1\nA=2\n"), "dotenv")
    assert list(found.values) == ["A"]
    assert found.notes == ("line 1: a name without a value is ignored", "A occurs 2 times; its last value counts")
    assert parsed(Secret('{"A": "1", "A": "2"}'), "json").notes == ("A occurs 2 times; its last value counts",)
    assert parsed(Secret("# nothing\n"), "dotenv").notes == ("the file has no variables",)


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("A=1\n\n'CANARY\n", "dotenv", "x.env: line 3 is not NAME=VALUE"),
        ("A=BEGIN\nCANARYabc/+\n\nCANARYdef==\nEND\n", "dotenv", "x.env: line 2: not NAME=VALUE"),
        ("A=BEGIN\nCANARY/+==\nCANARYdef\n", "dotenv", "x.env: lines 2, 3: not NAME=VALUE"),
        ('{"A": "x",\n "CANARY}', "json", "not a JSON object: an error in line 2, column 2"),
        ("A=1", "json", "not a JSON object"),
        ('["CANARY"]', "json", "not a JSON object"),
        ("[" * 100_000, "json", "not a JSON object"),
        ('{"A": "x", "B": 1, "C": null, "D": {"CANARY": 1}}', "json", r"B \(int\), C \(NoneType\), D \(dict\)"),
    ],
)
def test_files_that_cannot_be(text: str, kind: str, problem: str) -> None:
    """A file of another format is refused with its place or its names, and without its content."""
    assert kind in ("dotenv", "json")
    with pytest.raises(ConfigError, match=problem) as raised:
        parsed(Secret(text), "json" if kind == "json" else "dotenv", "x.env")
    assert "CANARY" not in str(raised.value)
