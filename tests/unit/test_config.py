"""What a config may say, and finding and loading its file."""

import os
import py_compile
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from traceback import TracebackException

import pytest

from tailorsecrets import (
    ConfigError,
    NameInvalid,
    SecretManager,
    SecretsError,
    define_config,
    define_secret_manager,
    env,
    file,
    generate,
)
from tailorsecrets.config.loading import find_config, load_config

UUID = "7b6ad1c4-3c1f-4a55-8f2e-5a4f8f9d2f10"


def write(folder: Path, text: str) -> Path:
    """Write a config file and return its path."""
    path = folder / "tailor_config.py"
    path.write_text(dedent(text))
    return path


def test_all_bad_names_at_once() -> None:
    """One error lists every vault, secret and external name that is not allowed."""
    with pytest.raises(NameInvalid) as caught:
        define_secret_manager({"API": {"ok-name": "x"}, "fine": {"b_c": "x"}}, external={"ex": ["Y"]})
    for name in ("'API'", "'b_c'", "'ex'", "'Y'"):
        assert name in str(caught.value)
    assert "3 to 63" in caught.value.hint


def test_all_problems_at_once() -> None:
    """Bad names, values of a wrong type, and names declared twice over come in one error, without any value."""
    with pytest.raises(ConfigError) as caught:
        define_secret_manager(
            {"abc": {"one": 4711, "Two": "canary", "six": "canary"}},  # type: ignore[dict-item]
            external={"abc": ["six"]},
        )
    for part in (
        "abc/one: expected text, None, env(), file() or generate(), got int",
        "'Two'",
        "abc/six: is both declared and external",
    ):
        assert part in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "4711" not in str(caught.value)


@pytest.mark.parametrize(
    "vaults",
    [
        {"API": {"ok-name": "canary"}},
        {"abc": {"one": 4711, "two": "canary"}},
        {"abc": "canary"},
        ["canary"],
    ],
)
def test_no_frame_of_an_error_holds_a_value(vaults: object) -> None:
    """A traceback that shows local variables, as error reporters record them, shows no value of the config."""
    with pytest.raises(SecretsError) as caught:
        define_secret_manager(vaults)  # type: ignore[call-overload]
    frames = TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
    assert frames
    assert "canary" not in str([frame.locals for frame in frames])


WRAPPER = """
from tailorsecrets import define_secret_manager
def ours(vaults, **options):
    return define_secret_manager({"abc": vaults}, **options)
"""


@pytest.mark.parametrize(
    ("call", "folder"),
    [
        ("ours({})", "company"),  # without the argument: the folder of the wrapper
        ("ours({}, folder=Path(__file__).parent)", "app"),
        ("ours({}, folder='relative')", "working/relative"),
    ],
)
def test_the_folder_of_a_wrapped_definition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, folder: str
) -> None:
    """A function in another module that defines secrets passes the folder of the config on."""
    for name in ("company", "app", "working"):
        (tmp_path / name).mkdir()
    (tmp_path / "company" / "company_secrets.py").write_text(WRAPPER)
    monkeypatch.syspath_prepend(tmp_path / "company")
    monkeypatch.delitem(sys.modules, "company_secrets", raising=False)
    monkeypatch.chdir(tmp_path / "working")
    path = write(
        tmp_path / "app",
        f"""
        from pathlib import Path
        from company_secrets import ours
        from tailorsecrets import define_config
        config = define_config("my-app", secrets={call})
        """,
    )
    assert load_config(path).declarations.folder == tmp_path / folder


def test_empty_mappings_are_legal() -> None:
    """No vaults, and vaults without secrets, can be declared."""
    assert define_secret_manager({}).declarations.names() == {}
    assert define_secret_manager({"empty": {}}).declarations.names() == {"empty": []}


def test_names_include_external_ones() -> None:
    """A program may read what is declared and what others manage."""
    secrets = define_secret_manager({"abc": {"one": "x"}}, external={"abc": ["two"], "partner": ["token"]})
    assert secrets.declarations.names() == {"abc": ["one", "two"], "partner": ["token"]}


