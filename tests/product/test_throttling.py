"""Deploying and reading while the store refuses calls as too many, on every store that ever does."""

import pytest

from tailorsecrets import Store, open_store
from tailorsecrets.deploy.apply import apply
from tailorsecrets.errors import Throttled, Unavailable
from tests.support.product.backend import Backend
from tests.support.product.backends import BACKENDS
from tests.support.product.deploying import Vaults, deploy, many, plan, values
from tests.support.shell import Shell

FEW = 3  # calls that are refused one after the other
FOREVER = 10**9
SECONDS = 0.5  # of patience for a read; four times that for a write
REFUSED = {Throttled, Unavailable}  # the latter where a write of several calls came through with the first
EVERYWHERE = pytest.mark.parametrize("backend", sorted(set(BACKENDS) - {"file"}), indirect=True)


def impatient(url: str) -> str:
    """Return *url* with little time for each call."""
    return f"{url}{'&' if '?' in url else '?'}timeout={SECONDS}"


def hasty(backend: Backend) -> Store:
    """Open the workspace as a program does that has little time."""
    return open_store(impatient(backend.url), backend.workspace, environ=backend.environ)


def plain(wanted: Vaults) -> dict[str, str]:
    """Return the texts of *wanted*, made by ``many``."""
    return {f"{vault}/{name}": f"value of {name}" for vault, secrets in wanted.items() for name in secrets}


def calls(backend: Backend, workspace: str, wanted: Vaults, *, refused: int) -> int:
    """Apply *wanted* while *refused* calls are refused, and return how many arrive."""
    with backend.store(workspace) as store:
        made = plan(store, wanted)
        before = len(backend.arrived())
        backend.backdoor.throttle(refused)
        assert apply(made, store).complete
    return len(backend.since(before))


@EVERYWHERE
def test_refusals_that_end(backend: Backend) -> None:
    """While some calls are refused, applying, reading and planning go through, and nothing is written twice."""
    wanted = many(4)
    usual = calls(backend, f"{backend.workspace}-calm", wanted, refused=0)
    arrived = calls(backend, backend.workspace, wanted, refused=FEW)
    assert backend.repeats or arrived >= usual + FEW
    backend.backdoor.settle()
    with backend.store() as store:
        backend.backdoor.throttle(FEW)
        assert values(store) == plain(wanted)
        assert [len(store.history(vault, name)) for vault in wanted for name in wanted[vault]] == [1, 1, 1, 1]
        backend.backdoor.throttle(FEW)
        assert plan(store, wanted).steps == ()


@EVERYWHERE
def test_refusals_without_end(backend: Backend) -> None:
    """An apply that is refused halfway ends in time and reports what was done; a rerun does the rest."""
    wanted = many(24)
    with backend.store() as store, hasty(backend) as hurried:
        made: list[None] = []

        def refuse() -> None:
            made.append(None)
            if len(made) > len(wanted):  # the vaults come first
                backend.backdoor.throttle(FOREVER)

        report = apply(plan(store, wanted), hurried, progress=refuse)
        backend.backdoor.recover()
        backend.backdoor.settle()
        assert report.failed
        assert report.left
        assert {type(error) for _, error in report.failed} <= REFUSED
        done = {f"{step.place.vault}/{step.place.secret}" for step in report.done if step.place.secret}
        assert done <= set(values(store)) < set(plain(wanted))
        assert deploy(store, wanted).complete
        backend.backdoor.settle()
        assert values(store) == plain(wanted)


@EVERYWHERE
def test_refusals_by_command_line(backend: Backend, shell: Shell) -> None:
    """A command that is refused to the end says so in one line, and changes nothing."""
    shell.declare('{"api-keys": {"stripe": "sk_live_1"}}')
    hurried = shell.having({"TAILORSECRETS_STORE": impatient(backend.url)})
    backend.backdoor.throttle(FOREVER)
    for command in (("apply",), ("secret", "get", "-V", "api-keys", "-n", "stripe")):
        done = hurried(*command, "--json")
        assert (done.code, done.error["code"], "sk_live" in done.err) == (1, "THROTTLED", False)
    backend.backdoor.recover()
    assert shell("apply").code == 0
    assert shell("secret", "get", "-V", "api-keys", "-n", "stripe").out == "sk_live_1"
