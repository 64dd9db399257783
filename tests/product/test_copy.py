"""copy and rotate through the command line, on every store."""

from tests.support.product.backend import Backend, writes
from tests.support.shell import Shell

VALUES = {
    "empty": "",
    "escaped": "tailorsecrets:=x",
    "lines": "one\r\ntwo\n\n",
    "signs": "\ufeffé€😀\0",
}


def url(backend: Backend, workspace: str) -> str:
    """Return the URL of the store with another workspace in it."""
    return f"{backend.url}{'&' if '?' in backend.url else '?'}workspace={workspace}"


def test_there_and_back(backend: Backend, shell: Shell) -> None:
    """From the store to a file, and from the file to another workspace of the store: equal, with the owner.

    The same config then has nothing to do there, and a second copy writes nothing.
    """
    shell.declare(repr({"api-keys": VALUES}))
    assert shell("apply", "--yes").code == 0
    backend.backdoor.settle()
    here, there, aside = url(backend, backend.workspace), url(backend, f"{backend.workspace}-2"), "file:aside.jsonl"
    assert shell("init", "--store", aside).code in {0, 1}
    for sides in ((here, f"{aside}?workspace=default"), (f"{aside}?workspace=default", there)):
        done = shell("copy", *sides, "--yes")
        assert done.code == 0, done.err
        backend.backdoor.settle()
    with backend.store(f"{backend.workspace}-2") as store:
        assert {name: store.get("api-keys", name) for name in VALUES} == VALUES
    count = len(backend.arrived())
    again = shell("copy", f"{aside}?workspace=default", there)
    assert (again.code, "nothing to copy" in again.err) == (0, True), again.err
    assert writes(backend.since(count)) == []
    other = shell.having({"TAILORSECRETS_WORKSPACE": f"{backend.workspace}-2"})
    assert other("plan", "--detailed-exitcode").code == 0


def test_rotate(backend: Backend, shell: Shell) -> None:
    """The secret has a new value, its vault keeps its owner, and the previous value is the second version."""
    shell.declare('{"sessions": {"signing-key": generate(48), "pin": "1234"}}')
    assert shell("apply", "--yes").code == 0
    backend.backdoor.settle()
    with backend.store() as store:
        before = store.get("sessions", "signing-key")
    done = shell("rotate", "sessions/signing-key", "--yes")
    assert done.code == 0, done.err
    backend.backdoor.settle()
    with backend.store() as store:
        assert store.get("sessions", "signing-key") not in {before, None}
        second = store.history("sessions", "signing-key")[1]
        assert store.read("sessions", "signing-key", second.version).value.reveal() == before
    assert shell("plan", "--detailed-exitcode").code == 0