def test_a_manager_of_the_generated_class() -> None:
    """The class that generate writes is the one that comes back."""

    class Secrets(SecretManager):
        pass

    assert isinstance(define_secret_manager({}, types=Secrets), Secrets)


@pytest.mark.parametrize(
    "define",
    [
        lambda: env(""),
        lambda: env("A=B"),
        lambda: file(""),
        lambda: generate(0),
        lambda: generate(5000),
        lambda: define_config(""),
        lambda: define_config(" "),
        lambda: define_config("my-app", id="no-uuid"),
        lambda: define_config("my-app", secrets={}),  # type: ignore[arg-type]
        lambda: define_config("my-app", env={"key": []}),  # type: ignore[dict-item]
        lambda: define_secret_manager([]),  # type: ignore[call-overload]
        lambda: define_secret_manager({"api-keys": ["one"]}),  # type: ignore[dict-item]
        lambda: define_secret_manager({}, external={"partner": "token"}),
        lambda: define_secret_manager({}, external=["partner"]),  # type: ignore[call-overload]
    ],
)
def test_bad_arguments(define: object) -> None:
    """What cannot be meant is refused where it is written."""
    assert callable(define)
    with pytest.raises(ConfigError):
        define()


def test_a_config() -> None:
    """A config holds the owner, what is declared, and values for function bodies."""
    config = define_config("my-app", id=UUID, env={"region": "eu", "retries": 3, "debug": False})
    assert (config.owner.name, config.owner.id) == ("my-app", UUID)
    assert config.env == {"region": "eu", "retries": 3, "debug": False}
    assert config.declarations.vaults == {}


def test_a_declaration_shows_no_value() -> None:
    """A value in a config is in no repr."""
    config = define_config("my-app", secrets=define_secret_manager({"abc": {"one": "canary"}}))
    assert "canary" not in repr(config) + repr(config.declarations) + repr(config.secrets)


def test_generated_values() -> None:
    """Generated values are letters and digits of the length asked for, and differ."""
    values = {generate(40).make().reveal() for _ in range(20)}
    assert len(values) == 20
    assert all(len(value) == 40 and value.isalnum() for value in values)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is there but no text is an error that names it, not a missing value."""
    (tmp_path / "binary").write_bytes(b"canary\xff")
    with pytest.raises(ConfigError, match=r"file binary: it is not UTF-8") as caught:
        file("binary").read({}, tmp_path)
    assert "canary" not in str(caught.value)
    with pytest.raises(ConfigError, match="directory"):
        file(".").read({}, tmp_path)


def test_the_nearest_config_is_found(tmp_path: Path) -> None:
    """The config is the named one, else the environment's, else the nearest one upwards."""
    nearest, other = write(tmp_path, ""), tmp_path / "other.py"
    other.touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_config(None, {}, deep) == str(nearest)
    assert find_config(None, {"TAILORSECRETS_CONFIG": str(other)}, deep) == str(other)
    assert find_config("../../tailor_config.py", {"TAILORSECRETS_CONFIG": str(other)}, deep) == str(nearest)


def test_a_named_config_must_exist(tmp_path: Path) -> None:
    """A named config that is missing is an error; none named and none found is None."""
    with pytest.raises(ConfigError, match="nowhere") as caught:
        find_config("nowhere.py", {}, tmp_path)
    assert caught.value.code == "CONFIG_NOT_FOUND"
    assert find_config(None, {}, tmp_path) is None


@pytest.mark.parametrize("name", [".", "config.txt"])
def test_a_named_config_is_a_python_file(tmp_path: Path, name: str) -> None:
    """A folder and another file are refused before anything is made of them."""
    (tmp_path / "config.txt").touch()
    for must_exist in (True, False):
        with pytest.raises(ConfigError, match=f"config {name}: not a Python file"):
            find_config(name, {}, tmp_path, must_exist=must_exist)


