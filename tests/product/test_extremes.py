"""Names and values at their limits, on every store, read back by another tool too."""

import pytest

from tailorsecrets.errors import TooLarge
from tailorsecrets.secret import Secret
from tailorsecrets.store.store import workspace_of
from tests.support.product.backend import Backend
from tests.support.product.deploying import deploy, plan, values
from tests.support.shell import Shell

LONG = "n" + "-0" * 30 + "-n"  # 63 characters that double where hyphens are escaped
NAMES = {"longest": "s" * 63, "doubling": LONG, "shortest": "0-0", "digits": "123"}
HOSTILE = {
    "empty": "",
    "blank": " \t ",
    "nul": "\x00",
    "newlines": "a\r\nb\n\rc\n",
    "byte-order-mark": "\ufeffmark",
    "four-bytes": "\N{MUSICAL SYMBOL G CLEF}",
    "our-escape": "tailorsecrets:=x",
    "json": '{"value": "x"}',
    "base64": "AAECAw==",
    "template": "${HOME} %(x)s {{x}}",
    "combining": "e\u0301 \u00e9 \u202e",
    "number": "007",
    "null": "null",
}


def test_names(backend: Backend) -> None:
    """Workspace, vault and secret may have 63 characters each, also if escaping doubles their length."""
    for vault in ("v" * 63, LONG):
        with backend.store(workspace=f"{backend.workspace}-{'w' * 63}"[:63]) as store:
            wanted = {vault: {name: Secret(f"value {label}") for label, name in NAMES.items()}}
            assert deploy(store, wanted).complete
            backend.backdoor.settle()
            assert values(store) == {f"{vault}/{name}": f"value {label}" for label, name in NAMES.items()}
            for label, name in NAMES.items():
                assert backend.backdoor.read(backend.native(store, vault, name)) == f"value {label}"
            assert plan(store, wanted).steps == ()


def test_neighbours(backend: Backend) -> None:
    """Vaults and workspaces whose names begin alike are distinguished."""
    with backend.store() as store, backend.store(workspace=f"{backend.workspace}-old") as other:
        assert deploy(store, {"api": {"key": Secret("one")}, "api-old": {"key": Secret("two")}}).complete
        assert deploy(other, {"api": {"key": Secret("three")}}).complete
        backend.backdoor.settle()
        assert values(store) == {"api/key": "one", "api-old/key": "two"}
        assert values(other) == {"api/key": "three"}
        assert deploy(store, {"api-old": {"key": Secret("two")}}).complete
        backend.backdoor.settle()
        assert (values(store), values(other)) == ({"api-old/key": "two"}, {"api/key": "three"})


def test_hostile_values(backend: Backend) -> None:
    """Every text is read unchanged, also by another tool, unless the store cannot hold it."""
    with backend.store() as store:
        wanted = {"vault": {name: Secret(text) for name, text in HOSTILE.items()}}
        assert deploy(store, wanted).complete
        assert store.get_all("vault", list(HOSTILE)) == list(HOSTILE.values())
        for name, text in HOSTILE.items():
            plain = "" if not workspace_of(store).escapes(Secret(text)) else "tailorsecrets:="
            assert backend.backdoor.read(backend.native(store, "vault", name)) == plain + text, name
        backend.backdoor.settle()
        assert plan(store, wanted).steps == ()


@pytest.mark.parametrize("letter", ["x", "\N{MUSICAL SYMBOL G CLEF}"])
def test_the_largest_value(backend: Backend, letter: str) -> None:
    """A value of just as many bytes as the store holds comes back; one byte more is refused before any call."""
    with backend.store() as store:
        size = len(letter.encode())
        largest = letter * (store.caps.max_bytes // size)
        assert deploy(store, {"vault": {"large": Secret(largest)}}).complete
        assert store.get("vault", "large") == largest
        before = len(backend.arrived())
        with pytest.raises(TooLarge, match="vault/large"):
            plan(store, {"vault": {"large": Secret(largest + letter)}})
        assert backend.since(before) == []


def test_a_value_by_command_line(shell: Shell) -> None:
    """A value from a pipe is read back unchanged, except for one newline at its end."""
    shell("secret", "vault", "create", "vault")
    octets = "\ufefföne\r\ntwo\x00\n\n".encode()
    done = shell("secret", "create", "-V", "vault", "-n", "piped", "--value-stdin", stdin=octets)
    assert done.code == 0, done.err
    assert shell("secret", "get", "-V", "vault", "-n", "piped").out.encode() == octets[:-1]
