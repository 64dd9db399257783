"""``init`` and ``generate``: the starter config, the types module and the store."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shell import STORE, Shell


def test_what_init_makes(empty: Shell) -> None:
    """Init writes a config, its types module and the default store, and names the next steps."""
    done = empty("init")
    assert done.code == 0
    assert done.err.startswith(f"init -> {STORE}, workspace default\n")
    assert f"wrote {empty.folder / 'tailor_config.py'} and tailor_config_types.py\n" in done.err
    assert all(word in done.err for word in ("tailorsecrets apply", ".env", "git"))
    assert f" the store file {empty.folder / STORE.removeprefix('file:')}" in done.err
    for name in ("tailor_config.py", "tailor_config_types.py", STORE.removeprefix("file:")):
        assert (empty.folder / name).is_file()
    assert empty("secret", "vault", "list", "--json").data == []


def test_the_starter_config_applies(empty: Shell) -> None:
    """The starter loads; apply names the variable to set, and works when it is set."""
    empty("init")
    assert "environment variable EXAMPLE_API_KEY" in empty("apply").err
    assert empty("apply", EXAMPLE_API_KEY="x").code == 0
    assert empty.value("api-keys", "example-api-key") == "x"
    assert empty("generate", "--check").code == 0


def test_every_starter_has_its_own_id(tmp_path: Path) -> None:
    """The id in the starter is new each time."""
    texts = []
    for name in ("one-app", 'odd "name"'):
        folder = tmp_path / name
        folder.mkdir()
        assert Shell(folder)("init").code == 0
        texts.append((folder / "tailor_config.py").read_text())
    lines = [next(line for line in text.splitlines() if "id=" in line) for text in texts]
    assert lines[0] != lines[1]
    assert 'name="one-app"' in texts[0]


def test_init_overwrites_nothing(empty: Shell) -> None:
    """An existing config is not changed, and a note says so; a missing store is made."""
    empty.declare("{}")
    before = (empty.folder / "tailor_config.py").read_text()
    done = empty("init")
    assert done.code == 0
    assert "is not changed" in done.err
    assert (empty.folder / "tailor_config.py").read_text() == before
    assert (empty.folder / STORE.removeprefix("file:")).is_file()


def test_init_twice(empty: Shell) -> None:
    """A second init changes nothing."""
    assert empty("init", "--json").data == {"changed": True, "workspaceId": "default", "name": "tailor_config.py"}
    before = {path: path.read_bytes() for path in empty.folder.glob("*.py")}
    assert empty("init", "--json").data["changed"] is False
    assert "\nthe store is not changed\n" in empty("init").err
    assert {path: path.read_bytes() for path in empty.folder.glob("*.py")} == before


def test_init_below_a_config(empty: Shell) -> None:
    """In a folder below another app, init makes the files of a new app there, and names the config that it hides."""
    empty.declare("{}")
    below = Shell(empty.folder / "sub")
    below.folder.mkdir()
    done = below("init")
    config = below.folder / "tailor_config.py"
    assert done.code == 0
    assert f"note: in this folder and below, {config} hides {empty.folder / 'tailor_config.py'}\n" in done.err
    assert config.is_file()
    assert (below.folder / STORE.removeprefix("file:")).is_file()
    assert [path.name for path in empty.folder.glob("*tailor*")] == ["tailor_config.py"]
    assert "hides" in below("init").err


def test_init_names_no_hidden_config(empty: Shell) -> None:
    """Where no config is above, or one is named, nothing is hidden."""
    assert "hides" not in empty("init").err
    (empty.folder / "sub").mkdir()
    below = Shell(empty.folder / "sub")
    assert "hides" not in below("init", "--config", "../tailor_config.py").err
    assert "hides" not in below("init", TAILORSECRETS_CONFIG="../tailor_config.py").err
    assert [path.name for path in below.folder.iterdir() if path.name != ".config"] == []


def test_a_home_that_cannot_be_written(empty: Shell) -> None:
    """Where the key folder cannot be made, the error names it, and does not say that the store does not exist."""
    done = empty("init", XDG_CONFIG_HOME="/proc/nowhere")
    assert done.code == 1
    assert "STORE_NOT_FOUND" not in done.err
    assert "does not exist" not in done.err
    assert "/proc/nowhere" in done.err


def test_init_with_another_store_and_config(empty: Shell) -> None:
    """--store and --config choose the files to make."""
    assert empty("init", "--store", "file:dev.jsonl", "-c", "dev_config.py").code == 0
    assert (empty.folder / "dev.jsonl").is_file()
    assert (empty.folder / "dev_config.py").is_file()
    assert not (empty.folder / ".tailorsecrets").exists()


def test_init_under_a_read_profile(empty: Shell) -> None:
    """A profile that may only read makes nothing."""
    (empty.folder / "tailorsecrets.toml").write_text('[profiles.ro]\npermission = "read"\n')
    assert empty("init", "-p", "ro", "--json").error["code"] == "PROFILE_READ_ONLY"
    assert not (empty.folder / "tailor_config.py").exists()


@pytest.mark.parametrize("command", ["init", "generate"])
def test_a_folder_that_takes_nothing(empty: Shell, command: str) -> None:
    """A file that cannot be written is an error of one line."""
    done = empty(command, "--config", "/proc/tailor_config.py")
    assert (done.code, "[OUTPUT_FAILED]" in done.err or "[CONFIG_NOT_FOUND]" in done.err) == (1, True)


def test_generate(managed: Shell) -> None:
    """Generate writes the module, once; --check is content with it until the config changes."""
    path = managed.folder / "tailor_config_types.py"
    assert managed("generate", "--check", "--json").error["code"] == "TYPES_STALE"
    assert not path.exists()
    assert managed("generate", "--json").data["changed"] is True
    assert managed("generate", "--json").data["changed"] is False
    assert managed("generate", "--check").code == 0
    assert runpy.run_path(str(path))["Secrets"].__name__ == "SecretManager"
    managed.declare('{"api-keys": {"other-key": "x"}}')
    done = managed("generate", "--check")
    assert done.code == 1
    assert "tailorsecrets generate" in done.err
    assert sorted(entry.name for entry in managed.folder.glob("*types*")) == [path.name]


def test_generate_where_the_config_needs_it(empty: Shell) -> None:
    """A config that imports the module can still be generated from when it was lost, and apply says how."""
    empty("init")
    (empty.folder / "tailor_config_types.py").unlink()
    words = [sys.executable, "-c", "import sys; from tailorsecrets.cli import main; sys.exit(main())"]
    lost = subprocess.run([*words, "apply"], cwd=empty.folder, capture_output=True, text=True, check=False)
    assert lost.returncode == 1
    assert "hint: run: tailorsecrets generate" in lost.stderr
    assert empty("generate").code == 0
    assert empty("generate", "--check").code == 0


@pytest.mark.parametrize("command", ["apply", "remove", "generate"])
def test_no_config(empty: Shell, command: str) -> None:
    """Without a config the error names init; a named one that is missing is named."""
    error = empty(command, "--json").error
    assert (error["code"], "tailorsecrets init" in error["suggestion"]) == ("CONFIG_NOT_FOUND", True)
    error = empty(command, "--json", "--config", "none.py").error
    assert (error["code"], "none.py" in error["message"]) == ("CONFIG_NOT_FOUND", True)


def test_what_a_config_prints_is_talk(managed: Shell) -> None:
    """A config that prints does not change the JSON on stdout."""
    path = managed.folder / "tailor_config.py"
    path.write_text("print('hello')\n" + path.read_text())
    done = managed("apply", "-d", "--json", STRIPE_KEY="x")
    assert done.data["summary"]["update"] == 1
    assert "hello" in done.err