def test_a_link_to_a_config(tmp_path: Path) -> None:
    """What is beside the config is beside the link, however the config was found."""
    (tmp_path / "far").mkdir()
    text = "from tailorsecrets import *\nconfig = define_config('my-app', secrets=define_secret_manager({}))\n"
    write(tmp_path / "far", text)
    link = tmp_path / "tailor_config.py"
    link.symlink_to(tmp_path / "far" / "tailor_config.py")
    assert find_config(None, {}, tmp_path) == find_config("tailor_config.py", {}, tmp_path) == str(link)
    assert load_config(link).declarations.folder == tmp_path


@pytest.mark.parametrize("name", ["secrets.py", "click.py"])
def test_a_config_named_as_another_module(tmp_path: Path, name: str) -> None:
    """A config takes no module's place, be it of the standard library or of a package."""
    path = tmp_path / name
    path.write_text("from tailorsecrets import *\nconfig = define_config('my-app')\n")
    import_module(path.stem)  # as the command line does with click
    assert load_config(path).owner.name == "my-app"
    assert import_module(path.stem).__file__ != str(path)


def test_loading(tmp_path: Path) -> None:
    """A config is loaded with the modules beside it, and its folder is known."""
    (tmp_path / "names_of_mine.py").write_text("APP = 'my-app'\n")
    path = write(
        tmp_path,
        """
        from names_of_mine import APP
        from tailorsecrets import define_config, define_secret_manager, env

        secrets = define_secret_manager({"abc": {"one": env("ONE")}})
        config = define_config(APP, secrets=secrets)
        """,
    )
    config = load_config(path)
    assert config.owner.name == "my-app"
    assert config.declarations.folder == tmp_path


SOURCES = {
    "the config": "tailor_config.py",
    "a module beside it": "names_of_mine.py",
    "a package beside it": "package_of_mine/__init__.py",
    "a module in a package": "package_of_mine/inner/deep.py",
}
LOAD = """
import sys
from tailorsecrets.config.loading import load_config
print(load_config(sys.argv[1]).owner.name)
"""


