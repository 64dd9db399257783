"""Reading at run time through a config's manager, from real stores: preloading, rotation by others, an outage."""

import subprocess

import pytest

from tailorsecrets import Secret, SecretManager, Unavailable, define_secret_manager
from tailorsecrets.targets.cache_settings import DEFAULTS
from tests.support.product.backend import Backend
from tests.support.shell import PROGRAM, Shell

NAMES = ("one", "two", "three")
PRELOADS = {"file": 1, "openbao-mounts": len(NAMES), "aws": 1}  # calls
RENEWED = DEFAULTS.ttl + DEFAULTS.grace


class Program:
    """A program that reads the three secrets of vault ``abc``, with a clock to move."""

    def __init__(self, backend: Backend) -> None:
        self.now = 1000.0
        self._backend = backend
        with backend.store() as store:
            store.create_vault("abc")
            for name in NAMES:
                store.create_secret("abc", name, Secret(f"value of {name}"))
        url = backend.url + ("&" if "?" in backend.url else "?") + "timeout=1"
        self.secrets: SecretManager = define_secret_manager({"abc": dict.fromkeys(NAMES)})
        self.secrets.connect(store=url, workspace=backend.workspace)
        self.secrets._cache.clock = lambda: self.now

    def calls(self, start: int) -> int:
        """Return how many calls have arrived at the store since there were *start*."""
        return len(self._backend.since(start))


@pytest.fixture
def program(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Return a program on the store, with the login in its environment."""
    for name, value in backend.environ.items():
        monkeypatch.setenv(name, value)
    return Program(backend)


@pytest.mark.parametrize("backend", sorted(PRELOADS), indirect=True)
def test_a_program_lives_through_a_rotation_and_an_outage(
    request: pytest.FixtureRequest, backend: Backend, program: Program, shell: Shell
) -> None:
    """Preloading is the least calls, reads then are none; a rotation is seen in time, and an outage is bridged."""
    secrets, one = program.secrets, ("abc", "one")
    start = len(backend.arrived())
    secrets.preload()
    assert secrets.get_all("abc", NAMES) == [f"value of {name}" for name in NAMES]
    assert program.calls(start) == PRELOADS[request.node.callspec.params["backend"]]

    rotate(shell, "second")
    assert [secrets.get(*one), secrets.get(*one, max_age=0), secrets.get(*one)] == ["value of one", "second", "second"]

    rotate(shell, "third")
    program.now += RENEWED
    assert secrets.get(*one) == "third"

    rotate(shell, "fourth")  # not seen yet: the file, unchanged, would be answered without being opened
    backend.backdoor.unreachable()
    program.now += RENEWED
    bridged = secrets.read(*one)
    assert (bridged.value, bridged.stale, bridged.age) == ("third", True, RENEWED)
    program.now += DEFAULTS.max_stale - RENEWED - 1
    assert secrets.get(*one) == "third"
    with pytest.raises(Unavailable):
        secrets.get(*one, max_age=0)
    program.now += 1
    with pytest.raises(Unavailable):
        secrets.get(*one)

    backend.backdoor.recover()
    program.now += 60
    assert secrets.get(*one) == "fourth"
    secrets.close()


def rotate(shell: Shell, value: str) -> None:
    """Write a new value of ``one`` in another process, with the command line."""
    argv = [PROGRAM, "secret", "update", "-V", "abc", "-n", "one", "--value-stdin"]
    subprocess.run(argv, cwd=shell.folder, env=shell.environ, input=value.encode(), capture_output=True, check=True)
