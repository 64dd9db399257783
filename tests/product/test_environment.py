"""Secrets into and out of the environment, on every store: import, export, run, inject."""

from tests.support.product.backend import Backend, writes
from tests.support.shell import Shell

FILE = b"API_KEY='one'\nDATABASE_URL=\"two\\nlines\"\nEMPTY_KEY=\n"
VALUES = {"ABC_API_KEY": "one", "ABC_DATABASE_URL": "two\nlines", "ABC_EMPTY_KEY": ""}


def test_in_and_out(backend: Backend, shell: Shell) -> None:
    """Imported values are unchanged in an export, a command and a template; importing them again writes nothing."""
    done = shell("import", "-", "-V", "abc", stdin=FILE)
    assert (done.code, done.out.splitlines()[-1]) == (0, "Plan: 4 to create, 0 to update, 0 to delete"), done.err
    assert shell("export", "--format", "json", *maps()).data == VALUES
    ran = shell("run", *maps(), "--", "sh", "-c", 'echo "$ABC_API_KEY<$ABC_EMPTY_KEY>$ABC_DATABASE_URL"')
    assert (ran.code, ran.out) == (0, "one<>two\nlines\n")
    assert shell("inject", "-", stdin=b"{{ ts://abc/database-url }}!").out == "two\nlines!"
    start = len(backend.arrived())
    assert shell("import", "-", "-V", "abc", stdin=FILE).code == 0
    assert writes(backend.since(start)) == []


def maps() -> list[str]:
    """Return the options that name the secrets: lists of some stores lag."""
    names = ("api-key", "database-url", "empty-key")
    return [f"--map=ABC_{name.upper().replace('-', '_')}=abc/{name}" for name in names]