def load_anew(path: Path) -> str:
    """Return the owner that a new process reads from the config, one that may write bytecode."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", LOAD, path], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("changed", SOURCES.values(), ids=SOURCES.keys())
def test_no_edit_is_missed(tmp_path: Path, changed: str) -> None:
    """An edit of the same length with the time kept is seen, and bytecode is not read and not written."""
    path = write(
        tmp_path,
        """
        from names_of_mine import APP
        from tailorsecrets import define_config
        config = define_config(APP)
        """,
    )
    (tmp_path / "names_of_mine.py").write_text("from package_of_mine import APP\n")
    (tmp_path / "package_of_mine" / "inner").mkdir(parents=True)
    (tmp_path / "package_of_mine" / "__init__.py").write_text("from .inner.deep import APP\n")
    (tmp_path / "package_of_mine" / "inner" / "deep.py").write_text("APP = 'one'\n")
    source = tmp_path / changed
    text, before = source.read_text(), source.stat()
    source.write_text(text.replace("APP\n", "APP;APP = 'one'\n").replace("define_config(APP)", "define_config('one')"))
    for module in tmp_path.rglob("*.py"):
        py_compile.compile(str(module))  # as an earlier import does
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    py_compile.compile(str(source))
    compiled = {bytecode: bytecode.read_bytes() for bytecode in tmp_path.rglob("*.pyc")}
    assert load_anew(path) == "one"
    source.write_text(source.read_text().replace("'one'", "'two'"))
    os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load_anew(path) == "two"
    assert {bytecode: bytecode.read_bytes() for bytecode in tmp_path.rglob("*.pyc")} == compiled
    for bytecode in compiled:
        bytecode.unlink()
    assert load_anew(path) == "two"
    assert list(tmp_path.rglob("*.pyc")) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no config"),
        ("config = 7", "has no config"),
        ("import os\nos.environ['STRIPE_KEY_THAT_IS_NOT_SET']", r":2: KeyError: STRIPE_KEY_THAT_IS_NOT_SET"),
        ("def (", r":1: SyntaxError: "),
        ("import no_such_module", r":1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("nope", r":1: NameError: name 'nope'"),
        (
            "from tailorsecrets import *\ndefine_secret_manager({}, extrenal={})",
            r":2: TypeError: define_secret_manager\(\) got an unexpected keyword argument 'extrenal'",
        ),
        ("raise TypeError('f() got an unexpected keyword argument canary')", r":1: TypeError$"),
        ("int('canary')", r":1: ValueError$"),
        ("raise RuntimeError('canary')", r":1: RuntimeError$"),
        ("{}['canary']", r":1: KeyError$"),
        ("raise SystemExit('canary')", r":1: SystemExit$"),
        ("\n\ndef f():\n    raise OSError('canary')\nf()", r":4: OSError$"),
        ("open('/nowhere/key.pem')", r":1: FileNotFoundError: No such file or directory: '/nowhere/key.pem'$"),
        ("raise OSError(13, 'canary')", r":1: PermissionError: Permission denied$"),
        ("raise OSError(5, 'canary', 7)", r":1: OSError: Input/output error$"),
    ],
)
def test_a_config_that_fails_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    """Whatever goes wrong in a config is one line with its place, and never quotes what may be a value."""
    with pytest.raises(ConfigError, match=f"(?m){message}") as caught:
        load_config(write(tmp_path, text))
    text = str(caught.value) + caught.value.hint + "".join(getattr(caught.value, "__notes__", []))
    assert "canary" not in text
    assert "\n" not in str(caught.value)
    assert caught.value.__context__ is None


HINTS = {
    "config = 7": 'write: config = define_config(name="my-app", secrets=secrets)',
    "from tailor_config_types import Secrets": "run: tailorsecrets generate",
    "import os\nos.environ['A_KEY']": "set it, or write env('A_KEY'), which is read only when apply runs",
    "from tailorsecrets import *\ndefine_secret_manager({'abc': 'x'})": (
        'write {"api-keys": {"stripe-secret-key": env("STRIPE_SECRET_KEY")}}'
    ),
    "from tailorsecrets import *\ndefine_secret_manager({}, external={'abc': 'x'})": (
        'write external={"partner": ["token"]}'
    ),
    "from tailorsecrets import *\ndefine_secret_manager({'A': {}})": (
        "names have 3 to 63 characters of a-z, 0-9 and '-', beginning and ending with a letter or digit"
    ),
}


@pytest.mark.parametrize("text", HINTS)
def test_what_to_do_about_a_config(tmp_path: Path, text: str) -> None:
    """The hint is what to write or to run."""
    with pytest.raises(SecretsError) as caught:
        load_config(write(tmp_path, text))
    assert caught.value.hint == HINTS[text]


def test_what_to_do_about_a_missing_config(tmp_path: Path) -> None:
    """The hint names the command that makes one, or the form of a name."""
    for named, hint in [("nowhere.py", "tailorsecrets init creates one"), ("config.txt", "name one that ends in .py")]:
        with pytest.raises(ConfigError) as caught:
            find_config(named, {}, tmp_path)
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        "raise KeyboardInterrupt",
        "raise ImportError('canary') from KeyboardInterrupt()",
        "try:\n    raise KeyboardInterrupt\nexcept KeyboardInterrupt:\n    raise SystemExit('canary')",
    ],
)
def test_an_interrupt_in_a_config_stays_one(tmp_path: Path, text: str) -> None:
    """Ctrl-C while a config runs is not a mistake in it, also where it ends in another exception."""
    with pytest.raises(KeyboardInterrupt) as caught:
        load_config(write(tmp_path, text))
    assert caught.value.__context__ is None


def test_errors_of_definitions_pass_through(tmp_path: Path) -> None:
    """A bad name in the file is NameInvalid, as if it were defined here."""
    text = "from tailorsecrets import define_secret_manager\ndefine_secret_manager({'A': {}})"
    with pytest.raises(NameInvalid, match="'A'"):
        load_config(write(tmp_path, text))
